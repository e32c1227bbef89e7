"""AssumeRoleWithWebIdentity: an issuer on loopback, its tokens good and bad, and what trust policies make of them."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from harness.clients import Aws, Cli, allow, document, refused, trust
from harness.issuer import Issuer, Key
from harness.process import ACCOUNT, REGION, Credentials, Server, rolecall
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
        # Its port may be a later issuer's, which the account does not know yet.
        with contextlib.suppress(root.iam.exceptions.NoSuchEntityException):
            root.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(issuer))
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


@pytest.mark.parametrize("member", ["jku", "x5u"])
def test_a_token_does_not_say_where_its_key_is(anyone, issuer: Issuer, make_issuer: Callable[..., Issuer],
                                               make_role: Callable[..., str], member: str) -> None:
    forger = make_issuer(registered=False)
    forger.keys[-1].key_id = "forged"
    header = {member: f"{forger.url}/keys", "kid": "forged"}
    with refused("InvalidIdentityToken", NO_KEY):
        assume(anyone, make_role(issuer), issuer.token(forger.keys[-1], header))
    assert forger.asked == [], "the address in the token was fetched"
    header["kid"] = issuer.keys[-1].key_id
    with refused("InvalidIdentityToken", "The signature of the ID Token provided is invalid"):
        assume(anyone, make_role(issuer), issuer.token(forger.keys[-1], header))
    assert forger.asked == []


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


def test_session_tags_and_source_identity(anyone, root: Aws, issuer: Issuer, make_role: Callable[..., str]) -> None:
    brought = {TAGS: {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["team"]}, SOURCE_IDENTITY: "jane"}
    with refused("AccessDenied", "Not authorized to perform sts:TagSession", status=403):
        assume(anyone, make_role(issuer), issuer.token(**brought))
    with refused("AccessDenied", "Not authorized to perform sts:SetSourceIdentity", status=403):
        assume(anyone, make_role(issuer, actions=[ACTION, "sts:TagSession"]), issuer.token(**brought))
    role = make_role(issuer, allow("s3:ListAllMyBuckets", Condition={"StringEquals": {
        "aws:PrincipalTag/team": "red", "aws:SourceIdentity": "jane"}}),
        actions=[ACTION, "sts:TagSession", "sts:SetSourceIdentity"],
        condition={"StringEquals": {"aws:RequestTag/team": "red", "sts:SourceIdentity": "jane"}})
    answer = assume(anyone, role, issuer.token(**brought))
    assert answer["SourceIdentity"] == "jane"
    assert answer["PackedPolicySize"] >= 1
    root.as_(Credentials.of(answer["Credentials"])).s3.list_buckets()
    with refused("AccessDenied"):
        assume(anyone, role, issuer.token(**brought | {SOURCE_IDENTITY: "john"}))


@pytest.mark.parametrize("claims", [
    {TAGS: {"principal_tags": {"team": ["red", "blue"]}}}, {TAGS: {"principal_tags": {"aws:team": ["red"]}}},
    {TAGS: {"principal_tags": {"team": ["<"]}}}, {TAGS: "red"}, {SOURCE_IDENTITY: "j"}, {SOURCE_IDENTITY: 7}])
def test_tags_that_are_refused(anyone, issuer: Issuer, make_role: Callable[..., str], claims: dict) -> None:
    with refused("IDPRejectedClaim", status=403):
        assume(anyone, make_role(issuer, actions="sts:*"), issuer.token(**claims))


def test_what_the_session_knows_of_its_provider(anyone, root: Aws, issuer: Issuer,
                                                make_role: Callable[..., str]) -> None:
    def may(condition: dict) -> bool:
        role = make_role(issuer, allow("iam:ListUsers", Condition={"StringEquals": condition}))
        session = root.as_(Credentials.of(assume(anyone, role, issuer.token())["Credentials"]))
        try:
            session.iam.list_users()
        except session.iam.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            return False
        return True

    assert may({"aws:FederatedProvider": provider_arn(issuer)})
    assert not may({"aws:FederatedProvider": "cognito-identity.amazonaws.com"})
    assert may({f"{issuer.name}:sub": "someone", f"{issuer.name}:aud": "app"})
    assert not may({f"{issuer.name}:sub": "someone-else"})


def test_durations_and_session_policies(anyone, root: Aws, issuer: Issuer, make_role: Callable[..., str]) -> None:
    role = make_role(issuer, allow(["s3:ListAllMyBuckets", "iam:ListUsers"]), MaxSessionDuration=7200)
    answer = assume(anyone, role, issuer.token(), DurationSeconds=7200, Policy=document(allow("iam:ListUsers")))
    assert abs(answer["Credentials"]["Expiration"].timestamp() - time.time() - 7200) < 10
    session = root.as_(Credentials.of(answer["Credentials"]))
    session.iam.list_users()
    with refused("AccessDenied"):
        session.s3.list_buckets()
    with refused("ValidationError", re.compile("exceeds the MaxSessionDuration"), status=400):
        assume(anyone, role, issuer.token(), DurationSeconds=7201)
    with refused("MalformedPolicyDocument"):
        assume(anyone, role, issuer.token(), Policy="{}")


def test_nobody_learns_which_roles_there_are(anyone, root: Aws, issuer: Issuer, unique: Names) -> None:
    closed = unique("closed")
    root.iam.create_role(RoleName=closed, AssumeRolePolicyDocument=document(
        trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "sts:*")))
    for name in [closed, "no-such-role"]:
        with refused("AccessDenied", DENIED, status=403):
            assume(anyone, f"arn:aws:iam::{ACCOUNT}:role/{name}", issuer.token())
    with refused("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer.url}"):
        assume(anyone, "arn:aws:iam::999999999999:role/robot", issuer.token())
    with refused("ValidationError", "Request ARN is invalid"):
        assume(anyone, "arn:aws:iam::12:role/somewhere", issuer.token())


def test_a_deny_in_the_trust_policy(anyone, root: Aws, issuer: Issuer, make_role: Callable[..., str]) -> None:
    role = make_role(issuer)
    assume(anyone, role, issuer.token())
    statements = [trust({"Federated": provider_arn(issuer)}, ACTION),
                  trust("*", ACTION, Condition={"StringEquals": {f"{issuer.name}:sub": "someone"}}) | {"Effect": "Deny"}]
    root.iam.update_assume_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyDocument=document(*statements))
    with refused("AccessDenied", DENIED):
        assume(anyone, role, issuer.token())
    assume(anyone, role, issuer.token(sub="someone-else"))


def test_a_provider_that_is_gone(anyone, root: Aws, issuer: Issuer, make_role: Callable[..., str]) -> None:
    role = make_role(issuer)
    assume(anyone, role, issuer.token())
    root.iam.remove_client_id_from_open_id_connect_provider(
        OpenIDConnectProviderArn=provider_arn(issuer), ClientID="app")
    with refused("InvalidIdentityToken", "Incorrect token audience"):
        assume(anyone, role, issuer.token())
    root.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(issuer))
    with refused("InvalidIdentityToken", re.compile("^No OpenIDConnect provider found")):
        assume(anyone, role, issuer.token())


def test_signed_requests_and_gets(server: Server, root: Aws, issuer: Issuer, make_role: Callable[..., str]) -> None:
    parameters = {"RoleArn": make_role(issuer), "RoleSessionName": "session", "WebIdentityToken": issuer.token()}
    signed = call(server, root.credentials, "AssumeRoleWithWebIdentity", "sts", **parameters)
    assert (signed.status, signed.find("Audience")) == (200, "app"), signed.body
    query = form({"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15"} | parameters).decode()
    asked = send(server, "GET", f"/?{query}", {})
    assert (asked.status, asked.find("Audience")) == (200, "app"), asked.body
    # Nothing else is open to whoever has no credentials.
    plain = send(server, "GET", "/?Action=GetCallerIdentity&Version=2011-06-15", {})
    assert plain.status == 403


def test_the_command_line(server: Server, aws_cli: Cli, issuer: Issuer, make_role: Callable[..., str],
                          tmp_path: Path) -> None:
    role = make_role(issuer, allow("s3:ListAllMyBuckets"))
    token, config = tmp_path / "token", tmp_path / "config"
    token.write_text(issuer.token())
    config.write_text(f"[profile job]\nrole_arn = {role}\nweb_identity_token_file = {token}\n"
                      "role_session_name = job\n")
    variables = {"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "job"}
    name = role.rsplit("/", 1)[1]
    identity = aws_cli.json(server, None, "sts", "get-caller-identity", variables=variables)
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/job"
    aws_cli.text(server, None, "s3", "ls", variables=variables)
    # As in a pod: no profile, only what is in the environment.
    variables = {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}
    identity = aws_cli.json(server, None, "sts", "get-caller-identity", variables=variables)
    assert f"assumed-role/{name}/" in identity["Arn"]
    token.write_text(issuer.token(exp=int(time.time()) - 1))
    assert "ExpiredTokenException" in aws_cli.fails(server, None, "sts", "get-caller-identity", variables=variables)


def test_tokens_are_not_in_the_log(server: Server, anyone, issuer: Issuer, make_role: Callable[..., str]) -> None:
    token = issuer.token()
    assume(anyone, make_role(issuer), token)
    time.sleep(0.5)
    trail = b"".join(path.read_bytes() for path in (server.data / "audit").rglob("*") if path.is_file())
    assert b"AssumeRoleWithWebIdentity" in trail
    signature = token.rsplit(".", 1)[1]
    assert signature.encode() not in trail and signature not in server.output()


def test_local_issuers_are_a_setting(make_server: Callable[..., Server]) -> None:
    server = make_server()
    server.start()
    root = Aws(server, server.root)
    with refused("ValidationError", re.compile("https://")):
        root.iam.create_open_id_connect_provider(Url="http://127.0.0.1:8080", ClientIDList=["app"])
    with refused("ValidationError"):
        root.iam.create_open_id_connect_provider(Url="https://localhost:8080", ClientIDList=["app"])


def test_assuming_by_a_token_in_a_file(server: Server, issuer: Issuer, make_role: Callable[..., str],
                                       tmp_path: Path) -> None:
    role, token = make_role(issuer), tmp_path / "token"
    token.write_text(issuer.token() + "\n")
    done = rolecall("assume", role, "--web-identity", "--token-file", str(token), "--format", "credential-process",
                    env=server.client_environment())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["AccessKeyId"].startswith("ASIA")
    token.write_text(issuer.token(aud="stranger"))
    done = rolecall("assume", role, "--web-identity", "--token-file", str(token), env=server.client_environment())
    assert done.returncode != 0 and "Incorrect token audience" in done.stderr


def test_a_denial_is_explained_to_the_roles_account(server: Server, root: Aws, anyone, issuer: Issuer,
                                                    make_role: Callable[..., str]) -> None:
    role = make_role(issuer, condition={"StringLike": {f"{issuer.name}:sub": "repo:octo/*"}})
    with pytest.raises(ClientError) as caught:
        assume(anyone, role, issuer.token())
    done = rolecall("explain", caught.value.response["ResponseMetadata"]["RequestId"],
                    env=server.client_environment(root.credentials))
    assert done.returncode == 0, done.stderr
    assert ACTION in done.stdout and f"{issuer.name}:sub" in done.stdout, done.stdout
