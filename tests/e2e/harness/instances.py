"""Instances for tests: a server whose instances see the clients, a way into them, and whether they can be at all."""

from __future__ import annotations

import functools
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import lab
from .clients import AWS_CLI, ROOT, Aws
from .process import Server, program

# What an instance must see of this machine to run the clients: they are not the system's.
SHOWN = [AWS_CLI["v1"].parent.parent, AWS_CLI["v2"].parent, ROOT / "tests/.venv", ROOT / "tests/e2e/js",
         ROOT / "tests/e2e/js/node_modules",
         Path(sys.base_prefix)]


@functools.cache
def unavailable() -> str | None:
    """Why there can be no namespaces here; none when there can."""
    try:
        done = subprocess.run(["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "true"],
                              capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr.strip()


def server(home: Path, **variables: str) -> Server:
    shown = ":".join(str(path) for path in SHOWN)
    # A resolved path too: what is a link here must be there as well.
    real = ":".join(str(path.resolve()) for path in SHOWN)
    return Server(home, variables={"ROLECALL_INSTANCES_SHOWN": f"{shown}:{real}",
                                   "ROLECALL_INSTANCES_DRIVER": "namespace"} | variables)


def declare(root: Aws) -> None:
    """The lab's role and profile; the role may do what `s3_management` allows."""
    root.iam.create_policy(PolicyName=lab.POLICY, Path=lab.POLICY_PATH, PolicyDocument=lab.MANAGED)
    root.iam.create_role(RoleName=lab.ROLE, AssumeRolePolicyDocument=lab.TRUST_SERVICE_ONLY)
    root.iam.attach_role_policy(RoleName=lab.ROLE, PolicyArn=lab.POLICY_ARN)
    root.iam.create_instance_profile(InstanceProfileName=lab.PROFILE)
    root.iam.add_role_to_instance_profile(InstanceProfileName=lab.PROFILE, RoleName=lab.ROLE)
    for bucket in lab.BUCKETS:
        root.s3.create_bucket(Bucket=bucket)


def run(aws: Aws, count: int = 1, **more) -> list[str]:
    """Starts instances with the lab's profile, and waits until they run."""
    more = {"IamInstanceProfile": {"Name": lab.PROFILE}} | more
    started = aws.ec2.run_instances(ImageId="ami-0123456789abcdef0", InstanceType="t3.micro", MinCount=count,
                                    MaxCount=count, **{k: v for k, v in more.items() if v is not None})
    ids = [one["InstanceId"] for one in started["Instances"]]
    for one in ids:
        await_state(aws, one, "running")
    return ids


def state(aws: Aws, instance: str) -> str:
    found = aws.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    return found["State"]["Name"]


def await_state(aws: Aws, instance: str, wanted: str, seconds: float = 60) -> None:
    await_condition(f"{instance} is {wanted}", lambda: state(aws, instance) == wanted, seconds)


def await_condition(what: str, holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def execute(server: Server, instance: str, *command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Runs a program in an instance, by the command that a person has for it."""
    return subprocess.run([program(), "instance", "--data", str(server.data), "exec", instance, "--", *command],
                          env=server.client_environment(), text=True, capture_output=True, timeout=timeout,
                          stdin=subprocess.DEVNULL)


def output(server: Server, instance: str, *command: str) -> str:
    done = execute(server, instance, *command)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


# A program that asks the metadata service as an SDK does, for what is named on its command line.
METADATA = r"""
import sys, urllib.error, urllib.request as u
base = "http://169.254.169.254/latest/"
def get(path, method="GET", **headers):
    try:
        return u.urlopen(u.Request(base + path, method=method, headers=headers), timeout=20).read().decode()
    except urllib.error.HTTPError as error:
        return str(error.code)
token = get("api/token", "PUT", **{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
for path in sys.argv[2:]:
    print(get(path, **({} if sys.argv[1] == "v1" else {"X-aws-ec2-metadata-token": token})))
"""


def metadata(server: Server, instance: str, version: str, *paths: str) -> list[str]:
    return output(server, instance, "/usr/bin/python3", "-c", METADATA, version, *paths).splitlines()
