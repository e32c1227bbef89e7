"""Users, groups, roles, managed policies, instance profiles: what all five kinds have in common.

Each rule is written once and run for each kind, from a table of how the kind is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from harness.clients import Aws, allow, document, refused, trust
from harness.process import ACCOUNT
from harness.wire import call

TRUST = document(trust({"Service": "ec2.amazonaws.com"}))
POLICY = document(allow("s3:ListAllMyBuckets"))


@dataclass(frozen=True)
class Kind:
    noun: str
    name_field: str
    id_field: str
    id_prefix: str
    longest: int
    create_extra: dict
    list_operation: str
    list_field: str
    duplicate: str
    missing: str

    def create(self, aws: Aws, name: str, **more) -> dict:
        operation = getattr(aws.iam, f"create_{self.noun}")
        return operation(**{self.name_field: name}, **self.create_extra, **more)[self.answer]

    def named(self, name: str) -> dict[str, str]:
        """The parameter that names one: its name, or for managed policies its ARN."""
        if self.noun == "policy":
            return {"PolicyArn": name if name.startswith("arn:") else f"arn:aws:iam::{ACCOUNT}:policy/{name}"}
        return {self.name_field: name}

    def get(self, aws: Aws, name: str) -> dict:
        return getattr(aws.iam, f"get_{self.noun}")(**self.named(name))[self.answer]

    def delete(self, aws: Aws, name: str) -> None:
        getattr(aws.iam, f"delete_{self.noun}")(**self.named(name))

    def list(self, aws: Aws, **more) -> dict:
        if self.noun == "policy":
            more.setdefault("Scope", "Local")
        return getattr(aws.iam, self.list_operation)(**more)

    @property
    def answer(self) -> str:
        return {"instance_profile": "InstanceProfile"}.get(self.noun, self.noun.capitalize())

    @property
    def arn_kind(self) -> str:
        return self.noun.replace("_", "-")


KINDS = [
    Kind("user", "UserName", "UserId", "AIDA", 64, {}, "list_users", "Users",
         "User with name {} already exists.", "The user with name {} cannot be found."),
    Kind("group", "GroupName", "GroupId", "AGPA", 128, {}, "list_groups", "Groups",
         "Group with name {} already exists.", "The group with name {} cannot be found."),
    Kind("role", "RoleName", "RoleId", "AROA", 64, {"AssumeRolePolicyDocument": TRUST}, "list_roles", "Roles",
         "Role with name {} already exists.", "The role with name {} cannot be found."),
    Kind("policy", "PolicyName", "PolicyId", "ANPA", 128, {"PolicyDocument": POLICY}, "list_policies",
         "Policies", "A policy called {} already exists. Duplicate names are not allowed.",
         "Policy arn:aws:iam::123456789012:policy/{} was not found."),
    Kind("instance_profile", "InstanceProfileName", "InstanceProfileId", "AIPA", 128, {},
         "list_instance_profiles", "InstanceProfiles", "Instance Profile {} already exists.",
         "Instance Profile {} cannot be found."),
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.noun)
TAGGED = [kind for kind in KINDS if kind.noun != "group"]
every_tagged_kind = pytest.mark.parametrize("kind", TAGGED, ids=lambda kind: kind.noun)


@every_kind
def test_created_is_read_back(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    name = unique("made")
    made = kind.create(root, name, Path="/some/where/")
    assert made[kind.name_field] == name
    assert made["Path"] == "/some/where/"
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:{kind.arn_kind}/some/where/{name}"
    assert re.fullmatch(f"{kind.id_prefix}[A-Z2-7]{{17}}", made[kind.id_field])
    assert made["CreateDate"].tzinfo is not None
    read = kind.get(root, made["Arn"] if kind.noun == "policy" else name)
    for field in [kind.name_field, "Path", "Arn", kind.id_field, "CreateDate"]:
        assert read[field] == made[field], field


@every_kind
def test_the_path_is_a_slash_by_default(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    name = unique("plain")
    made = kind.create(root, name)
    assert (made["Path"], made["Arn"]) == ("/", f"arn:aws:iam::{ACCOUNT}:{kind.arn_kind}/{name}")


@every_kind
def test_a_name_is_taken_whatever_its_case(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    name = unique("Taken")
    kind.create(root, name)
    for again in [name, name.upper(), name.lower()]:
        with refused("EntityAlreadyExists", status=409):
            kind.create(root, again)
    with refused("EntityAlreadyExists", kind.duplicate.format(name), status=409):
        kind.create(root, name)
    if kind.noun != "policy":
        assert kind.get(root, name.upper())[kind.name_field] == name


@every_kind
def test_what_is_missing_is_not_found(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    name = unique("missing")
    for attempt in [kind.get, kind.delete]:
        with refused("NoSuchEntity", status=404):
            attempt(root, name)
    if kind.noun == "policy":
        with refused("NoSuchEntity", re.compile("Policy .*was not found.")):
            kind.get(root, name)
    else:
        with refused("NoSuchEntity", kind.missing.format(name)):
            kind.get(root, name)


@every_kind
def test_a_deleted_one_is_gone_and_its_name_free(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    name = unique("again")
    first = kind.create(root, name)[kind.id_field]
    kind.delete(root, name)
    with refused("NoSuchEntity"):
        kind.get(root, name)
    assert kind.create(root, name)[kind.id_field] != first


@every_kind
@pytest.mark.parametrize("bad", ["", "has space", "semi;colon", "sla/sh", "star*", "ümlaut", "new\nline"])
def test_names_outside_the_alphabet(root: Aws, server, kind: Kind, bad: str) -> None:
    answer = call(server, server.root, f"Create{kind.answer}", **{kind.name_field: bad}, **kind.create_extra)
    assert (answer.status, answer.code) == (400, "ValidationError"), answer.body
    field = kind.name_field[0].lower() + kind.name_field[1:]
    assert re.search(rf"(\d validation errors? detected: Value at '{field}' failed to satisfy constraint"
                     rf"|The specified value for {field} is invalid)", answer.message, re.S), answer.message


@every_kind
def test_names_as_long_as_may_be(root: Aws, server, kind: Kind) -> None:
    longest = f"{kind.noun}-" + "x" * (kind.longest - len(kind.noun) - 1)
    kind.create(root, longest)
    answer = call(server, server.root, f"Create{kind.answer}", **{kind.name_field: longest + "x"},
                  **kind.create_extra)
    assert (answer.status, answer.code) == (400, "ValidationError")
    assert f"length less than or equal to {kind.longest}" in answer.message


@every_kind
def test_the_whole_alphabet_of_names(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    name = unique("Az09_+=,.@")
    assert kind.create(root, name)[kind.name_field] == name
    assert kind.get(root, name)[kind.name_field] == name
    kind.delete(root, name)


@every_kind
@pytest.mark.parametrize("bad", ["no-slashes", "/open", "closed/", "", "/a b/", "/" + "p" * 511 + "/"],
                         ids=["bare", "open", "closed", "empty", "space", "513"])
def test_paths_that_are_none(server, kind: Kind, unique: Callable[[str], str], bad: str) -> None:
    answer = call(server, server.root, f"Create{kind.answer}", Path=bad, **{kind.name_field: unique("p")},
                  **kind.create_extra)
    assert (answer.status, answer.code) == (400, "ValidationError"), answer.body
    assert "path" in answer.message


@every_kind
def test_the_longest_path(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    path = "/" + "p" * 510 + "/"
    assert kind.create(root, unique("deep"), Path=path)["Path"] == path


@every_kind
def test_lists_are_filtered_by_path(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    here, below = unique("here"), unique("below")
    kind.create(root, here, Path="/filter/")
    kind.create(root, below, Path="/filter/deeper/")

    def names(prefix: str) -> list[str]:
        return [one[kind.name_field] for one in kind.list(root, PathPrefix=prefix)[kind.list_field]]

    assert set(names("/filter/")) == {here, below}
    assert names("/filter/deeper/") == [below]
    assert names("/filter/nothing/") == []


@every_kind
def test_lists_come_in_pages_that_miss_nothing(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    made = {unique("page") for _ in range(7)}
    for name in made:
        kind.create(root, name, Path="/paged/")
    seen: list[str] = []
    marker: dict[str, str] = {}
    sizes = []
    while True:
        page = kind.list(root, PathPrefix="/paged/", MaxItems=3, **marker)
        seen += [one[kind.name_field] for one in page[kind.list_field]]
        sizes.append(len(page[kind.list_field]))
        if not page["IsTruncated"]:
            assert "Marker" not in page
            break
        marker = {"Marker": page["Marker"]}
    assert (sizes, len(seen), set(seen)) == ([3, 3, 1], 7, made)
    again = [one[kind.name_field] for one in kind.list(root, PathPrefix="/paged/")[kind.list_field]]
    assert again == seen, "the order is stable"


@every_kind
def test_page_sizes_and_markers_are_checked(server, kind: Kind) -> None:
    operation = "".join(word.capitalize() for word in kind.list_operation.split("_"))
    for size in ["0", "1001", "-1", "many"]:
        answer = call(server, server.root, operation, MaxItems=size)
        assert (answer.status, answer.code) == (400, "ValidationError") or (
            size == "many" and answer.code == "MalformedInput"), (size, answer.body)
    for marker in ["made-up", "not a marker", "%00"]:
        answer = call(server, server.root, operation, Marker=marker)
        assert answer.status == 400 and answer.code in {"ValidationError", "InvalidInput"}, answer.body


# Of these, two tag keys that differ by case alone are one.
IGNORE_CASE = {"User", "Role"}


@every_tagged_kind
def test_tags_given_at_creation_come_back(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    tags = [{"Key": "Name", "Value": "robot"}, {"Key": "empty", "Value": ""},
            {"Key": "unicode é+-=._:/@", "Value": "ü x"}]
    name = unique("tagged")
    made = kind.create(root, name, Tags=tags)
    assert in_order(made["Tags"]) == in_order(tags)
    assert in_order(kind.get(root, name)["Tags"]) == in_order(tags)
    assert in_order(list_tags(root, kind, name)) == in_order(tags)


@every_tagged_kind
def test_tags_are_added_replaced_and_removed(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    name = unique("retagged")
    kind.create(root, name)
    assert list_tags(root, kind, name) == []
    tag(root, kind, name, [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    tag(root, kind, name, [{"Key": "A", "Value": "3"}, {"Key": "c", "Value": "4"}])
    now = [(one["Key"], one["Value"]) for one in list_tags(root, kind, name)]
    if kind.answer in IGNORE_CASE:
        assert [(key.lower(), value) for key, value in now] == [("a", "3"), ("b", "2"), ("c", "4")]
        untag(root, kind, name, ["B", "never-there"])
        assert {one["Key"].lower() for one in list_tags(root, kind, name)} == {"a", "c"}
    else:
        assert now == [("A", "3"), ("a", "1"), ("b", "2"), ("c", "4")]
        untag(root, kind, name, ["b", "C", "A"])
        assert [one["Key"] for one in list_tags(root, kind, name)] == ["a", "c"]


@every_tagged_kind
def test_duplicate_tag_keys(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    second = "Team" if kind.answer in IGNORE_CASE else "team"
    twice = [{"Key": "team", "Value": "1"}, {"Key": second, "Value": "2"}]
    with refused("InvalidInput", re.compile("Duplicate tag keys found"), status=400):
        kind.create(root, unique("double"), Tags=twice)
    name = unique("double")
    kind.create(root, name)
    with refused("InvalidInput", re.compile("Duplicate tag keys found"), status=400):
        tag(root, kind, name, twice)


@every_tagged_kind
def test_fifty_tags_and_no_more(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    name = unique("full")
    kind.create(root, name, Tags=[{"Key": f"k{n}", "Value": "v"} for n in range(50)])
    with refused("LimitExceeded", status=409):
        tag(root, kind, name, [{"Key": "one-more", "Value": "v"}])
    tag(root, kind, name, [{"Key": "k0", "Value": "changed"}])
    assert len(list_tags(root, kind, name)) == 50
    with refused({"ValidationError", "LimitExceeded", "InvalidInput"}):
        kind.create(root, unique("overfull"), Tags=[{"Key": f"k{n}", "Value": "v"} for n in range(51)])


@every_tagged_kind
@pytest.mark.parametrize(("key", "value"), [("", "v"), ("k" * 129, "v"), ("k", "v" * 257), ("k#", "v"),
                                            ("k", "v#"), ("aws:reserved", "v")],
                         ids=["no-key", "long-key", "long-value", "key-char", "value-char", "reserved"])
def test_tags_that_are_none(server, root: Aws, kind: Kind, unique: Callable[[str], str], key: str,
                            value: str) -> None:
    name = unique("untaggable")
    answer = call(server, server.root, f"Create{kind.answer}", **{kind.name_field: name}, **kind.create_extra,
                  Tags__member__1__Key=key, Tags__member__1__Value=value)
    assert (answer.status, answer.code) in {(400, "ValidationError"), (400, "InvalidInput")}, answer.body
    with refused("NoSuchEntity"):
        kind.get(root, name)


@every_tagged_kind
def test_tag_lists_come_in_pages(root: Aws, kind: Kind, unique: Callable[[str], str]) -> None:
    name = unique("leafed")
    kind.create(root, name, Tags=[{"Key": f"k{n}", "Value": "v"} for n in range(5)])
    operation = getattr(root.iam, f"list_{kind.noun}_tags")
    first = operation(**kind.named(name), MaxItems=3)
    assert (len(first["Tags"]), first["IsTruncated"]) == (3, True)
    rest = operation(**kind.named(name), MaxItems=3, Marker=first["Marker"])
    assert (len(rest["Tags"]), rest["IsTruncated"]) == (2, False)
    assert {one["Key"] for one in first["Tags"] + rest["Tags"]} == {f"k{n}" for n in range(5)}


def tag(aws: Aws, kind: Kind, name: str, tags: list[dict]) -> None:
    getattr(aws.iam, f"tag_{kind.noun}")(**kind.named(name), Tags=tags)


def untag(aws: Aws, kind: Kind, name: str, keys: list[str]) -> None:
    getattr(aws.iam, f"untag_{kind.noun}")(**kind.named(name), TagKeys=keys)


def list_tags(aws: Aws, kind: Kind, name: str) -> list[dict]:
    return getattr(aws.iam, f"list_{kind.noun}_tags")(**kind.named(name))["Tags"]


def in_order(tags: list[dict]) -> list[dict]:
    return sorted(tags, key=lambda one: one["Key"])
