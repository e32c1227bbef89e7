"""The lab by Terraform itself, where Terraform and its AWS provider can be had.

The provider comes from the folder that ROLECALL_TERRAFORM_PLUGIN_DIR names, or from the registry that
`terraform init` asks, unless ROLECALL_TERRAFORM_INIT=0 says that it must not be asked. Where neither has it,
the test is skipped, and says so.
What the provider sends is replayed without it in test_terraform_calls.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import lab
from harness.clients import Aws, refused
from harness.process import Credentials, Server

LAB = Path(__file__).resolve().parents[2] / "examples/terraform/lab"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def terraform(own_server: Server, tmp_path: Path) -> Run:
    program = next(filter(None, map(shutil.which, ["terraform", "tofu"])), None)
    if program is None:
        pytest.skip("SKIPPED LOUDLY: neither terraform nor tofu is installed")
    folder = tmp_path / "lab"
    shutil.copytree(LAB, folder)
    env = own_server.client_environment(own_server.root) | {
        "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "TF_INPUT": "0", "TF_VAR_endpoint": own_server.endpoint}

    def run(*arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *arguments, "-no-color"], cwd=folder, env=env, text=True,
                              capture_output=True, timeout=timeout)

    plugins = os.environ.get("ROLECALL_TERRAFORM_PLUGIN_DIR")
    if plugins:
        succeeds(run("init", f"-plugin-dir={plugins}"))
    elif not fetched(run):
        pytest.skip("SKIPPED LOUDLY: `terraform init` could not get the AWS provider; set "
                    "ROLECALL_TERRAFORM_PLUGIN_DIR to a folder that has it")
    return run


def fetched(run: Run) -> bool:
    if os.environ.get("ROLECALL_TERRAFORM_INIT") == "0":
        return False
    try:
        return run("init", timeout=120).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("whole_account", ["false", "true"])
def test_apply_use_destroy(own_server: Server, terraform: Run, whole_account: str) -> None:
    variable = f"-var=trust_whole_account={whole_account}"
    succeeds(terraform("apply", "-auto-approve", variable))
    unchanged = terraform("plan", "-detailed-exitcode", variable)
    assert unchanged.returncode == 0, unchanged.stdout + unchanged.stderr
    outputs = {name: one["value"] for name, one in json.loads(succeeds(terraform("output", "-json"))).items()}
    root = Aws(own_server, own_server.root)
    user = root.as_(Credentials(outputs["access_key_id"], outputs["secret_access_key"]))
    with refused("AccessDenied"):
        user.s3.list_buckets()
    user.assume(outputs["role_arn"]).s3.list_buckets()
    assert user.arn() == lab.USER_ARN
    succeeds(terraform("destroy", "-auto-approve", variable))
    assert root.iam.list_users()["Users"] == root.iam.list_roles()["Roles"] == []
    assert root.iam.list_policies(Scope="Local")["Policies"] == []
    assert root.iam.list_instance_profiles()["InstanceProfiles"] == []


def succeeds(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
