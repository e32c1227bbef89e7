"""AssumeRoleWithWebIdentity: an issuer on loopback, its tokens good and bad, and what trust policies make of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from harness.clients import Aws, Cli, allow, document, refused, trust
from harness.issuer import Issuer, Key
from harness.process import ACCOUNT, REGION, Credentials, Server
from harness.wire import call, form, send

Names = Callable[[str], str]
ACTION = "sts:AssumeRoleWithWebIdentity"
DENIED = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
NO_KEY = re.compile("Couldn't retrieve verification key from your identity provider")
TAGS = "https://aws.amazon.com/tags"
SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"), variables={"ROLECALL_OIDC_ALLOW_LOOPBACK_HTTP": "true"})
    server.start()
    yield server
    server.stop()


@pytest.fixture
def make_issuer(root: Aws) -> Iterator[Callable[..., Issuer]]:
    """An issuer that the account trusts for the audience `app`."""
    made: list[Issuer] = []

    def make(path: str = "", registered: bool = True) -> Issuer:
        issuer = Issuer(path)
        made.append(issuer)
        if registered:
            root.iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["app", "other-app"])
        return issuer

    yield make
    for issuer in made:
        issuer.close()


@pytest.fixture
def issuer(make_issuer: Callable[..., Issuer]) -> Issuer:
    return make_issuer()


def provider_arn(issuer: Issuer) -> str:
    return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.name}"


@pytest.fixture
def make_role(root: Aws, unique: Names) -> Callable[..., str]:
    """A role that trusts an issuer under a condition; its ARN."""

    def make(issuer: Issuer, *statements: dict, condition: dict | None = None,
             actions: str | list[str] = ACTION, **more) -> str:
        name = unique("role")
        conditions = {"Condition": condition} if condition else {}
        trusts = trust({"Federated": provider_arn(issuer)}, actions, **conditions)
        root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trusts), **more)
        if statements:
            root.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*statements))
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    return make


@pytest.fixture(scope="module")
def anyone(server: Server):
    """STS for someone without any credentials."""
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    return boto3.Session(region_name=REGION).client("sts", endpoint_url=server.endpoint, config=config)


def assume(anyone, role: str, token: str, **more) -> dict:
    return anyone.assume_role_with_web_identity(RoleArn=role, RoleSessionName="session", WebIdentityToken=token, **more)


def test_a_token_opens_a_role(anyone, root: Aws, issuer: Issuer, make_role: Callable[..., str]) -> None:
    role = make_role(issuer, allow("s3:ListAllMyBuckets"))
    answer = assume(anyone, role, issuer.token())
    name = role.rsplit("/", 1)[1]
    assert answer["SubjectFromWebIdentityToken"] == "someone"
    assert answer["Audience"] == "app"
    assert answer["Provider"] == provider_arn(issuer)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/session"
    assert "PackedPolicySize" not in answer and "SourceIdentity" not in answer
    assert abs(answer["Credentials"]["Expiration"].timestamp() - time.time() - 3600) < 10
    session = root.as_(Credentials.of(answer["Credentials"]))
    assert session.arn() == answer["AssumedRoleUser"]["Arn"]
    session.s3.list_buckets()
    with refused("AccessDenied"):
        session.iam.list_users()


def test_keys_are_asked_for_once(anyone, issuer: Issuer, make_role: Callable[..., str]) -> None:
    role = make_role(issuer)
    for _ in range(3):
        assume(anyone, role, issuer.token())
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_an_issuer_with_a_path(anyone, make_issuer: Callable[..., Issuer], make_role: Callable[..., str]) -> None:
    issuer = make_issuer("/realms/lab")
    role = make_role(issuer, condition={"StringEquals": {f"{issuer.name}:sub": "someone"}})
    assert assume(anyone, role, issuer.token())["Provider"] == provider_arn(issuer)


@pytest.mark.parametrize(("subject", "admitted"), [
    ("repo:octo/site:ref:refs/heads/main", True),
    ("repo:octo/site:environment:production", True),
    ("repo:octo/other:ref:refs/heads/main", False),
    ("repo:evil/octo/site:ref:refs/heads/main", False),
    ("REPO:octo/site:ref:refs/heads/main", False)])
def test_subjects_as_of_github(anyone, issuer: Issuer, make_role: Callable[..., str], subject: str,
                               admitted: bool) -> None:
    role = make_role(issuer, condition={"StringEquals": {f"{issuer.name}:aud": "app"},
                                        "StringLike": {f"{issuer.name}:sub": "repo:octo/site:*"}})
    if admitted:
        assert assume(anyone, role, issuer.token(sub=subject))["SubjectFromWebIdentityToken"] == subject
    else:
        with refused("AccessDenied", DENIED, status=403):
            assume(anyone, role, issuer.token(sub=subject))


def test_a_condition_on_the_audience(anyone, issuer: Issuer, make_role: Callable[..., str]) -> None:
    role = make_role(issuer, condition={"StringEquals": {f"{issuer.name}:aud": "app"}})
    assume(anyone, role, issuer.token())
    with refused("AccessDenied", DENIED):
        assume(anyone, role, issuer.token(aud="other-app"))
    # The authorized party stands for the audience.
    assert assume(anyone, role, issuer.token(aud=["x", "y"], azp="app"))["Audience"] == "app"


def test_methods_of_authentication(anyone, issuer: Issuer, make_role: Callable[..., str]) -> None:
    role = make_role(issuer, condition={"ForAnyValue:StringEquals": {f"{issuer.name}:amr": "authenticated"}})
    assume(anyone, role, issuer.token(amr=["authenticated", "mail"]))
    assume(anyone, role, issuer.token(amr=["authenticated"]))
    with refused("AccessDenied", DENIED):
        assume(anyone, role, issuer.token())


@pytest.mark.parametrize(("claims", "message"), [
    ({"aud": "stranger"}, "Incorrect token audience"),
    ({"aud": ["app", "stranger"]}, "Incorrect token audience"),
    ({"aud": None}, "Missing a required claim: aud"),
    ({"sub": None}, "Missing a required claim: sub"),
    ({"exp": None}, "Missing a required claim: exp"),
    ({"nbf": int(time.time()) + 7200}, "The ID Token provided is not valid yet"),
    ({"iss": "https://unknown.example.com"},
     "No OpenIDConnect provider found in your account for https://unknown.example.com")])
def test_claims_that_are_refused(anyone, issuer: Issuer, make_role: Callable[..., str], claims: dict,
                                 message: str) -> None:
    with refused("InvalidIdentityToken", message, status=400):
        assume(anyone, make_role(issuer), issuer.token(**claims))


def test_an_expired_token(anyone, issuer: Issuer, make_role: Callable[..., str]) -> None:
    with refused("ExpiredTokenException", re.compile("^Token expired: current date/time"), status=400):
        assume(anyone, make_role(issuer), issuer.token(exp=int(time.time()) - 1))


def test_forged_tokens(anyone, issuer: Issuer, make_role: Callable[..., str]) -> None:
    role = make_role(issuer)
    assume(anyone, role, issuer.token())
    no_jwt = re.compile("is not a valid JWT")
    for token in [issuer.unsigned(), issuer.unsigned("None"), issuer.signed_by_public_key(), "a.b.c", "nothing"]:
        with refused("InvalidIdentityToken", no_jwt, status=400):
            assume(anyone, role, token)
    forger = Key("first")
    with refused("InvalidIdentityToken", "The signature of the ID Token provided is invalid"):
        assume(anyone, role, issuer.token(forger))
    with refused("InvalidIdentityToken"):
        assume(anyone, role, issuer.token(forger, {"jwk": forger.jwk(), "kid": "forged"}))
    head, claims, signature = issuer.token().split(".")
    other = issuer.token(sub="admin").split(".")[1]
    with refused("InvalidIdentityToken", "The signature of the ID Token provided is invalid"):
        assume(anyone, role, f"{head}.{other}.{signature}")


def test_another_issuers_key(anyone, issuer: Issuer, make_issuer: Callable[..., Issuer],
                             make_role: Callable[..., str]) -> None:
    other, role = make_issuer(), make_role(issuer)
    # Signed well by the other, who is trusted too, though not by this role.
    with refused("AccessDenied", DENIED, status=403):
        assume(anyone, role, other.token())
    with refused("InvalidIdentityToken", "The signature of the ID Token provided is invalid"):
        assume(anyone, role, issuer.token(other.keys[0]))


def test_keys_rotate(anyone, issuer: Issuer, make_role: Callable[..., str]) -> None:
    role = make_role(issuer)
    old = issuer.keys[0]
    assume(anyone, role, issuer.token())
    issuer.keys = [Key("second")]
    # Unknown keys are not asked for without end: within ten seconds of the last time, not at all.
    with refused("InvalidIdentityToken", NO_KEY):
        assume(anyone, role, issuer.token())
    asked = len(issuer.asked)
    time.sleep(11)
    assume(anyone, role, issuer.token())
    assert len(issuer.asked) == asked + 2
    with refused("InvalidIdentityToken", NO_KEY):
        assume(anyone, role, issuer.token(old))


def test_an_issuer_that_fails(anyone, make_issuer: Callable[..., Issuer], make_role: Callable[..., str]) -> None:
    broken, liar, gone = make_issuer(), make_issuer(), make_issuer()
    broken.status, liar.named = 500, "https://other.example.com"
    token = gone.token()
    gone.close()
    for issuer in [broken, liar]:
        with refused("InvalidIdentityToken", NO_KEY, status=400):
            assume(anyone, make_role(issuer), issuer.token())
    with refused("IDPCommunicationError", status=400):
        assume(anyone, make_role(gone), token)
