"""boto3 and the AWS CLI, set up as a user would with `AWS_ENDPOINT_URL`."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from . import answers
from .process import REGION, Credentials, Server

ROOT = Path(__file__).resolve().parents[3]
AWS_CLI = {
    "v1": ROOT / "tests/.venv-awscli-v1/bin/aws",
    "v2": ROOT / ".tools/aws-cli-v2/aws",
}


class Aws:
    """boto3 clients of one principal at one server; made once each, since making one is slow."""

    _session = boto3.Session(region_name=REGION)

    def __init__(self, server: Server, credentials: Credentials, region: str = REGION,
                 check_parameters: bool = True, presign: bool = False) -> None:
        self.server = server
        self.credentials = credentials
        self._config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60,
                              parameter_validation=check_parameters, region_name=region,
                              max_pool_connections=16,
                              # boto3 would still presign S3's URLs by the signatures of 2006.
                              signature_version="s3v4" if presign else None)
        self._clients: dict[str, object] = {}

    def client(self, service: str):
        if service not in self._clients:
            client = self._session.client(
                service, endpoint_url=self.server.endpoint, config=self._config,
                aws_access_key_id=self.credentials.access_key_id,
                aws_secret_access_key=self.credentials.secret_access_key,
                aws_session_token=self.credentials.session_token)
            if client.meta.service_model.protocol in answers.PROTOCOLS:
                client.meta.events.register("after-call", answers.check)
            self._clients[service] = client
        return self._clients[service]

    @property
    def iam(self):
        return self.client("iam")

    @property
    def sts(self):
        return self.client("sts")

    @property
    def s3(self):
        return self.client("s3")

    @property
    def ec2(self):
        return self.client("ec2")

    def as_(self, credentials: Credentials, check_parameters: bool = True) -> Aws:
        return Aws(self.server, credentials, check_parameters=check_parameters)

    def user(self, name: str, *statements: dict, **more) -> Aws:
        """A new user with one access key and one inline policy of these statements."""
        self.iam.create_user(UserName=name, **more)
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document(*statements))
        return self.as_(Credentials.of(self.iam.create_access_key(UserName=name)["AccessKey"]))

    def assume(self, role_arn: str, session_name: str = "session", **more) -> Aws:
        answer = self.sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name, **more)
        return self.as_(Credentials.of(answer["Credentials"]))

    def arn(self) -> str:
        return self.sts.get_caller_identity()["Arn"]


def allow(action: str | list[str], resource: str | list[str] = "*", **more) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str] = "*", **more) -> dict:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trust(principal: dict | str, action: str | list[str] = "sts:AssumeRole", **more) -> dict:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def document(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@contextlib.contextmanager
def refused(code: str | set[str], message: str | re.Pattern[str] | None = None,
            status: int | None = None) -> Iterator[pytest.ExceptionInfo[ClientError]]:
    """Expects AWS's error: its code, its exact message (or a pattern found in it), its HTTP status."""
    with pytest.raises(ClientError) as caught:
        yield caught
    answer = caught.value.response
    codes = {code} if isinstance(code, str) else code
    assert answer["Error"]["Code"] in codes, answer["Error"]
    if isinstance(message, re.Pattern):
        assert message.search(answer["Error"]["Message"]), answer["Error"]["Message"]
    elif message is not None:
        assert answer["Error"]["Message"] == message
    if status is not None:
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status


@dataclass
class Cli:
    """The AWS CLI, one of its two major versions."""

    version: str
    program: Path

    def run(self, server: Server, credentials: Credentials | None, *arguments: str,
            variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        env = server.client_environment(credentials) | (variables or {})
        return subprocess.run([str(self.program), *arguments], env=env, text=True, capture_output=True,
                              timeout=120, stdin=subprocess.DEVNULL)

    def text(self, server: Server, credentials: Credentials | None, *arguments: str, **more) -> str:
        done = self.run(server, credentials, *arguments, **more)
        assert done.returncode == 0, f"aws {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def json(self, server: Server, credentials: Credentials | None, *arguments: str, **more):
        return json.loads(self.text(server, credentials, *arguments, "--output", "json", **more))

    def fails(self, server: Server, credentials: Credentials | None, *arguments: str, **more) -> str:
        """What it says on standard error when refused."""
        done = self.run(server, credentials, *arguments, **more)
        assert done.returncode != 0, f"aws {' '.join(arguments)} was not refused:\n{done.stdout}"
        return done.stderr.strip()


def cli(version: str) -> Cli:
    path = AWS_CLI[version]
    if not path.exists():
        pytest.skip(f"AWS CLI {version} is not installed (tests/e2e/install.py says why)")
    return Cli(version, path)
