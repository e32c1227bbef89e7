"""STS: durations, names, session policies, tags, external ids, source identity, chaining, other calls."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest
from harness.clients import Aws, allow, document, refused, trust
from harness.process import ACCOUNT, Credentials, Server
from harness.wire import call

Names = Callable[[str], str]
ANYONE_HERE = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


@pytest.fixture(scope="module")
def caller(root: Aws) -> Aws:
    """A user who may assume whatever trusts the account."""
    return root.user("caller", allow("sts:*"))


@pytest.fixture
def make_role(root: Aws, unique: Names) -> Callable[..., str]:
    """A role with an inline policy; its ARN."""

    def make(*statements: dict, trusts: dict | None = None, **more) -> str:
        name = unique("role")
        root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trusts or trust(ANYONE_HERE)),
                             **more)
        if statements:
            root.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*statements))
        return arn(name)

    return make


def test_who_am_i(root: Aws, caller: Aws, make_role: Callable[..., str]) -> None:
    assert {key: root.sts.get_caller_identity()[key] for key in ["UserId", "Account", "Arn"]} == {
        "UserId": ACCOUNT, "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"}
    assert caller.arn() == f"arn:aws:iam::{ACCOUNT}:user/caller"
    role = make_role(Path="/deep/path/")
    name = role.rsplit("/", 1)[1]
    session = caller.assume(f"arn:aws:iam::{ACCOUNT}:role/deep/path/{name}", "s=+,.@-_")
    assert session.arn() == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/s=+,.@-_"


@pytest.mark.parametrize(("longest", "asked", "granted"), [
    (None, None, 3600), (None, 900, 900), (None, 3600, 3600), (43200, 43200, 43200), (7200, None, 3600)])
def test_durations(caller: Aws, make_role: Callable[..., str], longest: int | None, asked: int | None,
                   granted: int) -> None:
    role = make_role(**({"MaxSessionDuration": longest} if longest else {}))
    more = {"DurationSeconds": asked} if asked else {}
    answer = caller.sts.assume_role(RoleArn=role, RoleSessionName="session", **more)
    assert abs(answer["Credentials"]["Expiration"].timestamp() - time.time() - granted) < 10


@pytest.mark.parametrize(("asked", "rule"), [
    (899, "greater than or equal to 900"), (120, "greater than or equal to 900"),
    (43201, "less than or equal to 43200"), (3601, "exceeds the MaxSessionDuration set for this role")])
def test_durations_that_are_refused(caller: Aws, make_role: Callable[..., str], asked: int, rule: str) -> None:
    unchecked = caller.as_(caller.credentials, check_parameters=False)
    with refused("ValidationError", re.compile(rule), status=400):
        unchecked.sts.assume_role(RoleArn=make_role(), RoleSessionName="session", DurationSeconds=asked)


@pytest.mark.parametrize("name", ["", "x", "y" * 65, "with space", "sla/sh", "ümlaut"])
def test_session_names_that_are_refused(server: Server, caller: Aws, make_role: Callable[..., str],
                                        name: str) -> None:
    answer = call(server, caller.credentials, "AssumeRole", "sts", RoleArn=make_role(), RoleSessionName=name)
    assert (answer.status, answer.code) == (400, "ValidationError")
    assert "'roleSessionName' failed to satisfy constraint" in answer.message


@pytest.mark.parametrize("role", ["robot", "arn:aws:iam::123456789012:user/robot", "arn:aws:iam::12:role/robot",
                                  "arn:aws:s3:::bucket-of-some-length"])
def test_role_arns_that_are_none(server: Server, caller: Aws, role: str) -> None:
    answer = call(server, caller.credentials, "AssumeRole", "sts", RoleArn=role, RoleSessionName="session")
    assert (answer.status, answer.code) in {(400, "ValidationError"), (403, "AccessDenied")}, answer.body


def test_session_policies_only_take_away(root: Aws, caller: Aws, make_role: Callable[..., str],
                                         unique: Names) -> None:
    role = make_role(allow(["s3:ListAllMyBuckets", "iam:ListUsers"]))
    inline = caller.assume(role, Policy=document(allow(["s3:*", "iam:ListRoles"])))
    inline.s3.list_buckets()
    with refused("AccessDenied", re.compile("because no session policy allows the iam:ListUsers action")):
        inline.iam.list_users()
    with refused("AccessDenied"):
        inline.iam.list_roles()
    managed = root.iam.create_policy(PolicyName=unique("session"), PolicyDocument=document(
        allow("iam:ListUsers")))["Policy"]["Arn"]
    by_arn = caller.assume(role, PolicyArns=[{"arn": managed}])
    by_arn.iam.list_users()
    with refused("AccessDenied"):
        by_arn.s3.list_buckets()
    both = caller.assume(role, PolicyArns=[{"arn": managed}], Policy=document(allow("s3:*")))
    both.iam.list_users()
    both.s3.list_buckets()


def test_session_policies_that_are_refused(caller: Aws, make_role: Callable[..., str]) -> None:
    role = make_role()
    with refused("MalformedPolicyDocument", status=400):
        caller.assume(role, Policy="{")
    with refused({"ValidationError", "PackedPolicyTooLarge"}, status=400):
        caller.as_(caller.credentials, check_parameters=False).assume(
            role, Policy=document(allow("s3:*", "arn:aws:s3:::" + "x" * 2048)))
    with refused({"MalformedPolicyDocument", "ValidationError", "NoSuchEntity"}):
        caller.assume(role, PolicyArns=[{"arn": f"arn:aws:iam::{ACCOUNT}:policy/nowhere"}])


def test_packed_policy_size_is_reported(caller: Aws, make_role: Callable[..., str]) -> None:
    role = make_role()
    plain = caller.sts.assume_role(RoleArn=role, RoleSessionName="session")
    assert "PackedPolicySize" not in plain
    with_policy = caller.sts.assume_role(RoleArn=role, RoleSessionName="session",
                                         Policy=document(allow("s3:*")))
    assert 0 < with_policy["PackedPolicySize"] <= 100


def test_external_id(caller: Aws, make_role: Callable[..., str]) -> None:
    role = make_role(trusts=trust(ANYONE_HERE, Condition={"StringEquals": {"sts:ExternalId": "shared-word"}}))
    caller.assume(role, ExternalId="shared-word")
    for more in [{}, {"ExternalId": "another"}, {"ExternalId": "SHARED-WORD"}]:
        with refused("AccessDenied", status=403):
            caller.assume(role, **more)


def test_session_tags_need_the_trust_policys_leave(caller: Aws, make_role: Callable[..., str]) -> None:
    tags = [{"Key": "team", "Value": "red"}]
    with refused("AccessDenied", re.compile("sts:TagSession"), status=403):
        caller.assume(make_role(), Tags=tags)
    role = make_role(
        allow("s3:ListAllMyBuckets", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}),
        trusts=trust(ANYONE_HERE, ["sts:AssumeRole", "sts:TagSession"]))
    caller.assume(role, Tags=tags).s3.list_buckets()
    with refused("AccessDenied"):
        caller.assume(role, Tags=[{"Key": "team", "Value": "blue"}]).s3.list_buckets()
    with refused("AccessDenied"):
        caller.assume(role).s3.list_buckets()


def test_session_tags_win_over_role_tags_and_pass_down_when_transitive(
        caller: Aws, make_role: Callable[..., str]) -> None:
    both = ["sts:AssumeRole", "sts:TagSession"]
    red = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    last = make_role(allow("s3:ListAllMyBuckets", Condition=red), trusts=trust(ANYONE_HERE, both))
    first = make_role(allow("sts:*"), allow("s3:ListAllMyBuckets", Condition=red),
                      trusts=trust(ANYONE_HERE, both), Tags=[{"Key": "team", "Value": "blue"}])
    with refused("AccessDenied"):
        caller.assume(first).s3.list_buckets()
    tags = [{"Key": "team", "Value": "red"}]
    staying = caller.assume(first, Tags=tags)
    staying.s3.list_buckets()
    with refused("AccessDenied"):
        staying.assume(last).s3.list_buckets()
    passing = caller.assume(first, Tags=tags, TransitiveTagKeys=["team"])
    passing.assume(last).s3.list_buckets()
    with refused({"InvalidParameterValue", "ValidationError", "AccessDenied"}):
        passing.assume(last, Tags=[{"Key": "team", "Value": "blue"}])


def test_source_identity_sticks(caller: Aws, make_role: Callable[..., str]) -> None:
    both = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    second = make_role(allow("s3:ListAllMyBuckets", Condition={"StringEquals": {"aws:SourceIdentity": "ann"}}),
                       trusts=trust(ANYONE_HERE, both))
    first = make_role(allow("sts:*"), trusts=trust(ANYONE_HERE, both))
    with refused("AccessDenied", re.compile("sts:SetSourceIdentity"), status=403):
        caller.assume(make_role(), SourceIdentity="ann")
    answer = caller.sts.assume_role(RoleArn=first, RoleSessionName="session", SourceIdentity="ann")
    assert answer["SourceIdentity"] == "ann"
    session = caller.as_(Credentials.of(answer["Credentials"]))
    session.assume(second).s3.list_buckets()
    with refused({"AccessDenied", "ValidationError", "InvalidParameterValue"}):
        session.assume(second, SourceIdentity="bob")


def test_a_chained_session_lasts_an_hour_at_most(caller: Aws, make_role: Callable[..., str]) -> None:
    first = make_role(allow("sts:AssumeRole"), MaxSessionDuration=43200)
    second = make_role(MaxSessionDuration=43200)
    session = caller.assume(first)
    answer = session.sts.assume_role(RoleArn=second, RoleSessionName="chained")
    assert answer["Credentials"]["Expiration"].timestamp() - time.time() <= 3600
    with refused("ValidationError", re.compile(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"),
            status=400):
        session.sts.assume_role(RoleArn=second, RoleSessionName="chained", DurationSeconds=3601)


def test_a_role_session_is_trusted_by_its_role(caller: Aws, make_role: Callable[..., str]) -> None:
    first = make_role()
    second = make_role(trusts=trust({"AWS": first}))
    caller.assume(first).assume(second)
    with refused("AccessDenied"):
        caller.assume(second)


def test_get_session_token(root: Aws, caller: Aws) -> None:
    answer = caller.sts.get_session_token(DurationSeconds=900)
    session = caller.as_(Credentials.of(answer["Credentials"]))
    assert session.arn() == caller.arn()
    with refused("AccessDenied", status=403):
        session.sts.get_session_token()
    with refused({"InvalidClientTokenId", "AccessDenied"}, status=403):
        session.iam.list_users()
    for_an_hour = root.sts.get_session_token(DurationSeconds=129600)["Credentials"]["Expiration"]
    assert for_an_hour.timestamp() - time.time() <= 3600


def test_a_role_session_gets_no_session_token(caller: Aws, make_role: Callable[..., str]) -> None:
    session = caller.assume(make_role(allow("sts:*")))
    with refused("AccessDenied", "Cannot call GetSessionToken with session credentials", status=403):
        session.sts.get_session_token()


def test_nobody_can_forbid_asking_who_one_is(root: Aws, unique: Names) -> None:
    user = root.user(unique("silenced"), {"Effect": "Deny", "Action": "*", "Resource": "*"})
    assert user.arn()


def test_account_of_a_key(caller: Aws) -> None:
    assert caller.sts.get_access_key_info(AccessKeyId=caller.credentials.access_key_id)["Account"] == ACCOUNT
    session = caller.sts.get_session_token()["Credentials"]["AccessKeyId"]
    assert caller.sts.get_access_key_info(AccessKeyId=session)["Account"] == ACCOUNT
    # A published key: its characters spell its account, whichever server is asked.
    assert caller.sts.get_access_key_info(AccessKeyId="ASIAQNZGKIQY56JQ7WML")["Account"] == "029608264753"


def test_encoded_denials_are_decoded(root: Aws, caller: Aws, unique: Names) -> None:
    user = root.user(unique("denied"))
    try:
        user.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
        raise AssertionError("was not refused")
    except user.ec2.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "UnauthorizedOperation"
        message = error.response["Error"]["Message"]
    encoded = re.search(r"Encoded authorization failure message: (\S+)", message).group(1)
    decoded = json.loads(caller.sts.decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert decoded["allowed"] is False and decoded["explicitDeny"] is False
    assert decoded["context"]["action"] == "ec2:RunInstances"
    with refused("InvalidAuthorizationMessageException", status=400):
        caller.sts.decode_authorization_message(EncodedMessage="made-up")
    with refused("AccessDenied", status=403):
        user.sts.decode_authorization_message(EncodedMessage=encoded)


def test_conditions_of_a_trust_policy(caller: Aws, make_role: Callable[..., str]) -> None:
    named = make_role(trusts=trust(ANYONE_HERE, Condition={
        "StringEquals": {"sts:RoleSessionName": "${aws:username}"}}))
    caller.assume(named, "caller")
    with refused("AccessDenied"):
        caller.assume(named, "another")
    from_here = make_role(trusts=trust(ANYONE_HERE, Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}))
    caller.assume(from_here)
    elsewhere = make_role(trusts=trust(ANYONE_HERE, Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
    with refused("AccessDenied"):
        caller.assume(elsewhere)
    with_mfa = make_role(trusts=trust(ANYONE_HERE, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))
    with refused("AccessDenied"):
        caller.assume(with_mfa)


def test_revoking_the_sessions_of_a_role(root: Aws, caller: Aws, make_role: Callable[..., str]) -> None:
    role = make_role(allow("s3:ListAllMyBuckets"))
    old = caller.assume(role)
    old.s3.list_buckets()
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
    root.iam.put_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyName="AWSRevokeOlderSessions",
                             PolicyDocument=document({
                                 "Effect": "Deny", "Action": "*", "Resource": "*",
                                 "Condition": {"DateLessThan": {"aws:TokenIssueTime": moment}}}))
    with refused("AccessDenied", re.compile("explicit deny")):
        old.s3.list_buckets()
    time.sleep(2)
    caller.assume(role).s3.list_buckets()
