"""Terraform itself, with its state in a bucket: the SDK for Go that its AWS provider is built on, unmodified.

Its one resource is of a provider that Terraform brings along, so nothing is fetched.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import instances, terraform
from harness.clients import Aws, allow, document, refused, trust
from harness.issuer import Issuer
from harness.process import ACCOUNT, Server
from harness.terraform import BUCKET, KEY, folder, ok


@pytest.fixture
def program() -> str:
    return terraform.program()


@pytest.fixture
def root(own_server: Server) -> Aws:
    aws = Aws(own_server, own_server.root)
    aws.s3.create_bucket(Bucket=BUCKET)
    return aws


@pytest.mark.slow
def test_a_state_is_kept_locked_and_shared(own_server: Server, root: Aws, program: str, tmp_path: Path) -> None:
    one = folder(program, tmp_path / "one", own_server, own_server.root)
    ok(one("init"))
    ok(one("apply", "-auto-approve"))
    state = json.loads(root.s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read())
    assert state["outputs"]["value"]["value"] == "first"
    assert one("plan", "-detailed-exitcode").returncode == 0
    # Another folder goes on from there.
    other = folder(program, tmp_path / "other", own_server, own_server.root)
    ok(other("init"))
    assert json.loads(ok(other("output", "-json")))["value"]["value"] == "first"
    ok(other("apply", "-auto-approve", "-var=value=second"))
    assert json.loads(ok(one("output", "-json")))["value"]["value"] == "second"
    # A lock that someone holds is respected, and says who.
    lock = json.dumps({"ID": "0f0e0d0c-0b0a-0908-0706-050403020100", "Operation": "apply", "Who": "someone@else",
                       "Version": "1", "Created": "2026-01-01T00:00:00Z", "Path": KEY, "Info": ""})
    root.s3.put_object(Bucket=BUCKET, Key=f"{KEY}.tflock", Body=lock.encode())
    held = one("apply", "-auto-approve")
    assert held.returncode != 0 and "someone@else" in held.stderr
    ok(one("force-unlock", "-force", "0f0e0d0c-0b0a-0908-0706-050403020100"))
    ok(one("workspace", "new", "green"))
    ok(one("apply", "-auto-approve"))
    assert "green" in ok(one("workspace", "list"))
    keys = {found["Key"] for found in root.s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert keys == {KEY, f"env:/green/{KEY}"}, "every lock is given back"
    ok(one("destroy", "-auto-approve"))


@pytest.mark.slow
def test_the_state_is_reached_as_a_role(own_server: Server, root: Aws, program: str, tmp_path: Path) -> None:
    """`assume_role` of the backend, which is that of the provider; and a role that may not."""
    may = allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
                [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"])
    account = document(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    for name, statement in [("keeper", may), ("stranger", allow("s3:ListBucket"))]:
        root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=account)
        root.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(statement))
    user = root.user("terraform", allow("sts:AssumeRole"))
    with refused("AccessDenied"):
        user.s3.list_objects_v2(Bucket=BUCKET)

    def backend(role: str) -> str:
        url = own_server.endpoint
        return (f'    endpoints = {{ s3 = "{url}", sts = "{url}", iam = "{url}" }}\n'
                f'    assume_role = {{ role_arn = "arn:aws:iam::{ACCOUNT}:role/{role}", session_name = "state" }}')

    # By the block alone, without the variable that names the endpoint.
    keeper = folder(program, tmp_path / "keeper", own_server, user.credentials, backend("keeper"),
                    {"AWS_ENDPOINT_URL": ""})
    ok(keeper("init"))
    ok(keeper("apply", "-auto-approve"))
    assert keeper("plan", "-detailed-exitcode").returncode == 0
    stranger = folder(program, tmp_path / "stranger", own_server, user.credentials, backend("stranger"),
                      {"AWS_ENDPOINT_URL": ""})
    done = stranger("init")
    assert done.returncode != 0 and "403" in done.stderr, done.stdout + done.stderr


@pytest.mark.slow
def test_the_state_is_reached_by_a_token(make_server: Callable[..., Server], program: str, tmp_path: Path) -> None:
    """`assume_role_with_web_identity`: no keys at all, as in a workflow."""
    server = make_server(variables={"ROLECALL_OIDC_ALLOW_LOOPBACK_HTTP": "true"}).start()
    root = Aws(server, server.root)
    root.s3.create_bucket(Bucket=BUCKET)
    issuer = Issuer()
    try:
        root.iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["app"])
        name = root.iam.create_role(RoleName="workflow", AssumeRolePolicyDocument=document(trust(
            {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.name}"},
            "sts:AssumeRoleWithWebIdentity")))["Role"]["Arn"]
        root.iam.put_role_policy(RoleName="workflow", PolicyName="p", PolicyDocument=document(allow("s3:*")))
        (tmp_path / "token").write_text(issuer.token(aud="app", sub="me"))
        block = (f'    assume_role_with_web_identity = {{ role_arn = "{name}", session_name = "run-1", '
                 f'web_identity_token_file = "{tmp_path / "token"}" }}')
        run = folder(program, tmp_path / "run", server, None, block)
        ok(run("init"))
        ok(run("apply", "-auto-approve"))
        assert run("plan", "-detailed-exitcode").returncode == 0
    finally:
        issuer.close()


@pytest.mark.slow
def test_the_state_is_reached_from_an_instance(make_server: Callable[..., Server], program: str,
                                               tmp_path: Path) -> None:
    """With nothing configured: the credentials are those of the instance's profile, from its metadata service."""
    server = make_server(variables={"ROLECALL_INSTANCES_DRIVER": "metadata-only"}).start()
    root = Aws(server, server.root)
    instances.declare(root)
    root.s3.create_bucket(Bucket=BUCKET)
    [name] = instances.run(root)
    folder(program, tmp_path / "inside", server, None)
    script = (f"export AWS_EC2_METADATA_DISABLED=false && cd {tmp_path / 'inside'} && {program} init -no-color && "
              f"{program} apply -no-color -auto-approve")
    instances.output(server, name, "sh", "-c", script)
    assert root.s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()

    def written_by_the_instance() -> bool:
        lines = "".join(trail.read_text() for trail in (server.data / "audit").glob("trail*.jsonl")).splitlines()
        return any('"PutObject"' in line and f"assumed-role/robot/{name}" in line for line in lines)

    instances.await_condition("the trail names the instance", written_by_the_instance)
    root.ec2.terminate_instances(InstanceIds=[name])


def test_the_lab_s_files_are_formatted(program: str) -> None:
    files = Path(__file__).resolve().parents[2] / "examples/terraform"
    assert list(files.rglob("*.tf")), "there are files to look at"
    done = subprocess.run([program, "fmt", "-check", "-diff", "-recursive", files], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
