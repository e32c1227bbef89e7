"""Requests that are wrong: each is refused by name, and none moves the server."""

from __future__ import annotations

import contextlib
import datetime
import re
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator

import pytest
from harness import wire
from harness.clients import Aws
from harness.process import Credentials, Server

Names = Callable[[str], str]


@pytest.fixture(autouse=True)
def unmoved(server: Server, root: Aws) -> Iterator[None]:
    """After each test the server is the same process, healthy, and holds what it held."""
    process = server.process.pid

    def held() -> tuple:
        iam = root.iam
        return (iam.list_users()["Users"], iam.list_roles()["Roles"], iam.list_groups()["Groups"])

    before = held()
    yield
    assert server.process.poll() is None and server.process.pid == process
    assert wire.send(server, "GET", "/health", {}).status == 200
    assert held() == before


def ask(server: Server, body: bytes, service: str = "iam", **more) -> wire.Answer:
    return wire.post(server, server.root, service, body, **more)


@pytest.mark.parametrize("service", ["iam", "sts", "ec2"])
def test_unknown_action(server: Server, service: str) -> None:
    answer = wire.call(server, server.root, "MakeCoffee", service)
    # Of EC2 only a part is modelled: what is unknown and what is not built are the same there.
    codes = {"InvalidAction", "NotImplemented"} if service == "ec2" else {"InvalidAction"}
    assert answer.status == 400 and answer.code in codes, answer.body
    assert "MakeCoffee" in answer.message


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_missing_action(server: Server, service: str) -> None:
    for body in [wire.form({"Version": wire.VERSIONS[service]}), b"",
                 wire.form({"Action": "", "Version": wire.VERSIONS[service]})]:
        answer = ask(server, body, service)
        assert answer.status == 400 and answer.code in {"MissingAction", "InvalidAction"}, answer.body


@pytest.mark.parametrize("version", [None, "", "2000-01-01", "latest"])
def test_unknown_and_missing_version(server: Server, version: str | None) -> None:
    parameters = {"Action": "ListUsers"} | ({} if version is None else {"Version": version})
    answer = ask(server, wire.form(parameters))
    assert answer.status == 400 and answer.code in {"InvalidAction", "MissingParameter", "NoSuchVersion"}
    assert "ersion" in answer.message


def test_version_of_another_service(server: Server) -> None:
    answer = ask(server, wire.form({"Action": "ListUsers", "Version": wire.VERSIONS["sts"]}))
    assert (answer.status, answer.code) == (400, "InvalidAction")


def test_duplicate_parameters(server: Server) -> None:
    answer = ask(server, b"Action=CreateUser&Version=2010-05-08&UserName=first&UserName=second")
    assert answer.status == 400
    assert "UserName" in answer.message, answer.body


def test_parameters_that_an_operation_does_not_have(server: Server) -> None:
    # AWS ignores them; so must a server that older and newer SDKs talk to.
    answer = ask(server, wire.form({"Action": "ListUsers", "Version": "2010-05-08", "Colour": "red"}))
    assert answer.status == 200


@pytest.mark.parametrize(("body", "what"), [
    (b"Action=CreateUser&Version=2010-05-08&UserName=%ff%fe", "UTF-8"),
    (b"Action=CreateUser&Version=2010-05-08&UserName=\xff\xfe", "UTF-8"),
    (b"Action=CreateUser&Version=2010-05-08&UserName=%zz", "percent"),
    (b"Action=CreateUser&Version=2010-05-08&UserName=cut%2", "percent"),
    (b"Action=CreateUser&Version=2010-05-08&UserName=zero%00byte", "control"),
])
def test_bytes_that_are_no_text(server: Server, body: bytes, what: str) -> None:
    answer = ask(server, body)
    assert answer.status == 400 and answer.code, (what, answer.body)
    assert answer.code in {"MalformedQueryString", "ValidationError", "InvalidParameterValue", "MalformedInput",
                           "SerializationException"}, answer.body


@pytest.mark.parametrize("index", ["0", "-1", "x", "18446744073709551616", "999999999", ""])
def test_list_indexes_that_are_none(server: Server, index: str) -> None:
    answer = ask(server, wire.form({"Action": "CreateUser", "Version": "2010-05-08", "UserName": "!",
                                    f"Tags.member.{index}.Key": "k", f"Tags.member.{index}.Value": "v"}))
    assert answer.status == 400, answer.body


def test_very_many_parameters(server: Server) -> None:
    body = b"Action=CreateUser&Version=2010-05-08&UserName=!" + b"&a=b" * 200_000
    assert ask(server, body).status in {400, 413}


def test_bodies_over_a_mebibyte(server: Server) -> None:
    body = wire.form({"Action": "CreateUser", "Version": "2010-05-08", "UserName": "big", "Path": "/" + "x" * 2**20})
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        answer = ask(server, body)
        assert answer.status in {400, 413}, answer.status
        assert answer.code in {"RequestEntityTooLarge", "RequestTooLarge", "ValidationError"}, answer.body


def test_a_body_that_claims_to_be_endless(server: Server) -> None:
    head = f"POST / HTTP/1.1\r\nHost: {host(server)}\r\nContent-Length: 99999999999999\r\n\r\n"
    assert b" 413 " in wire.raw(server, head.encode())[:20] or is_refused(wire.raw(server, head.encode()))


def test_a_body_shorter_than_it_claims(server: Server) -> None:
    head = f"POST / HTTP/1.1\r\nHost: {host(server)}\r\nContent-Length: 1000\r\n\r\nAction=ListUsers"
    answer = wire.raw(server, head.encode())
    assert answer == b"" or is_refused(answer)


@pytest.mark.parametrize("document", ["[" * 100_000, '{"a":' * 20_000, '"' + "\\u0000" * 20_000 + '"',
                                      '{"Version":"2012-10-17","Statement":' + "[" * 60_000],
                         ids=["arrays", "objects", "escapes", "statements"])
def test_documents_nested_without_end(server: Server, document: str) -> None:
    answer = wire.call(server, server.root, "CreatePolicy", PolicyName="deep", PolicyDocument=document)
    assert (answer.status, answer.code) in {(400, "MalformedPolicyDocument"), (400, "ValidationError"),
                                            (409, "LimitExceeded")}, answer.body


def test_documents_say_where_they_are_wrong(server: Server) -> None:
    text = '{\n  "Version": "2012-10-17",\n  "Statement": [\n    {"Effect": "Allow" "Action": "s3:*"}\n  ]\n}'
    answer = wire.call(server, server.root, "CreatePolicy", PolicyName="broken", PolicyDocument=text)
    assert (answer.status, answer.code) == (400, "MalformedPolicyDocument")
    assert re.search(r"4\b.*(23|24|25)\b", answer.message), f"line 4, column 24: {answer.message}"


# Signatures and time.

@pytest.mark.parametrize("minutes", [-14, 0, 14])
def test_clocks_that_are_near_enough(server: Server, minutes: int) -> None:
    assert at(server, "sts", minutes).status == 200


@pytest.mark.parametrize(("service", "minutes", "code", "words"), [
    ("sts", -16, "SignatureDoesNotMatch", "Signature expired: "),
    ("sts", 16, "SignatureDoesNotMatch", "Signature not yet current: "),
    ("iam", -16, "SignatureDoesNotMatch", "Signature expired: "),
    ("iam", 16, "SignatureDoesNotMatch", "Signature not yet current: "),
    ("s3", -16, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
    ("s3", 16, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
    ("ec2", -16, "RequestExpired", "Request has expired"),
])
def test_clocks_that_are_not(server: Server, service: str, minutes: int, code: str, words: str) -> None:
    answer = at(server, service, minutes)
    assert (answer.status in {400, 401, 403}, answer.code) == (True, code), answer.body
    assert words in answer.message


def at(server: Server, service: str, minutes: int) -> wire.Answer:
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    if service == "s3":
        signed = wire.sign(server, server.root, "s3", "GET", "/", moment=moment,
                           headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
        return wire.send(server, "GET", "/", signed)
    action = {"sts": "GetCallerIdentity", "iam": "ListUsers", "ec2": "DescribeInstances"}[service]
    body = wire.form({"Action": action, "Version": wire.VERSIONS[service]})
    return wire.post(server, server.root, service, body, moment=moment)


@pytest.mark.parametrize("scope", [
    "AKIA/20200101/us-east-1/iam", "AKIA/20200101/us-east-1/iam/aws5_request", "AKIA", "", "/////",
    "AKIA/tomorrow/us-east-1/iam/aws4_request", "AKIA/20200101/us-east-1/iam/aws4_request/more"])
def test_credential_scopes_that_are_none(server: Server, scope: str) -> None:
    body = wire.form({"Action": "ListUsers", "Version": "2010-05-08"})
    signed = wire.sign(server, server.root, "iam", body=body)
    scope = scope.replace("AKIA", server.root.access_key_id)
    header = re.sub("Credential=[^,]*", f"Credential={scope}", signed["Authorization"])
    answer = wire.send(server, "POST", "/", signed | {"Authorization": header}, body)
    assert answer.status in {400, 403} and answer.code, answer.body


@pytest.mark.parametrize("header", ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ,,,", "Basic dXNlcjpwYXNz", "Bearer x",
                                    "AWS4-HMAC-SHA512 Credential=a, SignedHeaders=b, Signature=c", "AWS AKIA:sig",
                                    "AWS4-HMAC-SHA256 " + "Credential=a," * 500])
def test_authorizations_that_are_none(server: Server, header: str) -> None:
    body = wire.form({"Action": "ListUsers", "Version": "2010-05-08"})
    headers = {"Authorization": header, "Content-Type": "application/x-www-form-urlencoded",
               "X-Amz-Date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")}
    answer = wire.send(server, "POST", "/", headers, body)
    assert answer.status in {400, 403}, answer.body
    assert answer.code in {"IncompleteSignature", "MissingAuthenticationToken", "InvalidClientTokenId",
                           "AccessDenied", "InvalidRequest"}, answer.body


def test_a_signature_must_cover_the_host(server: Server) -> None:
    body = wire.form({"Action": "GetCallerIdentity", "Version": wire.VERSIONS["sts"]})
    signed = wire.sign(server, server.root, "sts", body=body)
    left_out = re.sub(r"SignedHeaders=\S*,", "SignedHeaders=x-amz-date,", signed["Authorization"])
    answer = wire.send(server, "POST", "/", signed | {"Authorization": left_out}, body)
    assert (answer.status in {400, 403}, answer.code in {"SignatureDoesNotMatch", "IncompleteSignature"}) == (
        True, True), answer.body


def test_signed_for_one_service_and_sent_to_another(server: Server) -> None:
    body = wire.form({"Action": "ListUsers", "Version": "2010-05-08"})
    for service in ["sts", "ec2", "made-up"]:
        answer = wire.post(server, server.root, service, body)
        assert 400 <= answer.status < 500, (service, answer.body)


def test_a_replayed_request_is_what_it_was(server: Server) -> None:
    """AWS lets a signed request be sent again within its minutes; nothing more than it must come of it."""
    body = wire.form({"Action": "GetCallerIdentity", "Version": wire.VERSIONS["sts"]})
    signed = wire.sign(server, server.root, "sts", body=body)
    assert [wire.send(server, "POST", "/", signed, body).status for _ in range(2)] == [200, 200]
    other = wire.form({"Action": "GetSessionToken", "Version": wire.VERSIONS["sts"]})
    assert wire.send(server, "POST", "/", signed, other).code == "SignatureDoesNotMatch"


# HTTP itself.

@pytest.mark.parametrize("request_bytes", [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\x00" * 1000, b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n broken: header\r\n\r\n",
], ids=["tls", "short", "zeros", "version", "no-host", "two-hosts", "two-lengths", "negative-length", "bad-chunk",
        "folded"])
def test_what_is_no_http(server: Server, request_bytes: bytes) -> None:
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        answer = wire.raw(server, request_bytes, timeout=40)
        assert answer == b"" or is_refused(answer), answer[:200]


@pytest.mark.parametrize("headers", [
    "".join(f"X-H{n}: v\r\n" for n in range(20_000)), "X-Long: " + "x" * 2**20 + "\r\n"], ids=["many", "long"])
def test_header_bombs(server: Server, headers: str) -> None:
    request = f"GET /health HTTP/1.1\r\nHost: {host(server)}\r\n{headers}\r\n".encode()
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        answer = wire.raw(server, request)
        assert answer == b"" or re.match(rb"HTTP/1.1 (431|400) ", answer), answer[:200]


def test_a_target_that_is_very_long(server: Server) -> None:
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        answer = wire.raw(server, b"GET /" + b"a" * 2**20 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer == b"" or re.match(rb"HTTP/1.1 (414|431|400|403) ", answer), answer[:200]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "MADEUP"])
def test_methods_that_are_not_meant(server: Server, method: str) -> None:
    request = f"{method} / HTTP/1.1\r\nHost: {host(server)}\r\nConnection: close\r\n\r\n".encode()
    answer = wire.raw(server, request)
    assert answer == b"" or is_refused(answer), answer[:200]


@pytest.mark.slow
def test_slow_clients_keep_nobody_waiting(server: Server, root: Aws) -> None:
    """A hundred connections that send a byte now and then: others are answered, and they are cut off."""
    crawlers = [socket.create_connection(server.address, timeout=5) for _ in range(100)]
    stop, sent = threading.Event(), 0
    head = f"POST / HTTP/1.1\r\nHost: {host(server)}\r\n".encode()
    for one in crawlers:
        one.sendall(head)
    deadline, open_ = time.monotonic() + 90, list(crawlers)
    while open_ and time.monotonic() < deadline:
        started = time.monotonic()
        assert root.sts.get_caller_identity()["Account"]
        assert time.monotonic() - started < 5, "another client waits for the slow ones"
        open_ = [one for one in open_ if still_open(one)]
        stop.wait(1)
        sent += 1
    for one in crawlers:
        one.close()
    assert not open_, f"{len(open_)} connections are still open after {sent} s without a whole request"


def still_open(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"x")
        connection.settimeout(0.001)
        return connection.recv(4096) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def host(server: Server) -> str:
    return server.endpoint.removeprefix("http://")


def is_refused(answer: bytes) -> bool:
    return re.match(rb"HTTP/1\.[01] (4\d\d|501|505) ", answer) is not None


def test_a_query_string_is_as_good_as_a_body(server: Server) -> None:
    """The query protocols take GET as well."""
    query = urllib.parse.urlencode({"Action": "GetCallerIdentity", "Version": wire.VERSIONS["sts"]})
    signed = wire.sign(server, server.root, "sts", "GET", f"/?{query}")
    answer = wire.send(server, "GET", f"/?{query}", signed)
    assert (answer.status, answer.find("Account")) == (200, "123456789012")


def test_answers_carry_a_request_id(server: Server) -> None:
    good = wire.call(server, server.root, "GetCallerIdentity", "sts")
    bad = wire.call(server, server.root, "GetRole", RoleName="nobody")
    for answer in [good, bad]:
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.find("RequestId"))
        assert answer.headers["x-amzn-requestid"] == answer.find("RequestId")
    s3 = wire.send(server, "GET", "/", {})
    assert s3.headers.get("x-amz-request-id")


def test_secrets_are_in_no_log(server: Server, root: Aws) -> None:
    """After all of this file's requests: not a secret key, not a token, not a signature."""
    session = root.user("logged").sts.get_session_token()["Credentials"]
    root.as_(Credentials.of(session)).arn()
    with contextlib.suppress(Exception):
        root.as_(Credentials(session["AccessKeyId"], "wrong" * 8, session["SessionToken"])).arn()
    log = server.output()
    assert log, "requests are logged"
    for secret in [server.root.secret_access_key, session["SecretAccessKey"], session["SessionToken"],
                   session["SessionToken"][10:60]]:
        assert secret not in log
    assert "Signature=" not in log
    for key in root.iam.list_access_keys(UserName="logged")["AccessKeyMetadata"]:
        root.iam.delete_access_key(UserName="logged", AccessKeyId=key["AccessKeyId"])
    root.iam.delete_user(UserName="logged")
