"""The lab by Ansible's amazon.aws collection: a second run changes nothing, a removal leaves nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from harness.clients import ROOT, Aws
from harness.process import Server

PLAYBOOKS = Path(__file__).parent / "ansible"
COLLECTIONS = ROOT / ".tools/ansible"


def play(server: Server, name: str, *flags: str) -> dict:
    """Runs a playbook as root; the totals of its recap, and what each task returned."""
    if not COLLECTIONS.exists():
        pytest.skip("the amazon.aws collection is not installed (tests/e2e/install.py says why)")
    python = ROOT / "tests/.venv/bin/python"
    env = server.client_environment(server.root) | {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_HOME": str(server.home / "ansible"), "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_RETRY_FILES_ENABLED": "false", "ANSIBLE_NOCOLOR": "true", "LC_ALL": "C.UTF-8",
        "PATH": f"{python.parent}:{os.environ['PATH']}"}
    command = [str(python.parent / "ansible-playbook"), "-i", "localhost,", "-c", "local",
               "-e", f"ansible_python_interpreter={python}", *flags, str(PLAYBOOKS / name)]
    done = subprocess.run(command, env=env, text=True, capture_output=True, timeout=240)
    assert done.stdout.lstrip().startswith("{"), done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert done.returncode == 0, json.dumps(failures(result), indent=1) + done.stderr
    return result["stats"]["localhost"]


def failures(result: dict) -> list:
    tasks = [task for play in result["plays"] for task in play["tasks"]]
    return [(task["task"]["name"], task["hosts"]["localhost"].get("msg"), task["hosts"]["localhost"].get("error"))
            for task in tasks if task["hosts"].get("localhost", {}).get("failed")]


@pytest.mark.slow
def test_declare_twice_then_remove(server: Server, root: Aws) -> None:
    first = play(server, "declare.yml")
    assert (first["changed"], first["failures"]) == (7, 0)
    assert [one["PolicyName"] for one in root.iam.list_attached_role_policies(RoleName="robot")["AttachedPolicies"]
            ] == ["s3_management"]
    assert root.iam.get_user(UserName="robot")["User"]["Tags"] == [{"Key": "Name", "Value": "robot"}]
    profile = root.iam.get_instance_profile(InstanceProfileName="profile-robot")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["robot"]

    second = play(server, "declare.yml")
    assert (second["ok"], second["changed"], second["failures"]) == (7, 0, 0)

    play(server, "key.yml")
    removed = play(server, "remove.yml")
    assert (removed["changed"], removed["failures"]) == (6, 0)
    # No second removal: the module for inline policies fails on a user that is gone, as it does on AWS.
    assert root.iam.list_users()["Users"] == []
    assert root.iam.list_roles()["Roles"] == []
    assert root.iam.list_groups()["Groups"] == []
    assert root.iam.list_instance_profiles()["InstanceProfiles"] == []
    assert root.iam.list_policies(Scope="Local")["Policies"] == []
