"""Role templates: looking at one, and making a role of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.clients import Aws, allow, refused
from harness.process import ACCOUNT, Server, StartFailed

Names = Callable[[str], str]
ARN = "arn:aws:iam::aws:role-template/example.amazonaws.com/Worker:1"
OFF = "arn:aws:iam::aws:role-template/example.amazonaws.com/Off:1"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
TRUST = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
INLINE = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::@{buckets}/*"}]}'
TEMPLATES = f"""
[[template]]
arn = "{ARN}"
minor_version = 2
description = "A worker"
role_name = "worker-@{{team}}"
role_path = "/workers/@{{accountId}}/"
role_description = "Works for @{{team}}"
trust_policy = '''{TRUST}'''
managed_policy_arns = ["{READ_ONLY}"]
permissions_boundary = "{READ_ONLY}"
max_session_duration = 7200
inline_policy = [{{ name = "buckets", policy = '''{INLINE}''' }}]
tag = [{{ key = "team", value = "@{{team}}" }}]
parameter = [
  {{ name = "accountId", type = "String" }},
  {{ name = "team", type = "String", description = "Whose it is" }},
  {{ name = "buckets", type = "StringList" }},
  {{ name = "size", type = "Number", default = "1" }},
]

[[template]]
arn = "{ARN}"
minor_version = 1
default = true
role_name = "old-@{{team}}"
trust_policy = '''{TRUST}'''
parameter = [{{ name = "team", type = "String", default = "anyone" }}]

[[template]]
arn = "{OFF}"
enabled = false
role_name = "off"
trust_policy = '''{TRUST}'''
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server")
    file = home / "templates.toml"
    file.write_text(TEMPLATES)
    server = Server(home, variables={"ROLECALL_ROLE_TEMPLATES_FILE": str(file)})
    server.start()
    yield server
    server.stop()


def values(name: str, **more: list[str]) -> dict:
    given = {"team": [name], "buckets": ["b1", "b2"]} | more
    return {name: {"Values": found} for name, found in given.items()}


def acquire(who: Aws, name: str, minor: int = 2, **more: list[str]) -> dict:
    return who.iam.acquire_role(TemplateArn=ARN, TemplateMinorVersion=minor, ReplacementValues=values(name, **more))["Role"]


def test_a_template_is_shown(root: Aws) -> None:
    shown = root.iam.get_role_template_version(TemplateArn=ARN, MinorVersion=2)["RoleTemplateVersion"]
    assert (shown["TemplateName"], shown["MajorVersion"], shown["MinorVersion"], shown["DefaultMinorVersion"]) == ("Worker", 1, 2, 1)
    assert (shown["ManagedByType"], shown["ManagedByValue"]) == ("Service", "example.amazonaws.com")
    assert shown["RoleNamePattern"] == "worker-@{team}" and shown["RolePathPattern"] == "/workers/@{accountId}/"
    assert shown["ManagedPolicyArns"] == [READ_ONLY] and shown["PermissionBoundaryArn"] == READ_ONLY
    assert shown["RoleTagsTemplate"] == [{"Key": "team", "Value": "@{team}"}] and shown["MaxSessionDuration"] == 7200
    assert [p["Name"] for p in shown["ParametersDefinition"]] == ["accountId", "team", "buckets", "size"]
    assert root.iam.get_role_template_version(TemplateArn=ARN)["RoleTemplateVersion"]["MinorVersion"] == 1
    assert root.iam.get_role_template_version(TemplateArn=OFF)["RoleTemplateVersion"]["Enabled"] is False


def test_a_role_is_made(root: Aws, unique: Names) -> None:
    team = unique("team")
    role = acquire(root, team)
    assert (role["RoleName"], role["Path"]) == (f"worker-{team}", f"/workers/{ACCOUNT}/")
    assert role["SourceRoleTemplate"] == {"TemplateArn": ARN, "TemplateMinorVersion": 2}
    shown = root.iam.get_role(RoleName=role["RoleName"])["Role"]
    assert shown["SourceRoleTemplate"] == role["SourceRoleTemplate"] and shown["MaxSessionDuration"] == 7200
    assert shown["Description"] == f"Works for {team}" and shown["Tags"] == [{"Key": "team", "Value": team}]
    assert shown["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_ONLY
    assert shown["AssumeRolePolicyDocument"] == json.loads(TRUST)
    inline = root.iam.get_role_policy(RoleName=role["RoleName"], PolicyName="buckets")["PolicyDocument"]
    assert inline["Statement"][0]["Resource"] == ["arn:aws:s3:::b1/*", "arn:aws:s3:::b2/*"]
    attached = root.iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [READ_ONLY]
    with refused("NameConflict", status=409):
        acquire(root, team)
    default = root.iam.acquire_role(TemplateArn=ARN)["Role"]
    assert (default["RoleName"], default["SourceRoleTemplate"]["TemplateMinorVersion"]) == ("old-anyone", 1)
    assert "SourceRoleTemplate" not in root.iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=TRUST)["Role"]


@pytest.mark.parametrize(("more", "why"), [
    ({"other": ["x"]}, "has no parameter other"),
    ({"team": ["a", "b"]}, "exactly one value"),
    ({"team": ["no good!"]}, "not one that a role can have"),
    ({"size": ["large"]}, "is not of type Number"),
])
def test_values_that_do_not_fit(root: Aws, unique: Names, more: dict, why: str) -> None:
    with refused("InvalidInput", re.compile(re.escape(why)), status=400):
        acquire(root, unique("team"), **more)


def test_what_is_not_there(root: Aws) -> None:
    unknown = "arn:aws:iam::aws:role-template/iam.amazonaws.com/PowerUserRoleTemplate:1"
    for call in (root.iam.get_role_template_version, root.iam.acquire_role):
        with refused("NoSuchEntity", f"The role template {unknown} cannot be found.", status=404):
            call(TemplateArn=unknown)
        with refused("InvalidInput", re.compile("Invalid role template ARN"), status=400):
            call(TemplateArn=f"arn:aws:iam::{ACCOUNT}:role-template/x/y:1")
    with refused("NoSuchEntity", re.compile("has no minor version 9")):
        root.iam.get_role_template_version(TemplateArn=ARN, MinorVersion=9)
    with refused("RoleTemplateDisabled", status=400):
        root.iam.acquire_role(TemplateArn=OFF)
    with refused("InvalidInput", re.compile("needs a value for the parameter team")):
        root.iam.acquire_role(TemplateArn=ARN, TemplateMinorVersion=2)


def test_it_takes_what_making_the_role_by_hand_takes(root: Aws, unique: Names) -> None:
    needed = ["iam:GetRoleTemplateVersion", "iam:CreateRole", "iam:TagRole", "iam:PutRolePolicy", "iam:AttachRolePolicy",
              "iam:PutRolePermissionsBoundary", "iam:GetRole"]
    for left_out in needed:
        half = root.user(unique("half"), allow([action for action in needed if action != left_out]))
        with refused("AccessDenied", re.compile(left_out)):
            acquire(half, unique("team"))
    team = unique("team")
    bound = root.user(unique("bound"), allow("iam:GetRoleTemplateVersion"),
                      allow(needed[1:], Condition={"ArnEquals": {"iam:RoleTemplateARN": ARN}}))
    assert acquire(bound, team)["RoleName"] == f"worker-{team}"
    with refused("AccessDenied"):
        bound.iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=TRUST)


@pytest.mark.parametrize(("text", "why"), [
    ("[[template]]\narn = 'x'\nrole_name = 'r'\ntrust_policy = '{}'\n", "is not of the form"),
    (f"[[template]]\narn = '{ARN}'\nrole_name = 'r'\ntrust_policy = '{{'\n", "is no JSON"),
    (f"[[template]]\narn = '{ARN}'\n", "role_name"),
])
def test_a_file_that_is_no_good_stops_the_start(
        make_server: Callable[..., Server], tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "templates.toml"
    file.write_text(text)
    with pytest.raises(StartFailed) as failed:
        make_server(variables={"ROLECALL_ROLE_TEMPLATES_FILE": str(file)}).start()
    assert failed.value.exit_code == 2 and why in failed.value.output and "role_templates.file" in failed.value.output
