"""Properties of an account: its role manager, turned on and off."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from harness.clients import Aws, allow, refused

Names = Callable[[str], str]
KEY = "RoleManager/Enabled"
SERVICE = "role-manager.iam.amazonaws.com"
ROLE = "AWSServiceRoleForIAMRoleManager"


def put(who: Aws, properties: dict[str, str]) -> None:
    who.iam.put_account_properties(Properties=properties)


def test_the_role_manager_is_turned_on_and_off(root: Aws) -> None:
    assert root.iam.get_account_properties()["Properties"] == {KEY: "false"}
    with refused("NoSuchEntity"):
        root.iam.get_role(RoleName=ROLE)
    put(root, {KEY: "true", "RoleManager/Other": "counts for nothing"})
    assert root.iam.get_account_properties()["Properties"] == {KEY: "true"}
    role = root.iam.get_role(RoleName=ROLE)["Role"]
    assert role["Path"] == f"/aws-service-role/{SERVICE}/"
    assert SERVICE in json.dumps(role["AssumeRolePolicyDocument"])
    put(root, {KEY: "true"})
    put(root, {KEY: "false"})
    assert root.iam.get_account_properties()["Properties"] == {KEY: "false"}
    assert root.iam.get_role(RoleName=ROLE)["Role"]["RoleId"] == role["RoleId"]


@pytest.mark.parametrize(("properties", "message"), [
    ({"Other/Enabled": "true"}, "Unsupported namespace: Other"),
    ({KEY: "yes"}, "Enabled must be 'true' or 'false'"),
    ({KEY: "TRUE"}, "Enabled must be 'true' or 'false'"),
    ({KEY: "true", "Other/X": "1"}, "All properties must belong to the same namespace"),
    ({"RoleManager/X": "1"}, "RoleManager namespace requires Enabled property"),
    ({"RoleManager": "true"}, "Property key must be in format Namespace/PropertyName: RoleManager"),
])
def test_properties_that_are_none(root: Aws, properties: dict[str, str], message: str) -> None:
    with refused("InvalidInput", message, status=400):
        put(root, properties)


def test_who_may(root: Aws, unique: Names) -> None:
    only = {"ForAllValues:StringEquals": {"iam:AccountPropertyNamespaces": "RoleManager"}}
    half = root.user(unique("half"), allow("iam:PutAccountProperties", Condition=only), allow("iam:GetAccountProperties"))
    put(half, {KEY: "false"})
    with refused("AccessDenied"):
        put(half, {KEY: "true"})
    with refused("AccessDenied"):
        put(half, {"Other/Enabled": "true"})
    assert half.iam.get_account_properties()["Properties"] == {KEY: "false"}
    linked = allow("iam:CreateServiceLinkedRole", f"arn:aws:iam::*:role/aws-service-role/{SERVICE}/{ROLE}",
                   Condition={"StringEquals": {"iam:AWSServiceName": SERVICE}})
    whole = root.user(unique("whole"), allow("iam:PutAccountProperties", Condition=only), linked)
    put(whole, {KEY: "true"})
    with refused("AccessDenied"):
        whole.iam.get_account_properties()
