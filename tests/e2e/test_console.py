"""The console over HTTP: who gets in, what a form must carry, and what stands in the record afterwards."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlencode

import pytest
from harness.browser import PASSWORD, Browser
from harness.clients import Aws, allow, document, trust
from harness.process import ACCOUNT, Credentials, Server


@pytest.fixture
def root(own_server: Server) -> Aws:
    return Aws(own_server, own_server.root)


@pytest.fixture
def alice(root: Aws, own_server: Server) -> Browser:
    root.user("alice", allow("sts:AssumeRole"))
    root.iam.create_login_profile(UserName="alice", Password=PASSWORD)
    return Browser(own_server)


def test_only_the_right_password_of_a_user_gets_in(root: Aws, alice: Browser) -> None:
    assert alice.get("/console/")[0] == 303 and not alice.is_in()
    root.iam.create_user(UserName="no-password")
    for user, password, account in [("alice", "wrong", ACCOUNT), ("nobody", PASSWORD, ACCOUNT),
                                    ("no-password", PASSWORD, ACCOUNT), ("alice", PASSWORD, "999999999999")]:
        status, _, page = alice.sign_in(user, password, account)
        assert status == 403 and "Your authentication information is incorrect" in page and not alice.cookies
    root.iam.create_account_alias(AccountAlias="wonderland")
    status, headers, _ = alice.sign_in("ALICE", account="wonderland")
    assert (status, headers["location"]) == (303, "/console/")
    for cookie in alice.set_cookies:
        assert "; Path=/console; HttpOnly; SameSite=Lax" in cookie
    page = alice.get("/console/")[2]
    assert "You are alice" in page and "wonderland" in page
    assert root.iam.get_user(UserName="alice")["User"]["PasswordLastUsed"]


def test_every_answer_is_closed_to_scripts_and_frames(alice: Browser) -> None:
    alice.sign_in("alice")
    for path in ["/console/", "/console/style.css", "/console/s3", "/console/none", "/federation"]:
        headers = alice.get(path)[1]
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script-src" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "<script" not in alice.get(path)[2]


def test_guessing_is_slowed_down(alice: Browser) -> None:
    for _ in range(4):
        assert "incorrect" in alice.sign_in("alice", "guess")[2]
    # On a slow machine the first wait may be over before the next guess; each that is looked at doubles it.
    for _ in range(4):
        assert alice.sign_in("alice", "guess")[0] == 403
    status, _, page = alice.sign_in("alice")
    assert status == 403 and "Too many wrong passwords" in page and not alice.cookies


def test_a_form_counts_only_with_the_mark_of_its_session_and_from_this_host(root: Aws, alice: Browser) -> None:
    root.iam.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=document(allow("*")))
    alice.sign_in("alice")
    mark, other = alice.mark(), Browser(alice.server)
    other.sign_in("alice")
    create = {"do": "create", "bucket": "by-a-form"}
    assert alice.post("/console/s3", **create)[0] == 403
    assert alice.post("/console/s3", mark=other.mark(), **create)[0] == 403
    host = "{}:{}".format(*alice.server.address)
    for foreign in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert alice.post("/console/s3", foreign, mark=mark, **create)[0] == 403
        assert other.post("/console/signin", foreign, **{"as": "user"})[0] == 403
    assert root.s3.list_buckets()["Buckets"] == []
    assert alice.post("/console/s3", {"Origin": f"http://{host}"}, mark=mark, **create)[0] == 303
    assert [bucket["Name"] for bucket in root.s3.list_buckets()["Buckets"]] == ["by-a-form"]


def test_scripts_of_other_pages_on_this_host_are_not_answered(alice: Browser) -> None:
    alice.sign_in("alice")
    for mode, dest in [("cors", "empty"), ("no-cors", "image"), ("navigate", "iframe"), ("same-origin", "empty")]:
        assert alice.get("/console/", Sec_Fetch_Mode=mode, Sec_Fetch_Dest=dest)[0] == 403
    assert alice.get("/console/", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")[0] == 200


def test_a_session_can_be_neither_made_nor_changed_nor_mixed(root: Aws, alice: Browser) -> None:
    alice.sign_in("alice")
    good = dict(alice.cookies)
    token = good["rolecall-session"]
    at = len(token) // 2
    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1:]
    other = Browser(alice.server)
    other.sign_in("alice")
    for name, value in [("rolecall-session", changed), ("rolecall-session", ""), ("rolecall-seen", ""),
                        ("rolecall-seen", "9999999999." + good["rolecall-seen"].partition(".")[2]),
                        ("rolecall-seen", other.cookies["rolecall-seen"])]:
        assert not Browser(alice.server, good | {name: value}).is_in(), name
    assert Browser(alice.server, good).is_in()
    # A session is its user's: it ends with it.
    for policy in root.iam.list_user_policies(UserName="alice")["PolicyNames"]:
        root.iam.delete_user_policy(UserName="alice", PolicyName=policy)
    for key in root.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]:
        root.iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    root.iam.delete_login_profile(UserName="alice")
    root.iam.delete_user(UserName="alice")
    assert not Browser(alice.server, good).is_in()


def test_the_session_is_the_user_and_no_more(root: Aws, alice: Browser) -> None:
    alice.sign_in("alice")
    # The cookie is no credential: its secret is known to the server alone.
    key, _, token = alice.cookies["rolecall-session"].partition(".")
    stolen = root.as_(Credentials(key, "x" * 40, token))
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        stolen.sts.get_caller_identity()
    status, _, page = alice.get("/console/iam/users")
    assert status == 403 and "iam:ListUsers" in page
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
    root.iam.put_user_policy(UserName="alice", PolicyName="p",
                             PolicyDocument=document(allow("iam:ListUsers", Condition=condition)))
    assert alice.get("/console/iam/users")[0] == 200


def test_what_was_done_stands_in_the_record(root: Aws, alice: Browser) -> None:
    alice.sign_in("alice", "wrong")
    alice.sign_in("nobody-knows-this", "wrong")
    alice.sign_in("alice")
    alice.get("/console/s3")
    admin = Browser(alice.server)
    file = alice.server.root
    admin.post("/console/signin", **{"as": "root-key", "accessKeyId": file.access_key_id, "secret": "wrong"})
    assert not admin.cookies
    admin.post("/console/signin", **{"as": "root-key", "accessKeyId": file.access_key_id,
                                     "secret": file.secret_access_key})
    page = admin.get("/console/activity?service=signin")[2]
    assert page.count("ConsoleLogin") == 5 and page.count(">Failure<") == 3
    assert f"arn:aws:iam::{ACCOUNT}:user/alice" in page
    assert "nobody-knows-this" not in page and "HIDDEN_DUE_TO_SECURITY_REASONS" in page
    page = admin.get("/console/activity?outcome=denied")[2]
    assert "s3:ListBuckets" in page and "AccessDenied" in page
    status, _, page = admin.post("/console/switchrole", mark=admin.mark(), account=ACCOUNT, roleName="robot")
    assert status == 403 and "The root user can't switch roles." in page


def test_roles_that_do_not_trust_are_not_switched_to(root: Aws, alice: Browser) -> None:
    root.iam.create_role(RoleName="robot", AssumeRolePolicyDocument=document(trust({"Service": "ec2.amazonaws.com"})))
    alice.sign_in("alice")
    switch = {"account": ACCOUNT, "roleName": "robot", "displayName": "<b>R</b>", "color": "red;x"}
    status, _, page = alice.post("/console/switchrole", mark=alice.mark(), **switch)
    assert status == 403 and "sts:AssumeRole" in page and "rolecall-role" not in alice.cookies
    assert "<b>R</b>" not in page and "&lt;b&gt;R&lt;/b&gt;" in page
    trusting = document(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}))
    root.iam.update_assume_role_policy(RoleName="robot", PolicyDocument=trusting)
    assert alice.post("/console/switchrole", mark=alice.mark(), **switch)[0] == 303
    assert "assumed-role/robot/alice" in alice.get("/console/")[2]
    # The role's session ends with the role; whoever signed in is then oneself again.
    root.iam.delete_role(RoleName="robot")
    assert "You are alice" in alice.get("/console/")[2]


def test_the_federation_endpoint_lets_temporary_credentials_in(root: Aws, alice: Browser) -> None:
    root.iam.create_role(RoleName="robot", MaxSessionDuration=43200, AssumeRolePolicyDocument=document(
        trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})))
    user = root.user("governor", allow("*"))
    keys = user.sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/robot", RoleSessionName="vault")["Credentials"]

    def asked(**changed: str) -> tuple[int, dict]:
        session = {"sessionId": keys["AccessKeyId"], "sessionKey": keys["SecretAccessKey"],
                   "sessionToken": keys["SessionToken"]} | changed
        query = urlencode({"Action": "getSigninToken", "SessionDuration": "3600", "Session": json.dumps(session)})
        status, _, body = alice.get(f"/federation?{query}")
        return status, json.loads(body)

    assert asked(sessionKey="wrong")[0] == 400
    assert asked(sessionToken=keys["SessionToken"][:-8] + "AAAAAAAA")[0] == 400
    short = user.sts.get_session_token()["Credentials"]
    assert asked(sessionId=short["AccessKeyId"], sessionKey=short["SecretAccessKey"],
                 sessionToken=short["SessionToken"])[0] == 400
    status, answer = asked()
    assert status == 200
    token = quote(answer["SigninToken"])
    host = "http://{}:{}".format(*alice.server.address)
    for destination, to in [(f"{host}/console/s3", "/console/s3"), ("https://evil.example/console/", "/console/"),
                            ("//evil.example", "/console/"), ("", "/console/")]:
        visitor = Browser(alice.server)
        status, headers, _ = visitor.get(
            f"/federation?Action=login&Issuer=x&Destination={quote(destination)}&SigninToken={token}")
        assert (status, headers["location"]) == (303, to)
        assert f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/vault" in visitor.get("/console/")[2]
    stranger = Browser(alice.server)
    assert stranger.get(f"/federation?Action=login&SigninToken={token[:-4]}AAAA")[1]["location"] == "/console/signin"
    assert not stranger.is_in()


def test_nobody_is_sent_elsewhere_after_signing_in(alice: Browser) -> None:
    for to in ["https://evil.example/", "//evil.example", "/console/\\evil.example", "/other"]:
        alice.cookies.clear()
        _, headers, _ = alice.post("/console/signin", **{
            "as": "user", "account": ACCOUNT, "user": "alice", "password": PASSWORD, "to": to})
        assert headers["location"] == "/console/"


def test_long_lists_are_searched(root: Aws, alice: Browser) -> None:
    root.iam.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=document(allow("iam:*")))
    trusting = document(trust({"Service": "ec2.amazonaws.com"}))
    for number in range(150):
        root.iam.create_role(RoleName=f"role-{number:05}", AssumeRolePolicyDocument=trusting)
    alice.sign_in("alice")
    for number, rows in [(1, 50), (3, 50), (4, 0)]:
        page = alice.get(f"/console/iam/roles?page={number}")[2]
        assert page.count('scope="row"') == rows and ('rel="next"' in page) == (number < 3)
    assert "role-00100" in alice.get("/console/iam/roles?page=3")[2]
    page = alice.get("/console/iam/roles?q=ROLE-0014")[2]
    assert page.count('scope="row"') == 10 and "role-00149" in page and 'rel="next"' not in page
