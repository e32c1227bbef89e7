"""The lab by AWS's SDK for JavaScript."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import lab
from harness.process import ACCOUNT, Server

FOLDER = Path(__file__).parent / "js"


def test_the_lab(own_server: Server) -> None:
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").exists():
        pytest.skip("Node or its packages are not installed (tests/e2e/install.py says why)")
    done = subprocess.run([node, "lab.mjs"], cwd=FOLDER, env=own_server.client_environment(own_server.root),
                          text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["roles"] == [lab.ROLE]
    assert (report["missing"]["code"], report["missing"]["status"]) == ("NoSuchEntityException", 404)
    assert report["missing"]["message"] == "The role with name nobody cannot be found."
    assert report["user"] == lab.USER_ARN
    assert (report["denied"]["code"], report["denied"]["status"]) == ("AccessDenied", 403)
    assert re.search("because no identity-based policy allows the s3:ListAllMyBuckets action",
                     report["denied"]["message"])
    assert report["session"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/JavaScript"
    assert report["provided"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/by-provider"
    assert report["buckets"] == ["lab-first"]
    assert report["object"] == "from JavaScript"
    assert (report["wrong"]["code"], report["wrong"]["status"]) == ("SignatureDoesNotMatch", 403)
    assert (report["tampered"]["code"], report["tampered"]["status"]) == ("InvalidClientTokenId", 403)
