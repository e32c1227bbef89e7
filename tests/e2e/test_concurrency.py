"""Many write to the same few entities at once: no acknowledged write is lost, and no rule is broken, at any moment."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from harness.clients import Aws, allow, document, trust
from harness.process import ACCOUNT, Server

WRITERS, STEPS = 8, 60
ARN = f"arn:aws:iam::{ACCOUNT}"
EMPTY = document(allow("s3:ListAllMyBuckets"))
REFUSALS = {"LimitExceeded", "NoSuchEntity", "EntityAlreadyExists", "DeleteConflict", "ConcurrentModification"}


class Writer:
    """Writes things of its own on entities that all share, and so knows what must stand there at the end."""

    def __init__(self, root: Aws, number: int, seed: int) -> None:
        self.iam, self.number, self.chance = root.iam, number, random.Random(seed * 1000 + number)
        self.policies = [f"{ARN}:policy/{number}-{letter}" for letter in "ab"]
        self.attached: set[str] = set()
        self.inline: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.keys: set[str] = set()
        self.made_versions: list[str] = []
        self.in_group = False
        self.refused: dict[str, int] = {}

    def run(self) -> Writer:
        moves = [self.attach, self.detach, self.put, self.tag, self.untag, self.version, self.join, self.key]
        for _ in range(STEPS):
            move = self.chance.choice(moves)
            try:
                move()
            except ClientError as error:
                code = error.response["Error"]["Code"]
                assert code in REFUSALS, f"{move.__name__}: {error}"
                self.refused[code] = self.refused.get(code, 0) + 1
        return self

    def attach(self) -> None:
        policy = self.chance.choice(self.policies)
        self.iam.attach_role_policy(RoleName="shared", PolicyArn=policy)
        self.attached.add(policy)

    def detach(self) -> None:
        policy = self.chance.choice(self.policies)
        self.iam.detach_role_policy(RoleName="shared", PolicyArn=policy)
        self.attached.remove(policy)

    def put(self) -> None:
        name = f"{self.number}-{self.chance.randrange(2)}"
        text = document(allow("s3:*", Sid=f"s{self.chance.randrange(10**6)}"))
        self.iam.put_role_policy(RoleName="shared", PolicyName=name, PolicyDocument=text)
        self.inline[name] = text

    def tag(self) -> None:
        key, value = f"{self.number}-{self.chance.randrange(3)}", str(self.chance.randrange(10**6))
        self.iam.tag_role(RoleName="shared", Tags=[{"Key": key, "Value": value}])
        self.tags[key] = value

    def untag(self) -> None:
        key = f"{self.number}-{self.chance.randrange(3)}"
        self.iam.untag_role(RoleName="shared", TagKeys=[key])
        self.tags.pop(key, None)

    def version(self) -> None:
        """One policy of all: a new version in force, and another writer's old one away."""
        arn = f"{ARN}:policy/shared"
        versions = self.iam.list_policy_versions(PolicyArn=arn)["Versions"]
        assert sum(one["IsDefaultVersion"] for one in versions) == 1 and len(versions) <= 5
        old = [one["VersionId"] for one in versions if not one["IsDefaultVersion"]]
        if old and self.chance.random() < 0.6:
            self.iam.delete_policy_version(PolicyArn=arn, VersionId=self.chance.choice(old))
        made = self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=EMPTY, SetAsDefault=True)
        self.made_versions.append(made["PolicyVersion"]["VersionId"])

    def join(self) -> None:
        user = {"GroupName": "shared", "UserName": f"user-{self.number}"}
        (self.iam.remove_user_from_group if self.in_group else self.iam.add_user_to_group)(**user)
        self.in_group = not self.in_group

    def key(self) -> None:
        """A user of all has two keys at most, whoever makes them."""
        if self.keys and self.chance.random() < 0.5:
            key = self.keys.pop()
            self.iam.delete_access_key(UserName="shared", AccessKeyId=key)
        else:
            self.keys.add(self.iam.create_access_key(UserName="shared")["AccessKey"]["AccessKeyId"])


def watch(root: Aws, over: threading.Event) -> int:
    """Looks, while they write, whether the rules hold."""
    looks = 0
    while not over.is_set() or looks == 0:
        details = root.iam.get_account_authorization_details(Filter=["Role", "LocalManagedPolicy"])
        role = next(one for one in details["RoleDetailList"] if one["RoleName"] == "shared")
        attached = {one["PolicyArn"] for one in role["AttachedManagedPolicies"]}
        assert len(attached) <= 10, attached
        for policy in details["Policies"]:
            # One answer is of one moment: both sides of an attachment agree.
            assert policy["AttachmentCount"] == (policy["Arn"] in attached), policy["Arn"]
            versions = policy["PolicyVersionList"]
            assert len(versions) <= 5 and [one["VersionId"] for one in versions if one["IsDefaultVersion"]] == [
                policy["DefaultVersionId"]]
        assert len(root.iam.list_access_keys(UserName="shared")["AccessKeyMetadata"]) <= 2
        looks += 1
    return looks


def settle(root: Aws) -> None:
    iam = root.iam
    iam.create_role(RoleName="shared", AssumeRolePolicyDocument=document(trust({"Service": "ec2.amazonaws.com"})))
    iam.create_group(GroupName="shared")
    iam.create_user(UserName="shared")
    iam.create_policy(PolicyName="shared", PolicyDocument=EMPTY)
    for number in range(WRITERS):
        iam.create_user(UserName=f"user-{number}")
        for letter in "ab":
            iam.create_policy(PolicyName=f"{number}-{letter}", PolicyDocument=EMPTY)


def check(root: Aws, writers: list[Writer]) -> None:
    """What each was told is done, is done, and nothing else."""
    iam = root.iam
    union = lambda what: {item for writer in writers for item in what(writer)}  # noqa: E731
    attached = iam.list_attached_role_policies(RoleName="shared")["AttachedPolicies"]
    assert {one["PolicyArn"] for one in attached} == union(lambda writer: writer.attached)
    names = iam.list_role_policies(RoleName="shared")["PolicyNames"]
    texts = {name: iam.get_role_policy(RoleName="shared", PolicyName=name)["PolicyDocument"] for name in names}
    wanted = dict(item for writer in writers for item in writer.inline.items())
    assert {name: document(*text["Statement"]) for name, text in texts.items()} == wanted
    tags = {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName="shared")["Tags"]}
    assert tags == dict(item for writer in writers for item in writer.tags.items())
    members = {user["UserName"] for user in iam.get_group(GroupName="shared")["Users"]}
    assert members == {f"user-{writer.number}" for writer in writers if writer.in_group}
    keys = {key["AccessKeyId"] for key in iam.list_access_keys(UserName="shared")["AccessKeyMetadata"]}
    assert keys == union(lambda writer: writer.keys)
    versions = [version for writer in writers for version in writer.made_versions]
    assert len(versions) == len(set(versions)), "two writers were given one version"
    newest = max(versions, key=lambda version: int(version[1:]))
    assert iam.get_policy(PolicyArn=f"{ARN}:policy/shared")["Policy"]["DefaultVersionId"] == newest


@pytest.mark.slow
def test_nothing_is_lost_and_no_rule_broken(own_server: Server) -> None:
    root, seed = Aws(own_server, own_server.root), random.SystemRandom().randrange(1 << 16)
    print(f"seed {seed}")
    settle(root)
    over = threading.Event()
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        watching = pool.submit(watch, root, over)
        try:
            writers = list(pool.map(lambda number: Writer(root, number, seed).run(), range(WRITERS)))
        finally:
            over.set()
        assert watching.result() > 3
    check(root, writers)
    refused = {code for writer in writers for code in writer.refused}
    assert "LimitExceeded" in refused, "they were never in each other's way"
    own_server.restart()
    check(Aws(own_server, root.credentials), writers)
