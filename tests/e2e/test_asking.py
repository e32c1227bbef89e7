"""Questions about an account: the pages about them, and the commands against a server, files and bad input."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from harness.clients import ROOT, Aws, allow, deny, document, trust
from harness.process import ACCOUNT, Server, clean_environment, program, rolecall
from test_lab_documents import FENCE, Block, follow

ARN = f"arn:aws:iam::{ACCOUNT}"


def runnable(page: str) -> list[Block]:
    """The blocks of a page that are run; those in other languages only show something."""
    blocks: list[Block] = []
    for language, place, text in FENCE.findall((ROOT / "docs" / page).read_text()):
        if language == "sh":
            blocks.append(Block(text, place or "reader"))
        elif language == "text":
            assert blocks[-1].prints is None, f"{page}: two outputs for one block"
            blocks[-1].prints = text
    return blocks


def test_every_block_of_the_page_about_checks_does_what_it_says(tmp_path: Path) -> None:
    tools, work = tmp_path / "tools", tmp_path / "work"
    for folder in (tools, work):
        folder.mkdir()
    (tools / "rolecall").symlink_to(program())
    env = clean_environment(tmp_path)
    blocks = runnable("checking.md")
    assert sum(block.prints is not None for block in blocks) >= 4
    follow(blocks, work, env | {"PATH": f"{tools}{os.pathsep}{env['PATH']}"})


@pytest.fixture(scope="module")
def filled(server: Server, root: Aws) -> Aws:
    """A user that becomes a role, one with a boundary, a group, a bucket with a policy."""
    iam = root.iam
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="read", PolicyDocument=document(
        {"Sid": "Read", **allow("s3:GetObject", "arn:aws:s3:::reports/*")}))
    iam.create_user(UserName="jane")
    iam.add_user_to_group(GroupName="readers", UserName="jane")
    iam.create_policy(PolicyName="only-ec2", PolicyDocument=document(allow("ec2:*")))
    iam.create_user(UserName="eve", PermissionsBoundary=f"{ARN}:policy/only-ec2")
    iam.add_user_to_group(GroupName="readers", UserName="eve")
    iam.create_user(UserName="bob")
    iam.create_role(RoleName="worker", Path="/jobs/", AssumeRolePolicyDocument=document(
        trust({"AWS": f"{ARN}:user/jane"}), trust({"Service": "ec2.amazonaws.com"})))
    iam.attach_role_policy(RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    root.s3.create_bucket(Bucket="reports")
    root.s3.put_bucket_policy(Bucket="reports", Policy=document(
        {"Sid": "Bob", "Effect": "Allow", "Principal": {"AWS": f"{ARN}:user/bob"}, "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::reports/*"},
        {"Sid": "Secret", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::reports/secret/*"}))
    return root


def run(server: Server, who: Aws, *arguments: str, cwd: Path | None = None):
    return rolecall(*arguments, env=server.client_environment(who.credentials), cwd=cwd)


def test_expectations_of_a_server_are_checked(server: Server, filled: Aws, tmp_path: Path) -> None:
    tests = tmp_path / "iam.toml"
    tests.write_text(f"""
[[test]]
principal = "user/jane"
action = "s3:GetObject"
resource = ["arn:aws:s3:::reports/q1.csv"]
expect = "allowed"
sid = "Read"

[[test]]
principal = ["user/*", "role/*"]
action = "s3:GetObject"
resource = "arn:aws:s3:::reports/secret/x"
expect = "explicitly-denied"
kind = "resource"

[[test]]
principal = "{ARN}:user/jane"
can_assume = "role/worker"

[[test]]
principal = "user/bob"
can_assume = "role/worker"
""")
    done = run(server, filled, "check", "iam.toml", "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert [test["failed"] for test in answer["files"][0]["tests"]] == [0, 0, 0, 1]
    failure = answer["files"][0]["tests"][3]["failures"][0]
    assert failure["decided"] == "ImplicitlyDenied" and failure["principal"] == "user/bob"
    # A policy that was not applied yet, in the place of what is there.
    (tmp_path / "trust.json").write_text(document(trust({"AWS": f"{ARN}:user/bob"})))
    tests.write_text("""
[roles."jobs/worker"]
trust = "trust.json"

[[test]]
principal = "user/bob"
can_assume = "role/worker"
""")
    details = tmp_path / "details.json"
    details.write_text(run(server, filled, "export").stdout)
    done = rolecall("check", "iam.toml", "--from", "details.json", env=clean_environment(tmp_path), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


