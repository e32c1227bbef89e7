"""An account as a file: JSON that is imported again, and Terraform that takes over what is there."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from harness.clients import Aws, allow, deny, document, trust
from harness.process import ACCOUNT, Server, clean_environment, rolecall

ARN = f"arn:aws:iam::{ACCOUNT}"
TERRAFORM = shutil.which("terraform")


def export(server: Server, who: Aws, *arguments: str) -> subprocess.CompletedProcess[str]:
    return rolecall("export", *arguments, env=server.client_environment(who.credentials))


def told(who: Aws) -> dict:
    pages = who.iam.get_paginator("get_account_authorization_details").paginate()
    answer = json.loads(json.dumps(pages.build_full_result(), default=lambda date: date.isoformat()))
    for role in answer["RoleDetailList"]:
        role.pop("RoleLastUsed", None)
        # Told of a role within its profile alone; import takes what is told of the role itself.
        for profile in role["InstanceProfileList"]:
            for inner in profile["Roles"]:
                inner.pop("Description", None)
    return answer


@pytest.fixture(scope="module")
def filled(server: Server, root: Aws) -> Aws:
    """One of everything, with texts that mean something to Terraform where they are not escaped."""
    iam = root.iam
    own = {"Sid": "Own", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
           "Resource": "arn:aws:s3:::home/${aws:username}/*", "Condition": {
               "StringLike": {"aws:UserAgent": ["%{x}", "a\"b\\c", "tab\there"]}, "Bool": {"aws:SecureTransport": "false"}}}
    iam.create_policy(PolicyName="guard", Path="/own/", Description="${not a template}", PolicyDocument=document(own))
    iam.create_policy_version(PolicyArn=f"{ARN}:policy/own/guard", PolicyDocument=document(own, deny("s3:DeleteBucket")),
                              SetAsDefault=True)
    iam.create_policy(PolicyName="plain", PolicyDocument=document(allow("s3:*")))
    for group in ("readers", "writers"):
        iam.create_group(GroupName=group, Path="/teams/")
        iam.attach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.put_group_policy(GroupName="readers", PolicyName="more", PolicyDocument=document(allow("sts:*")))
    iam.create_user(UserName="Ann", Tags=[{"Key": "team:a b", "Value": "a:b=c/d @e"}, {"Key": "for", "Value": "x"}],
                    PermissionsBoundary=f"{ARN}:policy/own/guard")
    iam.create_user(UserName="ann@x.example")
    iam.put_user_policy(UserName="Ann", PolicyName="in.line", PolicyDocument=document(own))
    iam.attach_user_policy(UserName="Ann", PolicyArn=f"{ARN}:policy/plain")
    for group in ("readers", "writers"):
        iam.add_user_to_group(GroupName=group, UserName="Ann")
    iam.create_role(RoleName="worker", Path="/jobs/", Description="works", MaxSessionDuration=7200,
                    AssumeRolePolicyDocument=document(trust({"AWS": f"{ARN}:user/Ann"}), trust({"Service": "ec2.amazonaws.com"})))
    iam.put_role_policy(RoleName="worker", PolicyName="inline", PolicyDocument=document(allow("s3:List*")))
    iam.attach_role_policy(RoleName="worker", PolicyArn=f"{ARN}:policy/own/guard")
    iam.create_instance_profile(InstanceProfileName="worker")
    iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
    iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="blue")
    for number in range(120):
        iam.create_user(UserName=f"many-{number:03}", Path="/many/")
    return root


def test_what_is_exported_is_imported(server: Server, filled: Aws, make_server, tmp_path: Path) -> None:
    done = export(server, filled)
    assert done.returncode == 0, done.stderr
    (tmp_path / "details.json").write_text(done.stdout)
    parsed = json.loads(done.stdout)
    assert [user["UserName"] for user in parsed["UserDetailList"]][:1] == ["Ann"]
    assert isinstance(parsed["RoleDetailList"][0]["AssumeRolePolicyDocument"], dict)
    copy = make_server("copy")
    done = rolecall("import", str(tmp_path / "details.json"), "--data", str(copy.data), env=clean_environment(tmp_path))
    assert done.returncode == 0, done.stderr
    assert told(Aws(copy.start(), copy.root)) == told(filled)


def test_whoever_may_not_see_the_account_exports_nothing(server: Server, filled: Aws) -> None:
    stranger = filled.user("stranger")
    done = export(server, stranger)
    assert (done.returncode, done.stdout) == (1, "")
    assert "AccessDenied" in done.stderr and "iam:GetAccountAuthorizationDetails" in done.stderr
    filled.iam.delete_access_key(UserName="stranger", AccessKeyId=stranger.credentials.access_key_id)
    filled.iam.delete_user(UserName="stranger")


def test_a_file_that_is_no_details_is_refused(tmp_path: Path) -> None:
    for content in ("no", "{}", '{"UserDetailList": 1}'):
        (tmp_path / "x").write_text(content)
        done = rolecall("export", "--format", "terraform", "--from", str(tmp_path / "x"), env=clean_environment(tmp_path))
        assert (done.returncode, done.stdout) == (2, "") and "the account's details" in done.stderr


@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
def test_the_terraform_is_laid_out_as_its_own_formatter_does(server: Server, filled: Aws, tmp_path: Path) -> None:
    done = export(server, filled, "--format", "terraform")
    assert done.returncode == 0, done.stderr
    file = tmp_path / "account.tf"
    file.write_text(done.stdout)
    checked = subprocess.run([TERRAFORM, "fmt", "-check", "-diff", str(file)], env=clean_environment(tmp_path),
                             text=True, capture_output=True, timeout=120)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert done.stdout.count("\nresource ") == done.stdout.count("\nimport {")
    # From a file it is the same.
    details = export(server, filled, "--format", "json").stdout
    again = rolecall("export", "--format", "terraform", "--from", "-", env=clean_environment(tmp_path), stdin=details)
    assert again.stdout == done.stdout
