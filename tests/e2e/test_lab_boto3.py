"""The lab by boto3, and the ways in which credentials can be wrong."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable

import boto3
import pytest
from harness import lab, wire
from harness.clients import Aws, allow, document, refused, trust
from harness.process import ACCOUNT, Credentials, Server


@pytest.fixture(scope="module")
def user(root: Aws) -> Aws:
    """The lab, declared; its user."""
    return lab.declare(root)


def test_denied_then_assumed_then_allowed(user: Aws) -> None:
    with refused("AccessDenied", re.compile("because no identity-based policy allows"), status=403):
        user.s3.list_buckets()
    session = user.assume(lab.ROLE_ARN, lab.SESSION)
    assert session.arn() == lab.SESSION_ARN
    assert [bucket["Name"] for bucket in session.s3.list_buckets()["Buckets"]] == [lab.BUCKETS[0]]


def test_the_session_reaches_its_resources_by_the_other_apis_too(user: Aws) -> None:
    session = user.assume(lab.ROLE_ARN)
    session.s3.put_object(Bucket=lab.BUCKETS[0], Key="k", Body=b"body")
    assert session.s3.get_object(Bucket=lab.BUCKETS[0], Key="k")["Body"].read() == b"body"
    session.s3.delete_object(Bucket=lab.BUCKETS[0], Key="k")
    with refused("AccessDenied", re.compile(
            f"User: arn:aws:sts::{ACCOUNT}:assumed-role/robot/session is not authorized to perform: "
            f"iam:GetRole on resource: role robot|iam:GetRole on resource: {lab.ROLE_ARN} because "
            "no identity-based policy allows the iam:GetRole action"), status=403):
        session.iam.get_role(RoleName=lab.ROLE)


def test_profile_with_role_and_source(user: Aws, server: Server, monkeypatch: pytest.MonkeyPatch,
                                      tmp_path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"[profile base]\naws_access_key_id={user.credentials.access_key_id}\n"
        f"aws_secret_access_key={user.credentials.secret_access_key}\n"
        f"[profile robot]\nrole_arn={lab.ROLE_ARN}\nsource_profile=base\nregion=eu-central-1\n"
        f"endpoint_url={server.endpoint}\n")
    for name in list(server.client_environment(user.credentials)):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    session = boto3.Session(profile_name="robot")
    assert session.client("sts").get_caller_identity()["Arn"].startswith(
        f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/botocore-session-")
    assert session.client("s3").list_buckets()["Buckets"]


def test_every_region_is_answered(user: Aws, server: Server) -> None:
    for region in ["us-east-1", "eu-central-1", "ap-southeast-4"]:
        assert Aws(server, user.credentials, region).arn() == lab.USER_ARN


# Credentials that are wrong: each API has words of its own for it.

WRONG_SECRET = {"sts": "SignatureDoesNotMatch", "iam": "SignatureDoesNotMatch", "s3": "SignatureDoesNotMatch",
                "ec2": "AuthFailure"}
UNKNOWN_KEY = {"sts": "InvalidClientTokenId", "iam": "InvalidClientTokenId", "s3": "InvalidAccessKeyId",
               "ec2": "AuthFailure"}
BAD_TOKEN = {"sts": "InvalidClientTokenId", "iam": "InvalidClientTokenId", "s3": "InvalidToken",
             "ec2": "AuthFailure"}


def ask(aws: Aws, service: str) -> dict:
    """A read that the credentials of this file, when right, are allowed in `sts` and `s3`."""
    return {"sts": lambda: aws.sts.get_caller_identity(), "iam": lambda: aws.iam.list_users(),
            "s3": lambda: aws.s3.list_buckets(), "ec2": lambda: aws.ec2.describe_instances()}[service]()


@pytest.mark.parametrize("service", WRONG_SECRET)
def test_wrong_secret(user: Aws, service: str) -> None:
    wrong = user.as_(Credentials(user.credentials.access_key_id, "x" * 40))
    with refused(WRONG_SECRET[service], status=401 if service == "ec2" else 403):
        ask(wrong, service)


@pytest.mark.parametrize("service", UNKNOWN_KEY)
def test_unknown_key(user: Aws, service: str) -> None:
    wrong = user.as_(Credentials("AKIAIOSFODNN7EXAMPLE", user.credentials.secret_access_key))
    with refused(UNKNOWN_KEY[service], status=401 if service == "ec2" else 403):
        ask(wrong, service)


@pytest.mark.parametrize("service", BAD_TOKEN)
@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_tampered_token(user: Aws, service: str, where: str) -> None:
    session = user.assume(lab.ROLE_ARN).credentials
    token = session.session_token
    at = {"first": 0, "middle": len(token) // 2, "last": len(token) - 5}[where]
    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1:]
    wrong = user.as_(Credentials(session.access_key_id, session.secret_access_key, changed))
    with refused(BAD_TOKEN[service]):
        ask(wrong, service)


@pytest.mark.parametrize("token", ["", "x", "!" * 50, base64.b64encode(bytes(200)).decode(), "A" * 4096],
                         ids=["none", "short", "not-base64", "zeros", "long"])
def test_token_of_nobodys_making(user: Aws, token: str) -> None:
    session = user.assume(lab.ROLE_ARN).credentials
    wrong = user.as_(Credentials(session.access_key_id, session.secret_access_key, token or None))
    with refused("InvalidClientTokenId", "The security token included in the request is invalid.", status=403):
        wrong.sts.get_caller_identity()


def test_token_of_another_session(user: Aws) -> None:
    first, second = (user.assume(lab.ROLE_ARN).credentials for _ in range(2))
    mixed = user.as_(Credentials(first.access_key_id, first.secret_access_key, second.session_token))
    with refused({"InvalidClientTokenId", "SignatureDoesNotMatch"}, status=403):
        mixed.sts.get_caller_identity()


def test_a_token_beside_a_users_own_key(user: Aws) -> None:
    token = user.assume(lab.ROLE_ARN).credentials.session_token
    keys = user.credentials
    with refused("InvalidClientTokenId", status=403):
        user.as_(Credentials(keys.access_key_id, keys.secret_access_key, token)).sts.get_caller_identity()


def test_expired_token(make_server: Callable[..., Server], tmp_path) -> None:
    settings = tmp_path / "rolecall.toml"
    settings.write_text("[sts]\nmin_session_seconds = 1\n")
    server = make_server(flags=("--config", str(settings))).start()
    root = Aws(server, server.root)
    root.iam.create_role(RoleName="short", AssumeRolePolicyDocument=document(
        trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})))
    root.iam.put_role_policy(RoleName="short", PolicyName="all", PolicyDocument=document(allow("s3:*")))
    user = root.user("caller", allow("sts:AssumeRole")).credentials
    answer = root.as_(user, check_parameters=False).sts.assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/short", RoleSessionName="brief", DurationSeconds=2)
    session = root.as_(Credentials.of(answer["Credentials"]))
    assert session.arn().endswith("/short/brief")
    remaining = answer["Credentials"]["Expiration"].timestamp() - time.time()
    assert 0 < remaining <= 2
    time.sleep(remaining + 0.2)
    with refused("ExpiredToken", "The security token included in the request is expired", status=403):
        session.sts.get_caller_identity()
    with refused("ExpiredToken", status=400):
        session.s3.list_buckets()
    with refused("ExpiredToken", status=403):
        session.iam.list_users()


def test_no_signature_at_all(server: Server) -> None:
    for service in ["iam", "sts"]:
        body = wire.form({"Action": "ListUsers" if service == "iam" else "GetCallerIdentity",
                          "Version": wire.VERSIONS[service]})
        answer = wire.send(server, "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, body)
        assert (answer.status, answer.code) == (403, "MissingAuthenticationToken")
        assert answer.message == "Request is missing Authentication Token"


def test_signature_with_a_missing_part(user: Aws, server: Server) -> None:
    body = wire.form({"Action": "GetCallerIdentity", "Version": wire.VERSIONS["sts"]})
    signed = wire.sign(server, user.credentials, "sts", body=body)
    for part in ["Credential=", "SignedHeaders=", "Signature="]:
        pieces = signed["Authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", ")
        left = ", ".join(piece for piece in pieces if not piece.startswith(part))
        answer = wire.send(server, "POST", "/", signed | {"Authorization": f"AWS4-HMAC-SHA256 {left}"}, body)
        assert (answer.status, answer.code) == (400, "IncompleteSignature"), part
        assert part.rstrip("=") in answer.message


@pytest.mark.parametrize("change", ["body", "header", "path"])
def test_any_change_after_signing_is_noticed(user: Aws, server: Server, change: str) -> None:
    body = wire.form({"Action": "GetCallerIdentity", "Version": wire.VERSIONS["sts"]})
    signed = wire.sign(server, user.credentials, "sts", body=body, headers={"X-Amz-Note": "one"})
    path = "/"
    if change == "body":
        body += b"&DurationSeconds=900"
    elif change == "header":
        signed["X-Amz-Note"] = "two"
    else:
        path = "/?Action=GetCallerIdentity"
    answer = wire.send(server, "POST", path, signed, body)
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


def test_an_inactive_key_is_refused_until_active_again(root: Aws, unique: Callable[[str], str]) -> None:
    name = unique("sleeper")
    sleeper = root.user(name)
    key = sleeper.credentials.access_key_id
    assert sleeper.arn().endswith(f"user/{name}")
    root.iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    with refused("InvalidClientTokenId", status=403):
        sleeper.arn()
    root.iam.update_access_key(UserName=name, AccessKeyId=key, Status="Active")
    assert sleeper.arn()
    root.iam.delete_access_key(UserName=name, AccessKeyId=key)
    with refused("InvalidClientTokenId", status=403):
        sleeper.arn()


def test_role_without_trust(user: Aws, root: Aws) -> None:
    root.iam.create_role(RoleName="closed", AssumeRolePolicyDocument=lab.TRUST_SERVICE_ONLY)
    root.iam.put_user_policy(UserName=lab.USER, PolicyName="more", PolicyDocument=document(
        allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/closed")))
    with refused("AccessDenied", re.compile(
            f"User: {lab.USER_ARN} is not authorized to perform: sts:AssumeRole on resource: "
            f"arn:aws:iam::{ACCOUNT}:role/closed"), status=403):
        user.assume(f"arn:aws:iam::{ACCOUNT}:role/closed")


def test_role_that_does_not_exist(user: Aws) -> None:
    # AWS does not say whether a role exists to those who may not assume it.
    with refused("AccessDenied", status=403):
        user.assume(f"arn:aws:iam::{ACCOUNT}:role/nowhere")


def test_the_root_user_assumes_no_role(root: Aws, user: Aws) -> None:
    with refused("AccessDenied", "Roles may not be assumed by root accounts.", status=403):
        root.assume(lab.ROLE_ARN)


def test_a_deleted_role_takes_its_sessions_with_it(root: Aws, unique: Callable[[str], str]) -> None:
    name = unique("passing")
    root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=lab.TRUST_ACCOUNT)
    root.iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document(allow("s3:*")))
    caller = root.user(unique("caller"), allow("sts:AssumeRole"))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    session = caller.assume(arn)
    session.s3.list_buckets()
    root.iam.delete_role_policy(RoleName=name, PolicyName="all")
    with refused("AccessDenied", status=403):
        session.s3.list_buckets()
    root.iam.delete_role(RoleName=name)
    with refused({"AccessDenied", "InvalidAccessKeyId", "InvalidToken"}):
        session.s3.list_buckets()
    # A namesake is another role: the old session must not become its session.
    root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=lab.TRUST_ACCOUNT)
    root.iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document(allow("s3:*")))
    with refused({"AccessDenied", "InvalidAccessKeyId", "InvalidToken"}):
        session.s3.list_buckets()
    caller.assume(arn).s3.list_buckets()


def test_trust_binds_to_the_user_not_to_the_name(root: Aws, unique: Callable[[str], str]) -> None:
    user_name, role_name = unique("bound"), unique("binder")
    first = root.user(user_name)
    user_arn = first.arn()
    root.iam.create_role(RoleName=role_name, AssumeRolePolicyDocument=document(trust({"AWS": user_arn})))
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/{role_name}"
    first.assume(role_arn)
    unique_id = root.iam.get_user(UserName=user_name)["User"]["UserId"]
    root.iam.delete_access_key(UserName=user_name, AccessKeyId=first.credentials.access_key_id)
    root.iam.delete_user(UserName=user_name)
    stored = root.iam.get_role(RoleName=role_name)["Role"]["AssumeRolePolicyDocument"]
    assert stored["Statement"][0]["Principal"]["AWS"] == unique_id
    second = root.user(user_name, allow("sts:AssumeRole"))
    with refused("AccessDenied", status=403):
        second.assume(role_arn)
    root.iam.update_assume_role_policy(RoleName=role_name, PolicyDocument=document(trust({"AWS": user_arn})))
    second.assume(role_arn)
