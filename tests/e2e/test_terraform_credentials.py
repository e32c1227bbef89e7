"""The calls of Terraform's AWS provider for the credentials of users and for certificates."""

from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path

import pytest
from harness.provider import Provider, replays, tags
from harness.totp import codes, step_now


def openssl(*arguments: str, cwd: Path) -> str:
    return subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """A self-signed certificate and its key, as files have them: with a line end behind the last line."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
            "-days", "30", "-subj", "/CN=example.com", cwd=tmp_path)
    return (tmp_path / "cert.pem").read_text(), (tmp_path / "key.pem").read_text()


@replays("aws_iam_server_certificate", "data.aws_iam_server_certificate")
def test_server_certificate(provider: Provider, pair: tuple[str, str]) -> None:
    """The provider keeps the body and chain trimmed, and compares what it reads with that, to the byte."""
    body, key = pair
    made = provider.ok("UploadServerCertificate", "ServerCertificateId", "Arn", ServerCertificateName="web",
                       Path="/cloudfront/", CertificateBody=body, CertificateChain=body + "\n", PrivateKey=key,
                       Tags__member__1__Key="Name", Tags__member__1__Value="web")
    read = provider.ok("GetServerCertificate", "Expiration", "UploadDate", ServerCertificateName="web")
    assert read.find("CertificateBody") == body.strip() == read.find("CertificateChain")
    assert read.find("ServerCertificateId") == made.find("ServerCertificateId")
    assert (read.find("Path"), tags(read)) == ("/cloudfront/", {"Name": "web"})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", read.find("Expiration"))
    listed = provider.ok("ListServerCertificates", "IsTruncated", "UploadDate", "Expiration", PathPrefix="/cloudfront/")
    assert listed.find_all("ServerCertificateName") == ["web"]
    provider.ok("TagServerCertificate", ServerCertificateName="web", Tags__member__1__Key="a",
                Tags__member__1__Value="b")
    provider.ok("UntagServerCertificate", ServerCertificateName="web", TagKeys__member__1="Name")
    assert tags(provider.ok("GetServerCertificate", ServerCertificateName="web")) == {"a": "b"}
    provider.ok("DeleteServerCertificate", ServerCertificateName="web")
    provider.no("GetServerCertificate", "NoSuchEntity", ServerCertificateName="web")
    provider.no("DeleteServerCertificate", "NoSuchEntity", ServerCertificateName="web")


@replays("aws_iam_server_certificate")
def test_server_certificate_without_a_chain(provider: Provider, pair: tuple[str, str]) -> None:
    provider.ok("UploadServerCertificate", ServerCertificateName="bare", CertificateBody=pair[0], PrivateKey=pair[1],
                Path="/")
    assert provider.ok("GetServerCertificate", ServerCertificateName="bare").find("CertificateChain") is None


@replays("aws_iam_signing_certificate")
def test_signing_certificate(provider: Provider, pair: tuple[str, str]) -> None:
    """Unlike a server's, it is compared as it was given, with its last line end."""
    provider.ok("CreateUser", UserName="u", Path="/")
    name = provider.ok("UploadSigningCertificate", CertificateBody=pair[0], UserName="u").find("CertificateId")
    provider.ok("UpdateSigningCertificate", CertificateId=name, Status="Inactive", UserName="u")
    read = provider.ok("ListSigningCertificates", "IsTruncated", "UploadDate", UserName="u")
    assert (read.find("CertificateBody"), read.find("Status")) == (pair[0], "Inactive")
    provider.ok("DeleteSigningCertificate", CertificateId=name, UserName="u")
    provider.no("DeleteSigningCertificate", "NoSuchEntity", CertificateId=name, UserName="u")
    provider.no("ListSigningCertificates", "NoSuchEntity", UserName="nobody")


@replays("aws_iam_user_ssh_key", "data.aws_iam_user_ssh_key")
def test_user_ssh_key(provider: Provider, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-C", "me@home", "-f", tmp_path / "key"], check=True)
    public = (tmp_path / "key.pub").read_text()
    pem = openssl("rsa", "-in", "key", "-pubout", cwd=tmp_path) if openssl_reads(tmp_path) else None
    provider.ok("CreateUser", UserName="u", Path="/")
    name = provider.ok("UploadSSHPublicKey", UserName="u", SSHPublicKeyBody=public).find("SSHPublicKeyId")
    read = provider.ok("GetSSHPublicKey", "Fingerprint", "Status", UserName="u", SSHPublicKeyId=name, Encoding="SSH")
    # The provider leaves the comments out on both sides.
    assert read.find("SSHPublicKeyBody").split()[:2] == public.split()[:2]
    if pem:
        read = provider.ok("GetSSHPublicKey", UserName="u", SSHPublicKeyId=name, Encoding="PEM")
        assert read.find("SSHPublicKeyBody").strip("\n") == pem.strip("\n")
    provider.ok("UpdateSSHPublicKey", UserName="u", SSHPublicKeyId=name, Status="Inactive")
    read = provider.ok("GetSSHPublicKey", UserName="u", SSHPublicKeyId=name, Encoding="SSH")
    assert read.find("Status") == "Inactive"
    provider.ok("DeleteSSHPublicKey", UserName="u", SSHPublicKeyId=name)
    provider.no("GetSSHPublicKey", "NoSuchEntity", UserName="u", SSHPublicKeyId=name, Encoding="SSH")


def openssl_reads(folder: Path) -> bool:
    """Whether the key, which OpenSSH wrote, is turned into a form of OpenSSL's."""
    done = subprocess.run(["ssh-keygen", "-q", "-p", "-N", "", "-m", "PEM", "-f", folder / "key"], capture_output=True)
    return done.returncode == 0


@replays("aws_iam_user_login_profile")
def test_user_login_profile(provider: Provider) -> None:
    provider.ok("CreateUser", UserName="u", Path="/")
    provider.no("GetLoginProfile", "NoSuchEntity", UserName="u")
    made = provider.ok("CreateLoginProfile", "CreateDate", UserName="u", Password="Xk9$-made-by-terraform",
                       PasswordResetRequired="true")
    assert made.find("UserName") == "u"
    assert provider.ok("GetLoginProfile", UserName="u").find("PasswordResetRequired") == "true"
    provider.ok("DeleteLoginProfile", UserName="u")
    provider.no("DeleteLoginProfile", "NoSuchEntity", UserName="u")


@replays("aws_iam_service_specific_credential")
def test_service_specific_credential(provider: Provider) -> None:
    provider.ok("CreateUser", UserName="u", Path="/")
    made = provider.ok("CreateServiceSpecificCredential", "ServicePassword", "ServiceUserName", "CreateDate",
                       ServiceName="codecommit.amazonaws.com", UserName="u")
    name = made.find("ServiceSpecificCredentialId")
    provider.ok("UpdateServiceSpecificCredential", UserName="u", ServiceSpecificCredentialId=name, Status="Inactive")
    read = provider.ok("ListServiceSpecificCredentials", UserName="u", ServiceName="codecommit.amazonaws.com")
    for field in ["ServiceSpecificCredentialId", "ServiceUserName", "ServiceName", "UserName"]:
        assert read.find(field) == made.find(field), field
    assert read.find("Status") == "Inactive"
    provider.ok("DeleteServiceSpecificCredential", UserName="u", ServiceSpecificCredentialId=name)
    provider.no("DeleteServiceSpecificCredential", "NoSuchEntity", UserName="u", ServiceSpecificCredentialId=name)


@replays("aws_iam_virtual_mfa_device")
def test_virtual_mfa_device(provider: Provider) -> None:
    made = provider.ok("CreateVirtualMFADevice", "Base32StringSeed", "QRCodePNG", VirtualMFADeviceName="phone",
                       Path="/team/", Tags__member__1__Key="a", Tags__member__1__Value="b")
    serial = made.find("SerialNumber")
    # 6.x reads path and name out of it.
    assert re.search(r":mfa(/|/[!-~]+/)([0-9A-Za-z_+=,.@-]+)$", serial).groups() == ("/team/", "phone")
    assert serial in provider.ok("ListVirtualMFADevices", "IsTruncated").find_all("SerialNumber")
    assert tags(provider.ok("ListMFADeviceTags", "IsTruncated", SerialNumber=serial)) == {"a": "b"}
    provider.ok("TagMFADevice", SerialNumber=serial, Tags__member__1__Key="c", Tags__member__1__Value="")
    provider.ok("UntagMFADevice", SerialNumber=serial, TagKeys__member__1="a")
    assert tags(provider.ok("ListMFADeviceTags", SerialNumber=serial)) == {"c": ""}
    provider.ok("DeleteVirtualMFADevice", SerialNumber=serial)
    provider.no("DeleteVirtualMFADevice", "NoSuchEntity", SerialNumber=serial)


@replays("aws_iam_user")
def test_user_with_everything_destroyed_by_force(provider: Provider, pair: tuple[str, str], tmp_path: Path) -> None:
    """`force_destroy`: what there is of each list is taken away, in the provider's order."""
    provider.ok("CreateUser", UserName="u", Path="/")
    provider.ok("CreateGroup", GroupName="g", Path="/")
    provider.ok("AddUserToGroup", GroupName="g", UserName="u")
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", tmp_path / "key"], check=True)
    provider.ok("UploadSSHPublicKey", UserName="u", SSHPublicKeyBody=(tmp_path / "key.pub").read_text())
    provider.ok("UploadSigningCertificate", CertificateBody=pair[0], UserName="u")
    provider.ok("CreateServiceSpecificCredential", ServiceName="codecommit.amazonaws.com", UserName="u")
    provider.ok("CreateLoginProfile", UserName="u", Password="Xk9$-made-by-terraform")
    device = provider.ok("CreateVirtualMFADevice", VirtualMFADeviceName="d", Path="/")
    serial = device.find("SerialNumber")
    one, two = codes(base64.b64decode(device.find("Base32StringSeed")), step_now() - 1)
    provider.ok("EnableMFADevice", UserName="u", SerialNumber=serial, AuthenticationCode1=one, AuthenticationCode2=two)

    for group in provider.ok("ListGroupsForUser", "IsTruncated", UserName="u").find_all("GroupName"):
        provider.ok("RemoveUserFromGroup", GroupName=group, UserName="u")
    for key in provider.ok("ListSSHPublicKeys", "IsTruncated", UserName="u").find_all("SSHPublicKeyId"):
        provider.ok("DeleteSSHPublicKey", UserName="u", SSHPublicKeyId=key)
    assigned = provider.ok("ListVirtualMFADevices", "IsTruncated", AssignmentStatus="Assigned")
    # The provider dereferences the user of every one of them.
    devices = [one for one in assigned.tree.iter("member") if one.find("SerialNumber") is not None]
    assert [one.findtext("User/UserName") for one in devices] == ["u"]
    provider.ok("DeactivateMFADevice", UserName="u", SerialNumber=serial)
    provider.ok("DeleteVirtualMFADevice", SerialNumber=serial)
    assert provider.ok("ListMFADevices", UserName="u").find_all("SerialNumber") == []
    provider.ok("DeleteLoginProfile", UserName="u")
    for name in provider.ok("ListSigningCertificates", UserName="u").find_all("CertificateId"):
        provider.ok("DeleteSigningCertificate", CertificateId=name, UserName="u")
    for name in provider.ok("ListServiceSpecificCredentials", UserName="u").find_all("ServiceSpecificCredentialId"):
        provider.ok("DeleteServiceSpecificCredential", UserName="u", ServiceSpecificCredentialId=name)
    provider.ok("DeleteUser", UserName="u")
