"""Users, their keys, and the groups they are in."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

import pytest
from harness.clients import Aws, allow, document, refused
from harness.process import ACCOUNT

Names = Callable[[str], str]
INLINE = document(allow("s3:ListAllMyBuckets"))


def test_get_user_without_a_name_is_the_caller(root: Aws, unique: Names) -> None:
    itself = root.iam.get_user()["User"]
    assert itself["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert itself["UserId"] == ACCOUNT
    name = unique("self")
    user = root.user(name, allow("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"))
    assert user.iam.get_user()["User"]["UserName"] == name


def test_a_renamed_user_keeps_everything_but_the_name(root: Aws, unique: Names) -> None:
    old, new, group = unique("old"), unique("new"), unique("group")
    user = root.user(old, allow("s3:ListAllMyBuckets"), Path="/a/", Tags=[{"Key": "k", "Value": "v"}])
    root.iam.create_group(GroupName=group)
    root.iam.add_user_to_group(GroupName=group, UserName=old)
    before = root.iam.get_user(UserName=old)["User"]
    root.iam.update_user(UserName=old, NewUserName=new, NewPath="/b/")
    after = root.iam.get_user(UserName=new)["User"]
    assert (after["UserId"], after["Tags"]) == (before["UserId"], before["Tags"])
    assert after["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/b/{new}"
    with refused("NoSuchEntity"):
        root.iam.get_user(UserName=old)
    assert user.arn() == after["Arn"]
    user.s3.list_buckets()
    assert root.iam.list_access_keys(UserName=new)["AccessKeyMetadata"][0]["UserName"] == new
    assert [one["GroupName"] for one in root.iam.list_groups_for_user(UserName=new)["Groups"]] == [group]
    assert [one["UserName"] for one in root.iam.get_group(GroupName=group)["Users"]] == [new]


def test_renaming_to_the_same_name_is_nothing_and_to_a_taken_one_refused(root: Aws, unique: Names) -> None:
    name, other = unique("same"), unique("other")
    root.iam.create_user(UserName=name)
    root.iam.create_user(UserName=other)
    root.iam.update_user(UserName=name, NewUserName=name, NewPath="/")
    assert root.iam.get_user(UserName=name)["User"]["Path"] == "/"
    with refused("EntityAlreadyExists", status=409):
        root.iam.update_user(UserName=name, NewUserName=other)
    root.iam.update_user(UserName=name, NewUserName=name.upper())
    assert root.iam.get_user(UserName=name)["User"]["UserName"] == name.upper()


@pytest.mark.parametrize("tie", ["key", "inline", "attached", "group"])
def test_a_user_in_use_is_not_deleted(root: Aws, unique: Names, tie: str) -> None:
    name, group = unique("tied"), unique("group")
    root.iam.create_user(UserName=name)
    root.iam.create_group(GroupName=group)
    policy = root.iam.create_policy(PolicyName=unique("p"), PolicyDocument=INLINE)["Policy"]["Arn"]
    bind = {
        "key": lambda: root.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"],
        "inline": lambda: root.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=INLINE),
        "attached": lambda: root.iam.attach_user_policy(UserName=name, PolicyArn=policy),
        "group": lambda: root.iam.add_user_to_group(GroupName=group, UserName=name),
    }
    loose = {
        "key": lambda key: root.iam.delete_access_key(UserName=name, AccessKeyId=key),
        "inline": lambda _: root.iam.delete_user_policy(UserName=name, PolicyName="p"),
        "attached": lambda _: root.iam.detach_user_policy(UserName=name, PolicyArn=policy),
        "group": lambda _: root.iam.remove_user_from_group(GroupName=group, UserName=name),
    }
    words = {"key": "must delete access keys first", "inline": "must delete policies first",
             "attached": "must detach all policies first", "group": "must remove"}
    bound = bind[tie]()
    with refused("DeleteConflict", re.compile("Cannot delete entity, " + words[tie]), status=409):
        root.iam.delete_user(UserName=name)
    assert root.iam.get_user(UserName=name)
    loose[tie](bound)
    root.iam.delete_user(UserName=name)


def test_two_access_keys_and_no_third(root: Aws, unique: Names) -> None:
    name = unique("keys")
    root.iam.create_user(UserName=name)
    made = [root.iam.create_access_key(UserName=name)["AccessKey"] for _ in range(2)]
    for key in made:
        assert re.fullmatch("AKIA[A-Z2-7]{16}", key["AccessKeyId"])
        assert re.fullmatch("[A-Za-z0-9/+]{40}", key["SecretAccessKey"])
        assert (key["Status"], key["UserName"]) == ("Active", name)
    assert made[0]["SecretAccessKey"] != made[1]["SecretAccessKey"]
    with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", status=409):
        root.iam.create_access_key(UserName=name)
    listed = root.iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    assert {key["AccessKeyId"] for key in listed} == {key["AccessKeyId"] for key in made}
    assert all("SecretAccessKey" not in key for key in listed)


def test_access_keys_tell_their_account(root: Aws, unique: Names) -> None:
    key = root.user(unique("carrier")).credentials.access_key_id
    assert root.sts.get_access_key_info(AccessKeyId=key)["Account"] == ACCOUNT


def test_a_key_that_is_not_there(root: Aws, unique: Names) -> None:
    name, other = unique("keyless"), unique("keyed")
    root.iam.create_user(UserName=name)
    theirs = root.user(other).credentials.access_key_id
    for key in ["AKIAIOSFODNN7EXAMPLE", theirs]:
        with refused("NoSuchEntity", f"The Access Key with id {key} cannot be found.", status=404):
            root.iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
        with refused("NoSuchEntity", f"The Access Key with id {key} cannot be found.", status=404):
            root.iam.delete_access_key(UserName=name, AccessKeyId=key)


def test_users_manage_their_own_keys_without_naming_themselves(root: Aws, unique: Names) -> None:
    name = unique("own")
    user = root.user(name, allow("iam:*AccessKey*", f"arn:aws:iam::{ACCOUNT}:user/{name}"))
    second = user.iam.create_access_key()["AccessKey"]
    assert second["UserName"] == name
    assert len(user.iam.list_access_keys()["AccessKeyMetadata"]) == 2
    user.iam.delete_access_key(AccessKeyId=second["AccessKeyId"])


def test_last_use_of_a_key(root: Aws, unique: Names) -> None:
    name = unique("used")
    user = root.user(name, allow("s3:ListAllMyBuckets"))
    key = user.credentials.access_key_id
    unused = root.iam.get_access_key_last_used(AccessKeyId=key)
    assert unused["UserName"] == name
    assert (unused["AccessKeyLastUsed"]["ServiceName"], unused["AccessKeyLastUsed"]["Region"]) == ("N/A", "N/A")
    user.s3.list_buckets()
    used = root.iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("s3", "us-east-1")
    age = datetime.datetime.now(datetime.timezone.utc) - used["LastUsedDate"]
    assert abs(age.total_seconds()) < 120


def test_groups_hold_users(root: Aws, unique: Names) -> None:
    group, users = unique("crew"), [unique("member") for _ in range(5)]
    root.iam.create_group(GroupName=group)
    for name in users:
        root.iam.create_user(UserName=name)
        root.iam.add_user_to_group(GroupName=group, UserName=name)
    root.iam.add_user_to_group(GroupName=group, UserName=users[0])
    first = root.iam.get_group(GroupName=group, MaxItems=3)
    rest = root.iam.get_group(GroupName=group, Marker=first["Marker"])
    assert (first["IsTruncated"], rest["IsTruncated"]) == (True, False)
    assert {one["UserName"] for one in first["Users"] + rest["Users"]} == set(users)
    with refused("DeleteConflict", re.compile("Cannot delete entity, must remove users from group first"),
                 status=409):
        root.iam.delete_group(GroupName=group)
    for name in users:
        root.iam.remove_user_from_group(GroupName=group, UserName=name)
    assert root.iam.get_group(GroupName=group)["Users"] == []
    root.iam.delete_group(GroupName=group)


def test_ten_groups_for_one_user(root: Aws, unique: Names) -> None:
    user, groups = unique("joiner"), [unique("club") for _ in range(11)]
    root.iam.create_user(UserName=user)
    for group in groups:
        root.iam.create_group(GroupName=group)
    for group in groups[:10]:
        root.iam.add_user_to_group(GroupName=group, UserName=user)
    with refused("LimitExceeded", re.compile(r"Cannot exceed quota for GroupsPerUser: 10"), status=409):
        root.iam.add_user_to_group(GroupName=groups[10], UserName=user)
    assert len(root.iam.list_groups_for_user(UserName=user)["Groups"]) == 10


def test_membership_of_what_is_not_there(root: Aws, unique: Names) -> None:
    user, group = unique("u"), unique("g")
    root.iam.create_user(UserName=user)
    root.iam.create_group(GroupName=group)
    with refused("NoSuchEntity", "The group with name nowhere cannot be found.", status=404):
        root.iam.add_user_to_group(GroupName="nowhere", UserName=user)
    with refused("NoSuchEntity", "The user with name nobody cannot be found.", status=404):
        root.iam.add_user_to_group(GroupName=group, UserName="nobody")
    with refused("NoSuchEntity", status=404):
        root.iam.list_groups_for_user(UserName="nobody")


def test_what_a_group_allows_its_members_may(root: Aws, unique: Names) -> None:
    group, name = unique("readers"), unique("reader")
    root.iam.create_group(GroupName=group)
    user = root.user(name)
    root.iam.put_group_policy(GroupName=group, PolicyName="list", PolicyDocument=INLINE)
    with refused("AccessDenied"):
        user.s3.list_buckets()
    root.iam.add_user_to_group(GroupName=group, UserName=name)
    user.s3.list_buckets()
    root.iam.remove_user_from_group(GroupName=group, UserName=name)
    with refused("AccessDenied"):
        user.s3.list_buckets()


def test_a_renamed_group_keeps_its_members_and_policies(root: Aws, unique: Names) -> None:
    old, new, name = unique("old"), unique("new"), unique("member")
    root.iam.create_group(GroupName=old)
    user = root.user(name)
    root.iam.add_user_to_group(GroupName=old, UserName=name)
    root.iam.put_group_policy(GroupName=old, PolicyName="list", PolicyDocument=INLINE)
    root.iam.update_group(GroupName=old, NewGroupName=old)
    root.iam.update_group(GroupName=old, NewGroupName=new, NewPath="/moved/")
    assert root.iam.get_group(GroupName=new)["Group"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/moved/{new}"
    assert root.iam.list_group_policies(GroupName=new)["PolicyNames"] == ["list"]
    assert [one["GroupName"] for one in root.iam.list_groups_for_user(UserName=name)["Groups"]] == [new]
    user.s3.list_buckets()
    with refused("NoSuchEntity", f"The group with name {old} cannot be found."):
        root.iam.get_group(GroupName=old)


@pytest.mark.parametrize(("operation", "field"), [
    ("list_mfa_devices", "MFADevices"), ("list_ssh_public_keys", "SSHPublicKeys"),
    ("list_signing_certificates", "Certificates"), ("list_service_specific_credentials",
                                                    "ServiceSpecificCredentials")])
def test_lists_that_are_empty_say_so(root: Aws, unique: Names, operation: str, field: str) -> None:
    name = unique("bare")
    root.iam.create_user(UserName=name)
    assert getattr(root.iam, operation)(UserName=name)[field] == []
    with refused("NoSuchEntity", status=404):
        getattr(root.iam, operation)(UserName="nobody")


def test_a_user_without_a_password(root: Aws, unique: Names) -> None:
    name = unique("bare")
    root.iam.create_user(UserName=name)
    for operation in [root.iam.get_login_profile, root.iam.delete_login_profile]:
        with refused("NoSuchEntity", f"Login Profile for User {name} cannot be found.", status=404):
            operation(UserName=name)


def test_account_alias(root: Aws) -> None:
    assert root.iam.list_account_aliases()["AccountAliases"] == []
    root.iam.create_account_alias(AccountAlias="our-lab")
    assert root.iam.list_account_aliases()["AccountAliases"] == ["our-lab"]
    with refused("NoSuchEntity", status=404):
        root.iam.delete_account_alias(AccountAlias="not-ours")
    root.iam.delete_account_alias(AccountAlias="our-lab")
    assert root.iam.list_account_aliases()["AccountAliases"] == []


def test_the_account_summary_counts(root: Aws, unique: Names) -> None:
    before = root.iam.get_account_summary()["SummaryMap"]
    root.iam.create_user(UserName=unique("counted"))
    root.iam.create_group(GroupName=unique("counted"))
    root.iam.create_policy(PolicyName=unique("counted"), PolicyDocument=INLINE)
    after = root.iam.get_account_summary()["SummaryMap"]
    assert {key: after[key] - before[key] for key in ["Users", "Groups", "Policies", "Roles"]} == {
        "Users": 1, "Groups": 1, "Policies": 1, "Roles": 0}
    quotas = {"UsersQuota": 5000, "GroupsQuota": 300, "PoliciesQuota": 1500, "RolesQuota": 1000,
              "AccessKeysPerUserQuota": 2, "VersionsPerPolicyQuota": 5, "GroupsPerUserQuota": 10,
              "PolicySizeQuota": 6144, "UserPolicySizeQuota": 2048, "GroupPolicySizeQuota": 5120}
    assert {key: after.get(key) for key in quotas} == quotas


def test_the_version_of_tokens_of_the_global_endpoint(root: Aws) -> None:
    def version() -> int:
        return root.iam.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"]
    assert version() == 2
    root.iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v1Token")
    assert version() == 1
    root.iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
    assert version() == 2
