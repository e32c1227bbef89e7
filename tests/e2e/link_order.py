#!/usr/bin/env python3
"""Writes first.ld: which code of the program comes first, since it runs in every server.

    tests/.venv/bin/python crates/rolecall/link/renew.py

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
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SCRIPT = HERE / "first.ld"
START_SECONDS = 120
# A name stands for all functions that only differ in types: it is worth its place if this share of their code ran.
NAME_SHARE = 0.05
# A crate is taken whole if this share of its code ran.
CRATE_SHARE = 0.5
# Made up, for a server that lives as long as this script.
ROOT_KEYS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

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
    """What valgrind notes of a server's start, the lab on it, and its end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*free.getsockname())
    noted = where / "callgrind.out"
    command = ["valgrind", "--tool=callgrind", "--dump-instr=yes", "--compress-pos=no", "--compress-strings=no",
               f"--callgrind-out-file={noted}",
               str(program), "serve", "--listen", address, "--data", str(where / "data")]
    environment = os.environ | {"ROLECALL_ROOT_ACCESS_KEY_ID": ROOT_KEYS[0],
                                "ROLECALL_ROOT_SECRET_ACCESS_KEY": ROOT_KEYS[1]}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://{address}/health", server)
        lab(f"http://{address}")
    finally:
        server.terminate()
        server.wait()
    return noted.read_text()


def wait_for(health: str, server: subprocess.Popen) -> None:
    """Until the server answers."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(health, timeout=START_SECONDS).close()
            return
        except (urllib.error.URLError, ConnectionError):
            if server.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.1)


def lab(endpoint: str) -> None:
    """Declare, assume, verify: what every server does, a denial among it."""
    def client(service: str, keys: tuple[str, ...]):
        return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=keys[0],
                            aws_secret_access_key=keys[1], aws_session_token=(keys + (None,))[2])

    iam = client("iam", ROOT_KEYS)
    client("s3", ROOT_KEYS).create_bucket(Bucket="reports")
    user = iam.create_user(UserName="ada")["User"]["Arn"]
    trust = f"""{{"Version": "2012-10-17", "Statement": [
        {{"Effect": "Allow", "Principal": {{"AWS": "{user}"}}, "Action": "sts:AssumeRole"}}]}}"""
    may_list = """{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}"""
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    policy = iam.create_policy(PolicyName="may-list", PolicyDocument=may_list)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="reader", PolicyArn=policy)
    iam.get_role(RoleName="reader")
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    ada = (key["AccessKeyId"], key["SecretAccessKey"])
    try:
        client("s3", ada).list_buckets()
        raise SystemExit("the user was not denied")
    except ClientError as denied:
        assert denied.response["Error"]["Code"] == "AccessDenied", denied
    session = client("sts", ada).assume_role(RoleArn=role, RoleSessionName="lab")["Credentials"]
    reader = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    client("sts", reader).get_caller_identity()
    assert client("s3", reader).list_buckets()["Buckets"][0]["Name"] == "reports"


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
    lines = ["/* Generated by renew.py: the code that runs in every server. Not to be edited. */",
             "SECTIONS", "{", "  .text.first :", "  {"]
    for group in sorted(groups, key=lambda one: (one == "*", one)):
        lines += [f"    {group}(", *(f"      {name}" for name in groups[group]), "    )"]
    lines += ["  }", "}", "INSERT BEFORE .text;"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
