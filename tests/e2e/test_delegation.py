"""Temporary delegation: a product provider asks, someone in the customer's account passes permissions on."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.clients import Aws, allow, deny, document, refused, trust
from harness.process import ACCOUNT, REGION, Credentials, Server, StartFailed
from harness.wire import Answer, send, sign
from test_cloudtrail import looked_up
from test_organizations import into, member

Names = Callable[[str], str]
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:delegations"
TEMPLATE = "arn:aws:iam:::delegation-template/setup"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:CreateBucket", "s3:ListBucket"], "Resource": "arn:aws:s3:::@{buckets}"},
        {"@Enabled": "WITH_LIST", "Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:CreateRole", "Resource": "arn:aws:iam::@{AccountId}:role/provider/*",
         "Condition": {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}},
    ],
}


def declared(template: dict) -> str:
    return (f'[[provider]]\naccount = "{ACCOUNT}"\nname = "Example Product"\n'
            f'[[provider.template]]\narn = "{TEMPLATE}"\npolicy = \'\'\'{json.dumps(template)}\'\'\'\n')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server")
    file = home / "delegation.toml"
    file.write_text(declared(POLICY))
    server = Server(home, variables={"ROLECALL_DELEGATION_FILE": str(file)})
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def customer(root: Aws) -> Aws:
    """An administrator of an account that is not the provider's: a session of a role."""
    organization = root.client("organizations")
    organization.create_organization(FeatureSet="ALL")
    return into(root, member(organization))


@pytest.fixture(scope="module")
def account(customer: Aws) -> str:
    return customer.sts.get_caller_identity()["Account"]


@pytest.fixture
def ask(root: Aws, account: str, unique: Names) -> Callable[..., str]:
    """Makes a request of the provider's; its id."""

    def make(**more) -> str:
        buckets = more.pop("buckets", [unique("bucket")])
        with_list = more.pop("with_list", "True")
        asked = {
            "Description": "Sets the product up", "RequestorWorkflowId": unique("workflow"),
            "NotificationChannel": TOPIC, "SessionDuration": 3600, "OwnerAccountId": account,
            "Permissions": {"PolicyTemplateArn": TEMPLATE, "Parameters": [
                {"Name": "buckets", "Values": buckets, "Type": "stringList"},
                {"Name": "WITH_LIST", "Values": [with_list], "Type": "string"}]},
        } | more
        return root.iam.create_delegation_request(**asked)["DelegationRequestId"]

    return make


def fetch(provider: Aws, topic: str) -> Answer:
    path = f"/rolecall/notifications?topic={urllib.parse.quote(topic, safe='')}"
    headers = sign(provider.server, provider.credentials, "rolecall", method="GET", path=path)
    return send(provider.server, "GET", path, headers)


def notifications(provider: Aws, topic: str = TOPIC) -> list[dict]:
    """What the topic would have got; the provider fetches it, signed."""
    answer = fetch(provider, topic)
    assert answer.status == 200, answer.body
    found = json.loads(answer.body)["notifications"]
    assert all(one["TopicArn"] == topic for one in found)
    return [json.loads(one["Message"]) for one in found]


def token_of(provider: Aws, request: str) -> str:
    tokens = [m["ExchangeToken"] for m in notifications(provider)
              if m["RequestId"] == request and m["Type"] == "ExchangeToken"]
    assert len(tokens) == 1
    return tokens[0]


def state(who: Aws, request: str) -> str:
    return who.iam.get_delegation_request(DelegationRequestId=request)["DelegationRequest"]["State"]


def finalize(who: Aws, request: str) -> None:
    who.iam.associate_delegation_request(DelegationRequestId=request)
    who.iam.accept_delegation_request(DelegationRequestId=request)
    who.iam.send_delegation_token(DelegationRequestId=request)


def redeem(provider: Aws, token: str) -> tuple[Aws, dict]:
    answer = provider.sts.get_delegated_access_token(TradeInToken=token)
    return provider.as_(Credentials.of(answer["Credentials"])), answer


def test_a_request_from_its_beginning_to_its_credentials(
        root: Aws, customer: Aws, account: str, ask: Callable[..., str], unique: Names) -> None:
    buckets = [unique("bucket"), unique("bucket")]
    workflow = unique("workflow")
    request = ask(buckets=buckets, RequestorWorkflowId=workflow, RequestMessage="please",
                  RedirectUrl="https://example.com/done")
    shown = customer.iam.get_delegation_request(DelegationRequestId=request)["DelegationRequest"]
    assert shown["State"] == "UNASSIGNED" and "OwnerId" not in shown
    assert (shown["RequestorId"], shown["RequestorName"]) == (ACCOUNT, "Example Product")
    assert shown["OwnerAccountId"] == account and shown["RequestMessage"] == "please"
    assert (shown["ExpirationTime"] - shown["CreateDate"]).total_seconds() == 86_400
    assert shown["RolePermissionRestrictionArns"] == [BOUNDARY] and shown["SessionDuration"] == 3600
    assert json.loads(shown["PermissionPolicy"])["Statement"][0]["Resource"] == [f"arn:aws:s3:::{b}" for b in buckets]
    assert shown["PermissionPolicy"].startswith('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:')
    assert f"arn:aws:iam::{account}:role/provider/*" in shown["PermissionPolicy"]
    assert customer.iam.list_delegation_requests()["DelegationRequests"] == [] or request not in [
        one["DelegationRequestId"] for one in customer.iam.list_delegation_requests()["DelegationRequests"]]

    customer.iam.associate_delegation_request(DelegationRequestId=request)
    shown = customer.iam.get_delegation_request(DelegationRequestId=request)["DelegationRequest"]
    assert (shown["State"], shown["OwnerId"]) == ("ASSIGNED", customer.arn())
    assert (shown["ExpirationTime"] - shown["UpdatedTime"]).total_seconds() == 7 * 86_400
    listed = customer.iam.list_delegation_requests(OwnerId=customer.arn())["DelegationRequests"]
    assert request in [one["DelegationRequestId"] for one in listed]
    customer.iam.update_delegation_request(DelegationRequestId=request, Notes="look at this")
    shown = customer.iam.get_delegation_request(DelegationRequestId=request)["DelegationRequest"]
    assert (shown["State"], shown["Notes"]) == ("PENDING_APPROVAL", "look at this")
    customer.iam.accept_delegation_request(DelegationRequestId=request)
    shown = customer.iam.get_delegation_request(DelegationRequestId=request)["DelegationRequest"]
    assert (shown["State"], shown["ApproverId"]) == ("ACCEPTED", customer.arn())
    assert [m["State"] for m in notifications(root) if m["RequestId"] == request] == [
        "ASSIGNED", "PENDING_APPROVAL", "ACCEPTED"]
    customer.iam.send_delegation_token(DelegationRequestId=request)
    assert state(customer, request) == "FINALIZED"

    messages = [m for m in notifications(root) if m["RequestId"] == request]
    assert [(m["Type"], m["State"]) for m in messages[3:]] == [("StateChange", "FINALIZED"), ("ExchangeToken", "FINALIZED")]
    assert all((m["OwnerAccountId"], m["RequestorWorkflowId"]) == (account, workflow) for m in messages)
    delegate, answer = redeem(root, messages[4]["ExchangeToken"])
    assert answer["AssumedPrincipal"] == customer.arn() == delegate.arn() and "PackedPolicySize" not in answer
    again = redeem(root, messages[4]["ExchangeToken"])[1]
    assert again["Credentials"]["Expiration"] == answer["Credentials"]["Expiration"]
    ends = answer["Credentials"]["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert ends == messages[4]["ExpiresAt"]

    delegate.s3.create_bucket(Bucket=buckets[0])
    delegate.iam.list_users()
    with refused("AccessDenied", re.compile("because no session policy allows the iam:ListRoles action")):
        delegate.iam.list_roles()
    trusts = document(trust({"AWS": ACCOUNT}))
    with refused("AccessDenied"):
        delegate.iam.create_role(RoleName="r", Path="/provider/", AssumeRolePolicyDocument=trusts)
    with refused("AccessDenied", "Cannot call GetSessionToken with session credentials"):
        delegate.sts.get_session_token()


def test_the_trail_names_the_provider(root: Aws, customer: Aws, ask: Callable[..., str]) -> None:
    request = ask()
    finalize(customer, request)
    delegate = redeem(root, token_of(root, request))[0]
    delegate.iam.list_users()
    key = delegate.credentials.access_key_id
    event = json.loads(looked_up(customer, AccessKeyId=key)[0]["CloudTrailEvent"])
    assert event["userIdentity"]["invokedByDelegate"] == {"accountId": ACCOUNT}
    assert event["userIdentity"]["type"] == "AssumedRole"


def test_a_user_passes_on_no_more_than_it_has(root: Aws, customer: Aws, ask: Callable[..., str], unique: Names) -> None:
    name = unique("approver")
    user = customer.user(name, allow(["iam:AcceptDelegationRequest", "s3:CreateBucket"]))
    request = ask(buckets=[unique("bucket")])
    checked = user.iam.get_delegation_request(DelegationRequestId=request, DelegationPermissionCheck=True)
    assert (checked["PermissionCheckStatus"], checked["PermissionCheckResult"]) == ("COMPLETE", "DENIED")
    finalize(user, request)
    delegate, answer = redeem(root, token_of(root, request))
    assert delegate.arn() == answer["AssumedPrincipal"] == user.arn()
    with refused("AccessDenied", re.compile("because no identity-based policy allows the iam:ListUsers action")):
        delegate.iam.list_users()
    # What the user may do and the request did not ask for.
    with refused("AccessDenied", re.compile("because no session policy allows")):
        delegate.iam.accept_delegation_request(DelegationRequestId=request)
    customer.iam.put_user_policy(UserName=name, PolicyName="more", PolicyDocument=document(allow("iam:ListUsers")))
    delegate.iam.list_users()
    customer.iam.delete_user_policy(UserName=name, PolicyName="more")
    customer.iam.delete_user_policy(UserName=name, PolicyName="inline")
    customer.iam.delete_access_key(UserName=name, AccessKeyId=user.credentials.access_key_id)
    customer.iam.delete_user(UserName=name)
    with refused("InvalidClientTokenId"):
        delegate.arn()
    with refused("ValidationError", "Invalid trade-in token"):
        redeem(root, token_of(root, request))


@pytest.mark.parametrize(("statements", "answer"), [
    ([allow(["s3:*", "iam:*"])], "ALLOWED"),
    ([allow("s3:*")], "DENIED"),
    ([allow(["s3:*", "iam:*"]), deny("s3:CreateBucket")], "DENIED"),
    ([allow("iam:*"), allow("s3:*", Condition={"Bool": {"aws:SecureTransport": "true"}})], "UNSURE"),
    ([allow("s3:*"), allow("iam:ListUsers"),
      allow("iam:CreateRole", Condition={"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}})], "UNSURE"),
])
def test_the_check_says_whether_the_caller_has_what_is_asked_for(
        customer: Aws, ask: Callable[..., str], unique: Names, statements: list[dict], answer: str) -> None:
    user = customer.user(unique("asker"), *statements)
    checked = user.iam.get_delegation_request(DelegationRequestId=ask(), DelegationPermissionCheck=True)
    assert checked["PermissionCheckResult"] == answer


def test_who_may_do_what(root: Aws, customer: Aws, ask: Callable[..., str], unique: Names) -> None:
    owner, other = customer.user(unique("owner")), customer.user(unique("other"))
    request = ask()
    # Before anyone has claimed it, anyone of the account may look and claim it, unless it is denied.
    denied = customer.user(unique("denied"), deny("iam:AssociateDelegationRequest"))
    with refused("AccessDenied", re.compile("with an explicit deny in an identity-based policy")):
        denied.iam.associate_delegation_request(DelegationRequestId=request)
    assert state(other, request) == "UNASSIGNED"
    owner.iam.associate_delegation_request(DelegationRequestId=request)
    assert state(owner, request) == "ASSIGNED"
    for call in (other.iam.get_delegation_request, other.iam.update_delegation_request, other.iam.reject_delegation_request,
                 other.iam.send_delegation_token, other.iam.accept_delegation_request,
                 owner.iam.accept_delegation_request):
        with refused("AccessDenied"):
            call(DelegationRequestId=request)
    with refused("AccessDenied"):
        owner.iam.list_delegation_requests()
    listed = owner.iam.list_delegation_requests(OwnerId=owner.arn())["DelegationRequests"]
    assert [one["DelegationRequestId"] for one in listed] == [request]
    # An administrator may by policy, also for requests of some owners only.
    approver = customer.user(unique("approver"), allow(
        "iam:AcceptDelegationRequest", Condition={"ArnEquals": {"iam:DelegationRequestOwner": owner.arn()}}))
    approver.iam.accept_delegation_request(DelegationRequestId=request)
    owner.iam.reject_delegation_request(DelegationRequestId=request, Notes="not now")
    shown = customer.iam.get_delegation_request(DelegationRequestId=request)["DelegationRequest"]
    assert (shown["State"], shown["RejectionReason"]) == ("REJECTED", "not now")
    # Of another account nobody learns that it is there, the provider's included.
    with refused("NoSuchEntity", status=404):
        root.iam.get_delegation_request(DelegationRequestId=request)


def test_only_the_owner_sends_where_the_provider_wants_it(customer: Aws, ask: Callable[..., str], unique: Names) -> None:
    owner = customer.user(unique("owner"))
    request = ask(OnlySendByOwner=True)
    owner.iam.associate_delegation_request(DelegationRequestId=request)
    customer.iam.accept_delegation_request(DelegationRequestId=request)
    with refused("AccessDenied"):
        customer.iam.send_delegation_token(DelegationRequestId=request)
    owner.iam.send_delegation_token(DelegationRequestId=request)
    assert state(owner, request) == "FINALIZED"


def test_states_follow_each_other_as_documented(customer: Aws, ask: Callable[..., str]) -> None:
    request, iam = ask(), customer.iam
    steps = {"associate": iam.associate_delegation_request, "update": iam.update_delegation_request,
             "accept": iam.accept_delegation_request, "reject": iam.reject_delegation_request,
             "send": iam.send_delegation_token}

    def only(*possible: str) -> None:
        for name in steps.keys() - set(possible):
            with refused("InvalidInput", status=400):
                steps[name](DelegationRequestId=request)

    only("associate")
    iam.associate_delegation_request(DelegationRequestId=request)
    only("update", "accept", "reject")
    iam.update_delegation_request(DelegationRequestId=request)
    only("update", "accept", "reject")
    iam.accept_delegation_request(DelegationRequestId=request)
    only("send", "reject")
    iam.send_delegation_token(DelegationRequestId=request)
    only()
    rejected = ask()
    iam.associate_delegation_request(DelegationRequestId=rejected)
    iam.reject_delegation_request(DelegationRequestId=rejected)
    request = rejected
    only()


def test_the_root_user_approves_four_hours_at_most(root: Aws, ask: Callable[..., str], unique: Names) -> None:
    long, short = ask(OwnerAccountId=ACCOUNT, SessionDuration=14_401), ask(OwnerAccountId=ACCOUNT, SessionDuration=14_400)
    for request in (long, short):
        root.iam.associate_delegation_request(DelegationRequestId=request)
    with refused("InvalidInput", re.compile("4 hours")):
        root.iam.accept_delegation_request(DelegationRequestId=long)
    root.iam.accept_delegation_request(DelegationRequestId=short)
    root.iam.send_delegation_token(DelegationRequestId=short)
    delegate, answer = redeem(root, token_of(root, short))
    assert delegate.arn() == answer["AssumedPrincipal"] == f"arn:aws:iam::{ACCOUNT}:root"
    delegate.iam.list_users()
    with refused("AccessDenied"):
        delegate.iam.list_roles()


def test_a_session_that_is_limited_passes_nothing_on(root: Aws, customer: Aws, ask: Callable[..., str], account: str) -> None:
    role = customer.arn().split("/")[1]
    governor = root.user("governor-of-limits", allow("sts:AssumeRole"))
    limited = governor.assume(f"arn:aws:iam::{account}:role/{role}", Policy=document(allow("iam:*")))
    request = ask()
    limited.iam.associate_delegation_request(DelegationRequestId=request)
    with refused("AccessDenied", re.compile("limited by session policies")):
        limited.iam.accept_delegation_request(DelegationRequestId=request)


def test_a_token_is_for_its_provider_alone(root: Aws, customer: Aws, ask: Callable[..., str], unique: Names) -> None:
    request = ask()
    finalize(customer, request)
    token = token_of(root, request)
    wrong = ("ValidationError", "Invalid trade-in token")
    with refused(*wrong, status=400):
        redeem(customer, token)
    for bad in ("x", token[:-1], token.swapcase(), "A" * len(token)):
        with refused(*wrong):
            redeem(root, bad)
    nobody = root.user(unique("nobody"))
    with refused("AccessDenied"):
        redeem(nobody, token)
    redeem(root.user(unique("redeemer"), allow("sts:GetDelegatedAccessToken")), token)
    # The messages are for whoever may subscribe to the topic, in its account.
    answer = fetch(nobody, TOPIC)
    assert answer.status == 403, answer.body
    assert notifications(customer) == []
    reader = root.user(unique("reader"), allow("sns:Subscribe", TOPIC))
    assert token_of(reader, request)


def test_a_request_without_an_account_is_anyones_until_it_is_claimed(
        root: Aws, customer: Aws, ask: Callable[..., str], account: str) -> None:
    with refused("InvalidInput", "The policy template needs a value for the parameter AccountId."):
        root.iam.create_delegation_request(
            Description="d", RequestorWorkflowId="without", NotificationChannel=TOPIC, SessionDuration=300,
            Permissions={"PolicyTemplateArn": TEMPLATE, "Parameters": [
                {"Name": "buckets", "Values": ["b"], "Type": "stringList"},
                {"Name": "WITH_LIST", "Values": ["True"], "Type": "string"}]})
    request = root.iam.create_delegation_request(
        Description="d", RequestorWorkflowId="without", NotificationChannel=TOPIC, SessionDuration=300,
        Permissions={"PolicyTemplateArn": TEMPLATE, "Parameters": [
            {"Name": "buckets", "Values": ["b"], "Type": "stringList"},
            {"Name": "WITH_LIST", "Values": ["False"], "Type": "string"},
            {"Name": "AccountId", "Values": [account], "Type": "string"}]})["DelegationRequestId"]
    assert state(root, request) == state(customer, request) == "UNASSIGNED"
    customer.iam.associate_delegation_request(DelegationRequestId=request)
    with refused("NoSuchEntity"):
        root.iam.get_delegation_request(DelegationRequestId=request)
    assert "ListUsers" not in customer.iam.get_delegation_request(
        DelegationRequestId=request)["DelegationRequest"]["PermissionPolicy"]


def test_what_a_provider_must_say(root: Aws, customer: Aws, ask: Callable[..., str], unique: Names) -> None:
    workflow = unique("workflow")
    ask(RequestorWorkflowId=workflow)
    with refused("EntityAlreadyExists", status=409):
        ask(RequestorWorkflowId=workflow)
    unknown = TEMPLATE.replace("setup", "other")
    with refused("InvalidInput", re.compile("is not registered")):
        ask(Permissions={"PolicyTemplateArn": unknown, "Parameters": []})
    for topic in ("arn:aws:sns:us-east-1:999999999999:t", f"arn:aws:sqs:us-east-1:{ACCOUNT}:t", "topic"):
        with refused("InvalidInput", re.compile("not the ARN of an SNS topic")):
            ask(NotificationChannel=topic)
    with refused("InvalidInput", "The rendered policy exceeds the limit of 2048 characters."):
        ask(buckets=["b" * 60] * 40)
    with refused("ValidationError", re.compile("sessionDuration")):
        root.as_(root.credentials, check_parameters=False).iam.create_delegation_request(
            Description="d", RequestorWorkflowId="short", NotificationChannel=TOPIC, SessionDuration=299,
            Permissions={"PolicyTemplateArn": TEMPLATE})
    with refused("AccessDenied", re.compile("not registered as a product provider"), status=403):
        customer.iam.create_delegation_request(
            Description="d", RequestorWorkflowId="other", NotificationChannel=TOPIC, SessionDuration=300,
            Permissions={"PolicyTemplateArn": TEMPLATE})
    only_short = root.user(unique("short"), allow(
        "iam:CreateDelegationRequest", Condition={"NumericLessThanEquals": {"iam:DelegationDuration": "600"},
                                                  "ArnEquals": {"iam:TemplateArn": TEMPLATE,
                                                                "iam:NotificationChannel": TOPIC}}))
    parameters = [{"Name": "buckets", "Values": ["b"], "Type": "stringList"},
                  {"Name": "WITH_LIST", "Values": ["True"], "Type": "string"}]
    asked = {"Description": "d", "NotificationChannel": TOPIC, "OwnerAccountId": ACCOUNT,
             "Permissions": {"PolicyTemplateArn": TEMPLATE, "Parameters": parameters}}
    with refused("AccessDenied"):
        only_short.iam.create_delegation_request(RequestorWorkflowId=unique("workflow"), SessionDuration=601, **asked)
    only_short.iam.create_delegation_request(RequestorWorkflowId=unique("workflow"), SessionDuration=600, **asked)


def test_a_summary_says_what_is_asked_for(customer: Aws, account: str, ask: Callable[..., str], unique: Names) -> None:
    bucket = unique("bucket")
    request = ask(buckets=[bucket], SessionDuration=5400)
    arn = f"arn:aws:iam::{account}:delegation-request/{request}"
    summary = customer.iam.get_human_readable_summary(EntityArn=arn)
    assert (summary["SummaryState"], summary["Locale"]) == ("AVAILABLE", "en")
    text = summary["SummaryContent"]
    for said in ("**Example Product**", "1 hour and 30 minutes", f"`arn:aws:s3:::{bucket}`", f"limited by `{BOUNDARY}`",
                 "if `iam:PermissionsBoundary` StringEquals"):
        assert said in text, text
    other = customer.iam.get_human_readable_summary(EntityArn=arn, Locale="fr")
    assert (other["SummaryState"], other["SummaryContent"], other["Locale"]) == ("NOT_SUPPORTED", "", "fr")
    with refused("InvalidInput"):
        customer.iam.get_human_readable_summary(EntityArn=f"arn:aws:iam::{account}:user/someone")
    with refused("NoSuchEntity"):
        customer.iam.get_human_readable_summary(EntityArn=arn[:-4] + "0000")


@pytest.mark.parametrize(("statement", "why"), [
    ({"Effect": "Allow", "Action": "*", "Resource": "*"}, "names no service"),
    ({"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*"}, "not about roles or policies"),
    ({"Effect": "Allow", "Action": "iam:CreateRole", "Resource": "*"}, "needs a condition on iam:PermissionsBoundary"),
    ({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "@{x"}, "has no end"),
])
def test_a_template_that_grants_too_much_is_told_at_the_start(
        make_server: Callable[..., Server], tmp_path: Path, statement: dict, why: str) -> None:
    file = tmp_path / "delegation.toml"
    file.write_text(declared({"Version": "2012-10-17", "Statement": [statement]}))
    with pytest.raises(StartFailed) as failed:
        make_server(variables={"ROLECALL_DELEGATION_FILE": str(file)}).start()
    assert failed.value.exit_code == 2 and why in failed.value.output and "delegation.file" in failed.value.output


def test_requests_outlive_a_restart(make_server: Callable[..., Server], tmp_path: Path) -> None:
    file = tmp_path / "delegation.toml"
    file.write_text(declared({"Version": "2012-10-17", "Statement": allow("s3:ListAllMyBuckets")}))
    server = make_server(variables={"ROLECALL_DELEGATION_FILE": str(file)}).start()
    root = Aws(server, server.root)
    request = root.iam.create_delegation_request(
        Description="d", RequestorWorkflowId="workflow-1", NotificationChannel=TOPIC, SessionDuration=300,
        Permissions={"PolicyTemplateArn": TEMPLATE})["DelegationRequestId"]
    finalize(root, request)
    token = token_of(root, request)
    server.stop()
    server.start()
    root = Aws(server, server.root)
    assert state(root, request) == "FINALIZED"
    redeem(root, token)[0].s3.list_buckets()
