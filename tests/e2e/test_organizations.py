"""AWS Organizations: accounts, the tree they stand in, and the policies over it, enforced at once."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from harness.clients import Aws, allow, deny, document, refused
from harness.process import ACCOUNT, rolecall

ACCESS_ROLE = "OrganizationAccountAccessRole"


@pytest.fixture
def management(own_server) -> Aws:
    return Aws(own_server, own_server.root)


@pytest.fixture
def organization(management: Aws):
    client = management.client("organizations")
    client.create_organization(FeatureSet="ALL")
    return client


def root_id(organization) -> str:
    return organization.list_roots()["Roots"][0]["Id"]


def member(organization, name: str = "prod") -> str:
    asked = organization.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]
    status = organization.describe_create_account_status(CreateAccountRequestId=asked["Id"])
    assert status["CreateAccountStatus"]["State"] == "SUCCEEDED", status
    return status["CreateAccountStatus"]["AccountId"]


def into(management: Aws, account: str) -> Aws:
    """An administrator of a member account: the root user itself assumes no role."""
    name = f"governor-{account}"
    governor = management.user(name, allow("sts:AssumeRole"))
    return governor.assume(f"arn:aws:iam::{account}:role/{ACCESS_ROLE}")


def policy(organization, kind: str, name: str, *statements: dict) -> str:
    made = organization.create_policy(Content=document(*statements), Description="", Name=name, Type=kind)
    return made["Policy"]["PolicySummary"]["Id"]


def enable(organization, kind: str) -> str:
    root = root_id(organization)
    organization.enable_policy_type(RootId=root, PolicyType=kind)
    return root


def test_an_account_is_made_and_entered(management: Aws, organization):
    described = organization.describe_organization()["Organization"]
    assert described["MasterAccountId"] == ACCOUNT and described["FeatureSet"] == "ALL"
    account = member(organization)
    assert {a["Id"] for a in organization.list_accounts()["Accounts"]} == {ACCOUNT, account}
    inside = into(management, account)
    identity = inside.sts.get_caller_identity()
    assert identity["Account"] == account and ACCESS_ROLE in identity["Arn"]
    inside.iam.create_user(UserName="deploy")
    with refused("NoSuchEntity"):
        management.iam.get_user(UserName="deploy")
    described = inside.client("organizations").describe_organization()["Organization"]
    assert described["MasterAccountId"] == ACCOUNT


def test_what_a_service_control_policy_denies_is_denied_at_once(management: Aws, organization):
    account = member(organization)
    inside = into(management, account)
    inside.iam.list_users()
    enable(organization, "SERVICE_CONTROL_POLICY")
    inside.iam.list_users()
    scp = policy(organization, "SERVICE_CONTROL_POLICY", "no-users", deny("iam:ListUsers"))
    organization.attach_policy(PolicyId=scp, TargetId=account)
    with refused("AccessDenied") as caught:
        inside.iam.list_users()
    assert "with an explicit deny in a service control policy" in caught.value.response["Error"]["Message"]
    inside.iam.list_roles()
    # The management account is exempt, wherever the policy is attached.
    organization.attach_policy(PolicyId=scp, TargetId=root_id(organization))
    management.iam.list_users()
    for target in (account, root_id(organization)):
        organization.detach_policy(PolicyId=scp, TargetId=target)
    inside.iam.list_users()


def test_moving_an_account_changes_what_it_may(management: Aws, organization):
    account = member(organization)
    inside = into(management, account)
    root = enable(organization, "SERVICE_CONTROL_POLICY")
    unit = organization.create_organizational_unit(ParentId=root, Name="locked")["OrganizationalUnit"]["Id"]
    scp = policy(organization, "SERVICE_CONTROL_POLICY", "no-s3", deny("s3:*"))
    organization.attach_policy(PolicyId=scp, TargetId=unit)
    inside.s3.list_buckets()
    organization.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
    with refused("AccessDenied"):
        inside.s3.list_buckets()
    with refused("OrganizationalUnitNotEmptyException"):
        organization.delete_organizational_unit(OrganizationalUnitId=unit)
    organization.move_account(AccountId=account, SourceParentId=unit, DestinationParentId=root)
    inside.s3.list_buckets()
    assert organization.list_parents(ChildId=account)["Parents"] == [{"Id": root, "Type": "ROOT"}]
    with refused("PolicyInUseException"):
        organization.delete_policy(PolicyId=scp)
    organization.delete_organizational_unit(OrganizationalUnitId=unit)
    organization.delete_policy(PolicyId=scp)


def test_what_is_not_allowed_on_every_level_is_denied(management: Aws, organization):
    account = member(organization)
    inside = into(management, account)
    enable(organization, "SERVICE_CONTROL_POLICY")
    only = policy(organization, "SERVICE_CONTROL_POLICY", "only-iam", allow("iam:*"))
    organization.attach_policy(PolicyId=only, TargetId=account)
    organization.detach_policy(PolicyId="p-FullAWSAccess", TargetId=account)
    inside.iam.list_users()
    with refused("AccessDenied"):
        inside.s3.list_buckets()
    with refused("ConstraintViolationException") as caught:
        organization.detach_policy(PolicyId=only, TargetId=account)
    assert caught.value.response["Reason"] == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"


def test_a_resource_control_policy_guards_the_resources_of_members(management: Aws, organization):
    account = member(organization)
    inside = into(management, account)
    inside.s3.create_bucket(Bucket="guarded-bucket")
    enable(organization, "RESOURCE_CONTROL_POLICY")
    inside.s3.list_objects_v2(Bucket="guarded-bucket")
    guard = {**deny("s3:*"), "Principal": "*"}
    rcp = policy(organization, "RESOURCE_CONTROL_POLICY", "guard", guard)
    organization.attach_policy(PolicyId=rcp, TargetId=account)
    with refused("AccessDenied"):
        inside.s3.list_objects_v2(Bucket="guarded-bucket")
    organization.detach_policy(PolicyId=rcp, TargetId=account)
    inside.s3.list_objects_v2(Bucket="guarded-bucket")


def test_trust_can_ask_for_the_organization(management: Aws, organization):
    account = member(organization)
    inside = into(management, account)
    org = organization.describe_organization()["Organization"]["Id"]
    for name, wanted in (("ours", org), ("theirs", "o-0000000000")):
        statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
                     "Condition": {"StringEquals": {"aws:PrincipalOrgID": wanted}}}
        inside.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(statement))
    caller = management.user("anyone", allow("sts:AssumeRole"))
    assert caller.assume(f"arn:aws:iam::{account}:role/ours").sts.get_caller_identity()["Account"] == account
    with refused("AccessDenied"):
        caller.assume(f"arn:aws:iam::{account}:role/theirs")


def test_members_may_not_manage(management: Aws, organization):
    account = member(organization)
    inside = into(management, account).client("organizations")
    for call in (inside.list_accounts, inside.list_roots, inside.delete_organization,
                 lambda: inside.create_account(Email="x@example.com", AccountName="x")):
        with refused("AccessDeniedException"):
            call()
    organization.enable_aws_service_access(ServicePrincipal="access-analyzer.amazonaws.com")
    organization.register_delegated_administrator(
        AccountId=account, ServicePrincipal="access-analyzer.amazonaws.com")
    assert len(inside.list_accounts()["Accounts"]) == 2
    with refused("AccessDeniedException"):
        inside.create_account(Email="x@example.com", AccountName="x")


def test_a_resource_policy_lets_a_member_attach_policies(management: Aws, organization):
    account = member(organization)
    inside = into(management, account).client("organizations")
    enable(organization, "SERVICE_CONTROL_POLICY")
    with refused("AccessDeniedException"):
        inside.list_policies(Filter="SERVICE_CONTROL_POLICY")
    statement = {**allow("organizations:ListPolicies"), "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
    organization.put_resource_policy(Content=document(statement))
    assert inside.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]
    with refused("AccessDeniedException"):
        inside.list_roots()
    organization.delete_resource_policy()
    with refused("AccessDeniedException"):
        inside.list_policies(Filter="SERVICE_CONTROL_POLICY")


def test_users_of_the_management_account_need_leave(management: Aws, organization):
    user = management.user("reader", allow("organizations:Describe*")).client("organizations")
    user.describe_organization()
    with refused("AccessDeniedException") as caught:
        user.list_accounts()
    assert "organizations:ListAccounts" in caught.value.response["Error"]["Message"]


def test_mistakes_are_named(management: Aws):
    client = management.client("organizations")
    with refused("AWSOrganizationsNotInUseException"):
        client.describe_organization()
    client.create_organization()
    with refused("AlreadyInOrganizationException"):
        client.create_organization()
    with refused("InvalidInputException") as caught:
        client.describe_account(AccountId="12")
    assert caught.value.response["Reason"] == "INVALID_PATTERN"
    with refused("AccountNotFoundException"):
        client.describe_account(AccountId="999999999999")
    with refused("MasterCannotLeaveOrganizationException"):
        client.leave_organization()
    root = root_id(client)
    client.create_organizational_unit(ParentId=root, Name="a")
    with refused("DuplicateOrganizationalUnitException"):
        client.create_organizational_unit(ParentId=root, Name="a")
    with refused("PolicyTypeNotEnabledException"):
        client.attach_policy(PolicyId="p-FullAWSAccess", TargetId=root)
    with refused("MalformedPolicyDocumentException"):
        client.create_policy(Content='{"Version": "2012-10-17", "Statement": [{"Effect": "Alow"}]}',
                             Description="", Name="p", Type="SERVICE_CONTROL_POLICY")
    client.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    with refused("PolicyTypeAlreadyEnabledException"):
        client.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")


def test_an_account_is_invited_leaves_and_is_closed(management: Aws, organization):
    account = member(organization)
    inside = into(management, account)
    inside.client("organizations").leave_organization()
    with refused("AWSOrganizationsNotInUseException"):
        inside.client("organizations").describe_organization()
    sent = organization.invite_account_to_organization(Target={"Id": account, "Type": "ACCOUNT"})["Handshake"]
    [waiting] = inside.client("organizations").list_handshakes_for_account()["Handshakes"]
    assert waiting["Id"] == sent["Id"] and waiting["State"] in ("OPEN", "REQUESTED")
    inside.client("organizations").accept_handshake(HandshakeId=sent["Id"])
    assert account in {a["Id"] for a in organization.list_accounts()["Accounts"]}
    organization.close_account(AccountId=account)
    assert organization.describe_account(AccountId=account)["Account"]["Status"] == "SUSPENDED"
    with pytest.raises(ClientError):
        inside.iam.list_users()


def test_it_is_there_after_a_restart(management: Aws, organization, own_server):
    account = member(organization)
    inside = into(management, account)
    enable(organization, "SERVICE_CONTROL_POLICY")
    scp = policy(organization, "SERVICE_CONTROL_POLICY", "no-users", deny("iam:ListUsers"))
    organization.attach_policy(PolicyId=scp, TargetId=account)
    own_server.restart()
    inside = inside.as_(inside.credentials)
    organization = management.as_(own_server.root).client("organizations")
    with refused("AccessDenied"):
        inside.iam.list_users()
    summary = organization.list_policies_for_target(TargetId=account, Filter="SERVICE_CONTROL_POLICY")
    assert {p["Id"] for p in summary["Policies"]} == {scp, "p-FullAWSAccess"}
    described = organization.describe_effective_policy
    with refused("InvalidInputException"):
        described(PolicyType="NO_SUCH_POLICY")
    assert json.loads(organization.describe_policy(PolicyId=scp)["Policy"]["Content"])


def test_accounts_from_the_command_line(own_server, management: Aws):
    def run(*arguments: str, credentials=own_server.root):
        return rolecall("account", *arguments, env=own_server.client_environment(credentials))

    assert run("ls").returncode == 1
    first = run("create", "Test Lab")
    assert first.returncode == 0, first.stderr
    assert "made an organization" in first.stderr
    second = json.loads(run("create", "prod", "--email", "ops@example.com", "--role-name", "Entry", "--json").stdout)
    assert second["accessRole"] == f"arn:aws:iam::{second['accountId']}:role/Entry"
    listed = {account["id"]: account for account in json.loads(run("ls", "--json").stdout)}
    assert set(listed) == {ACCOUNT, first.stdout.strip(), second["accountId"]}
    assert listed[second["accountId"]]["email"] == "ops@example.com"
    assert "Test Lab" in run("ls").stdout
    again = run("create", "other", "--email", "ops@example.com")
    assert again.returncode == 1 and "EMAIL_ALREADY_EXISTS" in again.stderr
    governor = management.user("governor", allow("sts:AssumeRole"))
    assert governor.assume(second["accessRole"]).sts.get_caller_identity()["Account"] == second["accountId"]
    denied = run("create", "mine", credentials=governor.credentials)
    assert denied.returncode == 1 and "organizations:CreateAccount" in denied.stderr


def test_the_tree_is_listed_from_every_side(organization):
    account, root = member(organization), root_id(organization)
    unit = organization.create_organizational_unit(ParentId=root, Name="a", Tags=[{"Key": "k", "Value": "v"}])
    unit = unit["OrganizationalUnit"]["Id"]
    inner = organization.create_organizational_unit(ParentId=unit, Name="b")["OrganizationalUnit"]["Id"]
    organization.update_organizational_unit(OrganizationalUnitId=inner, Name="c")
    assert organization.describe_organizational_unit(OrganizationalUnitId=inner)["OrganizationalUnit"]["Name"] == "c"
    listed = organization.list_organizational_units_for_parent(ParentId=unit)["OrganizationalUnits"]
    assert [one["Id"] for one in listed] == [inner]
    organization.move_account(AccountId=account, SourceParentId=root, DestinationParentId=inner)
    assert [one["Id"] for one in organization.list_accounts_for_parent(ParentId=inner)["Accounts"]] == [account]
    assert [one["Id"] for one in organization.list_accounts_for_parent(ParentId=root)["Accounts"]] == [ACCOUNT]
    for kind, parent, wanted in [("ORGANIZATIONAL_UNIT", root, unit), ("ORGANIZATIONAL_UNIT", unit, inner),
                                 ("ACCOUNT", inner, account)]:
        assert organization.list_children(ParentId=parent, ChildType=kind)["Children"] == [
            {"Id": wanted, "Type": kind}]
    states = organization.list_create_account_status(States=["SUCCEEDED"])["CreateAccountStatuses"]
    assert [one["AccountId"] for one in states] == [account]
    tags = organization.list_tags_for_resource
    assert tags(ResourceId=unit)["Tags"] == [{"Key": "k", "Value": "v"}]
    organization.tag_resource(ResourceId=account, Tags=[{"Key": "team", "Value": "x"}, {"Key": "cost", "Value": "1"}])
    organization.untag_resource(ResourceId=account, TagKeys=["team"])
    assert tags(ResourceId=account)["Tags"] == [{"Key": "cost", "Value": "1"}]


def test_policies_are_changed_and_found_by_their_targets(management: Aws, organization):
    account = member(organization)
    inside = into(management, account)
    root = enable(organization, "SERVICE_CONTROL_POLICY")
    scp = policy(organization, "SERVICE_CONTROL_POLICY", "scp", deny("iam:ListUsers"))
    organization.attach_policy(PolicyId=scp, TargetId=account)
    targets = organization.list_targets_for_policy(PolicyId=scp)["Targets"]
    assert [(one["TargetId"], one["Type"]) for one in targets] == [(account, "ACCOUNT")]
    with refused("AccessDenied"):
        inside.iam.list_users()
    organization.update_policy(PolicyId=scp, Name="scp-2", Content=document(deny("iam:ListRoles")))
    inside.iam.list_users()
    with refused("AccessDenied"):
        inside.iam.list_roles()
    organization.disable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    inside.iam.list_roles()
    with refused("PolicyTypeNotEnabledException"):
        organization.disable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    enable(organization, "TAG_POLICY")
    content = json.dumps({"tags": {"team": {"tag_key": {"@@assign": "Team"}, "tag_value": {"@@assign": ["x"]}}}})
    tag = organization.create_policy(Content=content, Description="", Name="tags", Type="TAG_POLICY")
    organization.attach_policy(PolicyId=tag["Policy"]["PolicySummary"]["Id"], TargetId=root)
    effective = organization.describe_effective_policy(PolicyType="TAG_POLICY", TargetId=account)["EffectivePolicy"]
    assert json.loads(effective["PolicyContent"])["tags"]["team"]["tag_value"] == ["x"]


def backup(**rules: dict) -> dict:
    """A backup policy with a plan of these rules."""
    selection = {"iam_role_arn": {"@@assign": "arn:aws:iam::$account:role/backup"},
                 "tag_key": {"@@assign": "backup"}, "tag_value": {"@@assign": ["yes"]}}
    return {"plans": {"daily": {"regions": {"@@assign": ["us-east-1"]}, "rules": rules,
                                "selections": {"tags": {"chosen": selection}}}}}


def backup_policy(organization, name: str, content: dict) -> str:
    made = organization.create_policy(Content=json.dumps(content), Description="", Name=name, Type="BACKUP_POLICY")
    return made["Policy"]["PolicySummary"]["Id"]


def test_what_policies_come_to_is_looked_over(management: Aws, organization):
    account, other = member(organization), member(organization, "test")
    errors, invalid = (organization.list_effective_policy_validation_errors,
                       organization.list_accounts_with_invalid_effective_policy)
    with refused("EffectivePolicyNotFoundException"):
        invalid(PolicyType="BACKUP_POLICY")
    root = enable(organization, "BACKUP_POLICY")
    with refused("EffectivePolicyNotFoundException"):
        errors(AccountId=account, PolicyType="BACKUP_POLICY")
    rule = {"target_backup_vault_name": {"@@assign": "vault"}}
    whole = backup_policy(organization, "whole", backup(**{f"r{n}": rule for n in range(10)}))
    more = backup_policy(organization, "more", backup(r10=rule))
    organization.attach_policy(PolicyId=whole, TargetId=root)
    answer = errors(AccountId=account, PolicyType="BACKUP_POLICY")
    assert answer["EffectivePolicyValidationErrors"] == []
    assert answer["Path"].endswith(f"/{root}/{account}/") and answer["EvaluationTimestamp"]
    assert invalid(PolicyType="BACKUP_POLICY")["Accounts"] == []
    organization.attach_policy(PolicyId=more, TargetId=account)
    [found] = invalid(PolicyType="BACKUP_POLICY")["Accounts"]
    assert found["Id"] == account
    [error] = errors(AccountId=account, PolicyType="BACKUP_POLICY")["EffectivePolicyValidationErrors"]
    assert error["ErrorCode"] == "ELEMENTS_TOO_MANY" and error["PathToError"] == "plans/daily/rules"
    assert set(error["ContributingPolicies"]) == {whole, more}
    assert errors(AccountId=other, PolicyType="BACKUP_POLICY")["EffectivePolicyValidationErrors"] == []


def test_the_faults_of_policies_come_in_pages(management: Aws, organization):
    account = member(organization)
    enable(organization, "BACKUP_POLICY")
    begun = backup_policy(organization, "begun", {"plans": {"daily": {"rules": {"r": {}}}}})
    organization.attach_policy(PolicyId=begun, TargetId=account)
    asked = {"AccountId": account, "PolicyType": "BACKUP_POLICY"}
    pages = organization.get_paginator("list_effective_policy_validation_errors").paginate(
        **asked, PaginationConfig={"PageSize": 1})
    told = [error["ErrorMessage"] for page in pages for error in page["EffectivePolicyValidationErrors"]]
    assert told == [f"'{key}' is missing" for key in ("regions", "selections", "target_backup_vault_name")]
    with refused("AccountNotFoundException"):
        organization.list_effective_policy_validation_errors(AccountId="999999999999", PolicyType="BACKUP_POLICY")
    inside = into(management, account).client("organizations")
    with refused("AccessDeniedException"):
        inside.list_effective_policy_validation_errors(**asked)
    with refused("AccessDeniedException"):
        inside.list_accounts_with_invalid_effective_policy(PolicyType="BACKUP_POLICY")


def test_services_and_administrators_are_let_in_and_out(management: Aws, organization):
    account, service = member(organization), "access-analyzer.amazonaws.com"
    organization.enable_aws_service_access(ServicePrincipal=service)
    listed = organization.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert [one["ServicePrincipal"] for one in listed] == [service]
    organization.register_delegated_administrator(AccountId=account, ServicePrincipal=service)
    assert [one["Id"] for one in organization.list_delegated_administrators()["DelegatedAdministrators"]] == [account]
    services = organization.list_delegated_services_for_account(AccountId=account)["DelegatedServices"]
    assert [one["ServicePrincipal"] for one in services] == [service]
    inside = into(management, account).client("organizations")
    assert inside.list_accounts()["Accounts"]
    organization.deregister_delegated_administrator(AccountId=account, ServicePrincipal=service)
    with refused("AccessDeniedException"):
        inside.list_accounts()
    organization.disable_aws_service_access(ServicePrincipal=service)
    assert organization.list_aws_service_access_for_organization()["EnabledServicePrincipals"] == []
    with refused("ResourcePolicyNotFoundException"):
        organization.describe_resource_policy()
    statement = {**allow("organizations:Describe*"), "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
    organization.put_resource_policy(Content=document(statement))
    shown = organization.describe_resource_policy()["ResourcePolicy"]
    assert json.loads(shown["Content"])["Statement"][0]["Action"] == "organizations:Describe*"


def test_invitations_are_taken_back_and_turned_down(management: Aws, organization):
    account = member(organization)
    inside = into(management, account)
    organization.remove_account_from_organization(AccountId=account)
    assert [one["Id"] for one in organization.list_accounts()["Accounts"]] == [ACCOUNT]
    mine = inside.client("organizations")

    def invited() -> str:
        return organization.invite_account_to_organization(Target={"Id": account, "Type": "ACCOUNT"})["Handshake"]["Id"]

    first = invited()
    with refused("DuplicateHandshakeException"):
        invited()
    assert organization.describe_handshake(HandshakeId=first)["Handshake"]["State"] in ("OPEN", "REQUESTED")
    organization.cancel_handshake(HandshakeId=first)
    with refused("HandshakeAlreadyInStateException"):
        organization.cancel_handshake(HandshakeId=first)
    mine.decline_handshake(HandshakeId=invited())
    states = {one["Id"]: one["State"] for one in organization.list_handshakes_for_organization()["Handshakes"]}
    assert states[first] == "CANCELED" and "DECLINED" in states.values()
    with refused("InvalidHandshakeTransitionException"):
        mine.accept_handshake(HandshakeId=first)
    organization.delete_organization()
    with refused("AWSOrganizationsNotInUseException"):
        organization.describe_organization()


def test_all_features_are_agreed_to(management: Aws):
    client = management.client("organizations")
    client.create_organization(FeatureSet="CONSOLIDATED_BILLING")
    with refused("PolicyTypeNotAvailableForOrganizationException"):
        enable(client, "SERVICE_CONTROL_POLICY")
    handshake = client.enable_all_features()["Handshake"]
    assert handshake["Action"] == "ENABLE_ALL_FEATURES"
    if handshake["State"] != "ACCEPTED":
        client.accept_handshake(HandshakeId=handshake["Id"])
    assert client.describe_organization()["Organization"]["FeatureSet"] == "ALL"
