"""The root user in the console: a password of its own, and who may set it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from botocore.httpsession import URLLib3Session
from harness.browser import Browser
from harness.clients import Aws, allow
from harness.process import ACCOUNT, REGION, Credentials, Server, StartFailed, rolecall
from harness.totp import codes, make_device

PASSWORD = "Queen-of-Hearts-1"


def sign_in(server: Server, password: str, account: str = ACCOUNT) -> tuple[Browser, int, str]:
    browser = Browser(server)
    status, _, page = browser.post("/console/signin", **{"as": "root", "account": account, "password": password})
    return browser, status, page


def set_password(server: Server, credentials: Credentials, password: str, *flags: str):
    return rolecall("account", "password", *flags, env=server.client_environment(credentials), stdin=f"{password}\n")


def put(server: Server, credentials: Credentials, body: dict) -> tuple[int, dict]:
    """The operation itself, signed by hand."""
    request = AWSRequest("POST", f"{server.endpoint}/rolecall/root-password", data=json.dumps(body))
    keys = BotoCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    SigV4Auth(keys, "rolecall", REGION).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    return answer.status_code, json.loads(answer.content)


def test_the_root_user_signs_in_by_a_password_that_its_key_set(own_server: Server) -> None:
    root = Aws(own_server, own_server.root)
    # Until one is set, none is right; and it is told in the same words.
    for password in ("", PASSWORD):
        browser, status, page = sign_in(own_server, password or " ")
        assert status == 403 and "Your authentication information is incorrect" in page and not browser.cookies
    weak = set_password(own_server, own_server.root, "alllowercase")
    assert weak.returncode == 1 and "PasswordPolicyViolation" in weak.stderr
    done = set_password(own_server, own_server.root, PASSWORD)
    assert done.returncode == 0, done.stderr
    assert root.iam.get_account_summary()["SummaryMap"]["AccountPasswordPresent"] == 1
    root.iam.create_account_alias(AccountAlias="wonderland")
    for named in (ACCOUNT, "wonderland"):
        browser, status, _ = sign_in(own_server, PASSWORD, named)
        assert status == 303
        assert f"arn:aws:iam::{ACCOUNT}:root" in browser.get("/console/")[2]
    assert sign_in(own_server, PASSWORD.lower())[1] == 403
    assert PASSWORD not in own_server.output()
    assert set_password(own_server, own_server.root, "", "--delete").returncode == 0
    assert sign_in(own_server, PASSWORD)[1] == 403


def test_a_device_of_the_root_user_is_asked_for(own_server: Server) -> None:
    set_password(own_server, own_server.root, PASSWORD)
    root = Aws(own_server, own_server.root)
    _, seed, last = make_device(root, "root", "phone")
    browser, status, page = sign_in(own_server, PASSWORD)
    assert status == 200 and "Second factor" in page and not browser.cookies
    pending = page.partition('name="pending" value="')[2].partition('"')[0]
    assert browser.post("/console/signin", **{"as": "code", "pending": pending, "code": "000000"})[0] == 403
    [code] = codes(seed, last + 1, 1)
    assert browser.post("/console/signin", **{"as": "code", "pending": pending, "code": code})[0] == 303
    assert "not shown" not in browser.get("/console/")[2]


def test_guessing_the_root_users_password_is_slowed_down(own_server: Server) -> None:
    set_password(own_server, own_server.root, PASSWORD)
    for _ in range(8):
        assert sign_in(own_server, "guess")[1] == 403
    _, status, page = sign_in(own_server, PASSWORD)
    assert status == 403 and "Too many wrong passwords" in page


def test_only_the_root_user_sets_it_and_in_the_console_with_the_old_one(own_server: Server) -> None:
    root = Aws(own_server, own_server.root)
    admin = root.user("admin", allow("*"))
    assert put(own_server, admin.credentials, {"password": PASSWORD})[1]["__type"] == "AccessDenied"
    session = Credentials.of(root.sts.get_session_token()["Credentials"])
    assert put(own_server, session, {"password": PASSWORD})[0] == 403
    assert put(own_server, own_server.root, {"password": PASSWORD, "more": 1})[0] == 400
    assert put(own_server, own_server.root, {"account": "999999999999", "password": PASSWORD})[0] == 403
    assert put(own_server, own_server.root, {"password": PASSWORD}) == (200, {})
    browser, _, _ = sign_in(own_server, PASSWORD)
    change = {"mark": browser.mark(), "new": "Knave-of-Hearts-2", "again": "Knave-of-Hearts-2"}
    status, _, page = browser.post("/console/root", old="wrong", **change)
    assert status == 403 and "The old password was incorrect." in page
    assert browser.post("/console/root", old=PASSWORD, **change)[0] == 303
    assert sign_in(own_server, PASSWORD)[1] == 403
    assert sign_in(own_server, "Knave-of-Hearts-2")[1] == 303
    # The page is the root user's alone.
    root.iam.create_login_profile(UserName="admin", Password=PASSWORD)
    user = Browser(own_server)
    user.sign_in("admin", PASSWORD)
    assert user.get("/console/root")[0] == 404


def test_a_members_root_user_gets_a_password_once_it_was_allowed_one(own_server: Server) -> None:
    root = Aws(own_server, own_server.root)
    made = rolecall("account", "create", "tea party", "--email", "hatter@example.com", "--json",
                    env=own_server.client_environment(own_server.root))
    member = json.loads(made.stdout)["accountId"]
    refused = set_password(own_server, own_server.root, PASSWORD, "--account", member)
    assert refused.returncode == 1 and "was allowed a password" in refused.stderr
    root.client("organizations").enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    root.iam.enable_organizations_root_credentials_management()
    admin = root.user("admin", allow("*"))
    keys = admin.sts.assume_root(TargetPrincipal=member, TaskPolicyArn={
        "arn": "arn:aws:iam::aws:policy/root-task/IAMCreateRootUserPassword"})["Credentials"]
    task = root.as_(Credentials.of(keys))
    task.iam.create_login_profile()
    # The task's session allows it, and does not do it.
    assert put(own_server, task.credentials, {"password": PASSWORD})[0] == 403
    assert sign_in(own_server, "", "hatter@example.com")[1] in (400, 403)
    assert set_password(own_server, own_server.root, PASSWORD, "--account", member).returncode == 0
    browser, status, _ = sign_in(own_server, PASSWORD, "Hatter@example.com")
    assert status == 303 and f"arn:aws:iam::{member}:root" in browser.get("/console/")[2]


def test_the_first_start_takes_a_password(tmp_path: Path) -> None:
    server = Server(tmp_path, variables={"ROLECALL_ROOT_PASSWORD": "weak"})
    with pytest.raises(StartFailed) as failed:
        server.start()
    assert failed.value.exit_code == 2 and "ROLECALL_ROOT_PASSWORD can't be used" in failed.value.output
    server.variables = {"ROLECALL_ROOT_PASSWORD": PASSWORD}
    server.start()
    try:
        assert sign_in(server, PASSWORD)[1] == 303
        assert PASSWORD not in server.output()
        # Later starts leave it as it is.
        server.variables = {"ROLECALL_ROOT_PASSWORD": "Another-Queen-3"}
        server.restart()
        assert sign_in(server, "Another-Queen-3")[1] == 403 and sign_in(server, PASSWORD)[1] == 303
    finally:
        server.stop()
