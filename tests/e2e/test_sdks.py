"""The lab by AWS's SDKs for JavaScript and for Rust: each runs a program of its own that tells what happened."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import lab
from harness.process import ACCOUNT, Server, program

FOLDER = Path(__file__).parent


def by_javascript() -> list[str]:
    node = shutil.which("node")
    if node is None or not (FOLDER / "js/node_modules").exists():
        pytest.skip("Node or its packages are not installed (tests/e2e/install.py says why)")
    return [node, str(FOLDER / "js/lab.mjs")]


def by_rust() -> list[str]:
    """`./test` builds it beside the program."""
    built = Path(program()).with_name("rust-sdk-lab")
    assert built.exists(), "cargo build --bin rust-sdk-lab, into the folder of the program"
    return [str(built)]


@pytest.mark.parametrize(("sdk", "name", "no_role"), [
    (by_javascript, "JavaScript", "NoSuchEntityException"), (by_rust, "Rust", "NoSuchEntity")])
def test_the_lab(own_server: Server, sdk, name: str, no_role: str) -> None:
    done = subprocess.run(sdk(), cwd=FOLDER, env=own_server.client_environment(own_server.root),
                          text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["roles"] == [lab.ROLE]
    assert (report["missing"]["code"], report["missing"]["status"]) == (no_role, 404)
    assert report["missing"]["message"] == "The role with name nobody cannot be found."
    assert report["user"] == lab.USER_ARN
    assert (report["denied"]["code"], report["denied"]["status"]) == ("AccessDenied", 403)
    assert re.search("because no identity-based policy allows the s3:ListAllMyBuckets action",
                     report["denied"]["message"])
    assert report["session"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/{name}"
    assert report["provided"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/by-provider"
    assert report["buckets"] == ["lab-first"]
    assert report["object"] == f"from {name}"
    assert (report["wrong"]["code"], report["wrong"]["status"]) == ("SignatureDoesNotMatch", 403)
    assert (report["tampered"]["code"], report["tampered"]["status"]) == ("InvalidClientTokenId", 403)
