"""The root users of an organization's members, managed from its management account."""

from __future__ import annotations

import re

import pytest
from harness.clients import Aws, allow, deny, document, refused
from harness.process import Credentials
from test_organizations import into, management, member, organization  # noqa: F401

IAM = "iam.amazonaws.com"
TASKS = "arn:aws:iam::aws:policy/root-task/"


def open_up(management: Aws, organization) -> Aws:  # noqa: F811
    """Turns everything on; returns someone who may take on root sessions."""
    organization.enable_aws_service_access(ServicePrincipal=IAM)
    management.iam.enable_organizations_root_credentials_management()
    management.iam.enable_organizations_root_sessions()
    return management.user("security", allow("sts:AssumeRoot"))


def assume(who: Aws, account: str, task: str, **more) -> Aws:
    answer = who.sts.assume_root(TargetPrincipal=account, TaskPolicyArn={"arn": TASKS + task}, **more)
    return who.as_(Credentials.of(answer["Credentials"]))


def test_the_features_are_turned_on_and_off(management: Aws, organization) -> None:  # noqa: F811
    iam = management.iam
    with refused("ServiceAccessNotEnabledException", status=400):
        iam.enable_organizations_root_sessions()
    organization.enable_aws_service_access(ServicePrincipal=IAM)
    assert iam.list_organizations_features()["EnabledFeatures"] == []
    on = iam.enable_organizations_root_sessions()
    assert on["EnabledFeatures"] == ["RootSessions"] and on["OrganizationId"].startswith("o-")
    iam.enable_organizations_root_sessions()
    both = iam.enable_organizations_root_credentials_management()["EnabledFeatures"]
    assert both == ["RootCredentialsManagement", "RootSessions"]
    assert iam.disable_organizations_root_sessions()["EnabledFeatures"] == ["RootCredentialsManagement"]
    assert iam.disable_organizations_root_credentials_management()["EnabledFeatures"] == []
    account = member(organization)
    delegate = into(management, account)
    with refused("AccountNotManagementOrDelegatedAdministratorException"):
        delegate.iam.list_organizations_features()
    organization.register_delegated_administrator(AccountId=account, ServicePrincipal=IAM)
    assert delegate.iam.list_organizations_features()["EnabledFeatures"] == []
    with refused("CallerIsNotManagementAccountException"):
        delegate.iam.enable_organizations_root_sessions()


def test_outside_of_an_organization_there_is_nothing_to_manage(management: Aws) -> None:  # noqa: F811
    with refused("OrganizationNotFoundException"):
        management.iam.list_organizations_features()


def test_a_root_session_does_its_task_and_no_more(management: Aws, organization) -> None:  # noqa: F811
    account = member(organization)
    security = open_up(management, organization)
    audit = assume(security, account, "IAMAuditRootUserCredentials")
    who = audit.sts.get_caller_identity()
    assert (who["Arn"], who["UserId"]) == (f"arn:aws:iam::{account}:root", account)
    assert audit.iam.list_access_keys()["AccessKeyMetadata"] == [] and audit.iam.list_mfa_devices()["MFADevices"] == []
    assert audit.iam.list_signing_certificates()["Certificates"] == []
    assert audit.iam.get_account_summary()["SummaryMap"]["AccountPasswordPresent"] == 0
    with refused("AccessDenied", re.compile("with an explicit deny in a session policy")):
        audit.iam.create_access_key()
    with refused("AccessDenied"):
        audit.iam.list_access_keys(UserName="anyone")
    with refused("NoSuchEntity"):
        audit.iam.get_login_profile()


def test_a_root_users_credentials_are_removed_and_its_password_allowed(management: Aws, organization) -> None:  # noqa: F811
    account = member(organization)
    security = open_up(management, organization)
    create = assume(security, f"arn:aws:iam::{account}:root", "IAMCreateRootUserPassword", DurationSeconds=60)
    assert create.iam.create_login_profile()["LoginProfile"]["PasswordResetRequired"] is True
    with refused("EntityAlreadyExists"):
        create.iam.create_login_profile()
    assert create.iam.get_login_profile()["LoginProfile"]["CreateDate"]
    delete = assume(security, account, "IAMDeleteRootUserCredentials")
    delete.iam.delete_login_profile()
    with refused("NoSuchEntity"):
        delete.iam.get_login_profile()
    with refused("AccessDenied"):
        delete.iam.create_login_profile()


def test_a_bucket_whose_policy_locks_everyone_out_is_unlocked(management: Aws, organization) -> None:  # noqa: F811
    account = member(organization)
    security = open_up(management, organization)
    owner = into(management, account)
    owner.s3.create_bucket(Bucket="locked")
    everyone = deny("s3:*", ["arn:aws:s3:::locked", "arn:aws:s3:::locked/*"]) | {"Principal": "*"}
    owner.s3.put_bucket_policy(Bucket="locked", Policy=document(everyone))
    with refused("AccessDenied"):
        owner.s3.delete_bucket_policy(Bucket="locked")
    unlock = assume(security, account, "S3UnlockBucketPolicy")
    assert "Deny" in unlock.s3.get_bucket_policy(Bucket="locked")["Policy"]
    with refused("AccessDenied"):
        unlock.s3.list_objects_v2(Bucket="locked")
    unlock.s3.delete_bucket_policy(Bucket="locked")
    owner.s3.list_objects_v2(Bucket="locked")


def test_nobody_gets_in_whom_the_organization_does_not_let_in(management: Aws, organization) -> None:  # noqa: F811
    account, other = member(organization), member(organization, "other")
    security = management.user("security", allow("sts:AssumeRoot"))
    denied = refused("AccessDenied", re.compile("not authorized to perform: sts:AssumeRoot on resource: "
                                                f"arn:aws:iam::{account}:root because no resource-based policy"))
    audit = "IAMAuditRootUserCredentials"
    with denied:
        assume(security, account, audit)
    organization.enable_aws_service_access(ServicePrincipal=IAM)
    management.iam.enable_organizations_root_sessions()
    with refused("AccessDenied"):
        assume(security, account, audit)
    management.iam.enable_organizations_root_credentials_management()
    assume(security, account, audit)
    # Not the management account itself, not accounts of others, not by others, not by a root user.
    for target in (management.sts.get_caller_identity()["Account"], "999999999999"):
        with refused("AccessDenied"):
            assume(security, target, audit)
    with refused("AccessDenied"):
        assume(into(management, other), account, audit)
    with refused("AccessDenied", "Root sessions may not be assumed by root accounts."):
        assume(management, account, audit)
    limited = management.user("limited", allow("sts:AssumeRoot", Condition={
        "StringEquals": {"sts:TaskPolicyArn": TASKS + audit}}))
    assume(limited, account, audit)
    with refused("AccessDenied", re.compile("no identity-based policy")):
        assume(limited, account, "S3UnlockBucketPolicy")
    for arn in ("arn:aws:iam::aws:policy/AdministratorAccess", TASKS + "Nothing"):
        with refused("ValidationError"):
            security.sts.assume_root(TargetPrincipal=account, TaskPolicyArn={"arn": arn})
    with refused("ValidationError"):
        assume(security, f"arn:aws:iam::{account}:role/x", audit)


@pytest.mark.parametrize("exempt", [False, True])
def test_service_control_policies_reach_root_sessions(management: Aws, organization, exempt: bool) -> None:  # noqa: F811
    account = member(organization)
    security = open_up(management, organization)
    root = organization.list_roots()["Roots"][0]["Id"]
    organization.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    condition = {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}
    if exempt:
        condition["Null"] = {"aws:AssumedRoot": "true"}
    made = organization.create_policy(Name="no-root", Description="", Type="SERVICE_CONTROL_POLICY",
                                      Content=document(deny("*", Condition=condition)))
    organization.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=account)
    session = assume(security, account, "IAMAuditRootUserCredentials")
    if exempt:
        session.iam.list_access_keys()
    else:
        with refused("AccessDenied", re.compile("service control policy")):
            session.iam.list_access_keys()
