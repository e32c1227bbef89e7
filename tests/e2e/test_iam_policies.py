"""Managed policies and their versions, inline policies, attachments, boundaries, documents."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from harness.clients import Aws, allow, deny, document, refused, trust
from harness.process import ACCOUNT
from harness.wire import call

Names = Callable[[str], str]
TRUST = document(trust({"Service": "ec2.amazonaws.com"}))
LIST = document(allow("s3:ListAllMyBuckets"))
NOTHING = document(deny("s3:ListAllMyBuckets"))
AWS_MANAGED = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def made(root: Aws, name: str, text: str = LIST, **more) -> str:
    return root.iam.create_policy(PolicyName=name, PolicyDocument=text, **more)["Policy"]["Arn"]


# Versions.

def test_versions_are_numbered_and_one_is_the_default(root: Aws, unique: Names) -> None:
    arn = made(root, unique("versioned"))
    second = root.iam.create_policy_version(PolicyArn=arn, PolicyDocument=NOTHING)["PolicyVersion"]
    assert (second["VersionId"], second["IsDefaultVersion"]) == ("v2", False)
    third = root.iam.create_policy_version(PolicyArn=arn, PolicyDocument=NOTHING, SetAsDefault=True)
    assert (third["PolicyVersion"]["VersionId"], third["PolicyVersion"]["IsDefaultVersion"]) == ("v3", True)
    assert root.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    listed = root.iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert {one["VersionId"]: one["IsDefaultVersion"] for one in listed} == {
        "v1": False, "v2": False, "v3": True}
    root.iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert root.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    root.iam.delete_policy_version(PolicyArn=arn, VersionId="v3")
    fourth = root.iam.create_policy_version(PolicyArn=arn, PolicyDocument=LIST)["PolicyVersion"]
    assert fourth["VersionId"] == "v4", "a number is never used twice"


def test_five_versions_and_no_sixth(root: Aws, unique: Names) -> None:
    arn = made(root, unique("crowded"))
    for _ in range(4):
        root.iam.create_policy_version(PolicyArn=arn, PolicyDocument=LIST)
    with refused("LimitExceeded", re.compile("A managed policy can have up to 5 versions"), status=409):
        root.iam.create_policy_version(PolicyArn=arn, PolicyDocument=LIST)


def test_the_default_version_and_versioned_policies_stay(root: Aws, unique: Names) -> None:
    arn = made(root, unique("kept"))
    root.iam.create_policy_version(PolicyArn=arn, PolicyDocument=LIST)
    with refused("DeleteConflict", "Cannot delete the default version of a policy.", status=409):
        root.iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    with refused("DeleteConflict", re.compile("This policy has more than one version"), status=409):
        root.iam.delete_policy(PolicyArn=arn)
    root.iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    with refused("NoSuchEntity", status=404):
        root.iam.get_policy_version(PolicyArn=arn, VersionId="v2")
    root.iam.delete_policy(PolicyArn=arn)


@pytest.mark.parametrize("operation", ["get_policy_version", "delete_policy_version",
                                       "set_default_policy_version"])
def test_versions_that_are_not_there(root: Aws, unique: Names, operation: str) -> None:
    arn = made(root, unique("single"))
    with refused("NoSuchEntity", status=404):
        getattr(root.iam, operation)(PolicyArn=arn, VersionId="v9")


def test_the_default_version_decides(root: Aws, unique: Names) -> None:
    name = unique("switch")
    arn = made(root, unique("switched"))
    user = root.user(name)
    root.iam.attach_user_policy(UserName=name, PolicyArn=arn)
    user.s3.list_buckets()
    root.iam.create_policy_version(PolicyArn=arn, PolicyDocument=NOTHING, SetAsDefault=True)
    with refused("AccessDenied", re.compile("with an explicit deny in an identity-based policy")):
        user.s3.list_buckets()
    root.iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    user.s3.list_buckets()


# Documents.

DOCUMENTS = [
    LIST,
    json.dumps(json.loads(LIST), indent=4),
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}',
    '{"Version":"2012-10-17","Statement":[{"Sid":"Plus","Effect":"Allow","Action":["s3:Get*"],"Resource":"arn:aws:s3:::a+b/c d%20e/*"}]}',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"iam:*","NotResource":"arn:aws:s3:::b",'
    '"Condition":{"StringLike":{"aws:PrincipalTag/team":["a&b","<c>"]},"Bool":{"aws:SecureTransport":"false"}}}]}',
    '\n\t {"Version": "2012-10-17",\r\n "Statement": [{"Effect":"Allow","Action":"s3:*","Resource":"*",'
    '"Condition": {}}]}\n',
]


@pytest.mark.parametrize("text", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_documents_come_back_byte_for_byte(root: Aws, server, unique: Names, text: str) -> None:
    arn, name = made(root, unique("doc"), text), unique("doc")
    root.iam.create_user(UserName=name)
    root.iam.put_user_policy(UserName=name, PolicyName="doc", PolicyDocument=text)
    for answer, element in [
            (call(server, server.root, "GetPolicyVersion", PolicyArn=arn, VersionId="v1"), "Document"),
            (call(server, server.root, "GetUserPolicy", UserName=name, PolicyName="doc"), "PolicyDocument")]:
        encoded = answer.find(element)
        assert urllib.parse.unquote(encoded) == text
        assert urllib.parse.unquote_plus(encoded) == text, "form decoders read it too"
        assert re.fullmatch(r"[A-Za-z0-9\-._~%]*", encoded), "RFC 3986: nothing else is left bare"


MALFORMED = {
    "empty object": "{}",
    "not json": "not json",
    "cut off": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow"',
    "an array": "[]",
    "unknown element": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","X":1}]}',
    "unknown version": '{"Version":"2020-01-01","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
    "no effect": '{"Version":"2012-10-17","Statement":[{"Action":"s3:*","Resource":"*"}]}',
    "wrong effect": '{"Version":"2012-10-17","Statement":[{"Effect":"allow","Action":"s3:*","Resource":"*"}]}',
    "no action": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*"}]}',
    "no resource": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*"}]}',
    "both actions": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*"}]}',
    "no vendor": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ListBuckets","Resource":"*"}]}',
    "no arn": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}]}',
    "a principal": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}',
    "unknown operator": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringIs":{"aws:username":"x"}}}]}',
    "duplicate key": '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
    "duplicate sid": '{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
    "no statement": '{"Version":"2012-10-17"}',
    "empty actions": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[],"Resource":"*"}]}',
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_identity_policies(root: Aws, unique: Names, case: str) -> None:
    name, text = unique("malformed"), MALFORMED[case]
    with refused("MalformedPolicyDocument", status=400):
        root.iam.create_policy(PolicyName=name, PolicyDocument=text)
    with refused("NoSuchEntity"):
        root.iam.get_policy(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/{name}")
    root.iam.create_user(UserName=name)
    with refused("MalformedPolicyDocument", status=400):
        root.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=text)
    assert root.iam.list_user_policies(UserName=name)["PolicyNames"] == []


BAD_TRUST = {
    "no principal": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}',
    "a resource": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole","Resource":"*"}]}',
    "another service's action": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"s3:GetObject"}]}',
    "unknown principal type": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Nobody":"x"},"Action":"sts:AssumeRole"}]}',
    "not json": "{",
}


@pytest.mark.parametrize("case", BAD_TRUST)
def test_malformed_trust_policies(root: Aws, unique: Names, case: str) -> None:
    name = unique("untrusting")
    with refused("MalformedPolicyDocument", status=400):
        root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=BAD_TRUST[case])
    with refused("NoSuchEntity"):
        root.iam.get_role(RoleName=name)
    root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    with refused("MalformedPolicyDocument", status=400):
        root.iam.update_assume_role_policy(RoleName=name, PolicyDocument=BAD_TRUST[case])
    kept = root.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert kept == json.loads(TRUST)


@pytest.mark.parametrize("principal", ["user/nobody", "role/nobody", "user/wrong/path/nobody"])
def test_trust_names_only_whom_there_is(root: Aws, unique: Names, principal: str) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:{principal}"
    with refused("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{arn}"', status=400):
        root.iam.create_role(RoleName=unique("r"), AssumeRolePolicyDocument=document(trust({"AWS": arn})))


def test_trust_in_the_accounts_own_forms(root: Aws, unique: Names) -> None:
    for principal in [{"AWS": ACCOUNT}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {"AWS": "*"}, "*",
                      {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}]:
        name = unique("forms")
        root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust(principal)))
        assert root.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]


# Inline policies of users, groups and roles.

@dataclass(frozen=True)
class Holder:
    noun: str
    limit: int

    def __str__(self) -> str:
        return self.noun

    def make(self, root: Aws, name: str) -> dict[str, str]:
        """A new one; the parameter that names it."""
        more = {"AssumeRolePolicyDocument": TRUST} if self.noun == "role" else {}
        named = {f"{self.noun.capitalize()}Name": name}
        getattr(root.iam, f"create_{self.noun}")(**named, **more)
        return named

    def do(self, root: Aws, verb: str, noun: str = "policy", **arguments):
        return getattr(root.iam, f"{verb}_{self.noun}_{noun}")(**arguments)


HOLDERS = [Holder("user", 2048), Holder("group", 5120), Holder("role", 10240)]
every_holder = pytest.mark.parametrize("holder", HOLDERS, ids=str)


@every_holder
def test_inline_policies_are_put_read_replaced_and_deleted(root: Aws, unique: Names, holder: Holder) -> None:
    named = holder.make(root, unique("holder"))
    for policy in ["b", "a", "c"]:
        holder.do(root, "put", **named, PolicyName=policy, PolicyDocument=LIST)
    holder.do(root, "put", **named, PolicyName="b", PolicyDocument=NOTHING)
    assert holder.do(root, "get", **named, PolicyName="b")["PolicyDocument"] == json.loads(NOTHING)
    first = holder.do(root, "list", "policies", **named, MaxItems=2)
    assert first["IsTruncated"]
    rest = holder.do(root, "list", "policies", **named, Marker=first["Marker"])
    assert sorted(first["PolicyNames"] + rest["PolicyNames"]) == ["a", "b", "c"]
    holder.do(root, "delete", **named, PolicyName="b")
    for verb in ["get", "delete"]:
        with refused("NoSuchEntity", f"The {holder.noun} policy with name b cannot be found.", status=404):
            holder.do(root, verb, **named, PolicyName="b")


@every_holder
def test_inline_policies_of_nobody(root: Aws, holder: Holder) -> None:
    named = {f"{holder.noun.capitalize()}Name": "nobody"}
    words = f"The {holder.noun} with name nobody cannot be found."
    with refused("NoSuchEntity", words, status=404):
        holder.do(root, "put", **named, PolicyName="p", PolicyDocument=LIST)
    with refused("NoSuchEntity", words, status=404):
        holder.do(root, "list", "policies", **named)


@every_holder
def test_inline_policies_have_a_total_size(root: Aws, unique: Names, holder: Holder) -> None:
    named = holder.make(root, unique("stuffed"))

    def of_size(characters: int) -> str:
        empty = document(allow("s3:ListBucket", "arn:aws:s3:::")).replace(" ", "")
        return empty.replace("arn:aws:s3:::", "arn:aws:s3:::" + "x" * (characters - len(empty)))

    half = holder.limit // 2
    holder.do(root, "put", **named, PolicyName="first", PolicyDocument=of_size(half))
    spaced = of_size(half).replace("{", "{\n        ")
    holder.do(root, "put", **named, PolicyName="second", PolicyDocument=spaced)
    with refused("LimitExceeded", re.compile(f"Maximum policy size of {holder.limit} bytes exceeded"),
                 status=409):
        holder.do(root, "put", **named, PolicyName="third", PolicyDocument=LIST)
    holder.do(root, "put", **named, PolicyName="second", PolicyDocument=LIST)
    holder.do(root, "put", **named, PolicyName="third", PolicyDocument=LIST)


def test_a_managed_policy_has_a_size(root: Aws, unique: Names) -> None:
    def of_size(characters: int) -> str:
        empty = document(allow("s3:ListBucket", "arn:aws:s3:::")).replace(" ", "")
        return empty.replace("arn:aws:s3:::", "arn:aws:s3:::" + "x" * (characters - len(empty)))

    root.iam.create_policy(PolicyName=unique("fits"), PolicyDocument=of_size(6144).replace("{", "{  "))
    with refused("LimitExceeded", re.compile("Cannot exceed quota for PolicySize: 6144"), status=409):
        root.iam.create_policy(PolicyName=unique("bursts"), PolicyDocument=of_size(6145))


# Attachments.

@every_holder
def test_attached_listed_and_detached(root: Aws, unique: Names, holder: Holder) -> None:
    named, arn = holder.make(root, unique("holder")), made(root, unique("attached"), Path="/p/")
    for _ in range(2):
        holder.do(root, "attach", **named, PolicyArn=arn)
    holder.do(root, "attach", **named, PolicyArn=AWS_MANAGED)
    listed = getattr(root.iam, f"list_attached_{holder.noun}_policies")(**named)["AttachedPolicies"]
    assert {one["PolicyArn"] for one in listed} == {arn, AWS_MANAGED}
    assert {one["PolicyName"] for one in listed} == {arn.rsplit("/", 1)[1], "ReadOnlyAccess"}
    below = getattr(root.iam, f"list_attached_{holder.noun}_policies")(**named, PathPrefix="/p/")
    assert [one["PolicyArn"] for one in below["AttachedPolicies"]] == [arn]
    assert root.iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    with refused("DeleteConflict", "Cannot delete a policy attached to entities.", status=409):
        root.iam.delete_policy(PolicyArn=arn)
    with refused("DeleteConflict", "Cannot delete entity, must detach all policies first.", status=409):
        getattr(root.iam, f"delete_{holder.noun}")(**named)
    holder.do(root, "detach", **named, PolicyArn=arn)
    with refused("NoSuchEntity", f"Policy {arn} was not found.", status=404):
        holder.do(root, "detach", **named, PolicyArn=arn)
    root.iam.delete_policy(PolicyArn=arn)


@every_holder
def test_ten_attached_and_no_eleventh(root: Aws, unique: Names, holder: Holder) -> None:
    named = holder.make(root, unique("full"))
    arns = [made(root, unique("many")) for _ in range(11)]
    for arn in arns[:10]:
        holder.do(root, "attach", **named, PolicyArn=arn)
    with refused("LimitExceeded", re.compile(f"quota for PoliciesPer{holder.noun.capitalize()}: 10"),
                 status=409):
        holder.do(root, "attach", **named, PolicyArn=arns[10])
    first = getattr(root.iam, f"list_attached_{holder.noun}_policies")(**named, MaxItems=6)
    rest = getattr(root.iam, f"list_attached_{holder.noun}_policies")(**named, Marker=first["Marker"])
    assert len(first["AttachedPolicies"]) == 6 and len(rest["AttachedPolicies"]) == 4


@every_holder
def test_attaching_what_is_not_there(root: Aws, unique: Names, holder: Holder) -> None:
    named = holder.make(root, unique("holder"))
    missing = f"arn:aws:iam::{ACCOUNT}:policy/nowhere"
    with refused("NoSuchEntity", re.compile("Policy .*was not found|does not exist or is not attachable"),
                 status=404):
        holder.do(root, "attach", **named, PolicyArn=missing)
    with refused({"ValidationError", "InvalidInput"}, status=400):
        holder.do(root, "attach", **named, PolicyArn="arn:aws:not-a-policy-at-all")


def test_entities_of_a_policy(root: Aws, unique: Names) -> None:
    arn = made(root, unique("shared"))
    names = {}
    for holder in HOLDERS:
        names[holder.noun] = unique(holder.noun)
        named = holder.make(root, names[holder.noun])
        holder.do(root, "attach", **named, PolicyArn=arn)
    bounded = unique("bounded")
    root.iam.create_user(UserName=bounded, PermissionsBoundary=arn)
    found = root.iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsPolicy")
    assert [one["UserName"] for one in found["PolicyUsers"]] == [names["user"]]
    assert [one["GroupName"] for one in found["PolicyGroups"]] == [names["group"]]
    assert [one["RoleName"] for one in found["PolicyRoles"]] == [names["role"]]
    found = root.iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")
    assert [one["UserName"] for one in found["PolicyUsers"]] == [bounded]
    only_roles = root.iam.list_entities_for_policy(PolicyArn=arn, EntityFilter="Role")
    assert (len(only_roles["PolicyRoles"]), only_roles["PolicyUsers"]) == (1, [])
    pages = list(root.iam.get_paginator("list_entities_for_policy").paginate(
        PolicyArn=arn, PaginationConfig={"PageSize": 1}))
    everyone = [one for page in pages for one in page["PolicyUsers"] + page["PolicyGroups"] + page["PolicyRoles"]]
    assert len(everyone) == 4


def test_policies_by_scope_and_attachment(root: Aws, unique: Names) -> None:
    attached, loose = made(root, unique("a"), Path="/scope/"), made(root, unique("b"), Path="/scope/")
    HOLDERS[0].make(root, "scope-user")
    root.iam.attach_user_policy(UserName="scope-user", PolicyArn=attached)

    def arns(**more) -> set[str]:
        return {one["Arn"] for one in root.iam.list_policies(PathPrefix="/scope/", **more)["Policies"]}

    assert arns(Scope="Local") == {attached, loose}
    assert arns(Scope="Local", OnlyAttached=True) == {attached}
    assert arns(Scope="AWS") == set()


def test_awss_own_policies_are_there_and_stay_as_they_are(root: Aws) -> None:
    policy = root.iam.get_policy(PolicyArn=AWS_MANAGED)["Policy"]
    assert policy["PolicyName"] == "ReadOnlyAccess"
    version = root.iam.get_policy_version(PolicyArn=AWS_MANAGED, VersionId=policy["DefaultVersionId"])
    assert version["PolicyVersion"]["Document"]["Statement"]
    first = root.iam.list_policies(Scope="AWS", MaxItems=1000)
    assert len(first["Policies"]) == 1000 and first["IsTruncated"]
    for change in [lambda: root.iam.delete_policy(PolicyArn=AWS_MANAGED),
                   lambda: root.iam.create_policy_version(PolicyArn=AWS_MANAGED, PolicyDocument=LIST),
                   lambda: root.iam.tag_policy(PolicyArn=AWS_MANAGED, Tags=[{"Key": "k", "Value": "v"}])]:
        with refused({"AccessDenied", "UnmodifiableEntity", "InvalidInput", "ValidationError"}):
            change()


def test_awss_own_policies_decide(root: Aws, unique: Names) -> None:
    name = unique("reader")
    user = root.user(name)
    root.iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    user.s3.list_buckets()
    with refused("AccessDenied"):
        user.s3.create_bucket(Bucket="not-for-readers")


# Boundaries.

@pytest.mark.parametrize("noun", ["user", "role"])
def test_a_boundary_is_set_read_replaced_and_removed(root: Aws, unique: Names, noun: str) -> None:
    holder = next(one for one in HOLDERS if one.noun == noun)
    arn, name = made(root, unique("limit")), unique("bounded")
    named = holder.make(root, name)
    put = getattr(root.iam, f"put_{noun}_permissions_boundary")
    remove = getattr(root.iam, f"delete_{noun}_permissions_boundary")

    def read() -> dict | None:
        return getattr(root.iam, f"get_{noun}")(**named)[noun.capitalize()].get("PermissionsBoundary")

    assert read() is None
    put(**named, PermissionsBoundary=arn)
    assert read() == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    assert root.iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    with refused("DeleteConflict", status=409):
        root.iam.delete_policy(PolicyArn=arn)
    put(**named, PermissionsBoundary=AWS_MANAGED)
    assert read()["PermissionsBoundaryArn"] == AWS_MANAGED
    remove(**named)
    assert read() is None
    root.iam.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity", status=404):
        put(**named, PermissionsBoundary=arn)


def test_a_boundary_limits_and_grants_nothing(root: Aws, unique: Names) -> None:
    name = unique("fenced")
    user = root.user(name, allow(["s3:ListAllMyBuckets", "iam:ListUsers"]))
    user.s3.list_buckets()
    user.iam.list_users()
    arn = made(root, unique("fence"), document(allow(["s3:ListAllMyBuckets", "iam:ListRoles"])))
    root.iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=arn)
    user.s3.list_buckets()
    with refused("AccessDenied", re.compile(
            "because no permissions boundary allows the iam:ListUsers action"), status=403):
        user.iam.list_users()
    with refused("AccessDenied", re.compile("because no identity-based policy allows the iam:ListRoles")):
        user.iam.list_roles()
    root.iam.delete_user_permissions_boundary(UserName=name)
    user.iam.list_users()
