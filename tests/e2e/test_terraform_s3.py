"""The calls of Terraform's AWS provider for S3, in the forms that the SDK for Go gives them.

A bucket's read asks for everything that a bucket can have; each code that means "not configured" is one that
the provider knows, and any other would end the run.
"""

from __future__ import annotations

import base64
import socket
import zlib
from urllib.parse import quote

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from harness import wire
from harness.clients import Aws, allow, refused
from harness.process import ACCOUNT, Credentials, Server
from harness.provider import replays

NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
# What a bucket answers that was never told more: the code that the provider takes for "not configured", or an
# element of the answer.
READS = {
    "policy": "NoSuchBucketPolicy", "cors": "NoSuchCORSConfiguration", "website": "NoSuchWebsiteConfiguration",
    "lifecycle": "NoSuchLifecycleConfiguration", "replication": "ReplicationConfigurationNotFoundError",
    "object-lock": "ObjectLockConfigurationNotFoundError", "tagging": "NoSuchTagSet",
    "acl": "<Permission>FULL_CONTROL</Permission>", "versioning": "<VersioningConfiguration",
    "accelerate": "<AccelerateConfiguration", "requestPayment": "<Payer>BucketOwner</Payer>",
    "logging": "<BucketLoggingStatus", "encryption": "<SSEAlgorithm>AES256</SSEAlgorithm>",
    "location": "<LocationConstraint",
}


class Go:
    """Requests as the SDK for Go sends them: by path, signed with the hash of the body."""

    def __init__(self, server: Server, credentials: Credentials, region: str = "us-east-1") -> None:
        self.server, self.credentials, self.region = server, credentials, region

    def __call__(self, method: str, path: str, body: bytes = b"", host: str | None = None,
                 **headers: str) -> wire.Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        host = host or f"{self.server.address[0]}:{self.server.address[1]}"
        request = AWSRequest(method, f"http://{host}{path}", headers=given | {"Host": host}, data=body)
        keys = BotoCredentials(self.credentials.access_key_id, self.credentials.secret_access_key,
                               self.credentials.session_token)
        _Signed(keys, "s3", self.region).add_auth(request)
        return wire.send(self.server, method, path, dict(request.headers.items()), body)


class _Signed(S3SigV4Auth):
    """The hash of the body is the one that the headers name, or its own."""

    def payload(self, request: AWSRequest) -> str:
        return request.headers.get("X-Amz-Content-SHA256") or super().payload(request)

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        named = request.headers.get("X-Amz-Content-SHA256")
        super()._modify_request_before_signing(request)
        if named:
            del request.headers["X-Amz-Content-SHA256"]
            request.headers["X-Amz-Content-SHA256"] = named


@pytest.fixture
def go(own_server: Server) -> Go:
    return Go(own_server, own_server.root)


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


@replays("aws_s3_bucket", "data.aws_s3_bucket")
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_bucket(own_server: Server, region: str) -> None:
    go = Go(own_server, own_server.root, region)
    missing = go("HEAD", "/logs")
    assert (missing.status, missing.body) == (404, b"")
    where = "" if region == "us-east-1" else f"<LocationConstraint>{region}</LocationConstraint>"
    tags = "<Tags><Tag><Key>Name</Key><Value>logs</Value></Tag></Tags>"
    configuration = f"<CreateBucketConfiguration {NAMESPACE}>{where}{tags}</CreateBucketConfiguration>"
    made = go("PUT", "/logs", configuration.encode())
    assert made.status == 200, made.body
    head = go("HEAD", "/logs")
    assert (head.status, head.headers["x-amz-bucket-region"]) == (200, region)
    for what, wanted in (READS | {"tagging": "<Value>logs</Value>"}).items():
        read = go("GET", f"/logs?{what}")
        assert wanted in (read.code or "", ) or wanted.encode() in read.body, (what, read.body)
        assert (read.status == 404) == (read.code is not None), (what, read.body)
    assert go("DELETE", "/logs?tagging").status == 204
    assert go("GET", "/logs?tagging").code == "NoSuchTagSet"
    assert go("DELETE", "/logs").status == 204
    assert go("DELETE", "/logs").code == "NoSuchBucket"
    for what in READS:
        assert go("GET", f"/logs?{what}").code == "NoSuchBucket", what


def test_anyone_learns_where_a_bucket_is(own_server: Server, go: Go) -> None:
    """The SDK asks for a bucket's region with a HEAD that may be without credentials, and reads it from a refusal."""
    go("PUT", "/here")
    refusal = wire.send(own_server, "HEAD", "/here", {})
    assert (refusal.status, refusal.body) == (403, b"")
    assert refusal.headers["x-amz-bucket-region"] == "us-east-1"
    assert "x-amz-bucket-region" not in wire.send(own_server, "HEAD", "/nowhere", {}).headers


@replays("aws_s3_bucket_policy", "data.aws_s3_bucket_policy")
def test_bucket_policy(go: Go) -> None:
    go("PUT", "/bucket")
    text = ('{"Statement":[{"Action":"s3:GetObject","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},'
            '"Resource":"arn:aws:s3:::bucket/*"}],"Version":"2012-10-17"}' % ACCOUNT)
    assert go("PUT", "/bucket?policy", text.encode()).status in {200, 204}
    assert go("GET", "/bucket?policy").body.decode() == text
    assert go("DELETE", "/bucket?policy").status == 204
    assert go("GET", "/bucket?policy").code == "NoSuchBucketPolicy"


@replays("aws_s3_bucket_public_access_block", "aws_s3_bucket_ownership_controls")
@pytest.mark.parametrize(("what", "body", "shown", "gone"), [
    ("publicAccessBlock", f"<PublicAccessBlockConfiguration {NAMESPACE}><BlockPublicAcls>true</BlockPublicAcls>"
     "<BlockPublicPolicy>false</BlockPublicPolicy><IgnorePublicAcls>true</IgnorePublicAcls>"
     "<RestrictPublicBuckets>false</RestrictPublicBuckets></PublicAccessBlockConfiguration>",
     {"BlockPublicAcls": "true", "BlockPublicPolicy": "false", "IgnorePublicAcls": "true",
      "RestrictPublicBuckets": "false"}, "NoSuchPublicAccessBlockConfiguration"),
    ("ownershipControls", f"<OwnershipControls {NAMESPACE}><Rule><ObjectOwnership>BucketOwnerPreferred"
     "</ObjectOwnership></Rule></OwnershipControls>", {"ObjectOwnership": "BucketOwnerPreferred"},
     "OwnershipControlsNotFoundError"),
])
def test_settings_of_a_bucket(go: Go, what: str, body: str, shown: dict[str, str], gone: str) -> None:
    go("PUT", "/bucket")
    assert go("PUT", f"/bucket?{what}", body.encode(), x_amz_checksum_crc32=crc32(body.encode()),
              x_amz_sdk_checksum_algorithm="CRC32").status == 200
    read = go("GET", f"/bucket?{what}")
    assert {name: read.find(name) for name in shown} == shown
    assert go("DELETE", f"/bucket?{what}").status == 204
    assert go("GET", f"/bucket?{what}").code == gone


@replays("aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_acl")
def test_what_every_bucket_has_may_be_declared(go: Go) -> None:
    """The default encryption, and no list but the private one; other kinds are refused, and change nothing."""
    go("PUT", "/bucket")

    def encryption(algorithm: str, more: str = "") -> wire.Answer:
        rule = (f"<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm>"
                f"</ApplyServerSideEncryptionByDefault>{more}</Rule>")
        body = f"<ServerSideEncryptionConfiguration {NAMESPACE}>{rule}</ServerSideEncryptionConfiguration>".encode()
        return go("PUT", "/bucket?encryption", body, x_amz_checksum_crc32=crc32(body),
                  x_amz_sdk_checksum_algorithm="CRC32")

    assert encryption("AES256").status == 200
    assert encryption("AES256", "<BucketKeyEnabled>false</BucketKeyEnabled>").status == 200
    assert encryption("aws:kms").code == "NotImplemented"
    assert go("GET", "/bucket?encryption").find("SSEAlgorithm") == "AES256"
    assert go("DELETE", "/bucket?encryption").status == 204
    assert go("GET", "/bucket?encryption").find("SSEAlgorithm") == "AES256"
    assert go("PUT", "/bucket?acl", x_amz_acl="private").status == 200
    assert go("PUT", "/bucket?acl", x_amz_acl="public-read").code == "AccessControlListNotSupported"
    read = go("GET", "/bucket?acl")
    assert (read.find_all("Permission"), len(set(read.find_all("ID")))) == (["FULL_CONTROL"], 1)


@replays("aws_s3_object", "aws_s3_bucket_object", "data.aws_s3_object", "data.aws_s3_bucket_object",
         "data.aws_s3_objects")
def test_object(go: Go) -> None:
    go("PUT", "/bucket")
    body = b"a=1\n" * 3
    path = "/bucket/conf/" + quote("a b+ü.txt")
    put = go("PUT", f"{path}?x-id=PutObject", body, content_type="text/plain", x_amz_checksum_crc32=crc32(body),
             x_amz_sdk_checksum_algorithm="CRC32", x_amz_tagging="Name=conf&empty=", x_amz_meta_kind="plain",
             cache_control="no-cache", x_amz_acl="private", x_amz_server_side_encryption="AES256",
             amz_sdk_invocation_id="0", amz_sdk_request="attempt=1; max=25")
    assert put.status == 200, put.body
    head = go("HEAD", path, x_amz_checksum_mode="ENABLED")
    assert head.status == 200 and head.headers["etag"] == put.headers["etag"]
    assert head.headers["x-amz-checksum-crc32"] == crc32(body)
    assert (head.headers["content-type"], head.headers["cache-control"], head.headers["x-amz-meta-kind"]) == (
        "text/plain", "no-cache", "plain")
    tagging = go("GET", f"{path}?tagging")
    assert tagging.find_all("Key") == ["Name", "empty"] and tagging.find_all("Value") == ["conf", ""]
    assert go("GET", f"{path}?x-id=GetObject", x_amz_checksum_mode="ENABLED").body == body
    listed = go("GET", "/bucket?list-type=2&prefix=conf%2F&max-keys=1000&delimiter=")
    assert listed.find_all("Key") == ["conf/a b+ü.txt"] and listed.find("IsTruncated") == "false"
    assert go("PUT", f"{path}?tagging", f"<Tagging {NAMESPACE}><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>"
              "</Tagging>".encode()).status == 200
    assert go("GET", f"{path}?tagging").find_all("Key") == ["a"]
    assert go("DELETE", f"{path}?x-id=DeleteObject").status == 204
    gone = go("HEAD", path)
    assert (gone.status, gone.body) == (404, b"")
    assert go("GET", f"{path}?x-id=GetObject").code == "NoSuchKey"
    assert go("DELETE", f"{path}?x-id=DeleteObject").status == 204


@replays("aws_s3_bucket")
def test_bucket_destroyed_by_force(go: Go) -> None:
    go("PUT", "/bucket")
    for key in ["a", "b"]:
        go("PUT", f"/bucket/{key}?x-id=PutObject", b"x")
    assert go("DELETE", "/bucket").code == "BucketNotEmpty"
    listed = go("GET", "/bucket?versions&prefix=")
    found = zip(listed.find_all("Key"), listed.find_all("VersionId"), strict=True)
    objects = "".join(f"<Object><Key>{key}</Key><VersionId>{version}</VersionId></Object>" for key, version in found)
    body = f"<Delete {NAMESPACE}>{objects}<Quiet>true</Quiet></Delete>".encode()
    deleted = go("POST", "/bucket?delete", body, x_amz_checksum_crc32=crc32(body), x_amz_sdk_checksum_algorithm="CRC32")
    assert deleted.status == 200 and deleted.code is None, deleted.body
    assert go("DELETE", "/bucket").status == 204


@replays("aws_s3_object")
def test_object_in_parts(go: Go) -> None:
    """The SDK's uploader, for objects beyond its 5 MiB: each part with its checksum, and all of them at the end."""
    go("PUT", "/bucket")
    pieces = [b"a" * (5 << 20), b"the end"]
    begun = go("POST", "/bucket/parts?uploads", x_amz_checksum_algorithm="CRC32", content_type="text/plain",
               x_amz_tagging="a=b")
    upload = begun.find("UploadId")
    done = ""
    for number, piece in enumerate(pieces, start=1):
        part = go("PUT", f"/bucket/parts?partNumber={number}&uploadId={upload}&x-id=UploadPart", piece,
                  x_amz_checksum_crc32=crc32(piece), x_amz_sdk_checksum_algorithm="CRC32")
        assert part.headers["x-amz-checksum-crc32"] == crc32(piece)
        done += (f"<Part><ChecksumCRC32>{crc32(piece)}</ChecksumCRC32><ETag>{part.headers['etag']}</ETag>"
                 f"<PartNumber>{number}</PartNumber></Part>").replace('"', "&quot;")
    body = f"<CompleteMultipartUpload {NAMESPACE}>{done}</CompleteMultipartUpload>".encode()
    ended = go("POST", f"/bucket/parts?uploadId={upload}", body)
    assert ended.status == 200 and ended.find("ETag"), ended.body
    head = go("HEAD", "/bucket/parts", x_amz_checksum_mode="ENABLED")
    assert head.headers["etag"] == ended.find("ETag") and head.headers["content-length"] == str(sum(map(len, pieces)))
    assert go("GET", "/bucket/parts?tagging").find("Key") == "a"


@replays("data.aws_canonical_user_id")
def test_who_owns_the_buckets(go: Go) -> None:
    listed = go("GET", "/?x-id=ListBuckets")
    assert listed.status == 200 and len(listed.find("ID")) == 64


@replays("aws_s3_object")
def test_object_whose_checksum_trails(go: Go) -> None:
    """Over TLS, the SDK sends bodies in chunks, unsigned, and their checksum behind them."""
    go("PUT", "/bucket")
    body = b"first line\n" * 1_000
    chunked = b"%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % (len(body), body, crc32(body).encode())
    headers = {"x_amz_content_sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x_amz_trailer": "x-amz-checksum-crc32",
               "content_encoding": "aws-chunked", "x_amz_decoded_content_length": str(len(body)),
               "x_amz_sdk_checksum_algorithm": "CRC32"}
    put = go("PUT", "/bucket/k?x-id=PutObject", chunked, **headers)
    assert put.status == 200, put.body
    assert go("GET", "/bucket/k?x-id=GetObject").body == body
    assert "content-encoding" not in go("HEAD", "/bucket/k").headers
    wrong = chunked.replace(crc32(body).encode(), crc32(b"other").encode())
    assert go("PUT", "/bucket/other?x-id=PutObject", wrong, **headers).status == 400
    assert go("HEAD", "/bucket/other").status == 404


@replays("aws_s3_object")
def test_large_object_waits_to_be_asked(own_server: Server, go: Go) -> None:
    """`Expect: 100-continue`: nothing is sent to whom it would be refused."""
    go("PUT", "/bucket")
    body = b"0123456789abcdef" * (3 << 16)
    user = Aws(own_server, own_server.root).user("reader", allow("s3:GetObject")).credentials
    for credentials, wanted in [(own_server.root, b"HTTP/1.1 100 Continue"), (user, b"HTTP/1.1 403")]:
        request = AWSRequest("PUT", f"{own_server.endpoint}/bucket/large?x-id=PutObject",
                             headers={"Content-Length": str(len(body)), "Expect": "100-continue"}, data=body)
        keys = BotoCredentials(credentials.access_key_id, credentials.secret_access_key)
        _Signed(keys, "s3", "us-east-1").add_auth(request)
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        with socket.create_connection(own_server.address, timeout=30) as connection:
            host = f"Host: {own_server.address[0]}:{own_server.address[1]}\r\n"
            connection.sendall(f"PUT /bucket/large?x-id=PutObject HTTP/1.1\r\n{host}{head}\r\n".encode())
            answer = connection.recv(65_536)
            assert answer.startswith(wanted), answer
            if wanted.endswith(b"Continue"):
                connection.sendall(body)
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    assert go("GET", "/bucket/large?x-id=GetObject").body == body


def test_lock_of_a_state(go: Go) -> None:
    """`use_lockfile` of the backend: written once, by whoever is first."""
    go("PUT", "/bucket")
    assert go("PUT", "/bucket/state.tflock?x-id=PutObject", b"{}", if_none_match="*").status == 200
    taken = go("PUT", "/bucket/state.tflock?x-id=PutObject", b"{}", if_none_match="*")
    assert (taken.status, taken.code) == (412, "PreconditionFailed")
    assert go("DELETE", "/bucket/state.tflock?x-id=DeleteObject").status == 204
    assert go("PUT", "/bucket/state.tflock?x-id=PutObject", b"{}", if_none_match="*").status == 200


class TestTagsByS3Control:
    """Since 6.23 the provider asks S3 Control for a bucket's tags, under a host name that begins with the account."""

    PATH = "/v20180820/tags/" + quote("arn:aws:s3:::bucket", safe="")

    @pytest.fixture
    def control(self, own_server: Server, monkeypatch: pytest.MonkeyPatch) -> Aws:
        found = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: found(
            own_server.address[0] if host.endswith(".localhost") else host, *more, **named))
        aws = Aws(own_server, own_server.root)
        aws.s3.create_bucket(Bucket="bucket")
        return aws

    @staticmethod
    def of(aws: Aws):
        keys = aws.credentials
        return boto3.client("s3control", region_name="us-east-1", aws_access_key_id=keys.access_key_id,
                            aws_secret_access_key=keys.secret_access_key,
                            endpoint_url=f"http://localhost:{aws.server.address[1]}")

    @replays("aws_s3_bucket")
    def test_list_tag_untag(self, control: Aws) -> None:
        client, named = self.of(control), {"AccountId": ACCOUNT, "ResourceArn": "arn:aws:s3:::bucket"}
        assert client.list_tags_for_resource(**named)["Tags"] == []
        tags = [{"Key": "Name", "Value": "a & b"}, {"Key": "k", "Value": ""}]
        client.tag_resource(**named, Tags=tags)
        assert client.list_tags_for_resource(**named)["Tags"] == tags
        assert control.s3.get_bucket_tagging(Bucket="bucket")["TagSet"] == tags
        client.untag_resource(**named, TagKeys=["Name", "k"])
        with refused("NoSuchTagSet"):
            control.s3.get_bucket_tagging(Bucket="bucket")

    def test_it_is_authorized(self, control: Aws) -> None:
        named = {"AccountId": ACCOUNT, "ResourceArn": "arn:aws:s3:::bucket"}
        user = control.user("reader", allow("s3:ListTagsForResource", "arn:aws:s3:::bucket"))
        assert self.of(user).list_tags_for_resource(**named)["Tags"] == []
        with refused("AccessDenied", status=403):
            self.of(user).tag_resource(**named, Tags=[{"Key": "a", "Value": "b"}])
        with refused("AccessDenied", status=403):
            self.of(user).untag_resource(**named, TagKeys=["a"])
        stranger = self.of(control.user("stranger"))
        with refused("AccessDenied", status=403):
            stranger.list_tags_for_resource(**named)

    def test_what_it_refuses(self, control: Aws) -> None:
        client = self.of(control)
        with refused("NoSuchResource", status=404):
            client.list_tags_for_resource(AccountId=ACCOUNT, ResourceArn="arn:aws:s3:::nowhere")
        with refused("NoSuchResource", status=404):
            client.list_tags_for_resource(AccountId="111122223333", ResourceArn="arn:aws:s3:::bucket")
        with refused("InvalidTag", status=400):
            client.tag_resource(AccountId=ACCOUNT, ResourceArn="arn:aws:s3:::bucket",
                                Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}])
        with refused("NotImplemented"):
            client.list_tags_for_resource(
                AccountId=ACCOUNT, ResourceArn=f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/a")

    def test_the_body_is_what_was_signed(self, control: Aws, go: Go) -> None:
        space = "http://awss3control.amazonaws.com/doc/2018-08-20/"
        body = f'<TagResourceRequest xmlns="{space}"><Tags/></TagResourceRequest>'.encode()
        assert go("POST", self.PATH, body, x_amz_account_id=ACCOUNT).status == 204
        answer = go("POST", self.PATH, body, x_amz_account_id=ACCOUNT, x_amz_content_sha256="0" * 64)
        assert answer.status == 400, answer.body
        assert go("POST", self.PATH, b"<Other/>", x_amz_account_id=ACCOUNT).code == "MalformedXML"
