"""The known ways from few permissions to many: each is open exactly to whoever has what it takes.

Every way is walked three times: without the permission it needs, which is refused by name; with it, after which
the walker can do what it could not; and with it under a guard that AWS recommends, which holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from harness.browser import PASSWORD, Browser
from harness.clients import Aws, allow, deny, document, refused, trust
from harness.process import ACCOUNT, Credentials, Server

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
CROWN = "s3:ListAllMyBuckets"
EVERYTHING = document(allow("*"))
HARMLESS = document(allow("sts:GetCallerIdentity"))


class World:
    """What every walker finds: an administrator, a group, a role and policies, under names of its own."""

    def __init__(self, server: Server, root: Aws, name: str) -> None:
        self.server, self.root, self.name = server, root, name
        self.walker: Aws = root.user(name)
        iam = root.iam
        self.group, self.role, self.victim = f"{name}-group", f"{name}-role", f"{name}-admin"
        iam.create_group(GroupName=self.group)
        iam.add_user_to_group(GroupName=self.group, UserName=name)
        iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=document(
            trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})))
        self.role_arn = f"arn:aws:iam::{ACCOUNT}:role/{self.role}"
        self.admin = root.user(self.victim, allow("*"))
        made = iam.create_policy(PolicyName=f"{name}-policy", PolicyDocument=EVERYTHING)["Policy"]
        self.policy = made["Arn"]
        iam.create_policy_version(PolicyArn=self.policy, PolicyDocument=HARMLESS, SetAsDefault=True)
        iam.attach_user_policy(UserName=name, PolicyArn=self.policy)

    def grant(self, *actions: str) -> None:
        self.root.iam.put_user_policy(UserName=self.name, PolicyName="granted",
                                      PolicyDocument=document(allow(list(actions))))

    def as_role(self) -> Aws:
        return self.walker.assume(self.role_arn)


def reaches_the_crown(who: Aws) -> bool:
    try:
        who.s3.list_buckets()
    except who.s3.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
        return False
    return True


@dataclass(frozen=True)
class Way:
    """What a way needs, how it is walked, and who the walker is at its end."""

    needs: str
    walk: Callable[[World], Aws | None]
    also: tuple[str, ...] = ()
    before: Callable[[World], object] = lambda world: None


def old_key(world: World) -> None:
    """A key of the administrator's that was found somewhere, and is switched off."""
    key = world.root.iam.create_access_key(UserName=world.victim)["AccessKey"]
    world.root.iam.update_access_key(UserName=world.victim, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    world.found = Credentials.of(key)


def reactivate(world: World) -> Aws:
    world.walker.iam.update_access_key(UserName=world.victim, AccessKeyId=world.found.access_key_id, Status="Active")
    return world.walker.as_(world.found)


def held_back(kind: str) -> Callable[[World], None]:
    """Everything is allowed, but for something that the way takes off."""
    def build(world: World) -> None:
        iam = world.root.iam
        stop = document(deny(CROWN))
        if kind != "role boundary":
            iam.put_user_policy(UserName=world.name, PolicyName="all", PolicyDocument=document(allow("s3:*")))
        if kind == "inline":
            iam.put_user_policy(UserName=world.name, PolicyName="stop", PolicyDocument=stop)
        elif kind == "attached":
            world.stop = iam.create_policy(PolicyName=f"{world.name}-stop", PolicyDocument=stop)["Policy"]["Arn"]
            iam.attach_user_policy(UserName=world.name, PolicyArn=world.stop)
        elif kind == "group":
            iam.put_group_policy(GroupName=world.group, PolicyName="stop", PolicyDocument=stop)
        elif kind == "boundary":
            bound = document(allow(["iam:*", "sts:*"]))
            arn = iam.create_policy(PolicyName=f"{world.name}-bound", PolicyDocument=bound)["Policy"]["Arn"]
            iam.put_user_permissions_boundary(UserName=world.name, PermissionsBoundary=arn)
        elif kind == "role boundary":
            bound = document(allow("iam:*"))
            arn = iam.create_policy(PolicyName=f"{world.name}-rbound", PolicyDocument=bound)["Policy"]["Arn"]
            iam.put_role_policy(RoleName=world.role, PolicyName="all", PolicyDocument=EVERYTHING)
            iam.put_role_permissions_boundary(RoleName=world.role, PermissionsBoundary=arn)
    return build


def by_tag(world: World) -> None:
    tagged = allow(CROWN, Condition={"StringEquals": {"aws:PrincipalTag/team": "admins"}})
    world.root.iam.put_user_policy(UserName=world.name, PolicyName="tagged", PolicyDocument=document(tagged))


def by_role_tag(world: World) -> None:
    tagged = allow("sts:AssumeRole", Condition={"StringEquals": {"aws:ResourceTag/open": "yes"}})
    world.root.iam.put_user_policy(UserName=world.name, PolicyName="tagged", PolicyDocument=document(tagged))
    world.root.iam.put_role_policy(RoleName=world.role, PolicyName="all", PolicyDocument=EVERYTHING)


def strong_role_that_trusts_another(world: World) -> None:
    world.root.iam.put_role_policy(RoleName=world.role, PolicyName="all", PolicyDocument=EVERYTHING)
    world.root.iam.update_assume_role_policy(RoleName=world.role, PolicyDocument=document(
        trust({"Service": "ec2.amazonaws.com"})))


def done(act: Callable[[World], object], who: Callable[[World], Aws] | None = None) -> Callable[[World], Aws]:
    def walk(world: World) -> Aws:
        act(world)
        return who(world) if who else world.walker
    return walk


def sign_in_as_the_victim(password: str) -> Callable[[World], bool]:
    def sign_in(world: World) -> bool:
        browser = Browser(world.server)
        browser.sign_in(world.victim, password)
        return browser.get("/console/s3")[0] == 200
    return sign_in


def iam(world: World):
    return world.walker.iam


WAYS: dict[str, Way] = {
    "a new version of one's own policy": Way("iam:CreatePolicyVersion", done(lambda w: iam(w).create_policy_version(
        PolicyArn=w.policy, PolicyDocument=EVERYTHING, SetAsDefault=True))),
    "an older version put in force": Way("iam:SetDefaultPolicyVersion", done(
        lambda w: iam(w).set_default_policy_version(PolicyArn=w.policy, VersionId="v1"))),
    "a policy attached to oneself": Way("iam:AttachUserPolicy", done(
        lambda w: iam(w).attach_user_policy(UserName=w.name, PolicyArn=ADMIN))),
    "a policy attached to one's group": Way("iam:AttachGroupPolicy", done(
        lambda w: iam(w).attach_group_policy(GroupName=w.group, PolicyArn=ADMIN))),
    "a policy attached to a role one may assume": Way("iam:AttachRolePolicy", done(
        lambda w: iam(w).attach_role_policy(RoleName=w.role, PolicyArn=ADMIN), World.as_role), ("sts:AssumeRole",)),
    "an inline policy for oneself": Way("iam:PutUserPolicy", done(
        lambda w: iam(w).put_user_policy(UserName=w.name, PolicyName="more", PolicyDocument=EVERYTHING))),
    "an inline policy for one's group": Way("iam:PutGroupPolicy", done(
        lambda w: iam(w).put_group_policy(GroupName=w.group, PolicyName="more", PolicyDocument=EVERYTHING))),
    "an inline policy for a role one may assume": Way("iam:PutRolePolicy", done(
        lambda w: iam(w).put_role_policy(RoleName=w.role, PolicyName="more", PolicyDocument=EVERYTHING),
        World.as_role), ("sts:AssumeRole",)),
    "joining a group": Way("iam:AddUserToGroup", done(
        lambda w: iam(w).add_user_to_group(GroupName=f"{w.group}-admins", UserName=w.name)),
        before=lambda w: (w.root.iam.create_group(GroupName=f"{w.group}-admins"),
                          w.root.iam.attach_group_policy(GroupName=f"{w.group}-admins", PolicyArn=ADMIN))),
    "rewriting who a role trusts": Way("iam:UpdateAssumeRolePolicy", done(
        lambda w: iam(w).update_assume_role_policy(RoleName=w.role, PolicyDocument=document(
            trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{w.name}"}))), World.as_role),
        before=strong_role_that_trusts_another),
    "an access key of another user": Way("iam:CreateAccessKey", lambda w: w.walker.as_(Credentials.of(
        iam(w).create_access_key(UserName=w.victim)["AccessKey"]))),
    "an old key of another user switched on": Way("iam:UpdateAccessKey", reactivate, before=old_key),
    "a first password for another user": Way("iam:CreateLoginProfile", done(
        lambda w: iam(w).create_login_profile(UserName=w.victim, Password=PASSWORD),
        sign_in_as_the_victim(PASSWORD))),
    "a new password for another user": Way("iam:UpdateLoginProfile", done(
        lambda w: iam(w).update_login_profile(UserName=w.victim, Password="Stolen-Horse-1"),
        sign_in_as_the_victim("Stolen-Horse-1")),
        before=lambda w: w.root.iam.create_login_profile(UserName=w.victim, Password=PASSWORD)),
    "deleting a deny of one's own": Way("iam:DeleteUserPolicy", done(
        lambda w: iam(w).delete_user_policy(UserName=w.name, PolicyName="stop")), before=held_back("inline")),
    "detaching a deny": Way("iam:DetachUserPolicy", done(
        lambda w: iam(w).detach_user_policy(UserName=w.name, PolicyArn=w.stop)), before=held_back("attached")),
    "leaving a group that denies": Way("iam:RemoveUserFromGroup", done(
        lambda w: iam(w).remove_user_from_group(GroupName=w.group, UserName=w.name)), before=held_back("group")),
    "deleting a deny of one's group": Way("iam:DeleteGroupPolicy", done(
        lambda w: iam(w).delete_group_policy(GroupName=w.group, PolicyName="stop")), before=held_back("group")),
    "taking off one's boundary": Way("iam:DeleteUserPermissionsBoundary", done(
        lambda w: iam(w).delete_user_permissions_boundary(UserName=w.name)), before=held_back("boundary")),
    "widening one's boundary": Way("iam:PutUserPermissionsBoundary", done(
        lambda w: iam(w).put_user_permissions_boundary(UserName=w.name, PermissionsBoundary=ADMIN)),
        before=held_back("boundary")),
    "taking off a role's boundary": Way("iam:DeleteRolePermissionsBoundary", done(
        lambda w: iam(w).delete_role_permissions_boundary(RoleName=w.role), World.as_role), ("sts:AssumeRole",),
        before=held_back("role boundary")),
    "widening a role's boundary": Way("iam:PutRolePermissionsBoundary", done(
        lambda w: iam(w).put_role_permissions_boundary(RoleName=w.role, PermissionsBoundary=ADMIN), World.as_role),
        ("sts:AssumeRole",), before=held_back("role boundary")),
    "tagging oneself": Way("iam:TagUser", done(
        lambda w: iam(w).tag_user(UserName=w.name, Tags=[{"Key": "team", "Value": "admins"}])), before=by_tag),
    "tagging a role": Way("iam:TagRole", done(
        lambda w: iam(w).tag_role(RoleName=w.role, Tags=[{"Key": "open", "Value": "yes"}]), World.as_role),
        before=by_role_tag),
    "a role of one's own making": Way("iam:CreateRole", done(
        lambda w: (iam(w).create_role(RoleName=f"{w.name}-made", AssumeRolePolicyDocument=document(
            trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{w.name}"}))),
            iam(w).attach_role_policy(RoleName=f"{w.name}-made", PolicyArn=ADMIN)),
        lambda w: w.walker.assume(f"arn:aws:iam::{ACCOUNT}:role/{w.name}-made")), ("iam:AttachRolePolicy",)),
    "a user of one's own making": Way("iam:CreateUser", lambda w: (
        iam(w).create_user(UserName=f"{w.name}-made"),
        iam(w).attach_user_policy(UserName=f"{w.name}-made", PolicyArn=ADMIN),
        w.walker.as_(Credentials.of(iam(w).create_access_key(UserName=f"{w.name}-made")["AccessKey"])))[-1],
        ("iam:AttachUserPolicy", "iam:CreateAccessKey")),
}


@pytest.fixture
def world(server: Server, root: Aws, unique: Callable[[str], str]) -> World:
    return World(server, root, unique("walker"))


@pytest.mark.parametrize("name", WAYS)
def test_a_way_is_open_to_whoever_has_what_it_takes_alone(world: World, name: str) -> None:
    way = WAYS[name]
    way.before(world)
    assert not reaches_the_crown(world.walker)
    world.grant("iam:GetUser", *way.also)
    with refused("AccessDenied", re.compile(f"is not authorized to perform: {way.needs} ")):
        way.walk(world)
    assert not reaches_the_crown(world.walker)
    world.grant(way.needs, *way.also)
    end = way.walk(world)
    assert end is True or reaches_the_crown(end)


@pytest.mark.parametrize("name", WAYS)
def test_a_way_is_closed_by_a_deny(world: World, name: str) -> None:
    way = WAYS[name]
    way.before(world)
    world.grant("iam:*", "sts:*")
    guard = document(deny(way.needs))
    world.root.iam.put_user_policy(UserName=world.name, PolicyName="guard", PolicyDocument=guard)
    with refused("AccessDenied", re.compile(f"perform: {way.needs} .*with an explicit deny in an identity-based policy")):
        way.walk(world)
    assert not reaches_the_crown(world.walker)


ON_ONESELF = [name for name, way in WAYS.items()
              if name.startswith(("a new version", "an older version", "a policy attached to oneself",
                                  "a policy attached to one's group", "an inline policy for oneself",
                                  "an inline policy for one's group", "joining", "tagging oneself"))]


@pytest.mark.parametrize("name", ON_ONESELF)
def test_what_one_gives_oneself_ends_at_ones_boundary(world: World, name: str) -> None:
    way = WAYS[name]
    way.before(world)
    bound = world.root.iam.create_policy(PolicyName=f"{world.name}-limit",
                                         PolicyDocument=document(allow("iam:*")))["Policy"]["Arn"]
    world.root.iam.put_user_permissions_boundary(UserName=world.name, PermissionsBoundary=bound)
    world.grant(way.needs, *way.also)
    way.walk(world)
    with refused("AccessDenied", re.compile("because no permissions boundary allows the s3:ListAllMyBuckets action")):
        world.walker.s3.list_buckets()


def test_a_condition_makes_whoever_is_created_keep_a_boundary(world: World) -> None:
    bound = world.root.iam.create_policy(PolicyName=f"{world.name}-limit",
                                         PolicyDocument=document(allow("iam:*")))["Policy"]["Arn"]
    bounded = allow(["iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateRole", "iam:PutUserPolicy"],
                    Condition={"StringEquals": {"iam:PermissionsBoundary": bound}})
    world.root.iam.put_user_policy(UserName=world.name, PolicyName="granted",
                                   PolicyDocument=document(bounded, allow("iam:CreateAccessKey")))
    made = f"{world.name}-made"
    with refused("AccessDenied", re.compile("iam:CreateUser")):
        iam(world).create_user(UserName=made)
    with refused("AccessDenied", re.compile("iam:CreateUser")):
        iam(world).create_user(UserName=made, PermissionsBoundary=ADMIN)
    iam(world).create_user(UserName=made, PermissionsBoundary=bound)
    iam(world).attach_user_policy(UserName=made, PolicyArn=ADMIN)
    with refused("AccessDenied", re.compile("iam:AttachUserPolicy")):
        iam(world).attach_user_policy(UserName=world.victim, PolicyArn=ADMIN)
    key = Credentials.of(iam(world).create_access_key(UserName=made)["AccessKey"])
    assert not reaches_the_crown(world.walker.as_(key))


def test_session_tags_are_not_for_the_taking(world: World) -> None:
    tagged = allow(CROWN, Condition={"StringEquals": {"aws:PrincipalTag/team": "admins"}})
    world.root.iam.put_role_policy(RoleName=world.role, PolicyName="tagged", PolicyDocument=document(tagged))
    world.grant("sts:*")
    tags = [{"Key": "team", "Value": "admins"}]
    with refused("AccessDenied", re.compile("sts:TagSession")):
        world.walker.assume(world.role_arn, Tags=tags)
    whole = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    fixed = {"StringEquals": {"aws:RequestTag/team": "guests"}}
    for condition, opens in [({"Condition": fixed}, False), ({}, True)]:
        world.root.iam.update_assume_role_policy(RoleName=world.role, PolicyDocument=document(
            trust(whole), trust(whole, "sts:TagSession", **condition)))
        if opens:
            assert reaches_the_crown(world.walker.assume(world.role_arn, Tags=tags))
        else:
            with refused("AccessDenied", re.compile("sts:TagSession")):
                world.walker.assume(world.role_arn, Tags=tags)
            guest = world.walker.assume(world.role_arn, Tags=[{"Key": "team", "Value": "guests"}])
            assert not reaches_the_crown(guest)


def test_a_confused_deputy_is_asked_for_the_external_id(world: World) -> None:
    """A service that holds a role's permission for many customers must not use one's role for another."""
    world.root.iam.update_assume_role_policy(RoleName=world.role, PolicyDocument=document(
        trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Condition={"StringEquals": {"sts:ExternalId": "customer-7"}})))
    world.grant("sts:AssumeRole")
    for more in ({}, {"ExternalId": "customer-8"}, {"ExternalId": "CUSTOMER-7"}):
        with refused("AccessDenied", re.compile("sts:AssumeRole")):
            world.walker.assume(world.role_arn, **more)
    world.walker.assume(world.role_arn, ExternalId="customer-7")


def test_a_name_made_again_is_somebody_else(world: World) -> None:
    trusted = f"{world.name}-trusted"
    world.root.iam.create_user(UserName=trusted)
    world.root.iam.update_assume_role_policy(RoleName=world.role, PolicyDocument=document(
        trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{trusted}"})))
    world.root.iam.delete_user(UserName=trusted)
    again = world.root.user(trusted, allow("sts:AssumeRole"))
    with refused("AccessDenied", re.compile("sts:AssumeRole")):
        again.assume(world.role_arn)
    shown = world.root.iam.get_role(RoleName=world.role)["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"]["AWS"].startswith("AIDA")


def test_a_wildcard_in_a_trust_policy_is_as_wide_as_it_looks(world: World) -> None:
    world.root.iam.update_assume_role_policy(RoleName=world.role, PolicyDocument=document(trust({"AWS": "*"})))
    # A principal that the trust policy admits itself needs no leave of its own in the same account.
    assert world.as_role().arn().endswith(f"assumed-role/{world.role}/session")
    world.root.iam.update_assume_role_policy(RoleName=world.role, PolicyDocument=document(
        trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})))
    with refused("AccessDenied", re.compile("sts:AssumeRole")):
        world.as_role()


def test_sessions_hold_no_more_than_their_makers(world: World) -> None:
    world.grant("sts:*")
    for wider in (EVERYTHING, document(allow(CROWN))):
        assert not reaches_the_crown(world.walker.assume(world.role_arn, Policy=wider))
        federated = world.walker.sts.get_federation_token(Name="guest", Policy=wider)["Credentials"]
        assert not reaches_the_crown(world.walker.as_(Credentials.of(federated)))
    session = world.walker.as_(Credentials.of(world.walker.sts.get_session_token()["Credentials"]))
    assert not reaches_the_crown(session)


def test_pitfalls_mean_what_aws_says_they_mean(world: World) -> None:
    def may(statement: dict) -> bool:
        world.root.iam.put_user_policy(UserName=world.name, PolicyName="pitfall", PolicyDocument=document(statement))
        return reaches_the_crown(world.walker)

    with_mfa = {"aws:MultiFactorAuthPresent": "true"}
    # Everything but IAM is nearly everything.
    assert may({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})
    assert not may({"Effect": "Allow", "NotAction": ["iam:*", "s3:*"], "Resource": "*"})
    assert may({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::secret"})
    # Long-term keys do not have the key at all: `Bool` fails, `BoolIfExists` holds.
    assert not may(allow(CROWN, Condition={"Bool": with_mfa}))
    assert may(allow(CROWN, Condition={"BoolIfExists": with_mfa}))
    # A negated operator holds for a key that is not there.
    assert may(allow(CROWN, Condition={"StringNotEquals": {"aws:PrincipalTag/team": "guests"}}))
    assert not may(allow(CROWN, Condition={"StringEquals": {"aws:PrincipalTag/team": "admins"}}))


def test_a_bucket_policy_is_a_way_too(world: World) -> None:
    bucket = world.name.lower()
    world.root.s3.create_bucket(Bucket=bucket)
    world.root.s3.put_object(Bucket=bucket, Key="crown", Body=b"jewels")
    opened = document({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{world.name}"},
                       "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    for allowed in (False, True):
        if allowed:
            world.grant("s3:PutBucketPolicy")
            world.walker.s3.put_bucket_policy(Bucket=bucket, Policy=opened)
            assert world.walker.s3.get_object(Bucket=bucket, Key="crown")["Body"].read() == b"jewels"
        else:
            with refused("AccessDenied", re.compile("s3:PutBucketPolicy")):
                world.walker.s3.put_bucket_policy(Bucket=bucket, Policy=opened)
            with refused("AccessDenied", re.compile("s3:GetObject")):
                world.walker.s3.get_object(Bucket=bucket, Key="crown")
