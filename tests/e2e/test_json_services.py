"""The services that speak JSON: Access Analyzer's ValidatePolicy, and IAM Toolbox on requests that were made."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from harness.clients import Aws, allow, deny, document, refused
from harness.process import ACCOUNT


def findings(aws: Aws, text: str, kind: str = "IDENTITY_POLICY", **more) -> dict:
    return aws.client("accessanalyzer").validate_policy(policyDocument=text, policyType=kind, **more)


def test_findings_have_their_place(root: Aws):
    text = '{"Version": "2012-10-17",\n "Statement": [{"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"}]}'
    [finding] = findings(root, text)["findings"]
    assert (finding["findingType"], finding["issueCode"]) == ("ERROR", "INVALID_ACTION")
    [place] = finding["locations"]
    start = place["span"]["start"]
    assert text[start["offset"]:place["span"]["end"]["offset"]] == '"s3:GetObjekt"' and start["line"] == 2
    assert place["path"][0] == {"value": "Statement"}
    assert findings(root, document(allow("s3:GetObject", "arn:aws:s3:::data/*")))["findings"] == []


def test_findings_come_in_pages(root: Aws):
    text = document(*[allow(f"s3:NoSuch{n}", "*") for n in range(5)])
    everything = findings(root, text)["findings"]
    first = findings(root, text, maxResults=2)
    second = findings(root, text, maxResults=100, nextToken=first["nextToken"])
    assert first["findings"] + second["findings"] == everything and "nextToken" not in second
    with refused("ValidationException"):
        findings(root, text, nextToken="%")


def test_validating_needs_leave(root: Aws):
    user = root.user("validator")
    with refused("AccessDeniedException", status=403):
        findings(user, document(allow("s3:*")))
    root.iam.put_user_policy(UserName="validator", PolicyName="p", PolicyDocument=document(
        allow("access-analyzer:ValidatePolicy")))
    assert findings(user, document(allow("s3:*")))["findings"] is not None


def test_what_is_not_built_says_so(root: Aws):
    with refused("NotImplemented", status=400):
        root.client("accessanalyzer").list_analyzers()


@pytest.fixture
def toolbox(root: Aws):
    if "iam-toolbox" not in boto3.Session().get_available_services():
        pytest.skip("this botocore has no model of IAM Toolbox")
    return root.client("iam-toolbox")


def denied_request(user: Aws) -> str:
    with pytest.raises(ClientError) as caught:
        user.iam.list_roles()
    return caught.value.response["ResponseMetadata"]["RequestId"].replace("-", "")


def test_a_denial_is_explained_by_its_id(root: Aws, toolbox):
    user = root.user("denied", allow("iam:*"), deny("iam:ListRoles", Sid="NoRoles"))
    answer = toolbox.get_request_authorization_details(authorizationId=denied_request(user))
    [evaluation] = answer["evaluations"]
    assert evaluation["action"] == "iam:ListRoles" and evaluation["evaluatedEffect"] == "EXPLICIT_DENY"
    [check] = evaluation["checks"]
    assert (check["checkType"], check["evaluatedEffect"]) == ("PRINCIPAL", "EXPLICIT_DENY")
    sids = {s["sid"] for policy in check["matchedPolicies"] for s in policy["matchedStatements"]}
    assert "NoRoles" in sids
    [policy] = answer["policies"]
    assert policy["type"] == "IDENTITY_BASED_POLICY" and policy["inline"] is True
    assert policy["attachedTo"] == [{"arn": f"arn:aws:iam::{ACCOUNT}:user/denied"}]
    assert answer["requestContext"]["aws:username"] == "denied"


def test_the_policy_is_the_one_that_was_decided_on(root: Aws, toolbox):
    user = root.user("changed", allow("s3:*"))
    request = denied_request(user)
    root.iam.put_user_policy(UserName="changed", PolicyName="inline", PolicyDocument=document(allow("ec2:*")))
    [policy] = toolbox.get_request_authorization_details(authorizationId=request)["policies"]
    kept = toolbox.get_request_authorization_policy(authorizationId=request, policyUri=policy["uri"])
    assert kept["policyDocument"]["Statement"][0]["Action"] == "s3:*"


def test_an_unknown_id_is_not_found(toolbox):
    with refused("ResourceNotFoundException", status=404):
        toolbox.get_request_authorization_details(authorizationId="0" * 32)
