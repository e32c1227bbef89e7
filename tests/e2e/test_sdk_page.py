"""The page on SDKs: its programs are run word for word."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import lab
from harness.clients import ROOT, Aws, allow, refused
from harness.process import ACCOUNT, Server

NODE_MODULES = Path(__file__).parent / "js/node_modules"


def program_in(language: str) -> str:
    [text] = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "docs/sdks.md").read_text(), re.M | re.S)
    return text


@pytest.fixture(scope="module")
def user(root: Aws) -> Aws:
    made = root.user(lab.USER, allow("sts:AssumeRole", lab.ROLE_ARN), allow("iam:GetRole", lab.ROLE_ARN),
                     Path=lab.USER_PATH)
    root.iam.create_role(RoleName=lab.ROLE, AssumeRolePolicyDocument=lab.TRUST)
    root.iam.put_role_policy(RoleName=lab.ROLE, PolicyName="s3", PolicyDocument=lab.MANAGED)
    for bucket in lab.BUCKETS:
        root.s3.create_bucket(Bucket=bucket)
    return made


def printed(command: list[str], user: Aws, server: Server, folder: Path) -> list[str]:
    done = subprocess.run(command, cwd=folder, env=server.client_environment(user.credentials), text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_boto3(user: Aws, server: Server, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(program_in("python"))
    assert printed([sys.executable, "program.py"], user, server, tmp_path) == [
        lab.USER_ARN, f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/by-hand", lab.ROLE_ARN]


def test_javascript(user: Aws, server: Server, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not NODE_MODULES.exists():
        pytest.skip("Node or its packages are not installed (tests/e2e/install.py says why)")
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "program.mjs").write_text(program_in("javascript"))
    assert printed([node, "program.mjs"], user, server, tmp_path) == [
        f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/by-provider", " ".join(lab.BUCKETS)]


def test_what_the_cdk_asks_for_is_said_not_to_be_built(user: Aws) -> None:
    with refused("NotImplemented", re.compile("The service cloudformation is not built"), status=400):
        user.client("cloudformation").list_stacks()
