"""The calls of Terraform's AWS provider for organizations, and for IAM's features of them."""

from __future__ import annotations

import json

import pytest
from harness.clients import Aws, refused
from harness.process import ACCOUNT
from harness.provider import Provider, replays


@pytest.fixture
def root(provider: Provider) -> Aws:
    return Aws(provider.server, provider.credentials, provider.region)


@pytest.fixture
def organizations(root: Aws):
    return root.client("organizations")


def default_root(organizations) -> dict:
    return organizations.list_roots()["Roots"][0]


def policy_types(organizations) -> dict[str, str]:
    return {one["Type"]: one["Status"] for one in default_root(organizations)["PolicyTypes"]}


@replays("aws_organizations_organization", "data.aws_organizations_organization",
         "aws_iam_organizations_features")
def test_organization(root: Aws, organizations) -> None:
    with refused("AWSOrganizationsNotInUseException"):
        organizations.describe_organization()
    made = organizations.create_organization(FeatureSet="ALL")["Organization"]
    organizations.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    organizations.enable_policy_type(RootId=default_root(organizations)["Id"], PolicyType="SERVICE_CONTROL_POLICY")
    assert policy_types(organizations) == {"SERVICE_CONTROL_POLICY": "ENABLED"}
    read = organizations.describe_organization()["Organization"]
    for field in ["Arn", "Id", "FeatureSet", "MasterAccountArn", "MasterAccountEmail", "MasterAccountId"]:
        assert read[field] == made[field] and read[field], field
    accounts = organizations.list_accounts()["Accounts"]
    assert [(one["Id"], one["Status"], bool(one["Name"] and one["Arn"] and one["Email"])) for one in accounts] == [
        (ACCOUNT, "ACTIVE", True)]
    access = organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert [one["ServicePrincipal"] for one in access] == ["iam.amazonaws.com"]

    def features() -> list[str]:
        return sorted(root.iam.list_organizations_features()["EnabledFeatures"])

    root.iam.enable_organizations_root_credentials_management()
    root.iam.enable_organizations_root_sessions()
    assert features() == ["RootCredentialsManagement", "RootSessions"]
    root.iam.disable_organizations_root_sessions()
    root.iam.disable_organizations_root_credentials_management()
    assert features() == []
    organizations.disable_policy_type(RootId=default_root(organizations)["Id"], PolicyType="SERVICE_CONTROL_POLICY")
    assert policy_types(organizations) == {}
    organizations.disable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    organizations.delete_organization()
    with refused("AWSOrganizationsNotInUseException"):
        organizations.describe_organization()


@replays("aws_organizations_account", "aws_organizations_organizational_unit",
         "data.aws_organizations_organizational_units", "data.aws_organizations_organizational_unit_child_accounts")
def test_account_in_a_unit(organizations) -> None:
    organizations.create_organization(FeatureSet="ALL")
    top = default_root(organizations)["Id"]
    tags = [{"Key": "Name", "Value": "apps"}]
    unit = organizations.create_organizational_unit(Name="apps", ParentId=top, Tags=tags)["OrganizationalUnit"]
    assert organizations.list_parents(ChildId=unit["Id"])["Parents"] == [{"Id": top, "Type": "ROOT"}]
    assert organizations.list_tags_for_resource(ResourceId=unit["Id"])["Tags"] == tags
    asked = organizations.create_account(Email="one@example.com", AccountName="one", RoleName="Admin",
                                         IamUserAccessToBilling="ALLOW", Tags=tags)["CreateAccountStatus"]
    status = organizations.describe_create_account_status(CreateAccountRequestId=asked["Id"])["CreateAccountStatus"]
    assert status["State"] == "SUCCEEDED"
    account = status["AccountId"]
    assert organizations.list_parents(ChildId=account)["Parents"] == [{"Id": top, "Type": "ROOT"}]
    organizations.move_account(AccountId=account, SourceParentId=top, DestinationParentId=unit["Id"])
    read = organizations.describe_account(AccountId=account)["Account"]
    assert (read["Email"], read["Name"], read["JoinedMethod"], read["Status"]) == (
        "one@example.com", "one", "CREATED", "ACTIVE")
    assert read["JoinedTimestamp"] and read["Arn"].endswith(f"/{account}")
    assert organizations.list_parents(ChildId=account)["Parents"] == [
        {"Id": unit["Id"], "Type": "ORGANIZATIONAL_UNIT"}]
    assert organizations.list_tags_for_resource(ResourceId=account)["Tags"] == tags
    children = organizations.list_accounts_for_parent(ParentId=unit["Id"])["Accounts"]
    assert [one["Id"] for one in children] == [account]
    renamed = organizations.update_organizational_unit(OrganizationalUnitId=unit["Id"], Name="programs")
    assert renamed["OrganizationalUnit"]["Name"] == "programs"
    units = organizations.list_organizational_units_for_parent(ParentId=top)["OrganizationalUnits"]
    assert [one["Name"] for one in units] == ["programs"]
    # `close_on_deletion`: over when the account is suspended, or is not found any more.
    organizations.close_account(AccountId=account)
    assert organizations.describe_account(AccountId=account)["Account"]["Status"] in {"SUSPENDED", "PENDING_CLOSURE"}


@replays("aws_organizations_policy", "aws_organizations_policy_attachment", "data.aws_organizations_policies",
         "data.aws_organizations_policies_for_target", "data.aws_organizations_policy")
def test_policy_and_attachment(organizations) -> None:
    organizations.create_organization(FeatureSet="ALL")
    top = default_root(organizations)["Id"]
    organizations.enable_policy_type(RootId=top, PolicyType="SERVICE_CONTROL_POLICY")
    text = json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Deny", "Action": "s3:*", "Resource": "*"}}, indent=1)
    tags = [{"Key": "k", "Value": "v"}]
    made = organizations.create_policy(Name="no-s3", Type="SERVICE_CONTROL_POLICY", Content=text, Description="",
                                       Tags=tags)["Policy"]["PolicySummary"]
    read = organizations.describe_policy(PolicyId=made["Id"])["Policy"]
    assert read["Content"] == text and read["PolicySummary"]["Arn"] == made["Arn"]
    assert organizations.list_tags_for_resource(ResourceId=made["Id"])["Tags"] == tags
    organizations.update_policy(PolicyId=made["Id"], Name="no-s3-at-all", Description="d", Content=text)
    organizations.attach_policy(PolicyId=made["Id"], TargetId=top)
    targets = organizations.list_targets_for_policy(PolicyId=made["Id"])["Targets"]
    assert [one["TargetId"] for one in targets] == [top]
    held = organizations.list_policies_for_target(TargetId=top, Filter="SERVICE_CONTROL_POLICY")["Policies"]
    assert {one["Name"] for one in held} == {"FullAWSAccess", "no-s3-at-all"}
    organizations.detach_policy(PolicyId=made["Id"], TargetId=top)
    with refused("PolicyNotAttachedException"):
        organizations.detach_policy(PolicyId=made["Id"], TargetId=top)
    organizations.delete_policy(PolicyId=made["Id"])
    with refused("PolicyNotFoundException"):
        organizations.describe_policy(PolicyId=made["Id"])


@replays("aws_organizations_delegated_administrator", "aws_organizations_resource_policy",
         "data.aws_organizations_delegated_administrators", "data.aws_organizations_delegated_services")
def test_delegation(organizations) -> None:
    organizations.create_organization(FeatureSet="ALL")
    organizations.enable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    asked = organizations.create_account(Email="one@example.com", AccountName="one")["CreateAccountStatus"]
    account = organizations.describe_create_account_status(
        CreateAccountRequestId=asked["Id"])["CreateAccountStatus"]["AccountId"]
    named = {"AccountId": account, "ServicePrincipal": "config.amazonaws.com"}
    organizations.register_delegated_administrator(**named)
    listed = organizations.list_delegated_administrators(ServicePrincipal="config.amazonaws.com")
    [read] = listed["DelegatedAdministrators"]
    for field in ["Id", "Arn", "Email", "Name", "Status", "JoinedMethod", "JoinedTimestamp", "DelegationEnabledDate"]:
        assert read[field], field
    services = organizations.list_delegated_services_for_account(AccountId=account)["DelegatedServices"]
    assert [one["ServicePrincipal"] for one in services] == ["config.amazonaws.com"]
    organizations.deregister_delegated_administrator(**named)
    assert organizations.list_delegated_administrators()["DelegatedAdministrators"] == []
    text = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "one", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
         "Action": "organizations:DescribeOrganization", "Resource": "*"}]})
    made = organizations.put_resource_policy(Content=text)["ResourcePolicy"]
    assert organizations.describe_resource_policy()["ResourcePolicy"] == made and made["Content"] == text
    organizations.delete_resource_policy()
    with refused("ResourcePolicyNotFoundException"):
        organizations.describe_resource_policy()
