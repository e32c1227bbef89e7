"""Reports of what was last accessed in an organization, and that reports stay as they were made."""

from __future__ import annotations

import csv
import io

import pytest
from harness.clients import Aws, allow, deny, document, refused
from harness.process import ACCOUNT, REGION, Server

LOOKS = [f"organizations:{name}" for name in (
    "DescribePolicy", "ListChildren", "ListParents", "ListPoliciesForTarget", "ListRoots", "ListTargetsForPolicy")]


class Tree:
    """An organization: a unit `dev` with an account in it, an account at the root, and the management account."""

    def __init__(self, server: Server) -> None:
        self.root = Aws(server, server.root)
        self.org = self.root.client("organizations")
        self.id = self.org.create_organization()["Organization"]["Id"]
        self.top = self.org.list_roots()["Roots"][0]["Id"]
        self.path = f"{self.id}/{self.top}"
        self.org.enable_policy_type(RootId=self.top, PolicyType="SERVICE_CONTROL_POLICY")
        unit = self.org.create_organizational_unit(ParentId=self.top, Name="dev")["OrganizationalUnit"]["Id"]
        self.unit, self.dev, self.other = unit, self.account("dev"), self.account("other")
        self.org.move_account(AccountId=self.dev, SourceParentId=self.top, DestinationParentId=unit)

    def account(self, name: str) -> str:
        asked = self.org.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]["Id"]
        done = self.org.describe_create_account_status(CreateAccountRequestId=asked)["CreateAccountStatus"]
        assert done["State"] == "SUCCEEDED"
        return done["AccountId"]

    def inside(self, account: str) -> Aws:
        admin = self.root.user(f"into-{account}", allow("sts:AssumeRole"))
        return admin.assume(f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole")

    def scp(self, name: str, target: str, *statements: dict) -> str:
        made = self.org.create_policy(Name=name, Description="", Type="SERVICE_CONTROL_POLICY",
                                      Content=document(*statements))
        policy = made["Policy"]["PolicySummary"]["Id"]
        self.org.attach_policy(PolicyId=policy, TargetId=target)
        return policy

    def report(self, path: str, **more) -> dict:
        job = self.root.iam.generate_organizations_access_report(EntityPath=path, **more)["JobId"]
        return self.read(job)

    def read(self, job: str, **more) -> dict:
        answer, details = None, []
        marker: dict = {}
        while answer is None or answer["IsTruncated"]:
            answer = self.root.iam.get_organizations_access_report(JobId=job, **marker, **more)
            details += answer["AccessDetails"]
            marker = {"Marker": answer.get("Marker")}
        assert answer["JobStatus"] == "COMPLETED" and answer["JobCompletionDate"] >= answer["JobCreationDate"]
        assert len(details) == answer["NumberOfServicesAccessible"]
        untouched = [one for one in details if "LastAuthenticatedTime" not in one]
        assert len(untouched) == answer["NumberOfServicesNotAccessed"]
        return {one["ServiceNamespace"]: one for one in details}


@pytest.fixture
def tree(own_server: Server) -> Tree:
    return Tree(own_server)


def test_a_report_tells_what_accounts_may_reach_and_last_did(tree: Tree) -> None:
    tree.inside(tree.dev).s3.list_buckets()
    tree.inside(tree.other).iam.list_users()
    whole = tree.report(tree.path)
    assert len(whole) > 300 and list(whole) == sorted(whole)
    s3, iam = whole["s3"], whole["iam"]
    assert s3["EntityPath"] == f"{tree.path}/{tree.unit}/{tree.dev}" and s3["Region"] == REGION
    assert s3["ServiceName"] == "Amazon S3" and s3["TotalAuthenticatedEntities"] == 1
    assert iam["EntityPath"] == f"{tree.path}/{tree.other}"
    # The management account, which made all this, counts in its own report alone.
    own = tree.report(f"{tree.path}/{ACCOUNT}", OrganizationsPolicyId="p-nothingatall")
    assert own["organizations"]["EntityPath"] == f"{tree.path}/{ACCOUNT}"
    assert "EntityPath" not in whole["organizations"]
    unit = tree.report(f"{tree.path}/{tree.unit}")
    assert unit["s3"]["TotalAuthenticatedEntities"] == 1 and unit["iam"]["TotalAuthenticatedEntities"] == 0


def test_only_what_every_level_allows_is_accessible(tree: Tree) -> None:
    narrow = tree.scp("narrow", tree.unit, allow("s3:*"), allow("ec2:Describe*"), allow("sts:*"))
    tree.org.detach_policy(PolicyId="p-FullAWSAccess", TargetId=tree.unit)
    tree.scp("no-ec2", tree.top, deny("ec2:*"))
    expected = {"s3", "sts", "ec2"}
    assert set(tree.report(f"{tree.path}/{tree.unit}")) == expected - {"ec2"}
    assert set(tree.report(f"{tree.path}/{tree.unit}/{tree.dev}")) == expected - {"ec2"}
    assert "iam" in tree.report(f"{tree.path}/{tree.other}")
    # By one policy: what it allows, and the accounts that it stands over.
    tree.inside(tree.dev).s3.list_buckets()
    tree.inside(tree.other).s3.list_buckets()
    by_policy = tree.report(tree.path, OrganizationsPolicyId=narrow)
    assert set(by_policy) == expected and by_policy["s3"]["TotalAuthenticatedEntities"] == 1
    assert by_policy["s3"]["EntityPath"].endswith(tree.dev)
    apart = tree.report(f"{tree.path}/{tree.other}", OrganizationsPolicyId=narrow)
    assert set(apart) == expected and apart["s3"]["TotalAuthenticatedEntities"] == 0


def test_the_order_of_a_report(tree: Tree) -> None:
    tree.inside(tree.dev).s3.list_buckets()
    job = tree.root.iam.generate_organizations_access_report(EntityPath=tree.path)["JobId"]
    names = lambda key: list(tree.read(job, SortKey=key))  # noqa: E731
    assert names("SERVICE_NAMESPACE_DESCENDING") == sorted(names("SERVICE_NAMESPACE_ASCENDING"), reverse=True)
    assert {"s3", "sts"} >= {names("LAST_AUTHENTICATED_TIME_DESCENDING")[0]}
    assert {"s3", "sts"} >= {names("LAST_AUTHENTICATED_TIME_ASCENDING")[-1]}


def test_who_may_have_a_report(tree: Tree) -> None:
    generate = lambda who, path=tree.path: who.iam.generate_organizations_access_report(EntityPath=path)  # noqa: E731
    with refused("AccessDenied"):
        generate(tree.inside(tree.dev))
    only = tree.root.user("only", allow("iam:GenerateOrganizationsAccessReport"))
    with refused("AccessDenied") as caught:
        generate(only)
    assert "organizations:DescribePolicy" in caught.value.response["Error"]["Message"]
    arn = f"arn:aws:iam::{ACCOUNT}:access-report/{tree.path}/{tree.unit}"
    reader = tree.root.user("reader", allow(LOOKS), allow("iam:GenerateOrganizationsAccessReport", arn),
                            allow("iam:GetOrganizationsAccessReport"))
    job = generate(reader, f"{tree.path}/{tree.unit}")["JobId"]
    assert reader.iam.get_organizations_access_report(JobId=job)["JobStatus"] == "COMPLETED"
    with refused("AccessDenied"):
        generate(reader)
    # A report is for whoever asked for it, and a report of one kind is none of the other.
    with refused("NoSuchEntity", status=404):
        tree.root.iam.get_organizations_access_report(JobId=job)
    with refused("NoSuchEntity", status=404):
        tree.root.iam.get_service_last_accessed_details(JobId=job)
    with refused("InvalidInput"):
        generate(tree.root, f"{tree.path}/ou-none-nonenone")
    with refused("InvalidInput"):
        tree.root.iam.generate_organizations_access_report(EntityPath=tree.path, OrganizationsPolicyId="p-nothingatall")


def test_without_service_control_policies_there_is_no_report(own_server: Server) -> None:
    root = Aws(own_server, own_server.root)
    with refused("AccessDenied"):
        root.iam.generate_organizations_access_report(EntityPath="o-abcdefghij/r-abcd")
    org = root.client("organizations")
    path = f"{org.create_organization()['Organization']['Id']}/{org.list_roots()['Roots'][0]['Id']}"
    with refused("InvalidInput"):
        root.iam.generate_organizations_access_report(EntityPath=path)


def test_reports_stay_as_they_were_made(own_server: Server) -> None:
    root = Aws(own_server, own_server.root)
    user = root.user("ann", allow("s3:*"))
    arn = f"arn:aws:iam::{ACCOUNT}:user/ann"
    job = root.iam.generate_service_last_accessed_details(Arn=arn, Granularity="ACTION_LEVEL")["JobId"]
    root.iam.generate_credential_report()
    user.s3.list_buckets()
    root.iam.put_user_policy(UserName="ann", PolicyName="more", PolicyDocument=document(allow("ec2:*")))
    root.iam.create_user(UserName="late")

    def rows() -> dict:
        content = root.iam.get_credential_report()["Content"].decode()
        return {row["user"]: row for row in csv.DictReader(io.StringIO(content))}

    def check() -> None:
        answer = root.iam.get_service_last_accessed_details(JobId=job)
        [s3] = answer["ServicesLastAccessed"]
        assert s3["ServiceNamespace"] == "s3" and s3["TotalAuthenticatedEntities"] == 0
        assert all("LastAccessedTime" not in one for one in s3["TrackedActionsLastAccessed"])
        with refused("InvalidInput"):
            root.iam.get_service_last_accessed_details_with_entities(JobId=job, ServiceNamespace="ec2")
        assert "late" not in rows() and rows()["ann"]["access_key_1_last_used_service"] == "N/A"

    check()
    # Even when what it is about is gone.
    for name in root.iam.list_user_policies(UserName="ann")["PolicyNames"]:
        root.iam.delete_user_policy(UserName="ann", PolicyName=name)
    for key in root.iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]:
        root.iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    root.iam.delete_user(UserName="ann")
    check()
    with refused("NoSuchEntity", status=404):
        root.iam.generate_service_last_accessed_details(Arn=arn)
