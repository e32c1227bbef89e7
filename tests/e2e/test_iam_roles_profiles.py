"""Roles, what their sessions take from them, and instance profiles."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from harness.clients import Aws, allow, document, refused, trust
from harness.process import ACCOUNT, Server
from harness.wire import call

Names = Callable[[str], str]
TRUST = document(trust({"Service": "ec2.amazonaws.com"}))


def role(root: Aws, name: str, **more) -> dict:
    return root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, **more)["Role"]


def test_what_creation_answers_and_what_reading_does(root: Aws, server: Server, unique: Names) -> None:
    name = unique("fields")
    created = call(server, server.root, "CreateRole", RoleName=name, AssumeRolePolicyDocument=TRUST,
                   Description="", MaxSessionDuration="7200")
    assert created.status == 200
    assert created.find("MaxSessionDuration") is None and created.find("RoleLastUsed") is None
    read = call(server, server.root, "GetRole", RoleName=name)
    assert read.find("MaxSessionDuration") == "7200"
    assert read.find("RoleLastUsed") is not None


def test_update_role_changes_only_what_is_named(root: Aws, unique: Names) -> None:
    name = unique("updated")
    role(root, name, Description="kept", MaxSessionDuration=7200)
    root.iam.update_role(RoleName=name, MaxSessionDuration=3600)
    now = root.iam.get_role(RoleName=name)["Role"]
    assert (now["Description"], now["MaxSessionDuration"]) == ("kept", 3600)
    root.iam.update_role(RoleName=name, Description="changed")
    now = root.iam.get_role(RoleName=name)["Role"]
    assert (now["Description"], now["MaxSessionDuration"]) == ("changed", 3600)
    answer = root.iam.update_role_description(RoleName=name, Description="")["Role"]
    assert answer.get("Description", "") == ""
    assert root.iam.get_role(RoleName=name)["Role"].get("Description", "") == ""


@pytest.mark.parametrize(("field", "value", "rule"), [
    ("MaxSessionDuration", "3599", "greater than or equal to 3600"),
    ("MaxSessionDuration", "43201", "less than or equal to 43200"),
    ("Description", "x" * 1001, "length less than or equal to 1000"),
])
def test_limits_of_a_role(server: Server, unique: Names, field: str, value: str, rule: str) -> None:
    answer = call(server, server.root, "CreateRole", RoleName=unique("limited"),
                  AssumeRolePolicyDocument=TRUST, **{field: value})
    assert (answer.status, answer.code) == (400, "ValidationError")
    assert rule in answer.message


def test_several_faults_are_told_at_once(server: Server) -> None:
    answer = call(server, server.root, "CreateRole", RoleName="x" * 65, AssumeRolePolicyDocument=TRUST,
                  MaxSessionDuration="1", Path="nowhere")
    assert (answer.status, answer.code) == (400, "ValidationError")
    assert re.match(r"[23] validation errors detected: ", answer.message), answer.message
    assert "'roleName'" in answer.message and "'maxSessionDuration'" in answer.message


def test_what_must_be_there_is_asked_for(server: Server) -> None:
    answer = call(server, server.root, "CreateRole", RoleName="half")
    assert (answer.status, answer.code) == (400, "ValidationError")
    assert "'assumeRolePolicyDocument' failed to satisfy constraint: Member must not be null" in answer.message


@pytest.mark.parametrize("tie", ["inline", "attached", "profile"])
def test_a_role_in_use_is_not_deleted(root: Aws, unique: Names, tie: str) -> None:
    name, profile = unique("tied"), unique("profile")
    role(root, name)
    root.iam.create_instance_profile(InstanceProfileName=profile)
    text = document(allow("s3:*"))
    policy = root.iam.create_policy(PolicyName=unique("p"), PolicyDocument=text)["Policy"]["Arn"]
    bind, loose, words = {
        "inline": (lambda: root.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=text),
                   lambda: root.iam.delete_role_policy(RoleName=name, PolicyName="p"),
                   "Cannot delete entity, must delete policies first."),
        "attached": (lambda: root.iam.attach_role_policy(RoleName=name, PolicyArn=policy),
                     lambda: root.iam.detach_role_policy(RoleName=name, PolicyArn=policy),
                     "Cannot delete entity, must detach all policies first."),
        "profile": (lambda: root.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=name),
                    lambda: root.iam.remove_role_from_instance_profile(InstanceProfileName=profile,
                                                                       RoleName=name),
                    "Cannot delete entity, must remove roles from instance profile first."),
    }[tie]
    bind()
    with refused("DeleteConflict", words, status=409):
        root.iam.delete_role(RoleName=name)
    loose()
    root.iam.delete_role(RoleName=name)


def test_one_role_in_a_profile(root: Aws, unique: Names) -> None:
    profile, first, second = unique("profile"), unique("role"), unique("role")
    made = root.iam.create_instance_profile(InstanceProfileName=profile)["InstanceProfile"]
    assert made["Roles"] == []
    role(root, first)
    role(root, second)
    root.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=first)
    with refused("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1", status=409):
        root.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=second)
    holds = root.iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
    assert [one["RoleName"] for one in holds] == [first]
    assert holds[0]["AssumeRolePolicyDocument"]
    of_role = root.iam.list_instance_profiles_for_role(RoleName=first)["InstanceProfiles"]
    assert [one["InstanceProfileName"] for one in of_role] == [profile]
    assert root.iam.list_instance_profiles_for_role(RoleName=second)["InstanceProfiles"] == []
    with refused("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.",
                 status=409):
        root.iam.delete_instance_profile(InstanceProfileName=profile)
    with refused("NoSuchEntity", status=404):
        root.iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=second)
    root.iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=first)
    root.iam.delete_instance_profile(InstanceProfileName=profile)


def test_profiles_and_roles_that_are_not_there(root: Aws, unique: Names) -> None:
    profile, name = unique("profile"), unique("role")
    root.iam.create_instance_profile(InstanceProfileName=profile)
    role(root, name)
    with refused("NoSuchEntity", "Instance Profile nowhere cannot be found.", status=404):
        root.iam.add_role_to_instance_profile(InstanceProfileName="nowhere", RoleName=name)
    with refused("NoSuchEntity", "The role with name nobody cannot be found.", status=404):
        root.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName="nobody")
    with refused("NoSuchEntity", "The role with name nobody cannot be found.", status=404):
        root.iam.list_instance_profiles_for_role(RoleName="nobody")


def test_handing_a_role_to_a_profile_needs_pass_role(root: Aws, unique: Names) -> None:
    profile, name = unique("profile"), unique("role")
    root.iam.create_instance_profile(InstanceProfileName=profile)
    role(root, name)
    user_name = unique("passer")
    user = root.user(user_name, allow("iam:AddRoleToInstanceProfile"))
    with refused("AccessDenied", re.compile("is not authorized to perform: iam:PassRole on resource: "
                                            f"arn:aws:iam::{ACCOUNT}:role/{name}"), status=403):
        user.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=name)
    root.iam.put_user_policy(UserName=user_name, PolicyName="pass", PolicyDocument=document(
        allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{name}")))
    user.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=name)


def test_last_use_of_a_role(root: Aws, unique: Names) -> None:
    name = unique("used")
    root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(
        trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})))
    root.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("s3:*")))
    assert root.iam.get_role(RoleName=name)["Role"]["RoleLastUsed"] == {}
    caller = root.user(unique("caller"), allow("sts:AssumeRole"))
    caller.assume(f"arn:aws:iam::{ACCOUNT}:role/{name}").s3.list_buckets()
    used = root.iam.get_role(RoleName=name)["Role"]["RoleLastUsed"]
    assert used["Region"] == "us-east-1" and used["LastUsedDate"]


def test_lists_leave_out_what_only_reading_gives(root: Aws, unique: Names) -> None:
    name = unique("listed")
    role(root, name, Path="/listed/", Tags=[{"Key": "k", "Value": "v"}])
    [listed] = root.iam.list_roles(PathPrefix="/listed/")["Roles"]
    assert listed["RoleName"] == name and listed["MaxSessionDuration"] == 3600
    assert "Tags" not in listed and "RoleLastUsed" not in listed
