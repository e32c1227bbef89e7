"""Instances that get their role by themselves: the lab's fifth step, and what must not happen."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from harness import instances, lab
from harness.clients import AWS_CLI, ROOT, Aws, Cli, allow, cli, document, trust
from harness.instances import await_condition, await_state, execute, metadata, output, run
from harness.process import ACCOUNT, REGION, Server, program

pytestmark = pytest.mark.skipif(instances.unavailable() is not None,
                                reason=f"no namespaces on this machine: {instances.unavailable()}")

WHO = ("sts", "get-caller-identity", "--query", "Arn", "--output", "text")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = instances.server(tmp_path_factory.mktemp("instances")).start()
    instances.declare(Aws(one, one.root))
    yield one
    _remove_all(one)
    one.stop()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(**variables: str) -> Server:
        made.append(instances.server(tmp_path / f"server{len(made)}", **variables).start())
        instances.declare(Aws(made[-1], made[-1].root))
        return made[-1]

    yield start
    for one in made:
        if one.process is None:
            one.start()
        _remove_all(one)
        one.stop()


def _remove_all(server: Server) -> None:
    root = Aws(server, server.root)
    pages = root.ec2.get_paginator("describe_instances").paginate()
    ids = [i["InstanceId"] for page in pages for r in page["Reservations"] for i in r["Instances"]
           if i["State"]["Name"] != "terminated"]
    if ids:
        root.ec2.terminate_instances(InstanceIds=ids)
        for one in ids:
            await_state(root, one, "terminated")
    assert _left(server) == [], "a terminated instance left something behind"


def _left(server: Server) -> list[str]:
    """What is left of instances: directories, and processes that are their init."""
    directory = server.data / "instances"
    names = [path.name for path in directory.glob("i-*")] if directory.is_dir() else []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"instance-init" in line[1:2] and str(directory).encode() in b" ".join(line):
            names.append(f"process {process.name}")
    return names


@pytest.fixture(scope="module")
def instance(server: Server) -> str:
    return run(Aws(server, server.root))[0]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_lab_word_for_word(server: Server, tmp_path: Path, version: str) -> None:
    aws: Cli = cli(version)
    root = server.root
    key = tmp_path / "key.pem"
    made = aws.json(server, root, "ec2", "create-key-pair", "--key-name", f"lab-{version}", "--key-type", "ed25519")
    key.write_text(made["KeyMaterial"])
    key.chmod(0o600)
    started = aws.json(server, root, "ec2", "run-instances", "--image-id", "ami-0123456789abcdef0",
                       "--instance-type", "t3.micro", "--key-name", f"lab-{version}",
                       "--iam-instance-profile", f"Name={lab.PROFILE}")
    name = started["Instances"][0]["InstanceId"]
    aws.text(server, root, "ec2", "wait", "instance-running", "--instance-ids", name)

    buckets = output(server, name, str(AWS_CLI[version]), "s3", "ls")
    assert [line.split()[-1] for line in buckets.splitlines()] == lab.BUCKETS
    arn = output(server, name, str(AWS_CLI[version]), *WHO).strip()
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/{lab.ROLE}/{name}"

    # Whoever logs in is not root there, and may not read what only root can here: version 2 needs nothing else.
    if not AWS_CLI["v2"].exists():
        pytest.skip("logging in is not tried: AWS CLI v2 is not installed")
    ssh = subprocess.run([program(), "instance", "--data", str(server.data), "ssh", name, "-i", str(key), "--",
                          f"{AWS_CLI['v2']} s3 ls"], env=server.client_environment(), text=True,
                         capture_output=True, timeout=120, stdin=subprocess.DEVNULL)
    assert ssh.returncode == 0, ssh.stderr
    assert [line.split()[-1] for line in ssh.stdout.splitlines()] == lab.BUCKETS


def test_programs_of_an_instance_share_its_role(server: Server, instance: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        arns = list(pool.map(lambda _: output(server, instance, str(AWS_CLI["v1"]), *WHO).strip(), range(2)))
    assert arns == [f"arn:aws:sts::{ACCOUNT}:assumed-role/{lab.ROLE}/{instance}"] * 2


BOTO3 = f"import boto3; print(boto3.client('sts', region_name='{REGION}').get_caller_identity()['Arn'])"
JAVASCRIPT = """
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
const answer = await new STSClient({}).send(new GetCallerIdentityCommand({}));
console.log(answer.Arn);
"""


def test_boto3_needs_no_configuration(server: Server, instance: str) -> None:
    arn = output(server, instance, str(ROOT / "tests/.venv/bin/python"), "-c", BOTO3).strip()
    assert arn.endswith(f":assumed-role/{lab.ROLE}/{instance}")


def test_the_javascript_sdk_needs_no_configuration(server: Server, instance: str) -> None:
    if not (ROOT / "tests/e2e/js/node_modules").exists():
        pytest.skip("the JavaScript SDK is not installed (tests/e2e/install.py says why)")
    script = f"cd {ROOT}/tests/e2e/js && exec node --input-type=module -e '{JAVASCRIPT}'"
    arn = output(server, instance, "/bin/sh", "-c", script).strip()
    assert arn.endswith(f":assumed-role/{lab.ROLE}/{instance}")


def test_a_profile_may_name_the_instance_as_its_source(server: Server, instance: str) -> None:
    root = Aws(server, server.root)
    root.iam.create_role(RoleName="second", AssumeRolePolicyDocument=document(trust({"AWS": lab.ROLE_ARN})))
    config = f"[profile second]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/second\ncredential_source = Ec2InstanceMetadata\n"
    script = f"printf '{config}' > /tmp/config && AWS_CONFIG_FILE=/tmp/config exec {AWS_CLI['v1']} --profile second {' '.join(WHO)}"
    assert ":assumed-role/second/" in output(server, instance, "/bin/sh", "-c", script)


def test_what_the_metadata_service_tells(server: Server, instance: str) -> None:
    root = Aws(server, server.root)
    shown = root.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    told = metadata(server, instance, "v2", "meta-data/instance-id", "meta-data/local-ipv4",
                    "meta-data/iam/security-credentials/", "meta-data/placement/region", "meta-data/local-hostname",
                    "meta-data/nothing-of-the-kind")
    assert told == [instance, shown["PrivateIpAddress"], lab.ROLE, REGION, shown["PrivateDnsName"], "404"]
    assert metadata(server, instance, "v1", "meta-data/instance-id") == [instance]


def test_version_1_can_be_switched_off(server: Server) -> None:
    root = Aws(server, server.root)
    [strict] = run(root, MetadataOptions={"HttpTokens": "required"})
    assert metadata(server, strict, "v1", "meta-data/instance-id") == ["401"]
    assert metadata(server, strict, "v2", "meta-data/instance-id") == [strict]
    root.ec2.modify_instance_metadata_options(InstanceId=strict, HttpTokens="optional")
    assert metadata(server, strict, "v1", "meta-data/instance-id") == [strict]
    root.ec2.modify_instance_metadata_options(InstanceId=strict, HttpEndpoint="disabled")
    assert metadata(server, strict, "v2", "meta-data/instance-id") == ["403"]


def test_detaching_the_policy_denies_at_once(make: Callable[..., Server]) -> None:
    server = make()
    root = Aws(server, server.root)
    [name] = run(root)
    assert output(server, name, str(AWS_CLI["v1"]), "s3", "ls")
    root.iam.detach_role_policy(RoleName=lab.ROLE, PolicyArn=lab.POLICY_ARN)
    refused = execute(server, name, str(AWS_CLI["v1"]), "s3", "ls")
    assert refused.returncode != 0 and "AccessDenied" in refused.stderr
    assert f"assumed-role/{lab.ROLE}/{name} is not authorized to perform: s3:ListAllMyBuckets" in refused.stderr


def test_replacing_the_profile_switches_roles(server: Server) -> None:
    root = Aws(server, server.root)
    [name] = run(root)
    root.iam.create_role(RoleName="other", AssumeRolePolicyDocument=lab.TRUST_SERVICE_ONLY)
    root.iam.create_instance_profile(InstanceProfileName="profile-other")
    root.iam.add_role_to_instance_profile(InstanceProfileName="profile-other", RoleName="other")
    association = _association(root, name)["AssociationId"]
    with pytest.raises(ClientError, match="existing association"):
        root.ec2.associate_iam_instance_profile(InstanceId=name, IamInstanceProfile={"Name": "profile-other"})
    root.ec2.replace_iam_instance_profile_association(AssociationId=association,
                                                      IamInstanceProfile={"Name": "profile-other"})
    assert output(server, name, str(AWS_CLI["v1"]), *WHO).strip().endswith(f"assumed-role/other/{name}")
    root.ec2.disassociate_iam_instance_profile(AssociationId=_association(root, name)["AssociationId"])
    assert metadata(server, name, "v2", "meta-data/iam/security-credentials/") == ["404"]
    refused = execute(server, name, str(AWS_CLI["v1"]), *WHO)
    assert refused.returncode != 0 and "credentials" in refused.stderr


def _association(root: Aws, instance: str) -> dict:
    found = root.ec2.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [instance]}])
    [association] = found["IamInstanceProfileAssociations"]
    assert association["State"] == "associated"
    return association


def test_a_role_that_does_not_trust_ec2_is_not_handed_out(make: Callable[..., Server]) -> None:
    server = make()
    root = Aws(server, server.root)
    root.iam.update_assume_role_policy(RoleName=lab.ROLE, PolicyDocument=document(
        trust({"Service": "lambda.amazonaws.com"})))
    [name] = run(root)
    [told] = [json.loads(" ".join(metadata(server, name, "v2", f"meta-data/iam/security-credentials/{lab.ROLE}")))]
    assert told["Code"] == "AssumeRoleUnauthorizedAccess"
    assert "SecretAccessKey" not in told


def test_requests_of_an_instance_carry_where_they_come_from(make: Callable[..., Server]) -> None:
    server = make()
    root = Aws(server, server.root)
    [name] = run(root)
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{name}"
    conditions = {"StringEquals": {"ec2:RoleDelivery": "2.0", "aws:Ec2InstanceSourceVpc": _vpc(root)},
                  "ArnEquals": {"ec2:SourceInstanceARN": arn}}
    root.iam.detach_role_policy(RoleName=lab.ROLE, PolicyArn=lab.POLICY_ARN)
    root.iam.put_role_policy(RoleName=lab.ROLE, PolicyName="only-here", PolicyDocument=document(
        allow("iam:ListRoles", Condition=conditions)))
    assert output(server, name, str(AWS_CLI["v1"]), "iam", "list-roles")
    [other] = run(root)
    refused = execute(server, other, str(AWS_CLI["v1"]), "iam", "list-roles")
    assert refused.returncode != 0 and "AccessDenied" in refused.stderr


def _vpc(root: Aws) -> str:
    [vpc] = root.ec2.describe_vpcs()["Vpcs"]
    return vpc["VpcId"]


def test_ten_instances_have_credentials_of_their_own(server: Server) -> None:
    root = Aws(server, server.root)
    names = run(root, count=10)
    with ThreadPoolExecutor(4) as pool:
        arns = list(pool.map(lambda name: output(server, name, str(AWS_CLI["v1"]), *WHO).strip(), names * 2))
    assert arns == [f"arn:aws:sts::{ACCOUNT}:assumed-role/{lab.ROLE}/{name}" for name in names * 2]


def test_a_user_without_pass_role_starts_nothing_with_the_role(server: Server) -> None:
    root = Aws(server, server.root)
    user = root.user("starter", allow("ec2:*"), allow("sts:DecodeAuthorizationMessage"))
    with pytest.raises(ClientError) as refused:
        run(user)
    error = refused.value.response["Error"]
    assert error["Code"] == "UnauthorizedOperation" and "iam:PassRole" in error["Message"]
    encoded = error["Message"].rpartition("Encoded authorization failure message: ")[2]
    decoded = json.loads(user.sts.decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert decoded["context"]["action"] == "iam:PassRole" and decoded["context"]["resource"] == lab.ROLE_ARN
    root.iam.put_user_policy(UserName="starter", PolicyName="pass", PolicyDocument=document(
        allow("iam:PassRole", lab.ROLE_ARN,
              Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}})))
    [name] = run(user)
    assert output(server, name, str(AWS_CLI["v1"]), *WHO).strip().endswith(name)


def test_user_data_runs_at_boot_and_is_shown(server: Server) -> None:
    root = Aws(server, server.root)
    script = "#!/bin/sh\necho from-user-data > /root/made-at-boot\n"
    [name] = run(root, UserData=script)
    await_condition("the script has run", lambda: execute(server, name, "test", "-f", "/root/made-at-boot").returncode == 0)
    assert output(server, name, "cat", "/root/made-at-boot").strip() == "from-user-data"
    assert "\n".join(metadata(server, name, "v2", "user-data")).strip() == script.strip()
    assert name in root.ec2.get_console_output(InstanceId=name)["Output"]


def test_a_stop_keeps_the_disk_and_a_reboot_too(server: Server) -> None:
    root = Aws(server, server.root)
    [name] = run(root)
    output(server, name, "sh", "-c", "echo kept > /root/kept")
    root.ec2.reboot_instances(InstanceIds=[name])
    boots = lambda: root.ec2.get_console_output(InstanceId=name)["Output"].count("boots as")  # noqa: E731
    await_condition("it booted again", lambda: boots() == 2)
    await_condition("it answers", lambda: execute(server, name, "true").returncode == 0)
    assert output(server, name, "cat", "/root/kept").strip() == "kept"
    root.ec2.stop_instances(InstanceIds=[name])
    await_state(root, name, "stopped")
    assert execute(server, name, "true").returncode != 0
    root.ec2.start_instances(InstanceIds=[name])
    await_state(root, name, "running")
    assert output(server, name, "cat", "/root/kept").strip() == "kept"
    assert output(server, name, str(AWS_CLI["v1"]), *WHO).strip().endswith(name)


def test_instances_outlive_their_server_and_are_taken_over(make: Callable[..., Server]) -> None:
    server = make()
    [name, ended] = run(Aws(server, server.root), count=2)
    server.kill()
    # One goes on without its server; of the other, the first process ends meanwhile.
    _kill_init(server, ended)
    server.start()
    root = Aws(server, server.root)
    await_state(root, ended, "stopped")
    shown = root.ec2.describe_instances(InstanceIds=[ended])["Reservations"][0]["Instances"][0]
    assert shown["StateReason"]["Code"] == "Server.InternalError"
    assert instances.state(root, name) == "running"
    assert output(server, name, str(AWS_CLI["v1"]), *WHO).strip().endswith(name)
    root.ec2.terminate_instances(InstanceIds=[name, ended])
    for one in (name, ended):
        await_state(root, one, "terminated")
    assert _left(server) == []


def _kill_init(server: Server, name: str) -> None:
    directory = str(server.data / "instances" / name).encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if b"instance-init" in line and directory in line:
            os.kill(int(process.name), 9)


def test_credentials_are_renewed_before_they_end(make: Callable[..., Server]) -> None:
    server = make(ROLECALL_IMDS_CREDENTIAL_SECONDS="4")
    [name] = run(Aws(server, server.root))
    path = f"meta-data/iam/security-credentials/{lab.ROLE}"

    def key() -> str:
        return json.loads(" ".join(metadata(server, name, "v2", path)))["AccessKeyId"]

    first = key()
    assert key() == first, "credentials with half of their life before them are kept"
    await_condition("new credentials", lambda: key() != first, 20)


def test_the_command_line(server: Server, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho hello from the command line\n")
    env = server.client_environment(server.root) | {"ROLECALL_DATA": str(server.data)}

    def rolecall(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program(), "instance", *arguments], env=env, text=True, capture_output=True,
                              timeout=120, stdin=subprocess.DEVNULL)

    made = rolecall("run", "--profile", lab.PROFILE, "--name", "by-hand", "--user-data", str(script), "--json")
    assert made.returncode == 0, made.stderr
    [shown] = json.loads(made.stdout)
    name = shown["instanceId"]
    assert shown["state"] == "running" and shown["name"] == "by-hand"
    assert name in rolecall("ls").stdout
    assert rolecall("exec", name, "--", "sh", "-c", "exit 7").returncode == 7
    await_condition("its output is there", lambda: "hello from the command line" in rolecall("logs", name).stdout)
    assert "stopped" in rolecall("stop", name).stdout
    assert "running" in rolecall("start", name).stdout
    assert "terminated" in rolecall("rm", name).stdout
    assert name not in rolecall("ls").stdout
    unknown = rolecall("stop", "i-00000000000000000")
    assert unknown.returncode == 1 and "InvalidInstanceID.NotFound" in unknown.stderr
    assert rolecall("exec", "i-00000000000000000", "--", "true").returncode == 2


def test_an_instance_is_not_the_trusted_loopback(server: Server, instance: str) -> None:
    fetch = "import urllib.request as u, urllib.error\ntry:\n  print(u.urlopen('http://169.254.169.253:4566/metrics').status)\nexcept urllib.error.HTTPError as e:\n  print(e.code)"
    assert output(server, instance, "/usr/bin/python3", "-c", fetch).strip() == "403"


def test_metadata_only_instances_run_programs_here(tmp_path: Path) -> None:
    server = Server(tmp_path / "server", variables={"ROLECALL_INSTANCES_DRIVER": "metadata-only"}).start()
    try:
        root = Aws(server, server.root)
        instances.declare(root)
        [name] = run(root)
        env = server.client_environment() | {"ROLECALL_DATA": str(server.data)}
        env.pop("AWS_EC2_METADATA_DISABLED")
        done = subprocess.run([program(), "instance", "exec", name, "--", str(AWS_CLI["v1"]), *WHO], env=env,
                              text=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        assert done.stdout.strip().endswith(f"assumed-role/{lab.ROLE}/{name}"), done.stderr
        root.ec2.terminate_instances(InstanceIds=[name])
        await_state(root, name, "terminated")
    finally:
        server.stop()


@pytest.mark.perf
def test_how_fast_instances_start(make: Callable[..., Server], capsys) -> None:
    server = make()
    root = Aws(server, server.root)
    times = []
    for _ in range(5):
        began = time.monotonic()
        [name] = run(root)
        assert output(server, name, str(AWS_CLI["v1"]), "s3", "ls")
        times.append(time.monotonic() - began)
    before = server.memory_kib()
    began = time.monotonic()
    names = run(root, count=50)
    all_run = time.monotonic() - began
    with ThreadPoolExecutor(4) as pool:
        arns = set(pool.map(lambda name: metadata(server, name, "v2", "meta-data/instance-id")[0], names))
    assert arns == set(names)
    own = [_memory_of(server, name) for name in names]
    with capsys.disabled():
        print(f"\nfrom run-instances to a finished first `aws s3 ls` inside: median {statistics.median(times):.2f} s of 5"
              f"\nfifty at once: all run after {all_run:.2f} s; the server grew by {server.memory_kib() - before} KiB; "
              f"each holds {statistics.median(own)} KiB of its own (proportional share of its processes)")


def _memory_of(server: Server, name: str) -> int:
    directory = str(server.data / "instances" / name).encode()
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if directory in (process / "cmdline").read_bytes():
                rollup = (process / "smaps_rollup").read_text()
                total += int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
        except OSError:
            continue
    return total
