"""The client side: `rolecall env`, `assume` in each of its formats, `whoami`; exit codes."""

from __future__ import annotations

import http.server
import json
import os
import pty
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import lab
from harness.clients import Aws, allow, document, refused, trust
from harness.process import ACCOUNT, Credentials, Server, clean_environment, program, rolecall

Assume = Callable[..., subprocess.CompletedProcess[str]]
SESSION_OF = f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/"


@pytest.fixture(scope="module")
def user(root: Aws) -> Aws:
    root.iam.create_role(RoleName="robot", AssumeRolePolicyDocument=lab.TRUST_ACCOUNT)
    root.iam.put_role_policy(RoleName="robot", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    root.iam.create_role(RoleName="closed", AssumeRolePolicyDocument=lab.TRUST_SERVICE_ONLY)
    root.iam.create_role(RoleName="guarded", AssumeRolePolicyDocument=document(trust(
        {"AWS": ACCOUNT}, Condition={"StringEquals": {"sts:ExternalId": "word"}})))
    return root.user("caller", allow("sts:AssumeRole"))


@pytest.fixture
def assume(server: Server, user: Aws) -> Assume:
    def run(*arguments: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return rolecall("assume", *arguments,
                        env=server.client_environment(user.credentials) | (variables or {}))

    return run


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_env_is_for_eval(server: Server) -> None:
    script = f'eval "$({program()} env --data {server.data})" && {program()} whoami --json'
    done = subprocess.run(["sh", "-c", script], env=clean_environment(server.home), text=True,
                          capture_output=True, timeout=60)
    assert json.loads(succeeded(done))["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_env_without_a_server(tmp_path: Path) -> None:
    done = rolecall("env", "--data", str(tmp_path / "nothing"), env=clean_environment(tmp_path))
    assert done.returncode == 2
    assert str(tmp_path / "nothing") in done.stderr
    assert "export" not in done.stdout


def test_assume_for_a_shell(assume: Assume, root: Aws) -> None:
    out = succeeded(assume("robot", "--session-name", "shell"))
    done = subprocess.run(["sh", "-c", f"{out}\nenv"], env={"PATH": os.environ["PATH"]}, text=True,
                          capture_output=True, timeout=10, check=True)
    exported = dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("AWS_"))
    session = root.as_(Credentials(exported["AWS_ACCESS_KEY_ID"], exported["AWS_SECRET_ACCESS_KEY"],
                                   exported["AWS_SESSION_TOKEN"]))
    assert session.arn() == SESSION_OF + "shell"


def test_assume_as_json(assume: Assume, root: Aws) -> None:
    answer = json.loads(succeeded(assume(lab.ROLE_ARN, "--format", "json", "--duration", "1000")))
    assert answer["AssumedRoleUser"]["Arn"] == SESSION_OF + "rolecall"
    assert root.as_(Credentials.of(answer["Credentials"])).arn() == SESSION_OF + "rolecall"


def test_assume_as_a_credential_process(server: Server, user: Aws) -> None:
    keys = user.credentials
    folder = server.home / ".aws"
    folder.mkdir(exist_ok=True)
    (folder / "config").write_text(
        f"[profile base]\naws_access_key_id = {keys.access_key_id}\n"
        f"aws_secret_access_key = {keys.secret_access_key}\n"
        f"[profile robot]\ncredential_process = {program()} assume robot --profile base "
        "--session-name process --format credential-process\n")
    env = server.client_environment() | {"AWS_PROFILE": "robot"}
    assert json.loads(succeeded(rolecall("whoami", "--json", env=env)))["Arn"] == SESSION_OF + "process"


def test_assume_for_a_workflow(assume: Assume, root: Aws, tmp_path: Path) -> None:
    environment, output = tmp_path / "env", tmp_path / "output"
    environment.write_text("EARLIER=1\n")
    done = assume("--format", "github", variables={
        "GITHUB_ENV": str(environment), "GITHUB_OUTPUT": str(output), "ROLE_ARN": lab.ROLE_ARN,
        "ROLE_SESSION_NAME": "workflow", "DURATION_SECONDS": "120"})
    lines = succeeded(done).splitlines()
    assert "900" in done.stderr and "120" in done.stderr, "the raised duration is said"
    written = file_commands(environment.read_text().removeprefix("EARLIER=1\n"))
    masked = [line.removeprefix("::add-mask::") for line in lines if line.startswith("::add-mask::")]
    assert masked == [written[name] for name in
                      ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]]
    assert lines[:3] == [f"::add-mask::{one}" for one in masked], "masks come first"
    session = root.as_(Credentials(*masked))
    assert session.arn() == SESSION_OF + "workflow"
    assert written["AWS_ENDPOINT_URL"] == root.server.endpoint
    assert file_commands(output.read_text())["aws-account-id"] == ACCOUNT
    assert not any(secret in output.read_text() for secret in masked[1:])


def file_commands(text: str) -> dict[str, str]:
    """What GitHub's runner reads out of an environment or output file."""
    return {name: value for name, _, value in re.findall(r"(\S+)<<(\S+)\n(.*?)\n\2\n", text, re.S)}


def test_a_workflow_format_outside_a_workflow(assume: Assume) -> None:
    done = assume("robot", "--format", "github")
    assert done.returncode == 2
    assert "GITHUB_ENV" in done.stderr and done.stdout == ""


def test_running_a_command(assume: Assume, server: Server) -> None:
    done = assume("robot", "--session-name", "command", "--", program(), "whoami", "--json")
    assert json.loads(succeeded(done))["Arn"] == SESSION_OF + "command"
    assert assume("robot", "--", "sh", "-c", "exit 7").returncode == 7
    missing = assume("robot", "--", "no-such-program-here")
    assert missing.returncode == 2 and "no-such-program-here" in missing.stderr


def test_the_answer_is_no(assume: Assume) -> None:
    for role in ["closed", f"arn:aws:iam::{ACCOUNT}:role/nowhere", "guarded"]:
        done = assume(role)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert "AccessDenied" in done.stderr and "sts:AssumeRole" in done.stderr


def test_external_id(assume: Assume) -> None:
    succeeded(assume("guarded", "--external-id", "word"))


def test_durations(assume: Assume) -> None:
    raised = assume("robot", "--duration", "1")
    assert "900" in raised.stderr
    succeeded(raised)
    too_long = assume("robot", "--duration", "7200")
    assert too_long.returncode == 2 and "MaxSessionDuration" in too_long.stderr


@pytest.mark.parametrize("arguments", [[], ["not a role"], ["robot", "--duration", "long"],
                                       ["robot", "--format", "yaml"], ["robot", "--mfa-code", "123456"]])
def test_usage(assume: Assume, arguments: list[str]) -> None:
    done = assume(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr


def test_no_credentials_and_no_server(server: Server, user: Aws) -> None:
    done = rolecall("whoami", env=server.client_environment())
    assert done.returncode == 2 and "redentials" in done.stderr
    gone = server.client_environment(user.credentials) | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = rolecall("whoami", env=gone)
    assert done.returncode == 2 and "127.0.0.1:9" in done.stderr
    assert user.credentials.secret_access_key not in done.stderr


def test_wrong_keys(server: Server, user: Aws) -> None:
    wrong = Credentials(user.credentials.access_key_id, "x" * 40)
    done = rolecall("whoami", env=server.client_environment(wrong))
    assert done.returncode == 2 and "SignatureDoesNotMatch" in done.stderr


def test_whoami_for_people(server: Server, user: Aws) -> None:
    out = succeeded(rolecall("whoami", env=server.client_environment(user.credentials)))
    assert f"arn:aws:iam::{ACCOUNT}:user/caller" in out and ACCOUNT in out


def test_a_profile_that_assumes(server: Server, user: Aws) -> None:
    config = server.home / "assuming"
    config.write_text(
        f"[profile base]\naws_access_key_id={user.credentials.access_key_id}\n"
        f"aws_secret_access_key={user.credentials.secret_access_key}\n"
        f"[profile robot]\nrole_arn={lab.ROLE_ARN}\nsource_profile=base\nrole_session_name=profile\n"
        f"endpoint_url={server.endpoint}\n")
    env = server.client_environment() | {"AWS_CONFIG_FILE": str(config)}
    out = succeeded(rolecall("whoami", "--json", "--profile", "robot", env=env))
    assert json.loads(out)["Arn"] == SESSION_OF + "profile"


def test_a_role_by_path(assume: Assume, root: Aws) -> None:
    root.iam.create_role(RoleName="deep", Path="/some/path/", AssumeRolePolicyDocument=lab.TRUST_ACCOUNT)
    answer = json.loads(succeeded(assume("some/path/deep", "--format", "json")))
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/deep/rolecall"


def test_the_mfa_code_is_asked_for_on_a_terminal(server: Server, user: Aws) -> None:
    serial = f"arn:aws:iam::{ACCOUNT}:mfa/caller"
    env = server.client_environment(user.credentials)
    alone = rolecall("assume", "robot", "--mfa-serial", serial, env=env)
    assert alone.returncode == 2 and "--mfa-code" in alone.stderr
    parent, child = pty.openpty()
    process = subprocess.Popen([program(), "assume", "robot", "--mfa-serial", serial], env=env, stdin=child,
                               stdout=subprocess.PIPE, stderr=child)
    os.close(child)
    shown = b""
    while serial.encode() not in shown:
        shown += os.read(parent, 1024)
    os.write(parent, b"000000\n")
    out, _ = process.communicate(timeout=30)
    os.close(parent)
    # The user has no such device: what matters is that the code was sent, and the server said no.
    assert (process.returncode, out) == (1, b"")


class Runner(http.server.BaseHTTPRequestHandler):
    """GitHub's token service, as far as a workflow sees it."""

    def do_GET(self) -> None:
        self.server.asked = (self.path, self.headers["Authorization"])
        body = json.dumps({"value": "not.a.token"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_the_workflows_own_token_is_asked_for_and_sent(assume: Assume) -> None:
    runner = http.server.HTTPServer(("127.0.0.1", 0), Runner)
    threading.Thread(target=runner.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{runner.server_port}/token?api-version=2.0"
    done = assume(lab.ROLE_ARN, "--web-identity", variables={
        "ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner-secret"})
    runner.shutdown()
    assert runner.asked == ("/token?api-version=2.0&audience=sts.amazonaws.com", "Bearer runner-secret")
    assert done.returncode in {1, 2} and done.stdout == ""
    assert "AssumeRoleWithWebIdentity" in done.stderr
    assert "not.a.token" not in done.stderr and "runner-secret" not in done.stderr
    outside = assume(lab.ROLE_ARN, "--web-identity")
    assert outside.returncode == 2 and "ACTIONS_ID_TOKEN_REQUEST_URL" in outside.stderr


def test_the_user_has_nothing_more_than_before(user: Aws) -> None:
    with refused("AccessDenied"):
        user.s3.list_buckets()
