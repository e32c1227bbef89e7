"""Credentials beside access keys: passwords, MFA, SSH keys, certificates, and identity providers."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.clients import Aws, allow, document, refused
from harness.process import ACCOUNT, Credentials, Server
from harness.totp import codes, make_device, step_now

Names = Callable[[str], str]
GOOD = "Correct-horse-1-battery"


def part(message: str) -> re.Pattern[str]:
    return re.compile(re.escape(message))


def openssl(*arguments: str, cwd: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """A self-signed certificate and its key."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
            "-days", "30", "-subj", "/CN=example.com", cwd=tmp_path)
    return (tmp_path / "cert.pem").read_text(), (tmp_path / "key.pem").read_text()


def test_a_login_profile_is_made_read_changed_and_deleted(root: Aws, unique: Names) -> None:
    name = unique("login")
    root.iam.create_user(UserName=name)
    with refused("NoSuchEntity", f"Login Profile for User {name} cannot be found."):
        root.iam.get_login_profile(UserName=name)
    with refused("NoSuchEntity", f"Login Profile for User {name} cannot be found."):
        root.iam.delete_login_profile(UserName=name)
    made = root.iam.create_login_profile(UserName=name, Password=GOOD, PasswordResetRequired=True)["LoginProfile"]
    assert made["PasswordResetRequired"] is True
    assert root.iam.get_login_profile(UserName=name)["LoginProfile"] == made
    with refused("EntityAlreadyExists"):
        root.iam.create_login_profile(UserName=name, Password=GOOD)
    with refused("DeleteConflict", part("must delete login profile first")):
        root.iam.delete_user(UserName=name)
    root.iam.update_login_profile(UserName=name, PasswordResetRequired=False)
    assert root.iam.get_login_profile(UserName=name)["LoginProfile"]["PasswordResetRequired"] is False
    root.iam.delete_login_profile(UserName=name)
    root.iam.delete_user(UserName=name)


def test_a_password_policy_is_enforced(own_server: Server, unique: Names) -> None:
    root = Aws(own_server, own_server.root)
    with refused("NoSuchEntity"):
        root.iam.get_account_password_policy()
    root.iam.update_account_password_policy(MinimumPasswordLength=12, RequireNumbers=True, MaxPasswordAge=90,
                                            PasswordReusePrevention=2, AllowUsersToChangePassword=True)
    policy = root.iam.get_account_password_policy()["PasswordPolicy"]
    assert policy["MinimumPasswordLength"] == 12
    assert (policy["ExpirePasswords"], policy["MaxPasswordAge"], policy["RequireSymbols"]) == (True, 90, False)
    user = root.user("jane")
    with refused("PasswordPolicyViolation", part("minimum length of 12")):
        root.iam.create_login_profile(UserName="jane", Password="short-1")
    root.iam.create_login_profile(UserName="jane", Password="the first of 1")
    with refused("AccessDenied"):
        user.iam.change_password(OldPassword="a wrong one 1", NewPassword="the second of 2")
    user.iam.change_password(OldPassword="the first of 1", NewPassword="the second of 2")
    with refused("PasswordPolicyViolation"):
        user.iam.change_password(OldPassword="the second of 2", NewPassword="the first of 1")
    # Without the policy's leave, a user needs iam:ChangePassword.
    root.iam.update_account_password_policy(AllowUsersToChangePassword=False)
    with refused("AccessDenied", part("iam:ChangePassword")):
        user.iam.change_password(OldPassword="the second of 2", NewPassword="the third of 3")
    root.iam.delete_account_password_policy()
    with refused("NoSuchEntity"):
        root.iam.delete_account_password_policy()


def test_a_device_is_enabled_by_two_codes_in_a_row(root: Aws, unique: Names) -> None:
    user, name = unique("mfa"), unique("device")
    root.iam.create_user(UserName=user)
    made = root.iam.create_virtual_mfa_device(VirtualMFADeviceName=name, Path="/phones/",
                                              Tags=[{"Key": "k", "Value": "v"}])["VirtualMFADevice"]
    assert made["SerialNumber"] == f"arn:aws:iam::{ACCOUNT}:mfa/phones/{name}"
    assert len(made["Base32StringSeed"]) == 64
    assert made["QRCodePNG"].startswith(b"\x89PNG\r\n")
    with refused("EntityAlreadyExists"):
        root.iam.create_virtual_mfa_device(VirtualMFADeviceName=name)
    serial = made["SerialNumber"]

    def listed(status: str) -> list[str]:
        devices = root.iam.list_virtual_mfa_devices(AssignmentStatus=status)["VirtualMFADevices"]
        return [one["SerialNumber"] for one in devices]

    assert serial in listed("Unassigned") and serial not in listed("Assigned")
    one, two = codes(made["Base32StringSeed"], step_now() - 1)
    with refused("InvalidAuthenticationCode"):
        root.iam.enable_mfa_device(UserName=user, SerialNumber=serial, AuthenticationCode1=two, AuthenticationCode2=one)
    root.iam.enable_mfa_device(UserName=user, SerialNumber=serial, AuthenticationCode1=one, AuthenticationCode2=two)
    assert serial in listed("Assigned")
    assert [d["SerialNumber"] for d in root.iam.list_mfa_devices(UserName=user)["MFADevices"]] == [serial]
    assert root.iam.get_mfa_device(UserName=user, SerialNumber=serial)["UserName"] == user
    with refused("DeleteConflict", part("must deactivate MFA device first")):
        root.iam.delete_user(UserName=user)
    with refused("DeleteConflict", part("Must deactivate first")):
        root.iam.delete_virtual_mfa_device(SerialNumber=serial)
    assert root.iam.list_mfa_device_tags(SerialNumber=serial)["Tags"] == [{"Key": "k", "Value": "v"}]
    summary = root.iam.get_account_summary()["SummaryMap"]
    assert summary["MFADevicesInUse"] >= 1
    root.iam.deactivate_mfa_device(UserName=user, SerialNumber=serial)
    root.iam.delete_user(UserName=user)
    root.iam.delete_virtual_mfa_device(SerialNumber=serial)
    with refused("NoSuchEntity"):
        root.iam.delete_virtual_mfa_device(SerialNumber=serial)


def test_a_session_with_a_second_factor(root: Aws, unique: Names) -> None:
    name, role = unique("two-factor"), unique("guarded")
    user = root.user(name, allow("sts:AssumeRole"),
                     allow("iam:ListUsers", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}, "Action": "sts:AssumeRole",
         "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    serial, seed, last = make_device(root, name, unique("device"))
    with refused("AccessDenied"):
        user.iam.list_users()
    with refused("AccessDenied"):
        user.assume(arn)
    with refused("AccessDenied", part("must provide both")):
        user.sts.get_session_token(SerialNumber=serial)
    with refused("AccessDenied", part("invalid MFA one time pass code")):
        user.sts.get_session_token(SerialNumber=serial, TokenCode=codes(seed, last, 1)[0])
    with refused("AccessDenied", part("Please verify your MFA serial number")):
        user.sts.get_session_token(SerialNumber=serial + "x", TokenCode="123456")
    code = codes(seed, last + 1, 1)[0]
    session = user.sts.get_session_token(SerialNumber=serial, TokenCode=code)["Credentials"]
    strong = root.as_(Credentials.of(session))
    strong.iam.list_users()
    # The code was used: it works for no one again. The session itself satisfies the trust policy.
    with refused("AccessDenied", part("invalid MFA one time pass code")):
        user.assume(arn, SerialNumber=serial, TokenCode=code)
    assert strong.assume(arn).arn().endswith(f"assumed-role/{role}/session")


def test_a_role_behind_a_second_factor_by_one_call(root: Aws, unique: Names) -> None:
    name, role = unique("one-call"), unique("guarded")
    user = root.user(name, allow("sts:AssumeRole"))
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}, "Action": "sts:AssumeRole",
         "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "60"}}}))
    serial, seed, last = make_device(root, name, unique("device"))
    code = codes(seed, last + 1, 1)[0]
    session = user.assume(f"arn:aws:iam::{ACCOUNT}:role/{role}", SerialNumber=serial, TokenCode=code)
    assert session.arn().endswith(f"assumed-role/{role}/session")


def test_guessing_codes_is_held_up(root: Aws, unique: Names) -> None:
    name = unique("guessed")
    user = root.user(name)
    serial, seed, last = make_device(root, name, unique("device"))
    for _ in range(10):
        with refused("AccessDenied", part("invalid MFA one time pass code")):
            user.sts.get_session_token(SerialNumber=serial, TokenCode=codes(seed, last, 1)[0])
    with refused("AccessDenied", part("invalid MFA one time pass code")):
        user.sts.get_session_token(SerialNumber=serial, TokenCode=codes(seed, last + 1, 1)[0])


def test_ssh_keys(root: Aws, unique: Names, tmp_path: Path) -> None:
    name = unique("ssh")
    root.iam.create_user(UserName=name)
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", tmp_path / "id"], check=True)
    body = (tmp_path / "id.pub").read_text().strip()
    made = root.iam.upload_ssh_public_key(UserName=name, SSHPublicKeyBody=body)["SSHPublicKey"]
    shown = subprocess.run(["ssh-keygen", "-l", "-E", "md5", "-f", tmp_path / "id.pub"], check=True,
                           capture_output=True, text=True).stdout
    assert made["Fingerprint"] == shown.split()[1].removeprefix("MD5:")
    assert made["Status"] == "Active" and made["SSHPublicKeyId"].startswith("APKA")
    with refused("DuplicateSSHPublicKey"):
        root.iam.upload_ssh_public_key(UserName=name, SSHPublicKeyBody=body)
    with refused("InvalidPublicKey"):
        root.iam.upload_ssh_public_key(UserName=name, SSHPublicKeyBody="ssh-rsa AAAA")
    key = made["SSHPublicKeyId"]
    pem = root.iam.get_ssh_public_key(UserName=name, SSHPublicKeyId=key, Encoding="PEM")["SSHPublicKey"]
    assert pem["SSHPublicKeyBody"].startswith("-----BEGIN PUBLIC KEY-----")
    root.iam.update_ssh_public_key(UserName=name, SSHPublicKeyId=key, Status="Inactive")
    assert root.iam.list_ssh_public_keys(UserName=name)["SSHPublicKeys"][0]["Status"] == "Inactive"
    with refused("DeleteConflict", part("must delete SSH public keys first")):
        root.iam.delete_user(UserName=name)
    root.iam.delete_ssh_public_key(UserName=name, SSHPublicKeyId=key)
    assert root.iam.list_ssh_public_keys(UserName=name)["SSHPublicKeys"] == []
    with refused("NoSuchEntity"):
        root.iam.delete_ssh_public_key(UserName=name, SSHPublicKeyId=key)


def test_signing_certificates(root: Aws, unique: Names, pair: tuple[str, str]) -> None:
    name, (certificate, _) = unique("signing"), pair
    root.iam.create_user(UserName=name)
    with refused("MalformedCertificate"):
        root.iam.upload_signing_certificate(UserName=name, CertificateBody="nonsense")
    made = root.iam.upload_signing_certificate(UserName=name, CertificateBody=certificate)["Certificate"]
    with refused("DuplicateCertificate"):
        root.iam.upload_signing_certificate(UserName=name, CertificateBody=certificate)
    root.iam.update_signing_certificate(UserName=name, CertificateId=made["CertificateId"], Status="Inactive")
    (listed,) = root.iam.list_signing_certificates(UserName=name)["Certificates"]
    assert (listed["CertificateId"], listed["Status"]) == (made["CertificateId"], "Inactive")
    with refused("DeleteConflict", part("must delete signing certificate first")):
        root.iam.delete_user(UserName=name)
    root.iam.delete_signing_certificate(UserName=name, CertificateId=made["CertificateId"])
    with refused("NoSuchEntity"):
        root.iam.delete_signing_certificate(UserName=name, CertificateId=made["CertificateId"])


def test_service_specific_credentials(root: Aws, unique: Names) -> None:
    name, service = unique("specific"), "codecommit.amazonaws.com"
    root.iam.create_user(UserName=name)
    create = root.iam.create_service_specific_credential
    made = create(UserName=name, ServiceName=service)["ServiceSpecificCredential"]
    assert made["ServiceUserName"] == f"{name}-at-{ACCOUNT}" and made["ServicePassword"]
    create(UserName=name, ServiceName=service)
    with refused("LimitExceeded"):
        create(UserName=name, ServiceName=service)
    with refused("NotSupportedService", status=404):
        create(UserName=name, ServiceName="s3.amazonaws.com")
    key = create(UserName=name, ServiceName="bedrock.amazonaws.com", CredentialAgeDays=7)["ServiceSpecificCredential"]
    assert (key["ExpirationDate"] - key["CreateDate"]).days == 7 and key["ServiceCredentialSecret"]
    listed = root.iam.list_service_specific_credentials(UserName=name, ServiceName=service)
    assert len(listed["ServiceSpecificCredentials"]) == 2
    one = made["ServiceSpecificCredentialId"]
    again = root.iam.reset_service_specific_credential(UserName=name, ServiceSpecificCredentialId=one)
    assert again["ServiceSpecificCredential"]["ServicePassword"] != made["ServicePassword"]
    root.iam.update_service_specific_credential(UserName=name, ServiceSpecificCredentialId=one, Status="Inactive")
    with refused("DeleteConflict", part("service specific credentials")):
        root.iam.delete_user(UserName=name)
    root.iam.delete_service_specific_credential(UserName=name, ServiceSpecificCredentialId=one)
    with refused("NoSuchEntity"):
        root.iam.delete_service_specific_credential(UserName=name, ServiceSpecificCredentialId=one)


def test_server_certificates(root: Aws, unique: Names, pair: tuple[str, str], tmp_path: Path) -> None:
    name, new, (certificate, key) = unique("server"), unique("renamed"), pair
    openssl("genrsa", "-out", "other.pem", "2048", cwd=tmp_path)
    upload = root.iam.upload_server_certificate
    with refused("KeyPairMismatch"):
        upload(ServerCertificateName=name, CertificateBody=certificate, PrivateKey=(tmp_path / "other.pem").read_text())
    made = upload(ServerCertificateName=name, CertificateBody=certificate, PrivateKey=key, Path="/web/",
                  Tags=[{"Key": "k", "Value": "v"}])
    metadata = made["ServerCertificateMetadata"]
    assert metadata["Arn"] == f"arn:aws:iam::{ACCOUNT}:server-certificate/web/{name}"
    with refused("EntityAlreadyExists"):
        upload(ServerCertificateName=name, CertificateBody=certificate, PrivateKey=key)
    root.iam.update_server_certificate(ServerCertificateName=name, NewServerCertificateName=new)
    got = root.iam.get_server_certificate(ServerCertificateName=new)["ServerCertificate"]
    assert got["CertificateBody"].strip() == certificate.strip() and got["Tags"] == [{"Key": "k", "Value": "v"}]
    assert got["ServerCertificateMetadata"]["ServerCertificateId"] == metadata["ServerCertificateId"]
    root.iam.untag_server_certificate(ServerCertificateName=new, TagKeys=["k"])
    assert root.iam.list_server_certificate_tags(ServerCertificateName=new)["Tags"] == []
    listed = root.iam.list_server_certificates(PathPrefix="/web/")["ServerCertificateMetadataList"]
    assert [one["ServerCertificateName"] for one in listed] == [new]
    root.iam.delete_server_certificate(ServerCertificateName=new)
    with refused("NoSuchEntity", f"The Server Certificate with name {new} cannot be found."):
        root.iam.get_server_certificate(ServerCertificateName=new)


def test_openid_connect_providers(root: Aws) -> None:
    thumbprint = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280"
    create = root.iam.create_open_id_connect_provider
    arn = create(Url="https://id.example.com/tenant", ClientIDList=["one"], ThumbprintList=[thumbprint],
                 Tags=[{"Key": "k", "Value": "v"}])["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example.com/tenant"
    with refused("EntityAlreadyExists"):
        create(Url="https://id.example.com/tenant", ThumbprintList=[thumbprint])
    root.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
    root.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="one")
    root.iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["a" * 40])
    got = root.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (got["Url"], got["ClientIDList"], got["ThumbprintList"]) == ("id.example.com/tenant", ["two"], ["a" * 40])
    root.iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["k"])
    assert root.iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] == []
    assert {"Arn": arn} in root.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    root.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with refused("NoSuchEntity"):
        root.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_the_last_use_of_a_key_survives_a_restart(own_server: Server, unique: Names) -> None:
    root = Aws(own_server, own_server.root)
    user = root.user("jane")
    key = user.credentials.access_key_id
    never = root.iam.get_access_key_last_used(AccessKeyId=key)
    assert never["UserName"] == "jane" and never["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    user.arn()
    used = root.iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert used["ServiceName"] == "sts" and abs(used["LastUsedDate"].timestamp() - time.time()) < 60
    own_server.stop()
    own_server.start()
    again = Aws(own_server, own_server.root)
    assert again.iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"] == used
    with refused("NoSuchEntity"):
        again.iam.get_access_key_last_used(AccessKeyId="AKIAQNZGKIQY56JQ7WML")


def test_authorization_details_show_the_account_by_kind(own_server: Server) -> None:
    root = Aws(own_server, own_server.root)
    root.user("jane", allow("s3:ListAllMyBuckets"), Tags=[{"Key": "k", "Value": "v"}])
    root.iam.create_group(GroupName="team")
    root.iam.add_user_to_group(GroupName="team", UserName="jane")
    root.iam.attach_group_policy(GroupName="team", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    root.iam.create_role(RoleName="robot", AssumeRolePolicyDocument=document(
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}))
    root.iam.create_policy(PolicyName="own", PolicyDocument=document(allow("s3:GetObject")))
    everything = root.iam.get_account_authorization_details()
    (user,) = everything["UserDetailList"]
    assert (user["UserName"], user["GroupList"], user["Tags"]) == ("jane", ["team"], [{"Key": "k", "Value": "v"}])
    assert user["UserPolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == "s3:ListAllMyBuckets"
    (group,) = everything["GroupDetailList"]
    assert [one["PolicyName"] for one in group["AttachedManagedPolicies"]] == ["ReadOnlyAccess"]
    assert [one["RoleName"] for one in everything["RoleDetailList"]] == ["robot"]
    policies = {one["PolicyName"]: one for one in everything["Policies"]}
    assert sorted(policies) == ["ReadOnlyAccess", "own"]
    assert policies["own"]["PolicyVersionList"][0]["Document"]["Statement"][0]["Action"] == "s3:GetObject"
    only = root.iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])
    assert [one["PolicyName"] for one in only["Policies"]] == ["own"] and not only["UserDetailList"]
    pages = list(root.iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 1}))
    assert len(pages) == 5


def test_service_linked_roles(root: Aws) -> None:
    service, name = "elasticbeanstalk.amazonaws.com", "AWSServiceRoleForElasticBeanstalk"
    role = root.iam.create_service_linked_role(AWSServiceName=service, Description="d")["Role"]
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/{name}"
    with refused("InvalidInput", part("has been taken in this account")):
        root.iam.create_service_linked_role(AWSServiceName=service)
    with refused("InvalidInput", part("Custom suffix is not allowed")):
        root.iam.create_service_linked_role(AWSServiceName=service, CustomSuffix="x")
    with refused("InvalidInput"):
        root.iam.create_service_linked_role(AWSServiceName="nothing.amazonaws.com")
    assert root.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"][0]["PolicyArn"].startswith(
        "arn:aws:iam::aws:policy/aws-service-role/")
    with refused("UnmodifiableEntity"):
        root.iam.delete_role(RoleName=name)
    task = root.iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert root.iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    with refused("NoSuchEntity"):
        root.iam.get_role(RoleName=name)
    with refused("NoSuchEntity"):
        root.iam.get_service_linked_role_deletion_status(DeletionTaskId="task/nothing")


def metadata(entity: str, certificate: str) -> str:
    body = "".join(line for line in certificate.splitlines() if "-----" not in line)
    return f"""<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>
      <X509Certificate>{body}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{entity}/sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>{" " * 1000}"""


def test_saml_providers(root: Aws, unique: Names, pair: tuple[str, str]) -> None:
    name, first = unique("saml"), metadata("https://idp.example.com/one", pair[0])
    with refused("InvalidInput"):
        root.iam.create_saml_provider(Name=name, SAMLMetadataDocument="<nothing/>" + " " * 1000)
    arn = root.iam.create_saml_provider(Name=name, SAMLMetadataDocument=first,
                                        Tags=[{"Key": "k", "Value": "v"}])["SAMLProviderArn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:saml-provider/{name}"
    with refused("EntityAlreadyExists"):
        root.iam.create_saml_provider(Name=name, SAMLMetadataDocument=first)
    got = root.iam.get_saml_provider(SAMLProviderArn=arn)
    assert got["SAMLMetadataDocument"].strip() == first.strip() and got["Tags"] == [{"Key": "k", "Value": "v"}]
    second = metadata("https://idp.example.com/two", pair[0])
    root.iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=second)
    assert "/two" in root.iam.get_saml_provider(SAMLProviderArn=arn)["SAMLMetadataDocument"]
    root.iam.untag_saml_provider(SAMLProviderArn=arn, TagKeys=["k"])
    assert root.iam.list_saml_provider_tags(SAMLProviderArn=arn)["Tags"] == []
    assert arn in [one["Arn"] for one in root.iam.list_saml_providers()["SAMLProviderList"]]
    root.iam.delete_saml_provider(SAMLProviderArn=arn)
    with refused("NoSuchEntity"):
        root.iam.get_saml_provider(SAMLProviderArn=arn)


def test_a_device_that_lost_its_time_is_resynced(root: Aws, unique: Names) -> None:
    name = unique("drifted")
    root.iam.create_user(UserName=name)
    serial, seed, last = make_device(root, name, unique("device"))
    ahead = last + 12
    one, two = codes(seed, ahead)
    with refused("InvalidAuthenticationCode"):
        root.iam.resync_mfa_device(UserName=name, SerialNumber=serial, AuthenticationCode1=two,
                                   AuthenticationCode2=one)
    root.iam.resync_mfa_device(UserName=name, SerialNumber=serial, AuthenticationCode1=one, AuthenticationCode2=two)
    key = Credentials.of(root.iam.create_access_key(UserName=name)["AccessKey"])
    [third] = codes(seed, ahead + 2, 1)
    assert root.as_(key).sts.get_session_token(SerialNumber=serial, TokenCode=third)["Credentials"]


def test_credentials_and_providers_are_tagged(root: Aws, unique: Names, pair: tuple[str, str]) -> None:
    name = unique("tagged")
    device = root.iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
    oidc = root.iam.create_open_id_connect_provider(Url=f"https://{name}.example.com", ClientIDList=["c"],
                                                    ThumbprintList=["a" * 40])["OpenIDConnectProviderArn"]
    saml = root.iam.create_saml_provider(Name=name, SAMLMetadataDocument=metadata(
        f"https://{name}.example.com", pair[0]))["SAMLProviderArn"]
    root.iam.upload_server_certificate(ServerCertificateName=name, CertificateBody=pair[0], PrivateKey=pair[1])
    iam = root.iam
    for tag, untag, listed, named in [
        (iam.tag_mfa_device, iam.untag_mfa_device, iam.list_mfa_device_tags, {"SerialNumber": device}),
        (iam.tag_open_id_connect_provider, iam.untag_open_id_connect_provider, iam.list_open_id_connect_provider_tags,
         {"OpenIDConnectProviderArn": oidc}),
        (iam.tag_saml_provider, iam.untag_saml_provider, iam.list_saml_provider_tags, {"SAMLProviderArn": saml}),
        (iam.tag_server_certificate, iam.untag_server_certificate, iam.list_server_certificate_tags,
         {"ServerCertificateName": name}),
    ]:
        tag(**named, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        tag(**named, Tags=[{"Key": "a", "Value": "3"}])
        assert listed(**named)["Tags"] == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": "2"}]
        untag(**named, TagKeys=["b"])
        assert listed(**named)["Tags"] == [{"Key": "a", "Value": "3"}]
        with refused({"InvalidInput", "ValidationError"}):
            tag(**named, Tags=[{"Key": "aws:x", "Value": "1"}])
