"""Attacks on the way of a request: what is smuggled, stripped, doubled, spliced or forged is refused."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
from collections.abc import Callable

import pytest
from harness import wire
from harness.clients import Aws, allow, document, refused, trust
from harness.process import ACCOUNT, Credentials, Server

Names = Callable[[str], str]
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
WHO = wire.form({"Action": "GetCallerIdentity", "Version": wire.VERSIONS["sts"]})
MADE = wire.form({"Action": "CreateUser", "UserName": "smuggled", "Version": wire.VERSIONS["iam"]})


def lines(headers: dict[str, str] | list[tuple[str, str]]) -> bytes:
    pairs = headers.items() if isinstance(headers, dict) else headers
    return "".join(f"{name}: {value}\r\n" for name, value in pairs).encode()


def users(root: Aws) -> set[str]:
    return {user["UserName"] for user in root.iam.list_users()["Users"]}


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def exchange(server: Server, request: bytes, seconds: float = 30) -> bytes:
    """Sends these bytes, and reads until the server closes, or has been silent for so long."""
    received = b""
    with socket.create_connection(server.address, timeout=seconds) as connection, contextlib.suppress(OSError):
        connection.sendall(request)
        while chunk := connection.recv(65536):
            received += chunk
    return received


# Smuggling: where two readers could disagree on a request's end, nothing behind it may be done.

@pytest.mark.parametrize("framing", [
    [("Content-Length", "LENGTH"), ("Transfer-Encoding", "chunked")],
    [("Transfer-Encoding", "chunked"), ("Content-Length", "LENGTH")],
    [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "identity"), ("Content-Length", "LENGTH")],
    [("Transfer-Encoding", "xchunked"), ("Content-Length", "LENGTH")],
    [("Transfer-Encoding", " chunked"), ("Content-Length", "LENGTH")],
    [("Content-Length", "0"), ("Content-Length", "LENGTH")],
    [("Content-Length", "0, LENGTH")],
    [("Content-Length", "+LENGTH")],
], ids=["cl-te", "te-cl", "two-te", "unknown-te", "spaced-te", "two-cl", "list-cl", "signed-cl"])
def test_nothing_is_smuggled_behind_a_request(server: Server, root: Aws, framing: list[tuple[str, str]]) -> None:
    inner = wire.sign(server, server.root, "iam", body=MADE, headers=dict(FORM))
    # What stands behind is a request of a victim's, signed and whole: another reader would carry it out.
    host = "{}:{}".format(*server.address)
    smuggled = lines({"Host": host} | inner | {"Content-Length": str(len(MADE))}) + b"\r\n" + MADE
    smuggled = b"POST / HTTP/1.1\r\n" + smuggled
    body = b"0\r\n\r\n" + smuggled
    given = [(name, value.replace("LENGTH", str(len(body)))) for name, value in framing]
    signed = wire.sign(server, server.root, "sts", body=b"", headers=dict(FORM))
    request = b"POST / HTTP/1.1\r\n" + lines([("Host", host), *signed.items(), *given]) + b"\r\n" + body
    answer = exchange(server, request, seconds=2)
    assert "smuggled" not in users(root), answer
    assert all(status >= 400 for status in statuses(answer)), answer


def test_a_pipelined_request_is_one_of_its_own(server: Server, root: Aws) -> None:
    """The control of the test above: what is whole and framed rightly is answered, each by itself."""
    signed = wire.sign(server, server.root, "sts", body=WHO, headers=dict(FORM))
    one = b"POST / HTTP/1.1\r\n" + lines(signed | {"Content-Length": str(len(WHO))})
    host = lines({"Host": "{}:{}".format(*server.address)})
    answer = exchange(server, one + host + b"\r\n" + WHO + one + host + b"Connection: close\r\n\r\n" + WHO)
    assert statuses(answer) == [200, 200]


# Proofs: missing, doubled, or not covering what they should.

def test_without_its_signature_a_request_is_nobodys(server: Server) -> None:
    signed = wire.sign(server, server.root, "iam", body=MADE, headers=dict(FORM))
    stripped = {name: value for name, value in signed.items() if name != "Authorization"}
    assert wire.send(server, "POST", "/", stripped, MADE).code == "MissingAuthenticationToken"
    for left in (r", Signature=\w+", r"SignedHeaders=\S+ ", r"Credential=\S+ "):
        partial = signed | {"Authorization": re.sub(left, "", signed["Authorization"])}
        answer = wire.send(server, "POST", "/", partial, MADE)
        assert (answer.status, answer.code) == (400, "IncompleteSignature"), answer.body
    empty = signed | {"Authorization": re.sub(r"Signature=\w+", "Signature=", signed["Authorization"])}
    assert wire.send(server, "POST", "/", empty, MADE).status in {400, 403}


def twice(server: Server, signed: dict[str, str], doubled: list[tuple[str, str]], body: bytes, path: str = "/") -> bytes:
    headers = [("Host", "{}:{}".format(*server.address)), *signed.items(), *doubled,
               ("Content-Length", str(len(body))), ("Connection", "close")]
    return exchange(server, f"POST {path} HTTP/1.1\r\n".encode() + lines(headers) + b"\r\n" + body)


def test_a_request_has_one_proof(server: Server, root: Aws, unique: Names) -> None:
    stranger = root.user(unique("stranger")).credentials
    mine = wire.sign(server, server.root, "sts", body=WHO, headers=dict(FORM))
    theirs = wire.sign(server, stranger, "sts", body=WHO, headers=dict(FORM))
    for first, second in [(mine, theirs), (theirs, mine)]:
        answer = twice(server, first, [("Authorization", second["Authorization"])], WHO)
        assert all(400 <= status < 500 for status in statuses(answer)) and statuses(answer), answer
    # In the address and in a header at once: which of them would count?
    signer = Aws(server, stranger, presign=True).sts
    address = signer.generate_presigned_url("get_caller_identity").removeprefix(server.endpoint)
    answer = twice(server, mine, [], WHO, path=address)
    assert all(400 <= status < 500 for status in statuses(answer)) and statuses(answer), answer


@pytest.mark.parametrize("name", ["X-Amz-Date", "Host", "Content-Type", "X-Amz-Security-Token"])
def test_signed_headers_stand_once(server: Server, name: str) -> None:
    signed = wire.sign(server, server.root, "sts", body=WHO, headers=dict(FORM))
    other = {"X-Amz-Date": "20200101T000000Z", "Host": "evil.example", "Content-Type": "text/plain",
             "X-Amz-Security-Token": "AAAA"}[name]
    answer = twice(server, signed, [(name, other)], WHO)
    assert statuses(answer) and all(400 <= status < 500 for status in statuses(answer)), answer


def test_headers_that_act_must_be_signed(server: Server, root: Aws, unique: Names) -> None:
    """S3 lets headers say what is done; one that the signer did not sign must not."""
    bucket = unique("attacked")
    root.s3.create_bucket(Bucket=bucket)
    root.s3.put_object(Bucket=bucket, Key="secret", Body=b"secret")
    signed = wire.sign(server, server.root, "s3", method="PUT", path=f"/{bucket}/copy",
                       headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    answer = wire.send(server, "PUT", f"/{bucket}/copy", signed | {"x-amz-copy-source": f"/{bucket}/secret"})
    assert answer.status in {400, 403}, answer.body
    with refused("NoSuchKey"):
        root.s3.get_object(Bucket=bucket, Key="copy")


@pytest.mark.parametrize("parameters", [
    [("Action", "GetCallerIdentity"), ("Action", "GetSessionToken")],
    [("Version", wire.VERSIONS["sts"]), ("Version", wire.VERSIONS["iam"])],
], ids=["action", "version"])
def test_parameters_stand_once(server: Server, parameters: list[tuple[str, str]]) -> None:
    rest = {"Action": "GetCallerIdentity", "Version": wire.VERSIONS["sts"]}
    body = wire.form([*parameters, *((n, v) for n, v in rest.items() if n != parameters[0][0])])
    answer = wire.post(server, server.root, "sts", body)
    assert answer.status == 400, answer.body


def test_an_address_adds_nothing_to_a_body(server: Server, root: Aws) -> None:
    path = "/?Action=CreateUser&UserName=smuggled&Version=" + wire.VERSIONS["iam"]
    signed = wire.sign(server, server.root, "sts", path=path, body=WHO, headers=dict(FORM))
    answer = wire.send(server, "POST", path, signed, WHO)
    assert answer.status >= 400 or answer.find("Arn") == f"arn:aws:iam::{ACCOUNT}:root"
    assert "smuggled" not in users(root)


# Session tokens: each belongs to its key, its secret and its account.

def test_tokens_are_not_spliced(server: Server, root: Aws, unique: Names) -> None:
    iam, account_root = root.iam, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    sessions = []
    for power in ("weak", "strong"):
        role = unique(power)
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(trust(account_root)))
        if power == "strong":
            iam.put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=document(allow("*")))
        caller = root.user(unique("caller"), allow("sts:AssumeRole"))
        sessions.append((caller.credentials, caller.assume(f"arn:aws:iam::{ACCOUNT}:role/{role}").credentials))
    (user, weak), (_, strong) = sessions
    spliced = {
        "another's token": Credentials(weak.access_key_id, weak.secret_access_key, strong.session_token),
        "another's key and token": Credentials(strong.access_key_id, weak.secret_access_key, strong.session_token),
        "a long-term key with a token": Credentials(user.access_key_id, user.secret_access_key, strong.session_token),
        "no token": Credentials(weak.access_key_id, weak.secret_access_key),
        "twice the token": Credentials(weak.access_key_id, weak.secret_access_key, weak.session_token * 2),
        "no token but a long-term secret": Credentials(weak.access_key_id, user.secret_access_key),
    }
    for what, credentials in spliced.items():
        answer = wire.post(server, credentials, "sts", WHO)
        assert answer.status == 403 and answer.code in {"InvalidClientTokenId", "SignatureDoesNotMatch"}, (
            what, answer.body)
    token = strong.session_token
    for at in range(0, len(token), 37):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1:]
        answer = wire.post(server, Credentials(strong.access_key_id, strong.secret_access_key, changed), "sts", WHO)
        assert (answer.status, answer.code) == (403, "InvalidClientTokenId"), (at, answer.body)
    assert wire.post(server, strong, "sts", WHO).status == 200


def test_a_session_of_one_account_is_none_of_anothers(make_server) -> None:
    """Two servers stand for two owners of key rings: what one sealed, the other does not open."""
    one, other = make_server("one").start(), make_server("other").start()
    token = Aws(one, one.root).sts.get_session_token()["Credentials"]
    answer = wire.post(other, Credentials.of(token), "sts", WHO)
    assert (answer.status, answer.code) == (403, "InvalidClientTokenId")


# Bombs.

BOMB = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">
""" + b"".join(b'<!ENTITY %s "%s">' % (bytes([98 + n]), (b"&%s;" % bytes([97 + n])) * 20) for n in range(12)) + b"""]>
<Delete><Object><Key>&m;</Key></Object></Delete>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<Delete><Object><Key>&x;</Key></Object></Delete>"""


@pytest.mark.parametrize("body", [BOMB, OUTSIDE, b"<a>" * 15_000], ids=["entities", "outside", "deep"])
def test_xml_bombs_do_nothing(server: Server, root: Aws, unique: Names, body: bytes) -> None:
    bucket = unique("bombed")
    root.s3.create_bucket(Bucket=bucket)
    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    signed = wire.sign(server, server.root, "s3", path=f"/{bucket}?delete", body=body, headers={"Content-MD5": digest})
    answer = wire.send(server, "POST", f"/{bucket}?delete", signed, body)
    assert answer.status in {400, 413} and b"root:" not in answer.body, answer.body[:300]
    assert wire.send(server, "GET", "/health", {}).status == 200


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"Name": "' + "\\u0000" * 50_000 + '"}'],
                         ids=["arrays", "objects", "zeros"])
def test_json_bombs_do_nothing(server: Server, text: str) -> None:
    headers = {"Content-Type": "application/x-amz-json-1.1",
               "X-Amz-Target": "AWSOrganizationsV20161128.DescribeOrganization"}
    body = text.encode()
    signed = wire.sign(server, server.root, "organizations", body=body, headers=headers)
    answer = wire.send(server, "POST", "/", signed, body)
    assert answer.status == 400 and json.loads(answer.body)["__type"], answer.body[:300]
    assert wire.send(server, "GET", "/health", {}).status == 200


@pytest.mark.parametrize("path", ["/../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd",
                                  "/.rolecall", "/%00", "//etc/passwd", "/BUCKET/../../../root-credentials",
                                  "/BUCKET/%2e%2e/%2e%2e/root-credentials", "/BUCKET/..%2f..%2froot-credentials",
                                  "/BUCKET/%c0%ae%c0%ae/x", "/BUCKET\\..\\x"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_paths_stay_within_the_buckets(server: Server, root: Aws, unique: Names, method: str, path: str) -> None:
    bucket = unique("walled")
    root.s3.create_bucket(Bucket=bucket)
    before = {file for file in server.data.rglob("*") if "audit" not in file.parts}
    path = path.replace("BUCKET", bucket)
    signed = wire.sign(server, server.root, "s3", method=method, path=path, body=b"")
    head = f"{method} {path} HTTP/1.1\r\n".encode()
    answer = exchange(server, head + lines({"Host": "{}:{}".format(*server.address)} | signed
                                           | {"Content-Length": "0", "Connection": "close"}) + b"\r\n")
    assert b"root:" not in answer and b"aws_secret_access_key" not in answer
    new = {file for file in server.data.rglob("*") if "audit" not in file.parts} - before
    assert all((server.data / "s3") in file.parents for file in new), new
