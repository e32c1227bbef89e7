"""`aws login`: a tool gets the credentials of whoever is signed in to the console, as AWS Sign-In's model has it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from harness.browser import PASSWORD, Browser
from harness.clients import AWS_CLI, Aws, Cli, allow, deny, document, trust
from harness.process import ACCOUNT, REGION, Credentials, Server, clean_environment

MAY_LOG_IN = allow(["signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token"],
                   f"arn:aws:signin:*:{ACCOUNT}:oauth2/public-client/*")
SAME, CROSS = "arn:aws:signin:::devtools/same-device", "arn:aws:signin:::devtools/cross-device"
CALLBACK = "http://127.0.0.1:41234/oauth/callback"


def encoded(data: bytes | dict) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Tool:
    """What `aws login` and the SDKs do, one step at a time, so that each can be done wrong."""

    server: Server
    client_id: str = SAME
    redirect_uri: str = CALLBACK
    verifier: str = field(default_factory=lambda: uuid.uuid4().hex * 2)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def query(self, **changed: str) -> str:
        return urlencode({"response_type": "code", "client_id": self.client_id, "state": "st&te", "scope": "openid",
                          "redirect_uri": self.redirect_uri, "code_challenge_method": "SHA-256",
                          "code_challenge": encoded(hashlib.sha256(self.verifier.encode()).digest())} | changed)

    def proof(self, **changed) -> str:
        numbers = self.key.public_key().public_numbers()
        x, y = (encoded(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "x": x, "y": y, "crv": "P-256"}}
        claims = {"htm": "POST", "htu": f"{self.server.endpoint}/v1/token", "iat": int(time.time()),
                  "jti": uuid.uuid4().hex} | changed
        signed = f"{encoded(header)}.{encoded(claims)}"
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def ask(self, proof: str | None = None, **given: str) -> dict:
        client = boto3.Session(region_name=REGION).client(
            "signin", endpoint_url=self.server.endpoint,
            config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))
        proof = self.proof() if proof is None else proof
        add = lambda params, **_: params["headers"].__setitem__("DPoP", proof)  # noqa: E731
        client.meta.events.register("before-call.signin.CreateOAuth2Token", add)
        return client.create_o_auth2_token(tokenInput={"clientId": self.client_id} | given)["tokenOutput"]

    def redeem(self, code: str, **changed: str) -> dict:
        given = {"grantType": "authorization_code", "code": code, "redirectUri": self.redirect_uri,
                 "codeVerifier": self.verifier} | changed
        return self.ask(given.pop("proof", None), **given)

    def refresh(self, token: str) -> dict:
        return self.ask(grantType="refresh_token", refreshToken=token)


def agree(browser: Browser, query: str) -> str:
    """Follows the tool's link, agrees, and says where that leads."""
    status, headers, _ = browser.get(f"/v1/authorize?{query}")
    assert status == 303 and headers["location"].startswith("/console/authorize?")
    status, headers, page = browser.get(headers["location"])
    assert status == 200 and "Let a tool act as you?" in page, page
    assert browser.arn in page
    fields = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', page.partition("<h1>")[2]))
    fields = {name: value.replace("&amp;", "&") for name, value in fields.items()}
    status, headers, page = browser.post("/console/authorize", **fields)
    return headers["location"] if status == 303 else page


def code_of(location: str) -> str:
    split = urlsplit(location)
    given = parse_qs(split.query)
    assert f"{split.scheme}://{split.netloc}{split.path}" == CALLBACK and given["state"] == ["st&te"]
    return given["code"][0]


class refused:
    """Expects an exception of the model, with its status and its member `error`."""

    def __init__(self, code: str, error: str, status: int) -> None:
        self.expected = (code, error, status)

    def __enter__(self) -> None: ...

    def __exit__(self, kind, caught, _) -> bool:
        assert kind is not None and issubclass(kind, ClientError), f"not refused: {caught}"
        answer = caught.response
        told = (answer["Error"]["Code"], answer.get("error"), answer["ResponseMetadata"]["HTTPStatusCode"])
        assert told == self.expected, answer
        return True


EXPIRED = ("AccessDeniedException", "TOKEN_EXPIRED", 401)
INVALID = ("ValidationException", "INVALID_REQUEST", 400)


@pytest.fixture(scope="module")
def people(root: Aws) -> None:
    root.iam.create_user(UserName="alice")
    root.iam.put_user_policy(UserName="alice", PolicyName="own", PolicyDocument=document(
        MAY_LOG_IN, allow(["iam:ListUsers", "sts:AssumeRole", "rolecall:ListRequests"])))
    root.iam.create_login_profile(UserName="alice", Password=PASSWORD)


@pytest.fixture
def alice(people: None, server: Server) -> Browser:
    browser = Browser(server)
    assert browser.sign_in("alice")[0] == 303
    browser.arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
    return browser


def who(root: Aws, output: dict) -> Aws:
    token = output["accessToken"]
    return root.as_(Credentials(token["accessKeyId"], token["secretAccessKey"], token["sessionToken"]))


def test_a_tool_acts_as_whoever_agreed(root: Aws, server: Server, alice: Browser) -> None:
    tool = Tool(server)
    output = tool.redeem(code_of(agree(alice, tool.query())))
    assert output["tokenType"] == "aws_sigv4" and 0 < output["expiresIn"] <= 900
    header, claims, signature = output["idToken"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert claims["sub"] == alice.arn and claims["aud"] == SAME
    first = who(root, output)
    assert first.arn() == alice.arn and first.iam.list_users()["Users"]
    after = tool.refresh(output["refreshToken"])
    assert "idToken" not in after and after["refreshToken"] != output["refreshToken"]
    assert after["accessToken"]["accessKeyId"] != output["accessToken"]["accessKeyId"]
    assert who(root, after).arn() == alice.arn
    # Tools that share a cache may refresh at the same time.
    assert who(root, tool.refresh(output["refreshToken"])).arn() == alice.arn
    page = alice.get("/console/activity?service=signin")[2]
    assert "AuthorizeOAuth2Access" in page and "CreateOAuth2Token" in page


def test_a_code_is_good_once_and_for_the_tool_that_asked(server: Server, alice: Browser) -> None:
    tool = Tool(server)
    code = code_of(agree(alice, tool.query()))
    for changed in ({"codeVerifier": "x" * 64}, {"redirectUri": CALLBACK.replace("4", "5")}, {"clientId": CROSS}):
        with refused(*INVALID):
            tool.redeem(code, **changed)
    for proof in ("", "a.b.c", tool.proof(htm="GET"), tool.proof(htu="http://evil.example/v1/token"),
                  tool.proof(iat=int(time.time()) - 3_600)):
        with refused(*INVALID):
            tool.redeem(code, proof=proof)
    assert tool.redeem(code)
    for used in (code, code[:-1] + "0", "999999999999-00", "nonsense"):
        with refused("AccessDeniedException", "AUTHCODE_EXPIRED", 401):
            tool.redeem(used)
    with refused(*INVALID):
        tool.ask(grantType="authorization_code", code=code)
    with refused(*INVALID):
        tool.ask(grantType="refresh_token")


def test_a_refresh_token_is_bound_to_its_key(server: Server, alice: Browser) -> None:
    tool, thief = Tool(server), Tool(server)
    output = tool.redeem(code_of(agree(alice, tool.query())))
    with refused(*INVALID):
        thief.refresh(output["refreshToken"])
    with refused(*EXPIRED):
        tool.refresh(output["refreshToken"][:-4] + "AAAA")
    assert tool.refresh(output["refreshToken"])


def test_a_code_goes_nowhere_else(server: Server, alice: Browser) -> None:
    tool = Tool(server)
    for changed in ({"redirect_uri": "https://evil.example/oauth/callback"}, {"redirect_uri": "http://127.0.0.1:1/x"},
                    {"code_challenge_method": "plain"}, {"code_challenge": "short"}, {"client_id": "someone"},
                    {"response_type": "token"}):
        status, headers, page = alice.get(f"/console/authorize?{tool.query(**changed)}")
        assert status == 400 and "The tool gets nothing" in page and "evil.example" not in headers.get(
            "content-security-policy", ""), changed
        fields = {name: values[0] for name, values in parse_qs(tool.query(**changed)).items()}
        status, headers, _ = alice.post("/console/authorize", mark=alice.mark(), **fields)
        assert status == 400 and "location" not in headers
    fields = {name: values[0] for name, values in parse_qs(tool.query()).items()}
    assert alice.post("/console/authorize", **fields)[0] == 403, "a form without its mark"


def test_whoever_may_not_log_in_gets_nothing(root: Aws, server: Server, alice: Browser) -> None:
    tool = Tool(server)
    output = tool.redeem(code_of(agree(alice, tool.query())))
    stop = document(deny("signin:CreateOAuth2Token", f"arn:aws:signin:{REGION}:{ACCOUNT}:oauth2/public-client/localhost"))
    root.iam.put_user_policy(UserName="alice", PolicyName="stop", PolicyDocument=stop)
    with refused("AccessDeniedException", "INSUFFICIENT_PERMISSIONS", 403):
        tool.refresh(output["refreshToken"])
    stop = document(deny("signin:AuthorizeOAuth2Access"))
    root.iam.put_user_policy(UserName="alice", PolicyName="stop", PolicyDocument=stop)
    status, _, page = alice.get(f"/console/authorize?{tool.query()}")
    assert status == 403 and "signin:AuthorizeOAuth2Access" in page
    root.iam.delete_user_policy(UserName="alice", PolicyName="stop")
    assert tool.refresh(output["refreshToken"])
    # Keys of one's own are no session of the console.
    keys = Credentials.of(root.iam.create_access_key(UserName="alice")["AccessKey"])
    body = {"client_id": SAME, "redirect_uri": CALLBACK, "code_challenge": encoded(b"x" * 32),
            "code_challenge_method": "S256", "dry_run": False}
    assert signed(server, keys, body) == 403


def signed(server: Server, keys: Credentials, body: dict) -> int:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as BotoCredentials
    from botocore.httpsession import URLLib3Session
    request = AWSRequest("POST", f"{server.endpoint}/v1/authorize", data=json.dumps(body))
    SigV4Auth(BotoCredentials(keys.access_key_id, keys.secret_access_key), "signin", REGION).add_auth(request)
    return URLLib3Session().send(request.prepare()).status_code


def test_signing_out_ends_the_session_everywhere(own_server: Server) -> None:
    server, root = own_server, Aws(own_server, own_server.root)
    root.iam.create_user(UserName="alice")
    root.iam.put_user_policy(UserName="alice", PolicyName="own", PolicyDocument=document(MAY_LOG_IN))
    root.iam.create_login_profile(UserName="alice", Password=PASSWORD)
    alice, tool = Browser(server), Tool(server)
    alice.sign_in("alice")
    alice.arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
    output = tool.redeem(code_of(agree(alice, tool.query())))
    copy = Browser(server, dict(alice.cookies))
    assert copy.is_in()
    assert alice.post("/console/signout", mark=alice.mark())[0] == 303 and not alice.cookies
    assert not copy.is_in(), "a copy of the cookie still counts"
    with refused(*EXPIRED):
        tool.refresh(output["refreshToken"])
    server.restart()
    assert not copy.is_in(), "a restart forgot who signed out"
    assert Browser(server).sign_in("alice")[0] == 303


def test_a_new_password_ends_what_began_with_the_old_one(root: Aws, server: Server) -> None:
    root.iam.create_user(UserName="bob")
    root.iam.put_user_policy(UserName="bob", PolicyName="own", PolicyDocument=document(MAY_LOG_IN))
    root.iam.create_login_profile(UserName="bob", Password=PASSWORD)
    browser, tool = Browser(server), Tool(server)
    browser.sign_in("bob")
    browser.arn = f"arn:aws:iam::{ACCOUNT}:user/bob"
    output = tool.redeem(code_of(agree(browser, tool.query())))
    root.iam.delete_login_profile(UserName="bob")
    with refused("AccessDeniedException", "USER_CREDENTIALS_CHANGED", 403):
        tool.refresh(output["refreshToken"])


def test_a_role_that_was_switched_to_can_be_passed_on(root: Aws, server: Server, alice: Browser) -> None:
    root.iam.create_role(RoleName="robot", AssumeRolePolicyDocument=document(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})))
    root.iam.put_role_policy(RoleName="robot", PolicyName="own", PolicyDocument=document(MAY_LOG_IN))
    assert alice.post("/console/switchrole", mark=alice.mark(), account=ACCOUNT, roleName="robot")[0] == 303
    alice.arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/alice"
    tool = Tool(server)
    assert who(root, tool.redeem(code_of(agree(alice, tool.query())))).arn() == alice.arn


@pytest.fixture
def aws_cli_v2() -> Cli:
    if not AWS_CLI["v2"].exists():
        pytest.skip("AWS CLI v2 is not installed (tests/e2e/install.py says why)")
    return Cli("v2", AWS_CLI["v2"])


def started(cli: Cli, server: Server, *flags: str) -> tuple[subprocess.Popen, str]:
    """`aws login`, and the link that it asks to be opened."""
    env = clean_environment(server.home) | {"AWS_ENDPOINT_URL": server.endpoint, "AWS_REGION": REGION,
                                            "BROWSER": "true", "PYTHONUNBUFFERED": "1"}
    env.pop("RUST_BACKTRACE")
    process = subprocess.Popen([str(cli.program), "login", *flags], env=env, text=True, cwd=server.home,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = ""
    for line in process.stdout:
        said += line
        if found := re.search(r"http://\S+/v1/authorize\?(\S+)", line):
            return process, found.group(1)
    raise AssertionError(f"aws login ended with {process.wait()}\n{said}")


def test_the_aws_cli_logs_in(server: Server, alice: Browser, aws_cli_v2: Cli) -> None:
    process, query = started(aws_cli_v2, server, "--profile", "same")
    callback = urlsplit(agree(alice, query))
    status = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", callback.geturl()], text=True,
                            capture_output=True).stdout
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and status == "200", said
    assert aws_cli_v2.json(server, None, "sts", "get-caller-identity", "--profile", "same")["Arn"] == alice.arn
    assert aws_cli_v2.json(server, None, "iam", "list-users", "--profile", "same")["Users"]
    # The credentials end: the CLI renews them by itself.
    [kept] = (server.home / ".aws/login/cache").glob("*.json")
    cache = json.loads(kept.read_text())
    before = cache["accessToken"]["accessKeyId"]
    cache["accessToken"]["expiresAt"] = "2020-01-01T00:00:00Z"
    kept.write_text(json.dumps(cache))
    assert aws_cli_v2.json(server, None, "sts", "get-caller-identity", "--profile", "same")["Arn"] == alice.arn
    assert json.loads(kept.read_text())["accessToken"]["accessKeyId"] != before
    kept.unlink()


def test_the_aws_cli_logs_in_from_elsewhere(server: Server, alice: Browser, aws_cli_v2: Cli) -> None:
    process, query = started(aws_cli_v2, server, "--remote", "--profile", "remote")
    page = agree(alice, query)
    code = re.search(r'aria-label="Authorization code">([^<]+)<', page).group(1)
    said, _ = process.communicate(f"{code}\n", timeout=60)
    assert process.returncode == 0, said
    assert aws_cli_v2.json(server, None, "sts", "get-caller-identity", "--profile", "remote")["Arn"] == alice.arn
