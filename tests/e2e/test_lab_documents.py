"""The tutorials as a reader follows them: every block is run, and prints what the page says.

A block `sh` runs in the reader's shell, `sh server` in its first terminal; a block `text` is what the block
before it prints, where `…` stands for anything within a line. A block whose text is an error must fail.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.clients import ROOT, cli
from harness.process import READY_SECONDS, clean_environment, program

PAGES = ["lab.md", "lab.zh-TW.md"]
FENCE = re.compile(r"^```(\S+)?(?: (\w+))?\n(.*?)^```$", re.M | re.S)
ERROR = re.compile("An error occurred|AccessDenied")


@dataclass
class Block:
    """What is run, and what it prints."""

    script: str
    place: str
    prints: str | None = None

    @property
    def fails(self) -> bool:
        return bool(self.prints and ERROR.search(self.prints))


def blocks_of(page: str) -> list[Block]:
    blocks: list[Block] = []
    for language, place, text in FENCE.findall((ROOT / "docs" / page).read_text()):
        assert language in ("sh", "text"), f"{page}: a block of {language!r}"
        if language == "sh":
            blocks.append(Block(text, place or "reader"))
        else:
            assert blocks[-1].prints is None, f"{page}: two outputs for one block"
            blocks[-1].prints = text
    return blocks


def pattern_of(printed: str) -> str:
    return "[^\n]*".join(re.escape(part) for part in printed.strip().split("…"))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_block_does_what_the_page_says(version: str, tmp_path: Path) -> None:
    tools, work = tmp_path / "tools", tmp_path / "work"
    for folder in (tools, work):
        folder.mkdir()
    (tools / "aws").symlink_to(cli(version).program)
    (tools / "rolecall").symlink_to(program())
    env = clean_environment(tmp_path)
    env |= {"PATH": f"{tools}{os.pathsep}{env['PATH']}", "ROLECALL_LISTEN": "127.0.0.1:0"}
    blocks = blocks_of(PAGES[0])  # The other page has the same ones, which the next test asserts.
    [server] = [block for block in blocks if block.place == "server"]
    with (work / "server.log").open("wb") as log:
        # No shell in between, so that ending it ends the server.
        process = subprocess.Popen(shlex.split(server.script), cwd=work, env=env, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)
    try:
        await_endpoint(work, process)
        follow([block for block in blocks if block is not server], work, env)
    finally:
        process.terminate()
        assert process.wait(READY_SECONDS) == 0


def await_endpoint(work: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not (work / "rolecall-data/endpoint").exists():
        assert process.poll() is None and time.monotonic() < deadline, (work / "server.log").read_text()
        time.sleep(0.01)


def follow(blocks: list[Block], work: Path, env: dict[str, str]) -> None:
    """All of them in one shell, as variables and functions of one are used by the next."""
    script = ["set -E"]
    for number, block in enumerate(blocks):
        script.append(f"trap 'echo \"$BASH_COMMAND\" >>../failed.{number}' ERR\n"
                      f"{{\n{block.script}}} >../printed.{number} 2>&1")
    subprocess.run(["bash", "-c", "\n".join(script)], cwd=work, env=env, stdin=subprocess.DEVNULL,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280)
    for number, block in enumerate(blocks):
        check(block, (work.parent / f"printed.{number}").read_text(),
              (work.parent / f"failed.{number}").exists())


def check(block: Block, printed: str, failed: bool) -> None:
    assert failed == block.fails, f"{'failed' if failed else 'did not fail'}:\n{block.script}\n{printed}"
    if block.prints is not None:
        assert re.fullmatch(pattern_of(block.prints), printed.strip()), f"{block.script}\nprinted:\n{printed}"


def test_both_tutorials_run_the_same_commands() -> None:
    english, chinese = ([(one.script, one.prints) for one in blocks_of(page)] for page in PAGES)
    assert english == chinese


def test_every_page_of_the_book_is_there() -> None:
    summary = (ROOT / "docs/SUMMARY.md").read_text()
    named = set(re.findall(r"\]\(([^)]+\.md)\)", summary))
    assert {name for name in named if not (ROOT / "docs" / name).is_file()} == set()
    present = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")} - {"SUMMARY.md"}
    assert present - named == set(), "pages that no reader finds"


def test_links_lead_somewhere() -> None:
    """Those of every page to pages, files and headings of the repository; not those to other hosts."""
    broken, looked_at = [], 0
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in ("README.md", "SECURITY.md", "ARCHITECTURE.md"))]
    for page in pages:
        for target in LINK.findall(without_code(page.read_text())):
            if "://" in target or target.startswith("mailto:"):
                continue
            looked_at += 1
            path, _, anchor = target.partition("#")
            file = page.parent / path if path else page
            if not file.exists() or (anchor and anchor not in anchors_of(file)):
                broken.append(f"{page.relative_to(ROOT)} links to {target}")
    assert broken == [] and looked_at > 50


def test_anchors_are_those_of_the_book() -> None:
    assert anchor_of("What keeps secrets out of the log") == "what-keeps-secrets-out-of-the-log"
    assert anchor_of("`decide`, and [more](x.md)") == "decide-and-more"
    assert anchor_of("4. 手動切換") == "4-手動切換"


LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)")
HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.M)


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$|^    [^\n]*$|`[^`\n]*`", "", text, flags=re.M | re.S)


def anchor_of(heading: str) -> str:
    """As mdBook and GitHub make them: in lower case, spaces as dashes, and no other punctuation."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


def anchors_of(file: Path) -> set[str]:
    text = re.sub(r"^```.*?^```$", "", file.read_text(), flags=re.M | re.S)
    return {anchor_of(heading) for heading in HEADING.findall(text)}
