"""The calls of Terraform's AWS provider for the resources of IAM beyond the lab's own.

Each test goes through what the provider sends on create, read, update and destroy, in its order, and looks at
what it reads. Two reads in a row that differ would be a plan that is never empty.
"""

from __future__ import annotations

import json
import re

import pytest
from harness import lab, saml_idp
from harness.process import ACCOUNT
from harness.provider import Provider, documents_survive, replays, tags

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
MARKS = {"Tags__member__1__Key": "Name", "Tags__member__1__Value": "it",
         "Tags__member__2__Key": "empty", "Tags__member__2__Value": ""}
MARKED = {"Name": "it", "empty": ""}


def role(provider: Provider, name: str) -> None:
    provider.ok("CreateRole", RoleName=name, Path="/", AssumeRolePolicyDocument=lab.TRUST_SERVICE_ONLY,
                MaxSessionDuration="3600")


# How each kind of entity with tags is made and read, and by what the provider tags it afterwards.
TAGGED = {
    "aws_iam_policy": ("Policy", "PolicyArn", {"PolicyName": "t", "Path": "/", "PolicyDocument": lab.MANAGED}, "Arn"),
    "aws_iam_role": ("Role", "RoleName", {
        "RoleName": "t", "Path": "/", "AssumeRolePolicyDocument": lab.TRUST_SERVICE_ONLY}, "RoleName"),
    "aws_iam_user": ("User", "UserName", {"UserName": "t", "Path": "/"}, "UserName"),
    "aws_iam_instance_profile": ("InstanceProfile", "InstanceProfileName", {
        "InstanceProfileName": "t", "Path": "/"}, "InstanceProfileName"),
    "aws_iam_openid_connect_provider": ("OpenIDConnectProvider", "OpenIDConnectProviderArn", {
        "Url": "https://token.example.com", "ClientIDList__member__1": "a"}, "OpenIDConnectProviderArn"),
}


@pytest.mark.parametrize("resource", TAGGED)
def test_tags_given_at_creation_come_back_and_change(provider: Provider, resource: str) -> None:
    kind, parameter, made, identifier = TAGGED[resource]
    name = {parameter: provider.ok(f"Create{kind}", **made, **MARKS).find(identifier)}
    assert tags(provider.ok(f"Get{kind}", **name)) == MARKED
    provider.ok(f"Untag{kind}", **name, TagKeys__member__1="Name", TagKeys__member__2="never there")
    provider.ok(f"Tag{kind}", **name, Tags__member__1__Key="empty", Tags__member__1__Value="no more",
                Tags__member__2__Key="kind", Tags__member__2__Value="a+b 20 é @/:=")
    wanted = {"empty": "no more", "kind": "a+b 20 é @/:="}
    assert tags(provider.ok(f"Get{kind}", **name)) == wanted
    listed = provider.ok(f"List{kind}Tags", "IsTruncated", **name)
    assert tags(listed) == wanted
    provider.ok(f"Delete{kind}", **name)
    provider.no(f"Get{kind}", "NoSuchEntity", **name)
    provider.no(f"Delete{kind}", "NoSuchEntity", **name)


@replays("aws_iam_role_policy", "aws_iam_role_policies_exclusive", "aws_iam_role_policy_attachments_exclusive")
def test_role_with_its_policies(provider: Provider) -> None:
    """`inline_policy`, `managed_policy_arns`, and the resources that allow no others."""
    role(provider, "r")
    text = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "", "Effect": "Allow", "Action": ["s3:Get*", "s3:List*"],
         "Resource": "arn:aws:s3:::a/${aws:username}/*"}]})
    for name in ["b", "a", "stranger"]:
        provider.ok("PutRolePolicy", RoleName="r", PolicyName=name, PolicyDocument=text)
    for arn in [READ_ONLY, "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"]:
        provider.ok("AttachRolePolicy", RoleName="r", PolicyArn=arn)
        provider.ok("AttachRolePolicy", RoleName="r", PolicyArn=arn)
    listed = [one.text for one in provider.ok("ListRolePolicies", "IsTruncated", RoleName="r").tree.iter("member")]
    assert sorted(listed) == ["a", "b", "stranger"]
    for name in listed:
        read = provider.ok("GetRolePolicy", "RoleName", "PolicyName", RoleName="r", PolicyName=name)
        documents_survive(read.find("PolicyDocument"), text)
    provider.ok("DeleteRolePolicy", RoleName="r", PolicyName="stranger")
    attached = provider.ok("ListAttachedRolePolicies", "IsTruncated", RoleName="r")
    assert sorted(attached.find_all("PolicyArn")) == [READ_ONLY, "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"]
    for arn in attached.find_all("PolicyArn"):
        provider.ok("DetachRolePolicy", RoleName="r", PolicyArn=arn)
        provider.no("DetachRolePolicy", "NoSuchEntity", RoleName="r", PolicyArn=arn)
    for name in ["a", "b"]:
        provider.ok("DeleteRolePolicy", RoleName="r", PolicyName=name)
        provider.no("GetRolePolicy", "NoSuchEntity", RoleName="r", PolicyName=name)
    provider.ok("DeleteRole", RoleName="r")


@replays("aws_iam_user_policy_attachment", "aws_iam_user_policies_exclusive",
         "aws_iam_user_policy_attachments_exclusive", "aws_iam_group_policies_exclusive",
         "aws_iam_group_policy_attachments_exclusive")
@pytest.mark.parametrize("kind", ["User", "Group"])
def test_attachments_and_inline_policies(provider: Provider, kind: str) -> None:
    name = {f"{kind}Name": "x"}
    provider.ok(f"Create{kind}", **name, Path="/")
    provider.ok(f"Attach{kind}Policy", **name, PolicyArn=READ_ONLY)
    provider.ok(f"Put{kind}Policy", **name, PolicyName="p", PolicyDocument=lab.MANAGED)
    attached = provider.ok(f"ListAttached{kind}Policies", "IsTruncated", "PolicyName", **name)
    assert attached.find_all("PolicyArn") == [READ_ONLY]
    listed = provider.ok(f"List{kind}Policies", "IsTruncated", **name)
    assert [one.text for one in listed.tree.iter("member")] == ["p"]
    provider.ok(f"Detach{kind}Policy", **name, PolicyArn=READ_ONLY)
    provider.no(f"Detach{kind}Policy", "NoSuchEntity", **name, PolicyArn=READ_ONLY)
    provider.ok(f"Delete{kind}Policy", **name, PolicyName="p")
    provider.no(f"Delete{kind}Policy", "NoSuchEntity", **name, PolicyName="p")
    provider.ok(f"Delete{kind}", **name)
    for action in [f"ListAttached{kind}Policies", f"List{kind}Policies"]:
        provider.no(action, "NoSuchEntity", **name)


@replays("aws_iam_policy_attachment")
def test_policy_attachment(provider: Provider) -> None:
    arn = provider.ok("CreatePolicy", PolicyName="p", Path="/", PolicyDocument=lab.MANAGED).find("Arn")
    for kind in ["User", "Role", "Group"]:
        more = {"AssumeRolePolicyDocument": lab.TRUST_SERVICE_ONLY} if kind == "Role" else {}
        provider.ok(f"Create{kind}", Path="/", **{f"{kind}Name": f"{kind}-1"}, **more)
        provider.ok(f"Attach{kind}Policy", PolicyArn=arn, **{f"{kind}Name": f"{kind}-1"})
    entities = provider.ok("ListEntitiesForPolicy", "IsTruncated", PolicyArn=arn)
    assert [entities.find(f"{kind}Name") for kind in ["User", "Role", "Group"]] == ["User-1", "Role-1", "Group-1"]
    assert provider.ok("GetPolicy", PolicyArn=arn).find("AttachmentCount") == "3"
    for kind in ["User", "Role", "Group"]:
        provider.ok(f"Detach{kind}Policy", PolicyArn=arn, **{f"{kind}Name": f"{kind}-1"})
    assert provider.ok("ListEntitiesForPolicy", PolicyArn=arn).find("UserName") is None


@replays("aws_iam_account_password_policy")
def test_account_password_policy(provider: Provider) -> None:
    provider.no("GetAccountPasswordPolicy", "NoSuchEntity")
    provider.ok("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true", MinimumPasswordLength="8",
                RequireLowercaseCharacters="true", RequireNumbers="true")
    read = provider.ok("GetAccountPasswordPolicy", "AllowUsersToChangePassword", "ExpirePasswords",
                       "MinimumPasswordLength", "RequireLowercaseCharacters", "RequireNumbers", "RequireSymbols",
                       "RequireUppercaseCharacters")
    assert (read.find("MinimumPasswordLength"), read.find("ExpirePasswords")) == ("8", "false")
    assert read.find("MaxPasswordAge") is None
    provider.ok("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true", MinimumPasswordLength="9",
                MaxPasswordAge="90", PasswordReusePrevention="3", HardExpiry="false")
    read = provider.ok("GetAccountPasswordPolicy", "HardExpiry", "PasswordReusePrevention")
    assert (read.find("MaxPasswordAge"), read.find("ExpirePasswords")) == ("90", "true")
    provider.ok("DeleteAccountPasswordPolicy")
    provider.no("DeleteAccountPasswordPolicy", "NoSuchEntity")


@replays("aws_iam_openid_connect_provider", "aws_iam_openid_connect_provider_client_id",
         "data.aws_iam_openid_connect_provider")
def test_openid_connect_provider(provider: Provider) -> None:
    print_ = "cf23df2207d99a74fbe169e3eba035e633b65d94"
    arn = provider.ok("CreateOpenIDConnectProvider", "OpenIDConnectProviderArn", Url="https://token.example.com/a",
                      ClientIDList__member__1="b", ClientIDList__member__2="a",
                      ThumbprintList__member__1=print_).find("OpenIDConnectProviderArn")
    assert arn == f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.example.com/a"
    read = provider.ok("GetOpenIDConnectProvider", "CreateDate", OpenIDConnectProviderArn=arn)
    assert read.find("Url") == "token.example.com/a", "without its scheme"
    # In the order in which they were given: to 3.x it is a list.
    assert [one.text for one in read.tree.iter("member")] == ["b", "a", print_]
    other = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"
    provider.ok("UpdateOpenIDConnectProviderThumbprint", OpenIDConnectProviderArn=arn, ThumbprintList__member__1=other)
    provider.ok("AddClientIDToOpenIDConnectProvider", OpenIDConnectProviderArn=arn, ClientID="c")
    provider.ok("RemoveClientIDFromOpenIDConnectProvider", OpenIDConnectProviderArn=arn, ClientID="b")
    read = provider.ok("GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    assert [one.text for one in read.tree.iter("member")] == ["a", "c", other]
    assert provider.ok("ListOpenIDConnectProviders").find_all("Arn") == [arn]
    provider.ok("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    # Since 5.81 thumbprints may be left out.
    provider.ok("CreateOpenIDConnectProvider", Url="https://token.example.com/b", ClientIDList__member__1="a")


@replays("aws_iam_saml_provider", "data.aws_iam_saml_provider")
def test_saml_provider(provider: Provider) -> None:
    metadata = saml_idp.IdentityProvider().metadata()
    arn = provider.ok("CreateSAMLProvider", Name="idp", SAMLMetadataDocument=metadata, **MARKS).find("SAMLProviderArn")
    assert arn == f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"
    read = provider.ok("GetSAMLProvider", "CreateDate", "ValidUntil", "SAMLProviderUUID", SAMLProviderArn=arn)
    assert read.find("SAMLMetadataDocument") == metadata
    assert tags(read) == MARKED
    provider.ok("UpdateSAMLProvider", SAMLProviderArn=arn, SAMLMetadataDocument=metadata)
    provider.ok("DeleteSAMLProvider", SAMLProviderArn=arn)
    provider.no("GetSAMLProvider", "NoSuchEntity", SAMLProviderArn=arn)
    provider.no("DeleteSAMLProvider", "NoSuchEntity", SAMLProviderArn=arn)


@replays("aws_iam_service_linked_role")
def test_service_linked_role(provider: Provider) -> None:
    arn = provider.ok("CreateServiceLinkedRole", AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="mine",
                      Description="first").find("Arn")
    # The provider takes an ARN of four parts, and the suffix from behind the one underscore.
    found = re.fullmatch(rf"arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/([^/_]+_mine)", arn)
    assert found, arn
    name = found.group(1)
    provider.ok("TagRole", RoleName=name, **MARKS)
    assert tags(provider.ok("GetRole", RoleName=name)) == MARKED
    provider.ok("UpdateRole", RoleName=name, Description="second")
    assert provider.ok("GetRole", RoleName=name).find("Description") == "second"
    provider.no("UpdateRole", "UnmodifiableEntity", RoleName=name, MaxSessionDuration="7200")
    task = provider.ok("DeleteServiceLinkedRole", RoleName=name).find("DeletionTaskId")
    assert provider.ok("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task).find("Status") == "SUCCEEDED"
    provider.no("DeleteServiceLinkedRole", "NoSuchEntity", RoleName=name)


@replays("aws_iam_security_token_service_preferences")
def test_security_token_service_preferences(provider: Provider) -> None:
    def version() -> str:
        entries = provider.ok("GetAccountSummary").tree.iter("entry")
        return {one.findtext("key"): one.findtext("value") for one in entries}["GlobalEndpointTokenVersion"]

    for number in ["1", "2"]:
        provider.ok("SetSecurityTokenServicePreferences", GlobalEndpointTokenVersion=f"v{number}Token")
        assert version() == number


@replays("aws_iam_outbound_web_identity_federation")
def test_outbound_web_identity_federation(provider: Provider) -> None:
    issuer = provider.ok("EnableOutboundWebIdentityFederation").find("IssuerIdentifier")
    assert issuer
    provider.no("EnableOutboundWebIdentityFederation", "FeatureEnabled")
    read = provider.ok("GetOutboundWebIdentityFederationInfo")
    assert (read.find("IssuerIdentifier"), read.find("JwtVendingEnabled")) == (issuer, "true")
    provider.ok("DisableOutboundWebIdentityFederation")
    provider.no("GetOutboundWebIdentityFederationInfo", "FeatureDisabled")


@replays("data.aws_iam_role", "data.aws_iam_roles", "data.aws_iam_user", "data.aws_iam_users", "data.aws_iam_group",
         "data.aws_iam_instance_profile", "data.aws_iam_instance_profiles", "data.aws_iam_policy",
         "data.aws_iam_account_alias", "data.aws_iam_access_keys", "data.aws_iam_session_context")
def test_data_sources(provider: Provider) -> None:
    for number in range(3):
        provider.ok("CreateRole", RoleName=f"r{number}", Path="/team/", MaxSessionDuration="3600",
                    AssumeRolePolicyDocument=lab.TRUST_SERVICE_ONLY)
    provider.ok("CreateUser", UserName="u", Path="/team/")
    provider.ok("CreateAccessKey", UserName="u")
    provider.ok("CreateGroup", GroupName="g", Path="/")
    provider.ok("AddUserToGroup", GroupName="g", UserName="u")
    provider.ok("CreateInstanceProfile", InstanceProfileName="i", Path="/")
    provider.ok("AddRoleToInstanceProfile", InstanceProfileName="i", RoleName="r0")
    provider.ok("CreatePolicy", PolicyName="p", Path="/team/", PolicyDocument=lab.MANAGED)
    names, marker = [], {}
    while True:
        page = provider.ok("ListRoles", "IsTruncated", "Arn", "RoleId", PathPrefix="/team/", MaxItems="2", **marker)
        names += page.find_all("RoleName")
        if page.find("IsTruncated") == "false":
            break
        marker = {"Marker": page.find("Marker")}
    assert names == ["r0", "r1", "r2"]
    assert provider.ok("ListUsers", "IsTruncated", PathPrefix="/team/").find_all("UserName") == ["u"]
    assert provider.ok("ListUsers", PathPrefix="/none/").find_all("UserName") == []
    assert provider.ok("ListPolicies", "IsTruncated", PathPrefix="/team/").find_all("PolicyName") == ["p"]
    provider.ok("GetGroup", "GroupId", "UserId", GroupName="g")
    held = provider.ok("ListInstanceProfilesForRole", "InstanceProfileName", "Path", RoleName="r0")
    assert held.find("Arn") == f"arn:aws:iam::{ACCOUNT}:instance-profile/i"
    provider.ok("ListAccessKeys", "CreateDate", "Status", UserName="u")
    # The issuer of a session is looked up by its role's name.
    provider.ok("GetRole", "RoleId", "RoleLastUsed", RoleName="r0")


@replays("data.aws_iam_principal_policy_simulation")
def test_principal_policy_simulation(provider: Provider) -> None:
    arn = provider.ok("CreateUser", UserName="u", Path="/").find("Arn")
    provider.ok("PutUserPolicy", UserName="u", PolicyName="p", PolicyDocument=lab.MANAGED)
    answer = provider.ok("SimulatePrincipalPolicy", "EvalActionName", "EvalResourceName", "IsTruncated",
                         PolicySourceArn=arn, CallerArn=arn, ActionNames__member__1="s3:GetObject",
                         ActionNames__member__2="iam:GetUser", ResourceArns__member__1="arn:aws:s3:::b/k",
                         ContextEntries__member__1__ContextKeyName="aws:SourceIp",
                         ContextEntries__member__1__ContextKeyType="ip",
                         ContextEntries__member__1__ContextKeyValues__member__1="192.0.2.1")
    assert answer.find_all("EvalDecision")[:1] == ["allowed"]
    assert "implicitDeny" in answer.find_all("EvalDecision")
