"""AssumeRoleWithSAML: a provider's signed responses, good and bad, and what trust policies make of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from harness.clients import Aws, Cli, allow, document, refused, trust
from harness.process import ACCOUNT, REGION, Credentials, Server
from harness.saml_idp import SIGN_IN, IdentityProvider
from harness.wire import call

Names = Callable[[str], str]
ACTION = "sts:AssumeRoleWithSAML"
DENIED = "Not authorized to perform sts:AssumeRoleWithSAML"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/corp"


@pytest.fixture(scope="module")
def idp(root: Aws) -> IdentityProvider:
    idp = IdentityProvider()
    root.iam.create_saml_provider(Name="corp", SAMLMetadataDocument=idp.metadata())
    return idp


@pytest.fixture
def make_role(root: Aws, idp: IdentityProvider, unique: Names) -> Callable[..., str]:
    """A role that trusts the provider under a condition; its ARN."""

    def make(*statements: dict, condition: dict | None = None, actions: str | list[str] = ACTION, **more) -> str:
        name = unique("role")
        conditions = {"Condition": condition} if condition else {}
        root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(
            trust({"Federated": PROVIDER}, actions, **conditions)), **more)
        if statements:
            root.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*statements))
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    return make


@pytest.fixture(scope="module")
def anyone(server: Server):
    """STS for someone without any credentials."""
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    return boto3.Session(region_name=REGION).client("sts", endpoint_url=server.endpoint, config=config)


def assume(anyone, role: str, assertion: str, provider: str = PROVIDER, **more) -> dict:
    return anyone.assume_role_with_saml(RoleArn=role, PrincipalArn=provider, SAMLAssertion=assertion, **more)


def test_an_assertion_opens_a_role(anyone, root: Aws, idp: IdentityProvider, make_role: Callable[..., str]) -> None:
    role = make_role(allow("s3:ListAllMyBuckets"), condition={"StringEquals": {
        "saml:aud": SIGN_IN, "saml:iss": idp.entity_id, "saml:sub": "jane", "saml:sub_type": "persistent"}})
    answer = assume(anyone, role, idp.response(role, PROVIDER))
    name = role.rsplit("/", 1)[1]
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/jane@example.com"
    assert {key: answer[key] for key in ["Subject", "SubjectType", "Issuer", "Audience"]} == {
        "Subject": "jane", "SubjectType": "persistent", "Issuer": idp.entity_id, "Audience": SIGN_IN}
    session = root.as_(Credentials.of(answer["Credentials"]))
    assert session.arn() == answer["AssumedRoleUser"]["Arn"]
    session.s3.list_buckets()
    with refused("AccessDenied"):
        session.iam.list_users()
    with refused("AccessDenied", DENIED, status=403):
        assume(anyone, role, idp.response(role, PROVIDER, subject="john"))


def test_forged_assertions(anyone, idp: IdentityProvider, make_role: Callable[..., str]) -> None:
    role = make_role()
    assume(anyone, role, idp.response(role, PROVIDER))
    stranger = IdentityProvider(idp.entity_id)
    for forged in [stranger.response(role, PROVIDER), idp.response(role, PROVIDER, signed=False),
                   idp.response(role, PROVIDER, tamper=(">jane<", ">admin<"))]:
        with refused("InvalidIdentityToken", "Response signature invalid", status=400):
            assume(anyone, role, forged)
    with refused("InvalidIdentityToken"):
        assume(anyone, role, "bm90IFhNTA==")


@pytest.mark.parametrize(("change", "code", "message"), [
    ({"audience": "urn:someone:else"}, "InvalidIdentityToken", "Response does not contain the required audience."),
    ({"recipient": "https://example.com/saml"}, "InvalidIdentityToken", None),
    ({"issued": -400}, "ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance"),
    ({"expires": -1}, "ExpiredTokenException", None),
    ({"session_end": -1}, "ExpiredTokenException", None),
    ({"session_name": "a b"}, "InvalidIdentityToken", re.compile("RoleSessionName in AuthnResponse must match")),
    ({"SourceIdentity": "j"}, "IDPRejectedClaim", None)])
def test_assertions_that_are_refused(anyone, idp: IdentityProvider, make_role: Callable[..., str], change: dict,
                                     code: str, message: str | re.Pattern[str] | None) -> None:
    role = make_role(actions="sts:*")
    with refused(code, message):
        assume(anyone, role, idp.response(role, PROVIDER, **change))


def test_an_assertion_names_its_roles(anyone, idp: IdentityProvider, make_role: Callable[..., str]) -> None:
    role, other = make_role(), make_role()
    with refused("InvalidIdentityToken",
                 "SAML Assertion doesn't contain the requested Role and Metadata in the attributes"):
        assume(anyone, other, idp.response(role, PROVIDER))
    absent = f"arn:aws:iam::{ACCOUNT}:role/no-such-role"
    with refused("AccessDenied", DENIED, status=403):
        assume(anyone, absent, idp.response(absent, PROVIDER))
    elsewhere = "arn:aws:iam::999999999999:role/robot"
    with refused("AccessDenied", DENIED, status=403):
        assume(anyone, elsewhere, idp.response(elsewhere, PROVIDER))
    with refused("InvalidIdentityToken"):
        assume(anyone, role, idp.response(role, f"{PROVIDER}-2"), f"{PROVIDER}-2")


def test_tags_and_source_identity(anyone, root: Aws, idp: IdentityProvider, make_role: Callable[..., str]) -> None:
    brought = {"PrincipalTag__team": "red", "SourceIdentity": "jane"}
    role = make_role()
    with refused("AccessDenied", "Not authorized to perform sts:TagSession"):
        assume(anyone, role, idp.response(role, PROVIDER, **brought))
    role = make_role(allow("s3:ListAllMyBuckets", Condition={"StringEquals": {
        "aws:PrincipalTag/team": "red", "aws:SourceIdentity": "jane", "aws:FederatedProvider": PROVIDER,
        "saml:sub": "jane"}}), actions=[ACTION, "sts:TagSession", "sts:SetSourceIdentity"])
    answer = assume(anyone, role, idp.response(role, PROVIDER, **brought))
    assert answer["SourceIdentity"] == "jane"
    root.as_(Credentials.of(answer["Credentials"])).s3.list_buckets()


def test_durations(anyone, idp: IdentityProvider, make_role: Callable[..., str]) -> None:
    def lasts(answer: dict) -> float:
        return answer["Credentials"]["Expiration"].timestamp() - time.time()

    role = make_role(MaxSessionDuration=7200)
    assert abs(lasts(assume(anyone, role, idp.response(role, PROVIDER), DurationSeconds=7200)) - 7200) < 10
    # The provider's end of its own session is the session's too.
    assert abs(lasts(assume(anyone, role, idp.response(role, PROVIDER, session_end=1800))) - 1800) < 10
    with refused("ValidationError", re.compile("exceeds the MaxSessionDuration")):
        assume(anyone, role, idp.response(role, PROVIDER), DurationSeconds=7201)


def test_signed_requests_and_the_command_line(server: Server, root: Aws, aws_cli: Cli, idp: IdentityProvider,
                                              make_role: Callable[..., str]) -> None:
    role = make_role()
    signed = call(server, root.credentials, "AssumeRoleWithSAML", "sts", RoleArn=role, PrincipalArn=PROVIDER,
                  SAMLAssertion=idp.response(role, PROVIDER))
    assert (signed.status, signed.find("Subject")) == (200, "jane"), signed.body
    answer = aws_cli.json(server, None, "sts", "assume-role-with-saml", "--role-arn", role, "--principal-arn", PROVIDER,
                          "--saml-assertion", idp.response(role, PROVIDER))
    assert answer["Subject"] == "jane"
