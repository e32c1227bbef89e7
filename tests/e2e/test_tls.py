"""TLS: certificates from files, taken anew when they change, and clients' own where they are asked for."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from harness import terraform
from harness.clients import allow, cli, document
from harness.process import REGION, Server, StartFailed, rolecall


class Authority:
    """One that signs certificates for loopback."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(name, self.key, None, self.key)

    def _signed(self, name: str, key, issuer: x509.Certificate | None, signer) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
                   .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True))
        if issuer is not None:
            names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(signer, hashes.SHA256())

    def issue(self, directory: Path, name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(name, key, self.certificate, self.key)
        paths = directory / f"{name}.pem", directory / f"{name}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        return paths

    def write(self, path: Path) -> Path:
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path


class TlsServer(Server):
    """A server whose `/health` is asked by its own certificate's authority."""

    def __init__(self, home: Path, authority: Path, **more) -> None:
        super().__init__(home, **more)
        self.authority = authority

    def _await_ready(self) -> None:
        deadline = time.monotonic() + 60
        announced = self.data / "endpoint"
        while not announced.is_file():
            if (code := self.process.poll()) is not None:
                self.process = None
                raise StartFailed(code, self.output())
            assert time.monotonic() < deadline
            time.sleep(0.005)
        self.endpoint = announced.read_text().strip()

    def boto3(self, service: str):
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, verify=str(self.authority),
                            aws_access_key_id=self.root.access_key_id, config=Config(retries={"total_max_attempts": 1}),
                            aws_secret_access_key=self.root.secret_access_key)


@pytest.fixture
def authority() -> Authority:
    return Authority("the test's authority")


@pytest.fixture
def server(tmp_path: Path, authority: Authority):
    certificate, key = authority.issue(tmp_path, "server")
    one = TlsServer(tmp_path / "server", authority.write(tmp_path / "authority.pem"), variables={
        "ROLECALL_TLS_CERTIFICATE_FILE": str(certificate), "ROLECALL_TLS_KEY_FILE": str(key)})
    one.start()
    yield one
    one.stop()


def test_clients_reach_it_by_https(server: TlsServer):
    assert server.endpoint.startswith("https://")
    assert server.boto3("sts").get_caller_identity()["Arn"].endswith(":root")
    server.boto3("s3").create_bucket(Bucket="over-tls")
    env = {"AWS_CA_BUNDLE": str(server.authority)}
    assert cli("v1").json(server, server.root, "sts", "get-caller-identity", variables=env)["Account"]


def test_nothing_is_answered_without_tls(server: TlsServer):
    with pytest.raises((urllib.error.URLError, OSError, http.client.HTTPException)):
        urllib.request.urlopen(server.endpoint.replace("https", "http") + "/health", timeout=5)
    with pytest.raises(urllib.error.URLError, match="certificate"):
        urllib.request.urlopen(server.endpoint + "/health", timeout=5)


def test_policies_see_that_the_connection_is_secure(server: TlsServer):
    iam = server.boto3("iam")
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=document(
        allow("iam:ListRoles", Condition={"Bool": {"aws:SecureTransport": "true"}})))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    own = boto3.client("iam", endpoint_url=server.endpoint, region_name=REGION, verify=str(server.authority),
                       aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert own.list_roles()["Roles"] is not None


@pytest.mark.slow
def test_terraform_keeps_its_state_by_it(server: TlsServer, tmp_path: Path):
    """Over TLS the SDK for Go leaves bodies unsigned and sends their checksums behind them."""
    server.boto3("s3").create_bucket(Bucket=terraform.BUCKET)
    run = terraform.folder(terraform.program(), tmp_path / "state", server, server.root,
                           variables={"AWS_CA_BUNDLE": str(server.authority)})
    terraform.ok(run("init"))
    terraform.ok(run("apply", "-auto-approve"))
    assert run("plan", "-detailed-exitcode").returncode == 0


def test_our_own_commands_speak_it_too(server: TlsServer):
    with pytest.raises(ClientError) as refused:
        server.boto3("iam").get_user(UserName="nobody")
    request = refused.value.response["ResponseMetadata"]["RequestId"]
    env = server.client_environment(server.root)
    told = rolecall("explain", request, env=env | {"AWS_CA_BUNDLE": str(server.authority)})
    assert told.returncode == 0 and "GetUser" in told.stdout, told.stderr
    assert "AWS_CA_BUNDLE" in rolecall("explain", request, env=env).stderr


def test_changed_certificates_are_taken(server: TlsServer, authority: Authority, tmp_path: Path):
    def serial() -> int:
        pem = ssl.get_server_certificate(server_address(server))
        return x509.load_pem_x509_certificate(pem.encode()).serial_number

    first = serial()
    (tmp_path / "server.pem").write_text("no certificate")
    authority.issue(tmp_path, "server")
    deadline = time.monotonic() + 30
    while serial() == first:
        assert time.monotonic() < deadline, "the new certificate is not served"
        time.sleep(0.1)


def server_address(server: Server) -> tuple[str, int]:
    host, _, port = server.endpoint.removeprefix("https://").rpartition(":")
    return host, int(port)


def test_clients_without_a_certificate_are_refused_where_one_is_asked_for(tmp_path: Path, authority: Authority):
    certificate, key = authority.issue(tmp_path, "server")
    trusted = authority.write(tmp_path / "authority.pem")
    server = TlsServer(tmp_path / "server", trusted, variables={
        "ROLECALL_TLS_CERTIFICATE_FILE": str(certificate), "ROLECALL_TLS_KEY_FILE": str(key),
        "ROLECALL_TLS_CLIENT_AUTHORITY_FILE": str(trusted)})
    server.start()
    try:
        context = ssl.create_default_context(cafile=str(trusted))
        with pytest.raises((urllib.error.URLError, OSError)):
            urllib.request.urlopen(server.endpoint + "/health", timeout=5, context=context)
        context.load_cert_chain(*authority.issue(tmp_path, "client"))
        assert urllib.request.urlopen(server.endpoint + "/health", timeout=5, context=context).status == 200
        stranger = ssl.create_default_context(cafile=str(trusted))
        stranger.load_cert_chain(*Authority("another").issue(tmp_path, "stranger"))
        with pytest.raises((urllib.error.URLError, OSError)):
            urllib.request.urlopen(server.endpoint + "/health", timeout=5, context=stranger)
    finally:
        server.stop()


def test_files_that_can_not_be_used_are_named(tmp_path: Path, authority: Authority):
    certificate, key = authority.issue(tmp_path, "server")
    for variables, named in [
        ({"ROLECALL_TLS_CERTIFICATE_FILE": str(certificate)}, "tls.certificate_file"),
        ({"ROLECALL_TLS_CERTIFICATE_FILE": str(key), "ROLECALL_TLS_KEY_FILE": str(key)}, "server.key"),
        ({"ROLECALL_TLS_CERTIFICATE_FILE": "/none.pem", "ROLECALL_TLS_KEY_FILE": str(key)}, "/none.pem"),
        ({"ROLECALL_TLS_CERTIFICATE_FILE": str(certificate),
          "ROLECALL_TLS_KEY_FILE": str(authority.issue(tmp_path, "other")[1])}, "TLS"),
    ]:
        with pytest.raises(StartFailed, match=named) as failed:
            Server(tmp_path / "refused", variables=variables).start()
        assert failed.value.exit_code == 2
