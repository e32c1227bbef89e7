"""`rolecall metadata`: a role lent to one command, whose clients find it by the standard chain."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import lab
from harness.clients import Aws, allow, document
from harness.process import ACCOUNT, Server, rolecall

SESSION_OF = f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/"
WHO = ("import boto3, os; assert 'AWS_ACCESS_KEY_ID' not in os.environ; "
       "print(boto3.client('sts').get_caller_identity()['Arn'])")
FETCH = """
import json, os, time, urllib.error, urllib.request
url, token = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
def fetch(token):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": token})) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, {}
"""


def caller_of(root: Aws) -> Aws:
    root.iam.create_role(RoleName="robot", AssumeRolePolicyDocument=lab.TRUST_ACCOUNT)
    root.iam.create_role(RoleName="closed", AssumeRolePolicyDocument=lab.TRUST_SERVICE_ONLY)
    return root.user("caller", allow("sts:AssumeRole"))


@pytest.fixture(scope="module")
def caller(root: Aws) -> Aws:
    return caller_of(root)


@pytest.fixture
def lend(server: Server, caller: Aws) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return rolecall("metadata", *arguments, env=server.client_environment(caller.credentials))

    return run


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_boto3_finds_the_role_with_no_keys_of_the_caller(lend: Callable) -> None:
    done = lend("--role", "robot", "--session-name", "lent", "--", sys.executable, "-c", WHO)
    assert succeeded(done).strip() == SESSION_OF + "lent"


def test_keys_in_files_do_not_win(server: Server, caller: Aws, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(f"[default]\naws_access_key_id = {caller.credentials.access_key_id}\n"
                    f"aws_secret_access_key = {caller.credentials.secret_access_key}\n")
    env = server.client_environment() | {"AWS_SHARED_CREDENTIALS_FILE": str(file)}
    done = rolecall("metadata", "--role", "robot", "--", sys.executable, "-c", WHO, env=env)
    assert succeeded(done).strip() == SESSION_OF + "rolecall"


def test_nobody_gets_credentials_without_the_token(lend: Callable) -> None:
    script = FETCH + "print(json.dumps([fetch('wrong')[0], fetch(token)[0]]))"
    assert json.loads(succeeded(lend("--role", "robot", "--", sys.executable, "-c", script))) == [401, 200]


def test_the_exit_code_is_the_commands(lend: Callable) -> None:
    assert lend("--role", "robot", "--", "sh", "-c", "exit 7").returncode == 7


def test_a_refusal_is_told_before_the_command_runs(lend: Callable) -> None:
    done = lend("--role", "closed", "--", "echo", "ran")
    assert done.returncode == 1
    assert "AccessDenied" in done.stderr and "ran" not in done.stdout


def test_a_short_session_is_renewed(make_server: Callable[..., Server], tmp_path: Path) -> None:
    settings = tmp_path / "rolecall.toml"
    settings.write_text("[sts]\nmin_session_seconds = 1\n")
    server = make_server(flags=("--config", str(settings))).start()
    caller = caller_of(Aws(server, server.root))
    script = FETCH + """
first = fetch(token)[1]
limit = time.monotonic() + 20
while (last := fetch(token)[1])["AccessKeyId"] == first["AccessKeyId"] and time.monotonic() < limit:
    time.sleep(0.1)
print(json.dumps([first["Expiration"], last["Expiration"], first["AccessKeyId"] != last["AccessKeyId"]]))
"""
    done = rolecall("metadata", "--role", "robot", "--duration", "4", "--", sys.executable, "-c", script,
                    env=server.client_environment(caller.credentials))
    first, last, renewed = json.loads(succeeded(done))
    assert renewed and last > first
