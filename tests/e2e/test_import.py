"""A real account's authorization details, taken in to be asked questions."""

from __future__ import annotations

import json
import subprocess
import urllib.parse

import pytest
from harness import etcd as etcd_harness
from harness.clients import Aws, Cli, allow, deny, document, refused, trust
from harness.etcd import Etcd
from harness.process import ACCOUNT, Server, StartFailed, program

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


DATE = "2024-01-02T03:04:05+00:00"


def large() -> dict:
    """An account of 500 entities, each of which refers to others."""
    def one(kind: str, prefix: str, number: int, path: str = "/", **more) -> dict:
        name = f"{kind.lower()}-{number:03}"
        return {f"{kind}Name": name, f"{kind}Id": f"{prefix}{number:017}", "Path": path, "CreateDate": DATE,
                "Arn": f"{ARN}:{kind.lower()}{path}{name}"} | more

    def attached(number: int) -> dict:
        name = f"policy-{number % 100:03}"
        return {"PolicyName": name, "PolicyArn": f"{ARN}:policy/{name}"}

    statement = json.loads(document(allow("s3:ListAllMyBuckets")))
    profile = {"InstanceProfileId": "", "Path": "/", "CreateDate": DATE, "Roles": []}
    return {
        "UserDetailList": [one("User", "AIDA", n, UserPolicyList=[{"PolicyName": "p", "PolicyDocument": statement}],
                               GroupList=[f"group-{n % 50:03}"], AttachedManagedPolicies=[attached(n)],
                               Tags=[{"Key": "n", "Value": str(n)}]) for n in range(200)],
        "GroupDetailList": [one("Group", "AGPA", n, GroupPolicyList=[], AttachedManagedPolicies=[attached(n)])
                            for n in range(50)],
        "RoleDetailList": [one("Role", "AROA", n, RolePolicyList=[], AttachedManagedPolicies=[attached(n)], Tags=[],
                               AssumeRolePolicyDocument=json.loads(document(trust({"AWS": f"{ARN}:user/user-{n:03}"}))),
                               InstanceProfileList=[profile | {
                                   "InstanceProfileName": f"box-{n:03}", "InstanceProfileId": f"AIPA{n:017}",
                                   "Arn": f"{ARN}:instance-profile/box-{n:03}"}])
                           for n in range(75)],
        "Policies": [one("Policy", "ANPA", n, DefaultVersionId="v1", UpdateDate=DATE, PolicyVersionList=[
            {"VersionId": "v1", "Document": statement, "IsDefaultVersion": True, "CreateDate": DATE}])
            for n in range(100)],
    }


def holds_all_of(large_account: dict, server: Server) -> dict:
    answer = Aws(server, server.root).iam.get_paginator("get_account_authorization_details").paginate().build_full_result()
    for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
        assert {one["Arn"] for one in answer[name]} == {one["Arn"] for one in large_account[name]}, name
    for user in answer["UserDetailList"]:
        number = int(user["UserName"][-3:])
        assert user["GroupList"] == [f"group-{number % 50:03}"]
        assert user["AttachedManagedPolicies"][0]["PolicyName"] == f"policy-{number % 100:03}"
    assert all(len(role["InstanceProfileList"]) == 1 for role in answer["RoleDetailList"])
    with refused("DeleteConflict"):
        Aws(server, server.root).iam.delete_policy(PolicyArn=f"{ARN}:policy/policy-000")
    return answer


def test_a_large_account_lands_whole(make_server, tmp_path) -> None:
    details, account = tmp_path / "details.json", large()
    details.write_text(json.dumps(account))
    server = make_server("copy")
    done = rolecall("import", str(details), "--data", str(server.data))
    assert done.returncode == 0, done.stderr
    assert "200 users, 50 groups, 75 roles, 100 policies, 75 instance profiles" in done.stdout
    holds_all_of(account, server.start())
    # As somebody of it: what they may do is decided.
    root = Aws(server, server.root)
    user = root.as_(root.credentials.of(root.iam.create_access_key(UserName="user-000")["AccessKey"]))
    assert user.s3.list_buckets()["Buckets"] == []
    with refused("AccessDenied"):
        user.iam.list_users()
    # A second start finds the same.
    holds_all_of(account, server.restart())
    # So much does not go into an account that is there.
    other = make_server("served")
    other.start().stop()
    done = rolecall("import", str(details), "--data", str(other.data))
    assert done.returncode == 2 and "is there already" in done.stderr
    assert Aws(other.start(), other.root).iam.list_users()["Users"] == []


def test_an_import_that_is_killed_leaves_nothing_or_all(make_server, tmp_path) -> None:
    details, account = tmp_path / "details.json", large()
    details.write_text(json.dumps(account))
    cut_short = []
    for attempt in range(60):
        server = make_server(f"copy-{attempt}")
        importing = subprocess.Popen([program(), "import", str(details), "--data", str(server.data)],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            importing.wait(0.005 * attempt)
        except subprocess.TimeoutExpired:
            importing.kill()
            importing.wait()
        try:
            server.start()
        except StartFailed as failure:
            assert "an import into this store was not finished" in failure.output
            cut_short.append(server)
            continue
        if Aws(server, server.root).iam.list_users()["Users"]:
            holds_all_of(account, server)
            break
        server.stop()
    assert cut_short, "no attempt was killed in its middle"
    # Run again, it begins anew, with another file even.
    again = cut_short[-1]
    del account["RoleDetailList"][10:]
    details.write_text(json.dumps(account))
    done = rolecall("import", str(details), "--data", str(again.data))
    assert done.returncode == 0, done.stderr
    holds_all_of(account, again.start())


@pytest.mark.skipif(etcd_harness.PROGRAM is None, reason="etcd is not installed")
def test_a_large_account_lands_whole_on_etcd(make_server, tmp_path) -> None:
    details, account = tmp_path / "details.json", large()
    details.write_text(json.dumps(account))
    etcd = Etcd(tmp_path / "etcd", 1).start()
    try:
        at = ("--store", etcd.address)
        variables = {"ROLECALL_MASTER_KEY": "5a" * 32}
        node = make_server("node", flags=at, variables=variables)
        environment = node.client_environment() | variables
        command = [program(), "import", str(details), "--data", str(node.data), *at]
        for attempt in range(40):
            importing = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                if importing.wait(0.02 * attempt) == 0:
                    break
            except subprocess.TimeoutExpired:
                importing.kill()
                importing.wait()
        holds_all_of(account, node.start())
        other = make_server("other", flags=at, variables=variables).start()
        other_root = Aws(other, node.root)
        assert len(other_root.iam.list_users(MaxItems=1000)["Users"]) == 200
        done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=60)
        assert done.returncode == 2 and "is not empty" in done.stderr
        other.stop()
        node.stop()
    finally:
        etcd.stop()
