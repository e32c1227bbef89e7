"""Accounts are apart: whatever the administrator of one asks for, in random requests made of another's names, ARNs
and ids, changes nothing there and tells nothing of it."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.model import Shape
from harness.clients import Aws, allow, document, trust
from harness.process import Credentials
from test_organizations import member

REQUESTS = 1500
SERVICES = ("iam", "sts", "ec2", "organizations")
MODELS = {service: botocore.session.get_session().get_service_model(service) for service in SERVICES}
# Not requests, but waiting: passwords are hashed slowly on purpose.
SLOW = {"CreateLoginProfile", "UpdateLoginProfile", "ChangePassword", "EnableOutboundWebIdentityFederation"}
EC2 = {"DescribeInstances", "DescribeKeyPairs", "DeleteKeyPair", "DescribeIamInstanceProfileAssociations",
       "TerminateInstances", "AssociateIamInstanceProfile", "GetConsoleOutput", "DescribeInstanceAttribute"}
ORGANIZATIONS = {"DescribeAccount", "MoveAccount", "CloseAccount", "RemoveAccountFromOrganization", "ListPolicies",
                 "ListParents", "ListTagsForResource", "TagResource", "AttachPolicy", "DetachPolicy",
                 "RegisterDelegatedAdministrator", "DescribePolicy", "DeletePolicy", "UpdatePolicy"}


@dataclass
class Account:
    """An account, its administrator, and what is in it."""

    id: str
    admin: Aws
    bucket: str
    # What only this account has: told to another, it leaked.
    marks: set[str] = field(default_factory=set)
    arns: list[str] = field(default_factory=list)


def filled_in(account: str, admin: Aws, bucket: str) -> Account:
    """The same names in every account, so that only the account tells them apart."""
    made, iam, base = Account(account, admin, bucket), admin.iam, f"arn:aws:iam::{account}"
    made.marks.add(iam.create_user(UserName="name", Tags=[{"Key": "mark", "Value": f"mark-{account}"}])["User"]["UserId"])
    made.marks.add(iam.create_access_key(UserName="name")["AccessKey"]["AccessKeyId"])
    made.marks.add(iam.create_group(GroupName="name")["Group"]["GroupId"])
    made.marks.add(iam.create_role(RoleName="name", AssumeRolePolicyDocument=document(
        trust({"AWS": account})))["Role"]["RoleId"])
    made.marks.add(iam.create_policy(PolicyName="name", Description=f"mark-{account}", PolicyDocument=document(
        allow("s3:*")))["Policy"]["PolicyId"])
    made.marks.add(iam.create_instance_profile(InstanceProfileName="name")["InstanceProfile"]["InstanceProfileId"])
    made.marks.add(f"mark-{account}")
    iam.create_virtual_mfa_device(VirtualMFADeviceName="name")
    iam.create_open_id_connect_provider(Url="https://example.com", ClientIDList=[f"mark-{account}"])
    iam.put_user_policy(UserName="name", PolicyName="name", PolicyDocument=document(allow("s3:*", Sid=f"mark{account}")))
    made.marks.add(f"mark{account}")
    iam.attach_role_policy(RoleName="name", PolicyArn=f"{base}:policy/name")
    iam.add_role_to_instance_profile(InstanceProfileName="name", RoleName="name")
    made.marks.add(admin.ec2.create_key_pair(KeyName="name")["KeyPairId"])
    admin.s3.create_bucket(Bucket=bucket)
    admin.s3.put_object(Bucket=bucket, Key="name", Body=f"mark-{account}".encode())
    kinds = ("user", "group", "role", "policy", "instance-profile", "mfa", "assumed-role/name")
    made.arns = [f"{base}:{kind}/name" for kind in kinds] + [f"{base}:root", f"{base}:oidc-provider/example.com"]
    return made


def picture(account: Account) -> str:
    """All that another account could have changed here."""
    iam, s3 = account.admin.iam, account.admin.s3
    asked = [iam.get_account_authorization_details(), iam.list_access_keys(UserName="name"),
             iam.list_virtual_mfa_devices(), iam.list_open_id_connect_providers(), iam.list_account_aliases(),
             iam.get_user_policy(UserName="name", PolicyName="name"), account.admin.ec2.describe_key_pairs(),
             iam.get_open_id_connect_provider(
                 OpenIDConnectProviderArn=f"arn:aws:iam::{account.id}:oidc-provider/example.com"),
             s3.list_objects_v2(Bucket=account.bucket), s3.get_bucket_location(Bucket=account.bucket)]
    for answer in asked:
        del answer["ResponseMetadata"]
    # When something was last used changes by looking.
    for role in asked[0]["RoleDetailList"]:
        role.pop("RoleLastUsed", None)
    return json.dumps(asked, default=str, sort_keys=True)


@pytest.fixture
def accounts(own_server) -> tuple[Account, Account]:
    root = Aws(own_server, own_server.root)
    organization = root.client("organizations")
    organization.create_organization(FeatureSet="ALL")
    governor = root.user("governor", allow("sts:AssumeRole"))
    made = []
    for name in ("attacker", "victim"):
        account = member(organization, name)
        into = governor.assume(f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole")
        into.iam.create_user(UserName="administrator")
        into.iam.attach_user_policy(UserName="administrator",
                                    PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        key = into.iam.create_access_key(UserName="administrator")["AccessKey"]
        made.append(filled_in(account, root.as_(Credentials.of(key), check_parameters=False), f"the-{name}s"))
    return made[0], made[1]


class Asker:
    """Makes requests of values of two accounts, rightly shaped mostly."""

    def __init__(self, chance: random.Random, own: Account, other: Account) -> None:
        self.chance = chance
        ids = [mark for mark in other.marks if not mark.startswith("mark")]
        self.others = [*other.arns, *ids, other.id, f"{other.id}:name", other.bucket,
                       f"arn:aws:s3:::{other.bucket}", f"arn:aws:sts::{other.id}:assumed-role/name/session"]
        self.own = [*own.arns, "name", "name", "name", own.id]
        self.documents = [document(allow("*")), document(trust({"AWS": other.id})),
                          document(trust({"AWS": f"arn:aws:iam::{other.id}:role/name"}))]

    def text(self, name: str, shape: Shape) -> str:
        if getattr(shape, "enum", None):
            return self.chance.choice(shape.enum)
        if "document" in name.lower() or name in ("Policy", "PermissionsBoundaryPolicyInputList"):
            return self.chance.choice(self.documents)
        pool = self.others if self.chance.random() < 0.7 else self.own
        if "arn" in name.lower() or name == "SerialNumber":
            pool = [value for value in pool if value.startswith("arn:")]
        elif name.endswith("Name"):
            pool = ["name"]
        return self.chance.choice(pool)

    def value(self, shape: Shape, name: str, depth: int = 0):
        match shape.type_name:
            case "structure":
                wanted = [member for member in shape.members if member in shape.required_members
                          or (depth < 2 and self.chance.random() < 0.3)]
                return {member: self.value(shape.members[member], member, depth + 1) for member in wanted}
            case "list":
                return [self.value(shape.member, name, depth + 1)]
            case "map":
                return {}
            case "boolean":
                return self.chance.random() < 0.5 and name != "DryRun"
            case "integer" | "long":
                return max(1, int(shape.metadata.get("min", 1)))
            case "timestamp":
                return int(time.time())
            case "blob":
                return b"x"
            case _:
                return self.text(name, shape)


def operations() -> list[tuple[str, str]]:
    from coverage_table import SERVICES as NAMES
    from coverage_table import built
    all_of = [(NAMES[title], name) for title, names in built().items() for name in names if name not in SLOW]
    rest = [(service, name) for service, name in all_of if service != "organizations" or name in ORGANIZATIONS]
    return rest + [("ec2", name) for name in sorted(EC2)]


@pytest.mark.slow
def test_one_accounts_administrator_does_and_learns_nothing_in_another(accounts: tuple[Account, Account]) -> None:
    attacker, victim = accounts
    seed = random.SystemRandom().randrange(1 << 32)
    chance, before, allowed, ever_said = random.Random(seed), picture(victim), 0, ""
    asker, all_operations = Asker(chance, attacker, victim), operations()
    named = {service: {api: python for python, api in attacker.admin.client(service).meta.method_to_api_mapping.items()}
             for service in SERVICES}
    for at in range(REQUESTS):
        # Every operation in turn, and then any.
        service, name = all_operations[at] if at < len(all_operations) else chance.choice(all_operations)
        shape = MODELS[service].operation_model(name).input_shape
        request = asker.value(shape, name) if shape else {}
        where = f"seed {seed}, request {at}: {service}.{name}({request})"
        try:
            answer = getattr(attacker.admin.client(service), named[service][name])(**request)
            allowed += 1
        except ClientError as error:
            answer = error.response
            assert answer["ResponseMetadata"]["HTTPStatusCode"] < 500, where
        del answer["ResponseMetadata"]
        # What a request said may come back, then or later; what only the other account knows may not.
        told, said = json.dumps(answer, default=str), json.dumps(request, default=str)
        ever_said += said
        leaked = [mark for mark in victim.marks if mark in told and mark not in ever_said]
        assert not leaked, f"{where} told {leaked}"
        if at % 100 == 99 or at == REQUESTS - 1:
            assert picture(victim) == before, f"{where}, or one of the hundred before it"
    assert allowed > REQUESTS // 20, "nearly everything was refused: the requests are no good"


def test_buckets_of_another_account_are_closed(accounts: tuple[Account, Account]) -> None:
    attacker, victim = accounts
    s3, there = attacker.admin.s3, {"Bucket": victim.bucket}
    before = picture(victim)
    for attempt in (lambda: s3.list_objects_v2(**there), lambda: s3.get_object(**there, Key="name"),
                    lambda: s3.put_object(**there, Key="name", Body=b""), lambda: s3.delete_bucket(**there),
                    lambda: s3.delete_object(**there, Key="name"), lambda: s3.get_bucket_policy(**there),
                    lambda: s3.put_bucket_policy(**there, Policy=document(allow("s3:*") | {"Principal": "*"})),
                    lambda: s3.copy_object(Bucket=attacker.bucket, Key="x", CopySource=f"{victim.bucket}/name")):
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [attacker.bucket]
    assert picture(victim) == before
