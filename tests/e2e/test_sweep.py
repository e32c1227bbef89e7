"""Every operation that is built refuses whoever has no leave, in its service's words, and nothing comes of it."""

from __future__ import annotations

from collections.abc import Iterator

import botocore.session
import pytest
from botocore.model import OperationModel, Shape
from harness.clients import Aws, refused
from harness.process import ACCOUNT, Server

from coverage_table import SERVICES, built

MODELS = {service: botocore.session.get_session().get_service_model(service) for service in SERVICES.values()}

# Asked by anyone, or with a proof that is not a signature: refused elsewhere, for other reasons.
OPEN = {"GetCallerIdentity", "GetSessionToken", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}
ARN = f"arn:aws:iam::{ACCOUNT}"
# What passes a member's constraints, where its shape alone does not say.
VALUES = {
    "PolicyArn": f"{ARN}:policy/nothing", "PermissionsBoundary": f"{ARN}:policy/nothing",
    "PolicySourceArn": f"{ARN}:user/nobody", "RoleArn": f"{ARN}:role/nobody",
    "SerialNumber": f"{ARN}:mfa/nothing", "OpenIDConnectProviderArn": f"{ARN}:oidc-provider/example.com",
    "SAMLProviderArn": f"{ARN}:saml-provider/nothing", "Arn": f"{ARN}:user/nobody",
    "PolicyDocument": '{"Version": "2012-10-17", "Statement": []}', "Url": "https://example.com",
    "AssumeRolePolicyDocument": '{"Version": "2012-10-17", "Statement": []}', "Policy": "{}",
    "SAMLMetadataDocument": "<nothing/>" + " " * 1000, "Password": "Correct-Horse-9", "VersionId": "v1",
    "OldPassword": "Correct-Horse-8", "NewPassword": "Correct-Horse-9", "AuthenticationCode1": "123456",
    "AuthenticationCode2": "234567", "AWSServiceName": "ec2.amazonaws.com", "ServiceName": "iam.amazonaws.com",
    "SSHPublicKeyId": "APKAEXAMPLEEXAMPLE00", "AccessKeyId": "AKIAEXAMPLEEXAMPLE00", "AccountAlias": "an-alias",
    "ServiceSpecificCredentialId": "ACCAEXAMPLEEXAMPLE00", "CertificateId": "A" * 24, "Thumbprint": "a" * 40,
    "JobId": "j" * 36, "EntityPath": "o-abcdefghij/r-abcd", "TargetPrincipal": ACCOUNT, "SigningAlgorithm": "RS256",
    "TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}, "EncodedMessage": "A" * 20, "RoleSessionName": "session", "DeletionTaskId": "task/x", "ClientID": "client",
    "AccountId": ACCOUNT, "PolicyId": "p-FullAWSAccess", "TargetId": "r-ab12", "RootId": "r-ab12",
    "ParentId": "r-ab12", "ChildId": ACCOUNT, "OrganizationalUnitId": "ou-ab12-abcdefgh", "ResourceId": ACCOUNT,
    "SourceParentId": "r-ab12", "DestinationParentId": "ou-ab12-abcdefgh", "HandshakeId": "h-abcdefgh",
    "CreateAccountRequestId": "car-abcdefgh", "ServicePrincipal": "access-analyzer.amazonaws.com",
    "Email": "nobody@example.com", "Content": '{"Version": "2012-10-17", "Statement": []}',
    "PolicyInputList": ['{"Version": "2012-10-17", "Statement": []}'], "ActionNames": ["s3:ListAllMyBuckets"],
    "Permissions": {"PolicyTemplateArn": f"{ARN}:delegation-template/nothing"},
    "Properties": {"RoleManager/Enabled": "true"},
}


def filled(shape: Shape, name: str = ""):
    """The least that passes a shape's constraints."""
    if name in VALUES:
        return VALUES[name]
    if getattr(shape, "enum", None):
        return shape.enum[0]
    match shape.type_name:
        case "structure":
            return {member: filled(shape.members[member], member) for member in shape.required_members}
        case "list":
            return [filled(shape.member, name)]
        case "boolean":
            return True
        case "integer" | "long":
            return int(shape.metadata.get("min", 1))
        case _:
            return "x" * max(1, int(shape.metadata.get("min", 1)))


def operations() -> list[tuple[str, str]]:
    return [(SERVICES[title], name) for title, names in built().items() for name in names if name not in OPEN]


@pytest.fixture(scope="module")
def nobody(server: Server, root: Aws) -> Iterator[Aws]:
    root.client("organizations").create_organization()
    yield root.user("nobody-at-all")


def method(who: Aws, service: str, operation: OperationModel):
    client = who.client(service)
    named = {api: python for python, api in client.meta.method_to_api_mapping.items()}
    return getattr(client, named[operation.name])


@pytest.mark.parametrize(("service", "name"), operations())
def test_without_leave_nothing_is_done(nobody: Aws, service: str, name: str) -> None:
    operation = MODELS[service].operation_model(name)
    given = filled(operation.input_shape) if operation.input_shape else {}
    code = "AccessDeniedException" if service == "organizations" else "AccessDenied"
    with refused(code) as caught:
        method(nobody, service, operation)(**given)
    message = caught.value.response["Error"]["Message"]
    assert "is not authorized to perform: " in message, message
    assert f" {service}:" in message, message
    assert "because no " in message, message


def test_nothing_was_done(nobody: Aws, root: Aws) -> None:
    """Behind the sweep: what was there before, and nothing else."""
    assert [user["UserName"] for user in root.iam.list_users()["Users"]] == ["nobody-at-all"]
    assert [role["RoleName"] for role in root.iam.list_roles()["Roles"]] == [
        "AWSServiceRoleForOrganizations"] or root.iam.list_roles()["Roles"] == []
    assert root.iam.list_groups()["Groups"] == [] and root.iam.list_policies(Scope="Local")["Policies"] == []
    assert len(root.client("organizations").list_accounts()["Accounts"]) == 1
