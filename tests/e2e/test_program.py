"""The program around the services: settings, health, metrics, logs, explanations, `decide`."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import wire
from harness.clients import Aws, allow, refused
from harness.process import ACCOUNT, Server, clean_environment, program, rolecall


def fetch(server: Server, path: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(server.endpoint + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_health_needs_no_credentials(server: Server) -> None:
    assert fetch(server, "/health")[0] == 200


def test_metrics_count_requests(server: Server, root: Aws) -> None:
    root.arn()
    status, text = fetch(server, "/metrics")
    assert status == 200
    samples = [line for line in text.splitlines() if line and not line.startswith("#")]
    for line in samples:
        assert re.fullmatch(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}]*\})? [-+0-9.eEInfNa]+', line), line
    counted = [float(line.rsplit(" ", 1)[1]) for line in samples if line.startswith("rolecall_requests_total")]
    assert sum(counted) >= 1, text


def test_config_says_where_each_setting_comes_from(tmp_path: Path) -> None:
    settings = tmp_path / "rolecall.toml"
    settings.write_text('region = "eu-central-1"\naccount = "210987654321"\n')
    env = clean_environment(tmp_path) | {"ROLECALL_REGION": "eu-west-1"}
    done = rolecall("config", "--config", str(settings), "--listen", "127.0.0.1:9999", env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "127.0.0.1:9999" in lines["listen"] and "--listen" in lines["listen"]
    assert "eu-west-1" in lines["region"] and "ROLECALL_REGION" in lines["region"]
    assert "210987654321" in lines["account"] and "rolecall.toml" in lines["account"]
    assert "default" in lines["sts.min_session_seconds"] and "900" in lines["sts.min_session_seconds"]
    as_json = rolecall("config", "--json", "--config", str(settings), env=env, cwd=tmp_path)
    assert "eu-west-1" in as_json.stdout and json.loads(as_json.stdout)


def test_one_line_is_logged_for_each_request(server: Server, root: Aws) -> None:
    answer = wire.call(server, server.root, "GetRole", RoleName="nobody-logged")
    request_id = answer.find("RequestId")
    deadline = time.monotonic() + 10
    while not (lines := [line for line in server.output().splitlines() if request_id in line]):
        assert time.monotonic() < deadline, "the request is not logged"
        time.sleep(0.01)
    assert len(lines) == 1, lines
    assert "\x1b" not in server.output(), "colours are for terminals"
    assert "GetRole" in lines[0] and ("404" in lines[0] or "NoSuchEntity" in lines[0])


def test_a_decision_is_explained_afterwards(server: Server, root: Aws) -> None:
    user = root.user("explained", allow("s3:GetObject", "arn:aws:s3:::elsewhere/*"))
    with pytest.raises(user.iam.exceptions.ClientError) as caught:
        user.iam.list_users()
    request_id = caught.value.response["ResponseMetadata"]["RequestId"]
    env = server.client_environment(server.root)
    done = rolecall("explain", request_id, env=env)
    assert done.returncode in {0, 1}, done.stderr
    for word in ["iam:ListUsers", f"arn:aws:iam::{ACCOUNT}:user/explained", "inline"]:
        assert word in done.stdout, done.stdout
    assert re.search("[Dd]enied", done.stdout)
    unknown = rolecall("explain", "00000000-0000-0000-0000-000000000000", env=env)
    assert unknown.returncode in {1, 2} and "00000000" in unknown.stderr


def test_sigterm_lets_requests_finish(make_server: Callable[..., Server]) -> None:
    """An upload that is half sent when the signal comes is received whole and answered."""
    server = make_server().start()
    Aws(server, server.root).s3.create_bucket(Bucket="finishing")
    body = b"x" * 1_000_000
    signed = wire.sign(server, server.root, "s3", "PUT", "/finishing/k",
                       headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    connection = http.client.HTTPConnection(*server.address, timeout=30)
    connection.putrequest("PUT", "/finishing/k")
    for name, value in (signed | {"Content-Length": str(len(body))}).items():
        connection.putheader(name, value)
    connection.endheaders(body[:500_000])
    time.sleep(0.5)
    process = server.process
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None, "it ended with a request open"
    connection.send(body[500_000:])
    assert connection.getresponse().status == 200
    connection.close()
    assert process.wait(30) == 0
    server.process = None
    server.start()
    assert Aws(server, server.root).s3.head_object(Bucket="finishing", Key="k")["ContentLength"] == len(body)


def test_sigint_ends_it_too(make_server: Callable[..., Server]) -> None:
    server = make_server().start()
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(30) == 0
    server.process = None
    assert not (server.data / "endpoint").exists(), "no address is announced by who is not there"


# `decide`: the engine alone, one JSON object a line.

def decide(tmp_path: Path, *lines: dict | str, shared: dict | None = None) -> list[dict]:
    arguments = []
    if shared is not None:
        (tmp_path / "shared.json").write_text(json.dumps(shared))
        arguments = ["--with", str(tmp_path / "shared.json")]
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    done = rolecall("decide", *arguments, env=clean_environment(tmp_path), stdin=text)
    assert done.returncode in {0, 1, 2}, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def asked(**more) -> dict:
    return {"id": "1", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "resourceAccount": ACCOUNT,
            "principal": f"arn:aws:iam::{ACCOUNT}:user/u", "context": {},
            "identityPolicies": [], "resourcePolicy": None, "permissionsBoundaries": None,
            "sessionPolicies": None, "serviceControlPolicies": [], "resourceControlPolicies": [],
            "vpcEndpointPolicies": None} | more


def policy(name: str, *statements: dict) -> dict:
    return {"name": name, "policy": {"Version": "2012-10-17", "Statement": list(statements)}}


def test_decide_in_order_and_with_reasons(tmp_path: Path) -> None:
    reader = policy("reader", allow("s3:Get*") | {"Sid": "Reads"})
    denier = policy("denier", {"Effect": "Deny", "Action": "*", "Resource": "*"})
    answers = decide(tmp_path, asked(id="a"), asked(id="b", identityPolicies=[reader]),
                     asked(id="c", identityPolicies=[reader, denier]))
    assert [(one["id"], one["decision"]) for one in answers] == [
        ("a", "ImplicitlyDenied"), ("b", "Allowed"), ("c", "ExplicitlyDenied")]
    assert "reader" in json.dumps(answers[1]["because"]) and "Reads" in json.dumps(answers[1]["because"])
    assert "denier" in json.dumps(answers[2]["because"])


def test_decide_with_shared_fields(tmp_path: Path) -> None:
    shared = {"identityPolicies": [policy("reader", allow("s3:Get*"))], "resourceAccount": ACCOUNT,
              "principal": f"arn:aws:iam::{ACCOUNT}:user/u"}
    line = {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}
    answers = decide(tmp_path, line | {"id": "1"}, line | {"id": "2", "action": "s3:PutObject"}, shared=shared)
    assert [one["decision"] for one in answers] == ["Allowed", "ImplicitlyDenied"]


def test_decide_goes_on_after_a_bad_line(tmp_path: Path) -> None:
    answers = decide(tmp_path, asked(id="1"), asked(id="2", colour="red"), "not json", asked(id="4"))
    assert len(answers) == 4
    assert [one.get("decision") for one in answers] == ["ImplicitlyDenied", None, None, "ImplicitlyDenied"]
    assert "colour" in json.dumps(answers[1])


def test_help_names_every_command(tmp_path: Path) -> None:
    done = rolecall("--help", env=clean_environment(tmp_path))
    assert done.returncode == 0
    for command in ["serve", "env", "config", "assume", "whoami", "decide", "explain"]:
        assert re.search(rf"^\s+{command}\b", done.stdout, re.M), command
        assert rolecall(command, "--help", env=clean_environment(tmp_path)).returncode == 0
    assert re.fullmatch(r"rolecall \d+\.\d+\.\d+\S*\n", rolecall(
        "--version", env=clean_environment(tmp_path)).stdout)


def test_output_that_nobody_reads(tmp_path: Path) -> None:
    """`rolecall … | head` ends quietly."""
    done = subprocess.run(["sh", "-c", f"{program()} --help | head -1; exit 0"], text=True,
                          env=clean_environment(tmp_path), capture_output=True, timeout=30)
    assert "panicked" not in done.stderr


def test_the_operations_that_wait(root: Aws) -> None:
    with refused({"NotImplemented", "InvalidAction"}, status=400):
        root.ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)
