"""crates/rolecall/link/first.ld: which code of the program comes first, since it runs in every server.

    tests/.venv/bin/python tests/e2e/link_order.py

A server uses some two megabytes of the program's twenty. Where they lie among the others, nearly every page that
the kernel maps has some of them; side by side they take a fifth of the memory, and a start waits for fewer pages.
This builds the release, runs the lab on it under valgrind, and writes down which functions ran: by the crate whose
object they are in and by their name without its hash, so that the list holds for other compilers and for later
states of the code. What it doesn't name is linked as ever; what it names and is gone is passed over.
"""

from __future__ import annotations

import bisect
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from harness import lab
from harness.clients import ROOT, Aws, refused
from harness.process import Server

SCRIPT = ROOT / "crates/rolecall/link/first.ld"
# A name stands for all functions that only differ in types: it is worth its place if this share of their code ran.
NAME_SHARE = 0.05
# A crate is taken whole if this share of its code ran.
CRATE_SHARE = 0.5

SECTION = re.compile(r"\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+ {9}(\S.*):\((\.text\S*)\)$")
HASH = re.compile(r"17h[0-9a-f]{16}E.*$")
CRATE_OBJECT = re.compile(r"\.(\w+)\.[0-9a-f]{16}-cgu\.\d+\.rcgu\.o")
ARCHIVE_MEMBER = re.compile(r"\.(?:a|rlib)\((?:[0-9a-f]{16}-)?(.*\.o)\)$")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        program, linked = build(where)
        ran = addresses(trace(program, where), program)
    script = render(chosen(sections(linked), ran))
    SCRIPT.write_text(script)
    print(f"{SCRIPT.relative_to(ROOT)}: {script.count('.text')} patterns")
    return 0


def build(where: Path) -> tuple[Path, str]:
    """The program with its symbols and in the order of its objects, and the linker's map of it."""
    link_map = where / "rolecall.map"
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    subprocess.run(
        ["cargo", "rustc", "--release", "--package", "rolecall", "--bin", "rolecall", "--",
         "-C", "strip=none", "-C", f"link-arg=-Wl,-Map={link_map}"],
        cwd=ROOT, env=os.environ | {"CARGO_TARGET_DIR": str(target), "ROLECALL_LINK": "plain"}, check=True)
    program = where / "rolecall"
    program.write_bytes((target / "release/rolecall").read_bytes())
    program.chmod(0o755)
    return program, link_map.read_text()


def trace(program: Path, where: Path) -> str:
    """What valgrind notes of a server's start, the lab on it, a denial among it, and its end."""
    noted = where / "callgrind.out"
    os.environ["ROLECALL_BIN"] = str(program)
    server = Server(where, within=("valgrind", "--tool=callgrind", "--dump-instr=yes", "--compress-pos=no",
                                   "--compress-strings=no", f"--callgrind-out-file={noted}")).start()
    try:
        root = Aws(server, server.root)
        user = lab.declare(root)
        root.iam.get_role(RoleName=lab.ROLE)
        with refused("AccessDenied"):
            user.s3.list_buckets()
        session = user.assume(lab.ROLE_ARN)
        session.arn()
        session.s3.list_buckets()
        server.stop()
    finally:
        server.kill()
    return noted.read_text()


def addresses(noted: str, program: Path) -> list[int]:
    """Of the program's instructions that ran, in order."""
    ran: set[int] = set()
    ours = False
    for line in noted.splitlines():
        if line.startswith("ob="):
            ours = line == f"ob={program}"
        elif ours and line.startswith("0x"):
            ran.add(int(line.split(" ", 1)[0], 16))
    assert ran, "valgrind noted nothing of the program"
    return sorted(ran)


def sections(link_map: str) -> list[tuple[int, int, str, str]]:
    """Address, size, object and name of each section of code."""
    found = filter(None, map(SECTION.match, link_map.splitlines()))
    return [(int(one[1], 16), int(one[2], 16), one[3], one[4]) for one in found]


def chosen(linked: list[tuple[int, int, str, str]], ran: list[int]) -> dict[str, list[str]]:
    """The patterns of sections by the pattern of their objects."""
    size: dict[tuple[str, str], int] = defaultdict(int)
    used: dict[tuple[str, str], int] = defaultdict(int)
    for address, length, owner, name in linked:
        pattern = (objects(owner), nameless(name))
        size[pattern] += length
        if bisect.bisect_left(ran, address) < bisect.bisect_left(ran, address + length):
            used[pattern] += length
    groups: dict[str, list[str]] = defaultdict(list)
    for group in {group for group, _ in used}:
        names = [pattern for pattern in size if pattern[0] == group]
        share = sum(used[pattern] for pattern in names) / sum(size[pattern] for pattern in names)
        if group != "*" and share >= CRATE_SHARE:
            groups[group] = [".text", ".text.*"]
            continue
        kept = sorted(name for _, name in names if used[group, name] > NAME_SHARE * size[group, name])
        if kept:
            groups[group] = kept
    return groups


def objects(owner: str) -> str:
    """The pattern of the objects of a crate, or of one object of a library in C."""
    crate = CRATE_OBJECT.search(owner)
    if crate:
        return f"*.{crate[1]}.*"
    member = ARCHIVE_MEMBER.search(owner)
    return f"*{member[1]}" if member else "*"


def nameless(section: str) -> str:
    """The pattern of a section's name for any compiler."""
    plain = re.sub(r"\.llvm\.\d+$", "*", HASH.sub("17h*", section))
    return re.sub(r"Cs[0-9A-Za-z]+_", "Cs*_", plain) if "._R" in plain else plain


def render(groups: dict[str, list[str]]) -> str:
    lines = ["/* Generated by tests/e2e/link_order.py: the code that runs in every server. Not to be edited. */",
             "SECTIONS", "{", "  .text.first :", "  {"]
    for group in sorted(groups, key=lambda one: (one == "*", one)):
        lines += [f"    {group}(", *(f"      {name}" for name in groups[group]), "    )"]
    lines += ["  }", "}", "INSERT BEFORE .text;"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
