"""Tokens that STS signs for services elsewhere, and what those verify them with."""

from __future__ import annotations

import base64
import json
import re
import time
import urllib.error
import urllib.request

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from harness.clients import Aws, allow, document, refused, trust
from harness.process import ACCOUNT, REGION, Server

ARN = f"arn:aws:iam::{ACCOUNT}"
OWN = "https://sts.amazonaws.com/"


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def fetched(url: str) -> dict:
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["content-type"] == "application/json"
        return json.load(answer)


def verified(token: str) -> dict:
    """The claims of a token, as any relying party gets them: from the issuer that it names."""
    head, body, signature = token.split(".")
    header, claims = json.loads(decoded(head)), json.loads(decoded(body))
    configuration = fetched(f"{claims['iss']}/.well-known/openid-configuration")
    assert configuration["issuer"] == claims["iss"]
    key = {one["kid"]: one for one in fetched(configuration["jwks_uri"])["keys"]}[header["kid"]]
    assert key["alg"] == header["alg"] and key["use"] == "sig" and "d" not in key
    signed, proof = f"{head}.{body}".encode(), decoded(signature)
    number = lambda name: int.from_bytes(decoded(key[name]), "big")  # noqa: E731
    if key["kty"] == "RSA":
        public = rsa.RSAPublicNumbers(number("e"), number("n")).public_key()
        public.verify(proof, signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        public = ec.EllipticCurvePublicNumbers(number("x"), number("y"), ec.SECP384R1()).public_key()
        half = len(proof) // 2
        der = utils.encode_dss_signature(*(int.from_bytes(part, "big") for part in (proof[:half], proof[half:])))
        public.verify(der, signed, ec.ECDSA(hashes.SHA384()))
    return claims


@pytest.fixture(scope="module")
def issuer(root: Aws) -> str:
    with refused("FeatureDisabled", status=404):
        root.iam.get_outbound_web_identity_federation_info()
    return root.iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]


@pytest.fixture(scope="module")
def user(root: Aws, issuer: str) -> Aws:
    return root.user("caller", allow(["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"]),
                     Tags=[{"Key": "team", "Value": "data"}])


def test_it_is_turned_on_once_and_says_where_its_issuer_is(root: Aws, issuer: str, server: Server) -> None:
    assert re.fullmatch(re.escape(server.endpoint) + r"/\.oidc/[0-9a-f-]{36}", issuer)
    assert ACCOUNT not in issuer
    info = root.iam.get_outbound_web_identity_federation_info()
    assert (info["IssuerIdentifier"], info["JwtVendingEnabled"]) == (issuer, True)
    with refused("FeatureEnabled", status=409):
        root.iam.enable_outbound_web_identity_federation()


@pytest.mark.parametrize("algorithm", ["RS256", "ES384"])
def test_a_token_is_verified_by_what_its_issuer_publishes(user: Aws, issuer: str, algorithm: str) -> None:
    before = int(time.time())
    answer = user.sts.get_web_identity_token(
        Audience=["https://api.example.com"], SigningAlgorithm=algorithm, DurationSeconds=600,
        Tags=[{"Key": "job", "Value": "nightly"}])
    claims = verified(answer["WebIdentityToken"])
    assert (claims["iss"], claims["aud"], claims["sub"]) == (issuer, "https://api.example.com", f"{ARN}:user/caller")
    assert claims["exp"] - claims["iat"] == 600 and claims["iat"] >= before
    assert int(answer["Expiration"].timestamp()) == claims["exp"]
    assert claims[OWN] == {"aws_account": ACCOUNT, "source_region": REGION, "principal_id": f"{ARN}:user/caller",
                           "principal_tags": {"team": "data"}, "request_tags": {"job": "nightly"}}
    again = verified(user.sts.get_web_identity_token(Audience=["a", "b"], SigningAlgorithm=algorithm)["WebIdentityToken"])
    assert again["aud"] == ["a", "b"] and again["jti"] != claims["jti"] and again["exp"] - again["iat"] == 300
    head, body, proof = answer["WebIdentityToken"].split(".")
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"sub": f"{ARN}:root"}).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidSignature):
        verified(f"{head}.{forged}.{proof}")


def test_a_role_is_named_without_its_session(root: Aws, user: Aws) -> None:
    root.iam.create_role(RoleName="worker", Path="/jobs/", AssumeRolePolicyDocument=document(
        trust({"AWS": ACCOUNT}, ["sts:AssumeRole", "sts:SetSourceIdentity"])))
    root.iam.put_role_policy(RoleName="worker", PolicyName="tokens",
                             PolicyDocument=document(allow("sts:GetWebIdentityToken")))
    root.iam.put_user_policy(UserName="caller", PolicyName="assume",
                             PolicyDocument=document(allow(["sts:AssumeRole", "sts:SetSourceIdentity"])))
    session = user.assume(f"{ARN}:role/jobs/worker", "night", SourceIdentity="caller", DurationSeconds=900)
    ask = {"Audience": ["x"], "SigningAlgorithm": "ES384"}
    claims = verified(session.sts.get_web_identity_token(**ask)["WebIdentityToken"])
    assert claims["sub"] == f"{ARN}:role/jobs/worker" and claims[OWN]["source_identity"] == "caller"
    assert claims[OWN]["original_session_exp"].endswith("Z")
    with refused("SessionDurationEscalationException", status=403):
        session.sts.get_web_identity_token(**ask, DurationSeconds=1800)
    with refused("AccessDenied", re.compile("sts:TagGetWebIdentityToken")):
        session.sts.get_web_identity_token(**ask, Tags=[{"Key": "a", "Value": "b"}])


def test_policies_limit_for_whom_and_for_how_long(root: Aws, issuer: str) -> None:
    limited = root.user("limited", allow("sts:GetWebIdentityToken", Condition={
        "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": "https://api.example.com"},
        "NumericLessThanEquals": {"sts:DurationSeconds": "300"},
        "StringEquals": {"sts:SigningAlgorithm": "ES384"}}))
    good = {"Audience": ["https://api.example.com"], "SigningAlgorithm": "ES384", "DurationSeconds": 300}
    limited.sts.get_web_identity_token(**good)
    for bad in ({"Audience": ["https://api.example.com", "https://evil.example"]}, {"DurationSeconds": 301},
                {"SigningAlgorithm": "RS256"}):
        with refused("AccessDenied", re.compile("sts:GetWebIdentityToken")):
            limited.sts.get_web_identity_token(**good | bad)


def test_bad_requests(user: Aws) -> None:
    ask = {"Audience": ["x"], "SigningAlgorithm": "ES384"}
    with refused("ValidationError"):
        user.sts.get_web_identity_token(**ask | {"SigningAlgorithm": "HS256"})
    with refused("ValidationError"):
        user.as_(user.credentials, check_parameters=False).sts.get_web_identity_token(**ask, DurationSeconds=59)
    with refused("ValidationError"):
        user.sts.get_web_identity_token(**ask, Tags=[{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}])
    with refused("JWTPayloadSizeExceededException", status=400):
        user.sts.get_web_identity_token(
            **ask, Tags=[{"Key": f"{n}".rjust(128, "k"), "Value": "v" * 256} for n in range(50)])


def test_what_is_signed_here_opens_no_role_here(root: Aws, issuer: str) -> None:
    with refused("ValidationError", "Invalid Open ID Connect Provider URL: the URL must begin with https://"):
        root.iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["x"])


@pytest.mark.parametrize("path", ["/", "/x/.well-known/jwks.json", "/.well-known/jwks.json"])
def test_there_is_nothing_else_to_see(server: Server, issuer: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.endpoint}/.oidc{path}", timeout=10)


def test_turned_off_it_signs_no_more_and_old_tokens_still_verify(own_server: Server) -> None:
    root = Aws(own_server, own_server.root)
    ask = {"Audience": ["x"], "SigningAlgorithm": "RS256"}
    with refused("OutboundWebIdentityFederationDisabledException", status=403):
        root.sts.get_web_identity_token(**ask)
    issuer = root.iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    token = root.sts.get_web_identity_token(**ask)["WebIdentityToken"]
    root.iam.disable_outbound_web_identity_federation()
    with refused("FeatureDisabled", status=404):
        root.iam.disable_outbound_web_identity_federation()
    with refused("OutboundWebIdentityFederationDisabledException"):
        root.sts.get_web_identity_token(**ask)
    assert verified(token)["sub"] == f"{ARN}:root"
    assert root.iam.enable_outbound_web_identity_federation()["IssuerIdentifier"] == issuer


def test_others_may_find_the_server_elsewhere(make_server) -> None:
    server = make_server(variables={"ROLECALL_PUBLIC_URL": "https://iam.example.com/"})
    server.start()
    root = Aws(server, server.root)
    issuer = root.iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    assert issuer.startswith("https://iam.example.com/.oidc/")
    document = fetched(f"{server.endpoint}/.oidc/{issuer.rsplit('/', 1)[1]}/.well-known/openid-configuration")
    assert document["issuer"] == issuer and document["jwks_uri"].startswith(issuer)


def test_keys_rotate_and_tokens_of_the_old_ones_stay_good(make_server) -> None:
    server = make_server(variables={"ROLECALL_STS_TOKEN_KEY_ROTATION_SECONDS": "4"}).start()
    root = Aws(server, server.root)
    issuer = root.iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    user = root.user("caller", allow("sts:GetWebIdentityToken"))
    kid = lambda token: json.loads(decoded(token.split(".")[0]))["kid"]  # noqa: E731
    shown = lambda: {one["kid"] for one in fetched(f"{issuer}/.well-known/jwks.json")["keys"]}  # noqa: E731

    def token(algorithm: str) -> str:
        asked = user.sts.get_web_identity_token(Audience=["https://a.example"], SigningAlgorithm=algorithm)
        return asked["WebIdentityToken"]

    old = {algorithm: token(algorithm) for algorithm in ("RS256", "ES384")}
    for algorithm, before in old.items():
        new, limit = token(algorithm), time.monotonic() + 60
        while kid(new) == kid(before) and time.monotonic() < limit:
            time.sleep(0.2)
            new = token(algorithm)
        assert kid(new) != kid(before)
        assert verified(new)["sub"] == verified(before)["sub"] == f"{ARN}:user/caller"
    assert {kid(one) for one in old.values()} <= shown()
