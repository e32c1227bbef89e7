"""A real account's authorization details, taken in to be asked questions."""

from __future__ import annotations

import json
import subprocess
import urllib.parse

import pytest
from harness.clients import Aws, Cli, allow, deny, document, refused, trust
from harness.process import ACCOUNT, Server, program

ARN = f"arn:aws:iam::{ACCOUNT}"


def rolecall(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program(), *arguments], capture_output=True, text=True, timeout=120)


@pytest.fixture
def filled(own_server: Server) -> Aws:
    """An account with one of everything that the details tell of."""
    root = Aws(own_server, own_server.root)
    iam, guard = root.iam, document(allow("s3:*"), deny("s3:DeleteBucket"))
    iam.create_policy(PolicyName="guard", Path="/own/", PolicyDocument=guard)
    iam.create_policy_version(PolicyArn=f"{ARN}:policy/own/guard", PolicyDocument=document(allow("s3:List*")))
    iam.create_group(GroupName="readers", Path="/teams/")
    iam.attach_group_policy(GroupName="readers", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.put_group_policy(GroupName="readers", PolicyName="more", PolicyDocument=document(allow("sts:*")))
    iam.create_user(UserName="Ann", Tags=[{"Key": "team", "Value": "data"}],
                    PermissionsBoundary=f"{ARN}:policy/own/guard")
    iam.put_user_policy(UserName="Ann", PolicyName="buckets", PolicyDocument=document(allow("s3:CreateBucket")))
    iam.add_user_to_group(GroupName="readers", UserName="Ann")
    iam.create_role(RoleName="worker", Path="/jobs/", AssumeRolePolicyDocument=document(
        trust({"AWS": f"{ARN}:user/Ann"}), trust({"Service": "ec2.amazonaws.com"})))
    iam.attach_role_policy(RoleName="worker", PolicyArn=f"{ARN}:policy/own/guard")
    iam.create_instance_profile(InstanceProfileName="worker")
    iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
    iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    return root


def told(who: Aws) -> dict:
    answer = who.iam.get_account_authorization_details()
    for one in ("ResponseMetadata", "IsTruncated"):
        del answer[one]
    for role in answer["RoleDetailList"]:
        role.pop("RoleLastUsed", None)
    return json.loads(json.dumps(answer, default=str))


@pytest.mark.parametrize("coded", [False, True])
def test_an_account_comes_back_as_it_was_told_of(filled: Aws, make_server, tmp_path, coded: bool) -> None:
    details, before = tmp_path / "details.json", told(filled)
    text = json.loads(json.dumps(before))
    if coded:
        # As SDKs that do not decode documents print them.
        for user in text["UserDetailList"]:
            for policy in user.get("UserPolicyList", []):
                policy["PolicyDocument"] = urllib.parse.quote(json.dumps(policy["PolicyDocument"]))
    details.write_text(json.dumps(text))
    server = make_server("copy")
    done = rolecall("import", str(details), "--data", str(server.data))
    assert done.returncode == 0, done.stderr
    assert f"account {ACCOUNT}: 1 users, 1 groups, 2 roles, 1 policies, 1 instance profiles" in done.stdout
    copy = Aws(server.start(), server.root)
    assert told(copy) == before
    # It is a whole account: what is asked of it is decided, and what is in use can't be deleted.
    ask = {"PolicySourceArn": f"{ARN}:user/Ann"}
    actions = ["s3:ListAllMyBuckets", "s3:CreateBucket", "s3:DeleteBucket", "iam:ListUsers"]
    results = copy.iam.simulate_principal_policy(**ask, ActionNames=actions)["EvaluationResults"]
    assert [one["EvalDecision"] for one in results] == ["allowed", "allowed", "explicitDeny", "implicitDeny"]
    with refused("DeleteConflict"):
        copy.iam.delete_policy(PolicyArn=f"{ARN}:policy/own/guard")
    with refused("DeleteConflict"):
        copy.iam.delete_group(GroupName="readers")


def test_trust_stays_with_the_user_of_the_same_id(filled: Aws, make_server, tmp_path) -> None:
    details = tmp_path / "details.json"
    details.write_text(json.dumps(told(filled)))
    server = make_server("copy")
    assert rolecall("import", str(details), "--data", str(server.data)).returncode == 0
    root = Aws(server.start(), server.root)
    key = root.iam.create_access_key(UserName="Ann")["AccessKey"]
    ann = root.as_(filled.credentials.of(key))
    root.iam.delete_user_permissions_boundary(UserName="Ann")
    assert ann.assume(f"{ARN}:role/jobs/worker").arn().startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/")


def test_the_answer_of_the_cli_is_taken(filled: Aws, make_server, tmp_path, aws_cli: Cli) -> None:
    details = tmp_path / "details.json"
    details.write_text(aws_cli.text(filled.server, filled.credentials, "iam", "get-account-authorization-details",
                                    "--output", "json"))
    done = rolecall("import", str(details), "--data", str(make_server("copy").data))
    assert done.returncode == 0, done.stderr


def test_nothing_is_made_of_what_is_no_good(filled: Aws, tmp_path) -> None:
    details, data = tmp_path / "details.json", tmp_path / "data"
    good = told(filled)
    broken = json.loads(json.dumps(good))
    broken["RoleDetailList"][0]["AssumeRolePolicyDocument"]["Statement"] = "x"
    for text, problem in [('{"UserDetailList": 1}', "no answer of GetAccountAuthorizationDetails"), ("{}", "there is nothing in it"),
                          (json.dumps(broken), ":role/")]:
        details.write_text(text)
        done = rolecall("import", str(details), "--data", str(data))
        assert done.returncode == 2 and problem in done.stderr and "nothing was imported" in done.stderr
        assert not data.exists()
    details.write_text(json.dumps(good))
    assert rolecall("import", str(details), "--data", str(data)).returncode == 0
    again = rolecall("import", str(details), "--data", str(data))
    assert again.returncode == 2 and "is not empty" in again.stderr
    running = rolecall("import", str(details), "--data", str(filled.server.data))
    assert running.returncode == 2 and "in use" in running.stderr + running.stdout
