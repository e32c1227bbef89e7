"""The policy simulator: AWS's shapes, and the answer that enforcement gives."""

from __future__ import annotations

import json
import random

import pytest
from botocore.exceptions import ClientError
from harness.clients import Aws, allow, deny, document, refused, trust
from harness.process import ACCOUNT

BUCKET = "arn:aws:s3:::data"


def custom(root: Aws, *statements: dict, **more) -> list[dict]:
    return root.iam.simulate_custom_policy(PolicyInputList=[document(*statements)], **more)["EvaluationResults"]


def test_a_policy_that_is_given(root: Aws):
    text = '{"Version": "2012-10-17",\n "Statement": [\n  {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}'
    answer = root.iam.simulate_custom_policy(PolicyInputList=[text], ActionNames=["s3:GetObject", "s3:PutObject"])
    get, put = answer["EvaluationResults"]
    assert answer["IsTruncated"] is False
    assert (get["EvalActionName"], get["EvalResourceName"], get["EvalDecision"]) == ("s3:GetObject", "*", "allowed")
    [statement] = get["MatchedStatements"]
    assert statement["SourcePolicyId"] == "PolicyInputList.1"
    assert statement["StartPosition"] == {"Line": 3, "Column": 3} and statement["EndPosition"]["Line"] == 3
    assert put["EvalDecision"] == "implicitDeny" and put["MatchedStatements"] == []


def test_a_deny_and_its_statement(root: Aws):
    [result] = custom(root, allow("s3:*"), deny("s3:Delete*"), ActionNames=["s3:DeleteBucket"], ResourceArns=[BUCKET])
    assert result["EvalDecision"] == "explicitDeny" and len(result["MatchedStatements"]) == 1
    [specific] = result["ResourceSpecificResults"]
    assert (specific["EvalResourceName"], specific["EvalResourceDecision"]) == (BUCKET, "explicitDeny")


def test_context_that_is_missing_and_given(root: Aws):
    statement = allow("s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    [result] = custom(root, statement, ActionNames=["s3:GetObject"])
    assert result["EvalDecision"] == "implicitDeny"
    assert [key.lower() for key in result["MissingContextValues"]] == ["aws:sourceip"]
    entry = {"ContextKeyName": "aws:SourceIp", "ContextKeyType": "ip", "ContextKeyValues": ["203.0.113.9"]}
    [result] = custom(root, statement, ActionNames=["s3:GetObject"], ContextEntries=[entry])
    assert result["EvalDecision"] == "allowed" and result["MissingContextValues"] == []
    keys = root.iam.get_context_keys_for_custom_policy(PolicyInputList=[document(statement)])["ContextKeyNames"]
    assert [key.lower() for key in keys] == ["aws:sourceip"]


def test_boundaries_and_service_control_policies(root: Aws):
    boundary = document(allow("s3:*"))
    [result] = custom(root, allow("*"), ActionNames=["iam:CreateUser"], PermissionsBoundaryPolicyInputList=[boundary])
    assert result["EvalDecision"] == "implicitDeny"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    levels = [{"ServiceControlPolicyInputList": [document(allow("*"), deny("iam:*"))]}]
    [result] = custom(root, allow("*"), ActionNames=["iam:CreateUser"], OrderedOrganizationPolicyInputList=levels)
    assert result["EvalDecision"] == "explicitDeny"
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}


def test_a_resource_policy_alone_can_allow(root: Aws):
    root.iam.create_user(UserName="reader")
    arn = f"arn:aws:iam::{ACCOUNT}:user/reader"
    policy = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"}]})
    [result] = custom(root, allow("ec2:*"), ActionNames=["s3:GetObject"], ResourceArns=[f"{BUCKET}/key"],
                      ResourcePolicy=policy, CallerArn=arn)
    assert result["EvalDecision"] == "allowed"
    assert [s["SourcePolicyId"] for s in result["MatchedStatements"]] == ["ResourcePolicy"]


def test_pages(root: Aws):
    actions = [f"s3:Action{n}" for n in range(7)]
    pages = list(root.iam.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[document(allow("*"))], ActionNames=actions, PaginationConfig={"PageSize": 3}))
    assert [len(page["EvaluationResults"]) for page in pages] == [3, 3, 1]
    assert [r["EvalActionName"] for page in pages for r in page["EvaluationResults"]] == actions


def test_what_is_refused(root: Aws):
    with refused("InvalidInput"):
        custom(root, allow("*"), ActionNames=["s3:*"])
    with refused("InvalidInput"):
        root.iam.simulate_custom_policy(PolicyInputList=["{"], ActionNames=["s3:GetObject"])
    with refused("InvalidInput"):
        custom(root, allow("*"), ActionNames=["s3:GetObject"], ResourceArns=["bucket"])
    with refused("NoSuchEntity"):
        root.iam.simulate_principal_policy(PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/none", ActionNames=["s3:GetObject"])


def test_who_may_simulate(root: Aws):
    user = root.user("asker", allow("iam:SimulatePrincipalPolicy", f"arn:aws:iam::{ACCOUNT}:user/asker"))
    own = user.iam.simulate_principal_policy(PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/asker",
                                             ActionNames=["iam:SimulatePrincipalPolicy", "iam:CreateUser"],
                                             ResourceArns=[f"arn:aws:iam::{ACCOUNT}:user/asker"])
    assert [r["EvalDecision"] for r in own["EvaluationResults"]] == ["allowed", "implicitDeny"]
    root.iam.create_user(UserName="other")
    with refused("AccessDenied"):
        user.iam.simulate_principal_policy(PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/other", ActionNames=["s3:GetObject"])


def test_groups_count_and_policies_can_be_left_out(root: Aws):
    root.iam.create_group(GroupName="team")
    root.iam.put_group_policy(GroupName="team", PolicyName="list", PolicyDocument=document(allow("iam:ListRoles")))
    root.user("member")
    root.iam.add_user_to_group(GroupName="team", UserName="member")
    arn = f"arn:aws:iam::{ACCOUNT}:user/member"

    def decision(source: str, **more) -> str:
        answer = root.iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=["iam:ListRoles"], **more)
        return answer["EvaluationResults"][0]["EvalDecision"]

    assert decision(arn) == "allowed"
    assert decision(f"arn:aws:iam::{ACCOUNT}:group/team") == "allowed"
    assert decision(arn, PolicyInputList=[document(deny("iam:ListRoles"))]) == "explicitDeny"


ACTIONS = {
    "iam:ListRoles": lambda c: c.iam.list_roles(),
    "iam:ListUsers": lambda c: c.iam.list_users(),
    "iam:ListGroups": lambda c: c.iam.list_groups(),
    "iam:GetAccountSummary": lambda c: c.iam.get_account_summary(),
    "s3:ListAllMyBuckets": lambda c: c.s3.list_buckets(),
    "sts:GetCallerIdentity": lambda c: c.sts.get_caller_identity(),
}
CONDITIONS = [None, {"StringEquals": {"aws:username": "random-1"}}, {"StringLike": {"aws:PrincipalTag/team": "b*"}},
              {"Bool": {"aws:SecureTransport": "true"}}, {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}},
              {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/random-2"}}, {"Null": {"aws:TokenIssueTime": "true"}}]


def _statement(random_: random.Random) -> dict:
    effect = allow if random_.random() < 0.75 else deny
    action = random_.choice([*ACTIONS, "iam:List*", "*", "s3:*"])
    condition = random_.choice(CONDITIONS)
    return effect(action, **({"Condition": condition} if condition else {}))


@pytest.mark.parametrize("number", range(6))
def test_simulation_equals_enforcement(root: Aws, number: int):
    random_ = random.Random(number)
    name = f"random-{number}"
    user = root.user(name, *[_statement(random_) for _ in range(4)],
                     Tags=[{"Key": "team", "Value": random_.choice(["blue", "red"])}])
    # What only the real request has is told to the simulator, as its documentation asks.
    told = [{"ContextKeyName": "aws:SecureTransport", "ContextKeyType": "boolean", "ContextKeyValues": ["false"]}]
    answer = root.iam.simulate_principal_policy(PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/{name}",
                                                ActionNames=list(ACTIONS), ContextEntries=told)
    simulated = {r["EvalActionName"]: r["EvalDecision"] == "allowed" for r in answer["EvaluationResults"]}
    enforced = {}
    for action, call in ACTIONS.items():
        try:
            call(user)
            enforced[action] = True
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            enforced[action] = False
    assert simulated == enforced


@pytest.mark.parametrize("trusts", [True, False])
@pytest.mark.parametrize("may", [True, False])
def test_assuming_a_role_is_simulated_with_its_trust_policy(root: Aws, trusts: bool, may: bool):
    name = f"assumer-{trusts}-{may}"
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    user = root.user(name, *([allow("sts:AssumeRole", role)] if may else [allow("s3:*")]))
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"} if trusts else {"Service": "ec2.amazonaws.com"}
    root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust(principal)))
    [result] = root.iam.simulate_principal_policy(PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/{name}",
                                                  ActionNames=["sts:AssumeRole"], ResourceArns=[role])["EvaluationResults"]
    try:
        user.sts.assume_role(RoleArn=role, RoleSessionName="real")
        enforced = True
    except ClientError:
        enforced = False
    assert (result["EvalDecision"] == "allowed") == enforced == (trusts and may)


def test_the_context_keys_of_a_principal(root: Aws, unique):
    name = unique("asked")
    root.user(name, allow("s3:GetObject", Condition={"StringEquals": {"aws:PrincipalTag/team": "x"}}))
    arn = root.iam.get_user(UserName=name)["User"]["Arn"]
    more = document(allow("s3:PutObject", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))
    keys = root.iam.get_context_keys_for_principal_policy(PolicySourceArn=arn, PolicyInputList=[more])
    assert sorted(keys["ContextKeyNames"]) == ["aws:PrincipalTag/team", "aws:SourceIp"]
    with refused("NoSuchEntity"):
        root.iam.get_context_keys_for_principal_policy(PolicySourceArn=f"{arn}-none")
