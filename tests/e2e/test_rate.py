"""How many requests someone may make, and what SDKs make of the refusal."""

from __future__ import annotations

import contextlib
import http.client
import urllib.request

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from harness.clients import Aws, allow, document, refused, trust
from harness.process import ACCOUNT, REGION, Credentials, Server, StartFailed


def page(server: Server, path: str) -> str:
    with urllib.request.urlopen(server.endpoint + path, timeout=10) as answer:
        return answer.read().decode()


def refusals(times: int, ask) -> list[dict]:
    found = []
    for _ in range(times):
        try:
            ask()
        except ClientError as error:
            found.append(error.response)
    return found


@pytest.fixture
def principals(make_server) -> tuple[Aws, Aws]:
    """Root, with five requests in a second (and ten at once) for each principal, and a user."""
    server = make_server(variables={"ROLECALL_RATE_PER_PRINCIPAL": "5"}).start()
    root = Aws(server, server.root)
    return root, root.user("busy", allow("*"))


@pytest.mark.parametrize(("ask", "code", "status"), [
    (lambda who: who.iam.list_users(), "Throttling", 400),
    (lambda who: who.sts.get_caller_identity(), "Throttling", 400),
    (lambda who: who.ec2.describe_instances(), "RequestLimitExceeded", 503),
    (lambda who: who.s3.list_buckets(), "SlowDown", 503),
    (lambda who: who.client("organizations").describe_organization(), "ThrottlingException", 400),
])
def test_a_principal_is_told_to_slow_down_in_the_words_of_the_service(principals, ask, code, status) -> None:
    root, busy = principals
    slowed = [one for one in refusals(200, lambda: ask(busy)) if one["Error"]["Code"] == code]
    assert len(slowed) > 50 and {one["ResponseMetadata"]["HTTPStatusCode"] for one in slowed} == {status}
    # Others are not held up, and it is said what was done.
    root.iam.list_groups()
    assert "rolecall_requests_throttled_total 0" not in page(root.server, "/metrics")


def test_the_sessions_of_a_role_share_its_limit(principals) -> None:
    root, busy = principals
    root.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=document(trust({"AWS": ACCOUNT})))
    sessions = [busy.assume(f"arn:aws:iam::{ACCOUNT}:role/worker", f"session-{n}") for n in range(4)]
    slowed = sum(len(refusals(15, session.sts.get_caller_identity)) for session in sessions)
    assert slowed > 10
    busy.sts.get_caller_identity()


def test_an_sdk_waits_and_gets_through(principals) -> None:
    root, busy = principals
    client = boto3.Session(region_name=REGION).client(
        "sts", endpoint_url=root.server.endpoint, config=Config(retries={"total_max_attempts": 10, "mode": "standard"}),
        aws_access_key_id=busy.credentials.access_key_id,
        aws_secret_access_key=busy.credentials.secret_access_key)
    for _ in range(25):
        client.get_caller_identity()


def test_a_source_is_limited_before_it_says_who_it_is(make_server) -> None:
    server = make_server(variables={"ROLECALL_RATE_PER_SOURCE": "10"}).start()
    stranger = Aws(server, Credentials("AKIAEXAMPLEEXAMPLE00", "none"))
    codes = [one["Error"]["Code"] for one in refusals(300, stranger.sts.get_caller_identity)]
    assert set(codes) == {"InvalidClientTokenId", "Throttling"} and codes.count("InvalidClientTokenId") >= 20
    # What tells whether the server lives is not counted; the trail has only what was looked at.
    assert "ok" in page(server, "/health")
    trail = "".join(path.read_text() for path in (server.data / "audit").glob("*.jsonl"))
    assert "Throttling" not in trail


@pytest.mark.parametrize(("body", "stays"), [(1_000, True), (4_000_000, False)])
def test_who_is_refused_early_can_send_on_or_is_told_that_it_cannot(make_server, body: int, stays: bool) -> None:
    """The refusal is there before the body, which comes later: no request may fall into a closing connection."""
    server = make_server(variables={"ROLECALL_RATE_PER_SOURCE": "1"}).start()
    stranger = Aws(server, Credentials("AKIAEXAMPLEEXAMPLE00", "none"))
    refusals(3, stranger.sts.get_caller_identity)
    connection = http.client.HTTPConnection(*server.address, timeout=30)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(body))
    connection.endheaders()
    socket = connection.sock
    # A client that does not read until it has sent all, as most: the server may end it midway.
    with contextlib.suppress(ConnectionError):
        connection.send(b"a" * body)
    answer = connection.getresponse()
    assert answer.status == 400 and b"Rate exceeded" in answer.read()
    assert (answer.headers["Connection"] != "close") == stays
    if stays:
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200 and connection.sock is socket


def test_a_bad_limit_is_told(make_server) -> None:
    with pytest.raises(StartFailed, match="rate.per_source"):
        make_server(variables={"ROLECALL_RATE_PER_SOURCE": "many"}).start()


def test_there_is_no_limit_unless_one_is_set(root: Aws) -> None:
    assert refusals(100, root.sts.get_caller_identity) == []
    with refused("AccessDenied"):
        root.user("nobody").iam.list_users()
