"""The calls that Terraform's AWS provider makes for the lab, byte for byte as it makes them, without Terraform.

What the provider relies on: each field it dereferences is in the answer, documents survive its form
decoder, and errors carry the code and the words it matches.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from harness import lab
from harness.process import ACCOUNT, Credentials
from harness.provider import Provider, documents_survive, replays
from harness.wire import post


@replays("data.aws_caller_identity")
def test_configure(provider: Provider) -> None:
    for _ in range(2):
        call_ = provider.ok("GetCallerIdentity", "Arn", "Account", "UserId", service="sts")
        assert call_.find("Account") == ACCOUNT
    answer = provider.ok("DescribeAccountAttributes", "attributeName", service="ec2",
                         AttributeName__1="supported-platforms")
    assert "supported-platforms" in answer.find_all("attributeName")


def test_configure_with_a_role(provider: Provider) -> None:
    provider.ok("CreateUser", "Arn", UserName="terraform", Path="/")
    key = provider.ok("CreateAccessKey", "AccessKeyId", "SecretAccessKey", "Status", UserName="terraform")
    provider.ok("CreateRole", "Arn", RoleName="applier", Path="/", AssumeRolePolicyDocument=lab.TRUST_ACCOUNT)
    provider.ok("PutUserPolicy", UserName="terraform", PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}))
    user = Provider(provider.server, Credentials(key.find("AccessKeyId"), key.find("SecretAccessKey")),
                    "us-east-1")
    session = user.ok("AssumeRole", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", service="sts",
                      RoleArn=f"arn:aws:iam::{ACCOUNT}:role/applier", RoleSessionName="aws-go-sdk-1606",
                      DurationSeconds="900")
    as_role = Provider(provider.server, Credentials(
        session.find("AccessKeyId"), session.find("SecretAccessKey"), session.find("SessionToken")))
    identity = as_role.ok("GetCallerIdentity", "Arn", service="sts")
    assert identity.find("Arn") == f"arn:aws:sts::{ACCOUNT}:assumed-role/applier/aws-go-sdk-1606"


@replays("aws_iam_policy")
def test_policy(provider: Provider) -> None:
    text = json.dumps(json.loads(lab.MANAGED), indent=2) + "\n"
    made = provider.ok("CreatePolicy", "Arn", "PolicyId", "CreateDate", "DefaultVersionId", PolicyName=lab.POLICY,
                       Path=lab.POLICY_PATH, PolicyDocument=text, Description="")
    arn = made.find("Arn")
    assert arn == lab.POLICY_ARN
    read = provider.ok("GetPolicy", "Arn", "PolicyName", "Path", "DefaultVersionId", "AttachmentCount", PolicyArn=arn)
    version = provider.ok("GetPolicyVersion", "Document", "IsDefaultVersion", "VersionId", "CreateDate",
                          PolicyArn=arn, VersionId=read.find("DefaultVersionId"))
    documents_survive(version.find("Document"), text)
    for number in range(2, 9):
        listed = provider.ok("ListPolicyVersions", "IsTruncated", "VersionId", "IsDefaultVersion", "CreateDate",
                             PolicyArn=arn)
        versions = list(zip(listed.find_all("VersionId"), listed.find_all("IsDefaultVersion"),
                            listed.find_all("CreateDate"), strict=True))
        assert len(versions) == min(number - 1, 5)
        if len(versions) >= 5:
            oldest = min((one for one in versions if one[1] == "false"), key=lambda one: int(one[0][1:]))
            provider.ok("DeletePolicyVersion", PolicyArn=arn, VersionId=oldest[0])
        made = provider.ok("CreatePolicyVersion", "VersionId", PolicyArn=arn, SetAsDefault="true",
                           PolicyDocument=text)
        assert made.find("VersionId") == f"v{number}"
    listed = provider.ok("ListPolicyVersions", PolicyArn=arn)
    for version, default in zip(listed.find_all("VersionId"), listed.find_all("IsDefaultVersion"), strict=True):
        if default == "false":
            provider.ok("DeletePolicyVersion", PolicyArn=arn, VersionId=version)
    provider.ok("DeletePolicy", PolicyArn=arn)
    provider.no("GetPolicy", "NoSuchEntity", PolicyArn=arn)


@replays("aws_iam_role")
def test_role(provider: Provider) -> None:
    provider.no("CreateRole", "MalformedPolicyDocument", "Invalid principal in policy", RoleName=lab.ROLE,
                Path="/", AssumeRolePolicyDocument=lab.TRUST, MaxSessionDuration="3600")
    provider.ok("CreateUser", "Arn", UserName=lab.USER, Path=lab.USER_PATH)
    provider.ok("CreateRole", "Arn", "RoleName", "RoleId", "CreateDate", RoleName=lab.ROLE, Path="/",
                AssumeRolePolicyDocument=lab.TRUST, MaxSessionDuration="3600",
                Tags__member__1__Key="Name", Tags__member__1__Value="robot")
    read = provider.ok("GetRole", "Arn", "RoleName", "RoleId", "Path", "CreateDate", "MaxSessionDuration",
                       "AssumeRolePolicyDocument", RoleName=lab.ROLE)
    documents_survive(read.find("AssumeRolePolicyDocument"), lab.TRUST)
    assert (read.find("Key"), read.find("Value")) == ("Name", "robot")
    provider.ok("ListRolePolicies", "IsTruncated", RoleName=lab.ROLE)
    provider.ok("ListAttachedRolePolicies", "IsTruncated", RoleName=lab.ROLE)
    provider.ok("UpdateAssumeRolePolicy", RoleName=lab.ROLE, PolicyDocument=lab.TRUST_ACCOUNT)
    provider.ok("UpdateRoleDescription", "Arn", RoleName=lab.ROLE, Description="described")
    provider.ok("UpdateRole", RoleName=lab.ROLE, MaxSessionDuration="7200")
    read = provider.ok("GetRole", RoleName=lab.ROLE)
    assert (read.find("Description"), read.find("MaxSessionDuration")) == ("described", "7200")
    provider.ok("UpdateRoleDescription", RoleName=lab.ROLE, Description="")
    provider.ok("PutRolePermissionsBoundary", RoleName=lab.ROLE,
                PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert provider.ok("GetRole", RoleName=lab.ROLE).find("PermissionsBoundaryArn") == (
        "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    provider.ok("DeleteRolePermissionsBoundary", RoleName=lab.ROLE)
    provider.ok("UntagRole", RoleName=lab.ROLE, TagKeys__member__1="Name")
    provider.ok("TagRole", RoleName=lab.ROLE, Tags__member__1__Key="Other", Tags__member__1__Value="")
    provider.ok("ListInstanceProfilesForRole", "IsTruncated", RoleName=lab.ROLE)
    provider.ok("DeleteRole", RoleName=lab.ROLE)
    provider.no("GetRole", "NoSuchEntity", "The role with name robot cannot be found.", RoleName=lab.ROLE)


def test_role_that_is_torn_from_everything(provider: Provider) -> None:
    """`force_detach_policies`, and a profile that still holds the role."""
    provider.ok("CreateRole", RoleName="torn", Path="/", AssumeRolePolicyDocument=lab.TRUST_SERVICE_ONLY)
    provider.ok("AttachRolePolicy", RoleName="torn", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    provider.ok("PutRolePolicy", RoleName="torn", PolicyName="p", PolicyDocument=lab.MANAGED)
    provider.ok("CreateInstanceProfile", "InstanceProfileName", "Arn", "CreateDate", "InstanceProfileId",
                InstanceProfileName="holder", Path="/")
    provider.ok("AddRoleToInstanceProfile", InstanceProfileName="holder", RoleName="torn")
    provider.no("DeleteRole", "DeleteConflict", RoleName="torn")
    held = provider.ok("ListInstanceProfilesForRole", "InstanceProfileName", "RoleName", "AssumeRolePolicyDocument",
                       RoleName="torn")
    provider.ok("RemoveRoleFromInstanceProfile", InstanceProfileName=held.find("InstanceProfileName"),
                RoleName="torn")
    for arn in provider.ok("ListAttachedRolePolicies", RoleName="torn").find_all("PolicyArn"):
        provider.ok("DetachRolePolicy", RoleName="torn", PolicyArn=arn)
    names = [one.text for one in provider.ok("ListRolePolicies", RoleName="torn").tree.iter("member")]
    assert names == ["p"]
    provider.ok("DeleteRolePolicy", RoleName="torn", PolicyName="p")
    provider.ok("DeleteRole", RoleName="torn")


@replays("aws_iam_role_policy_attachment")
def test_role_policy_attachment(provider: Provider) -> None:
    provider.ok("CreateRole", RoleName="r", Path="/", AssumeRolePolicyDocument=lab.TRUST_SERVICE_ONLY)
    arn = provider.ok("CreatePolicy", PolicyName="p", Path="/", PolicyDocument=lab.MANAGED).find("Arn")
    provider.ok("AttachRolePolicy", RoleName="r", PolicyArn=arn)
    listed = provider.ok("ListAttachedRolePolicies", "IsTruncated", "PolicyArn", "PolicyName", RoleName="r")
    assert listed.find_all("PolicyArn") == [arn]
    provider.ok("ListEntitiesForPolicy", "IsTruncated", "RoleName", PolicyArn=arn)
    provider.ok("DetachRolePolicy", RoleName="r", PolicyArn=arn)
    provider.no("DetachRolePolicy", "NoSuchEntity", RoleName="r", PolicyArn=arn)


@replays("aws_iam_user")
def test_user(provider: Provider) -> None:
    made = provider.ok("CreateUser", "Arn", "UserName", "UserId", "CreateDate", "Path", UserName=lab.USER,
                       Path=lab.USER_PATH, Tags__member__1__Key="Name", Tags__member__1__Value="robot")
    read = provider.ok("GetUser", "Arn", "UserName", "UserId", "CreateDate", "Path", UserName=lab.USER)
    assert (read.find("Key"), read.find("Value")) == ("Name", "robot")
    provider.ok("UpdateUser", UserName=lab.USER, NewUserName=lab.USER, NewPath="/moved/")
    moved = provider.ok("GetUser", UserName=lab.USER)
    assert moved.find("Arn") == f"arn:aws:iam::{ACCOUNT}:user/moved/{lab.USER}"
    assert moved.find("UserId") == made.find("UserId")
    assert moved.find("Value") == "robot"
    provider.ok("PutUserPermissionsBoundary", UserName=lab.USER,
                PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")
    provider.ok("DeleteUserPermissionsBoundary", UserName=lab.USER)
    provider.ok("UntagUser", UserName=lab.USER, TagKeys__member__1="Name")
    provider.ok("ListGroupsForUser", "IsTruncated", UserName=lab.USER)
    provider.ok("DeleteUser", UserName=lab.USER)
    provider.no("GetUser", "NoSuchEntity", UserName=lab.USER)


def test_user_destroyed_by_force(provider: Provider) -> None:
    provider.ok("CreateUser", UserName="u", Path="/")
    key = provider.ok("CreateAccessKey", "AccessKeyId", "SecretAccessKey", "Status", "UserName", UserName="u")
    listed = provider.ok("ListAccessKeys", "IsTruncated", "AccessKeyId", "Status", "CreateDate", UserName="u")
    assert listed.find_all("AccessKeyId") == [key.find("AccessKeyId")]
    provider.ok("ListSSHPublicKeys", "IsTruncated", UserName="u")
    provider.ok("ListVirtualMFADevices", "IsTruncated", AssignmentStatus="Assigned")
    provider.ok("ListMFADevices", "IsTruncated", UserName="u")
    provider.no("DeleteLoginProfile", "NoSuchEntity", UserName="u")
    provider.ok("ListSigningCertificates", "IsTruncated", UserName="u")
    provider.ok("ListServiceSpecificCredentials", UserName="u")
    provider.ok("DeleteAccessKey", UserName="u", AccessKeyId=key.find("AccessKeyId"))
    provider.ok("DeleteUser", UserName="u")


@replays("aws_iam_user_policy")
def test_user_policy(provider: Provider) -> None:
    provider.ok("CreateUser", UserName="u", Path="/")
    text = lab.MAY_ASSUME.replace("robot", "100%25 robot+é")
    provider.ok("PutUserPolicy", UserName="u", PolicyName=lab.USER_POLICY, PolicyDocument=text)
    read = provider.ok("GetUserPolicy", "UserName", "PolicyName", "PolicyDocument", UserName="u",
                       PolicyName=lab.USER_POLICY)
    documents_survive(read.find("PolicyDocument"), text)
    provider.ok("DeleteUserPolicy", UserName="u", PolicyName=lab.USER_POLICY)
    provider.no("GetUserPolicy", "NoSuchEntity", UserName="u", PolicyName=lab.USER_POLICY)


@replays("aws_iam_instance_profile")
def test_instance_profile(provider: Provider) -> None:
    for name in ["old", "new"]:
        provider.ok("CreateRole", RoleName=name, Path="/", AssumeRolePolicyDocument=lab.TRUST_SERVICE_ONLY)
    provider.ok("CreateInstanceProfile", InstanceProfileName=lab.PROFILE, Path="/")
    empty = provider.ok("GetInstanceProfile", "InstanceProfileName", "Roles", InstanceProfileName=lab.PROFILE)
    assert empty.find("RoleName") is None
    provider.ok("AddRoleToInstanceProfile", InstanceProfileName=lab.PROFILE, RoleName="old")
    provider.ok("RemoveRoleFromInstanceProfile", InstanceProfileName=lab.PROFILE, RoleName="old")
    provider.ok("AddRoleToInstanceProfile", InstanceProfileName=lab.PROFILE, RoleName="new")
    full = provider.ok("GetInstanceProfile", "RoleName", "AssumeRolePolicyDocument", "CreateDate",
                       InstanceProfileName=lab.PROFILE)
    assert full.find("RoleName") == "new"
    provider.ok("RemoveRoleFromInstanceProfile", InstanceProfileName=lab.PROFILE, RoleName="new")
    provider.ok("DeleteInstanceProfile", InstanceProfileName=lab.PROFILE)
    provider.no("GetInstanceProfile", "NoSuchEntity", InstanceProfileName=lab.PROFILE)


@replays("aws_iam_group", "aws_iam_group_membership", "aws_iam_group_policy", "aws_iam_group_policy_attachment",
         "aws_iam_user_group_membership")
def test_groups(provider: Provider) -> None:
    provider.ok("CreateGroup", "GroupName", "Arn", "GroupId", "CreateDate", GroupName="g", Path="/")
    provider.ok("UpdateGroup", GroupName="g", NewGroupName="g", NewPath="/")
    provider.ok("CreateUser", UserName="u", Path="/")
    provider.ok("AddUserToGroup", GroupName="g", UserName="u")
    provider.ok("GetGroup", "IsTruncated", "GroupName", "UserName", "CreateDate", GroupName="g")
    provider.ok("ListGroupsForUser", "IsTruncated", "GroupName", UserName="u")
    provider.ok("PutGroupPolicy", GroupName="g", PolicyName="p", PolicyDocument=lab.MANAGED)
    provider.ok("GetGroupPolicy", "GroupName", "PolicyName", "PolicyDocument", GroupName="g", PolicyName="p")
    provider.ok("AttachGroupPolicy", GroupName="g", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    provider.ok("ListAttachedGroupPolicies", "IsTruncated", "PolicyArn", GroupName="g")
    provider.ok("DetachGroupPolicy", GroupName="g", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    provider.ok("DeleteGroupPolicy", GroupName="g", PolicyName="p")
    provider.ok("RemoveUserFromGroup", GroupName="g", UserName="u")
    provider.ok("DeleteGroup", GroupName="g")
    provider.no("GetGroup", "NoSuchEntity", GroupName="g")


@replays("aws_iam_access_key")
def test_access_key(provider: Provider) -> None:
    provider.ok("CreateUser", UserName="u", Path="/")
    key = provider.ok("CreateAccessKey", UserName="u").find("AccessKeyId")
    last = provider.ok("GetAccessKeyLastUsed", "UserName", "ServiceName", "Region", AccessKeyId=key)
    assert last.find("UserName") == "u"
    provider.ok("UpdateAccessKey", UserName="u", AccessKeyId=key, Status="Inactive")
    assert provider.ok("ListAccessKeys", UserName="u").find("Status") == "Inactive"
    provider.ok("DeleteAccessKey", UserName="u", AccessKeyId=key)


@replays("aws_iam_account_alias")
def test_account_alias(provider: Provider) -> None:
    provider.ok("ListAccountAliases", "IsTruncated")
    provider.ok("CreateAccountAlias", AccountAlias="lab-alias")
    listed = provider.ok("ListAccountAliases", "IsTruncated")
    assert [one.text for one in listed.tree.iter("member")] == ["lab-alias"]
    provider.ok("DeleteAccountAlias", AccountAlias="lab-alias")


@pytest.mark.parametrize(("action", "service"), [
    ("CreateServiceSpecificCredential", "iam"), ("GenerateCredentialReport", "iam"),
    ("SimulatePrincipalPolicy", "iam"), ("AssumeRoleWithSAML", "sts"), ("DescribeVpcs", "ec2"),
    ("ModifyVpcAttribute", "ec2")])
def test_what_is_not_built_is_not_retried(provider: Provider, action: str, service: str) -> None:
    answer = provider.ask(action, service)
    assert 200 <= answer.status < 500, "SDKs repeat what fails with 5xx for minutes"


def test_services_that_are_not_there_say_so_in_their_own_form(provider: Provider) -> None:
    """Whoever speaks forms reads XML; the rest read JSON."""
    form = post(provider.server, provider.credentials, "sns", b"Action=CreateTopic&Version=2010-03-31&Name=t")
    assert (form.status, form.code) == (400, "NotImplemented") and "sns" in form.message
    text = post(provider.server, provider.credentials, "kms", b"{}", headers={
        "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.CreateKey"})
    assert (text.status, json.loads(text.body)["__type"]) == (400, "NotImplemented")


def test_reads_of_nothing(provider: Provider) -> None:
    reads: dict[str, Callable[[], dict[str, str]]] = {
        "GetRole": lambda: {"RoleName": "x"}, "GetUser": lambda: {"UserName": "x"},
        "GetGroup": lambda: {"GroupName": "x"}, "GetInstanceProfile": lambda: {"InstanceProfileName": "x"},
        "GetPolicy": lambda: {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/x"},
        "GetUserPolicy": lambda: {"UserName": "x", "PolicyName": "x"},
        "GetRolePolicy": lambda: {"RoleName": "x", "PolicyName": "x"},
        "ListAttachedRolePolicies": lambda: {"RoleName": "x"}, "ListAccessKeys": lambda: {"UserName": "x"},
        "GetLoginProfile": lambda: {"UserName": "x"}, "GetSSHPublicKey": lambda: {
            "UserName": "x", "SSHPublicKeyId": "APKA" + "X" * 16, "Encoding": "SSH"},
        "GetServerCertificate": lambda: {"ServerCertificateName": "x"},
        "GetOpenIDConnectProvider": lambda: {
            "OpenIDConnectProviderArn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/x.example.com"},
        "GetSAMLProvider": lambda: {"SAMLProviderArn": f"arn:aws:iam::{ACCOUNT}:saml-provider/x"},
        "GetAccountPasswordPolicy": dict,
    }
    for action, parameters in reads.items():
        answer = provider.ask(action, **parameters())
        assert (answer.status, answer.code) in {(404, "NoSuchEntity"), (400, "NotImplemented")}, (action, answer.body)
        assert answer.status < 500, action
