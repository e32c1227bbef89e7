"""S3: buckets and objects, each operation authorized, refusals in S3's own words."""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from harness import wire
from harness.clients import Aws, allow, deny, refused
from harness.process import ACCOUNT, Credentials, Server

Names = Callable[[str], str]


@pytest.fixture
def bucket(root: Aws, unique: Names) -> str:
    name = unique("bucket")
    root.s3.create_bucket(Bucket=name)
    return name


def test_objects_come_back_as_they_went(root: Aws, bucket: str) -> None:
    for key, body in {"empty": b"", "a b/ü+%&?#=.txt": b"odd key", "big": bytes(range(256)) * 8192}.items():
        put = root.s3.put_object(Bucket=bucket, Key=key, Body=body)
        assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
        got = root.s3.get_object(Bucket=bucket, Key=key)
        assert got["Body"].read() == body
        assert root.s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(body)
    listed = root.s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["Key"] for one in listed] == ["a b/ü+%&?#=.txt", "big", "empty"]


def test_listing_by_prefix_delimiter_and_page(root: Aws, bucket: str) -> None:
    for key in ["a/1", "a/2", "b/1", "c"]:
        root.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    top = root.s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [one["Prefix"] for one in top["CommonPrefixes"]] == ["a/", "b/"]
    assert [one["Key"] for one in top["Contents"]] == ["c"]
    below = root.s3.list_objects_v2(Bucket=bucket, Prefix="a/")
    assert [one["Key"] for one in below["Contents"]] == ["a/1", "a/2"]
    pages = root.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    assert [one["Key"] for page in pages for one in page["Contents"]] == ["a/1", "a/2", "b/1", "c"]


def test_ranges_copies_and_several_parts(root: Aws, bucket: str) -> None:
    body = bytes(range(256)) * 1024
    root.s3.put_object(Bucket=bucket, Key="whole", Body=body)
    assert root.s3.get_object(Bucket=bucket, Key="whole", Range="bytes=10-19")["Body"].read() == body[10:20]
    root.s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "whole"})
    assert root.s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body
    upload = root.s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    first = b"1" * 5 * 1024 * 1024
    parts = [{"PartNumber": number, "ETag": root.s3.upload_part(
        Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate([first, b"2"], start=1)]
    root.s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload,
                                      MultipartUpload={"Parts": parts})
    assert root.s3.get_object(Bucket=bucket, Key="parts")["Body"].read() == first + b"2"


def test_refusals_in_s3s_words(root: Aws, bucket: str, unique: Names) -> None:
    with refused("NoSuchBucket", status=404):
        root.s3.list_objects_v2(Bucket=unique("nowhere"))
    with refused("NoSuchKey", status=404):
        root.s3.get_object(Bucket=bucket, Key="nothing")
    with refused({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}, status=409):
        Aws(root.server, root.credentials, "eu-central-1").s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    with refused("BucketNotEmpty", status=409):
        root.s3.delete_bucket(Bucket=bucket)


OPERATIONS = {
    "s3:ListAllMyBuckets": lambda s3, bucket: s3.list_buckets(),
    "s3:CreateBucket": lambda s3, bucket: s3.create_bucket(Bucket=bucket + "-new"),
    "s3:DeleteBucket": lambda s3, bucket: s3.delete_bucket(Bucket=bucket),
    "s3:ListBucket": lambda s3, bucket: s3.list_objects_v2(Bucket=bucket),
    "s3:GetObject": lambda s3, bucket: s3.get_object(Bucket=bucket, Key="key"),
    "s3:PutObject": lambda s3, bucket: s3.put_object(Bucket=bucket, Key="key", Body=b"changed"),
    "s3:DeleteObject": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key="key"),
    "s3:GetBucketLocation": lambda s3, bucket: s3.get_bucket_location(Bucket=bucket),
    "s3:AbortMultipartUpload": lambda s3, bucket: s3.abort_multipart_upload(Bucket=bucket, Key="key",
                                                                           UploadId="x"),
}


@pytest.fixture(scope="module")
def everything_but(root: Aws) -> Callable[[str], Aws]:
    """A user allowed all of S3 but this one action; made once for each."""
    made: dict[str, Aws] = {}

    def one(action: str) -> Aws:
        if action not in made:
            made[action] = root.user(f"all-but-{action.replace(':', '-')}", allow("s3:*"), deny(action))
        return made[action]

    return one


@pytest.mark.parametrize("action", OPERATIONS)
def test_each_operation_is_authorized(root: Aws, bucket: str, everything_but: Callable[[str], Aws],
                                      action: str) -> None:
    root.s3.put_object(Bucket=bucket, Key="key", Body=b"kept")
    resource = {"s3:ListAllMyBuckets": r"(arn:aws:s3:::)?\*?"}.get(action, f"arn:aws:s3:::{bucket}")
    with refused("AccessDenied", re.compile(
            rf"User: arn:aws:iam::{ACCOUNT}:user/\S+ is not authorized to perform: {action} "
            rf"(on resource: \"?{resource}\S* )?with an explicit deny in an identity-based policy"), status=403):
        OPERATIONS[action](everything_but(action).s3, bucket)
    assert root.s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"kept"


def test_a_user_without_a_policy_reaches_nothing(root: Aws, bucket: str, unique: Names) -> None:
    root.s3.put_object(Bucket=bucket, Key="key", Body=b"kept")
    nobody = root.user(unique("nobody"))
    for action, operation in OPERATIONS.items():
        with refused("AccessDenied", re.compile("because no identity-based policy allows"), status=403):
            operation(nobody.s3, bucket)
            raise AssertionError(action)
    with pytest.raises(ClientError) as caught:
        nobody.s3.head_object(Bucket=bucket, Key="key")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_resources_are_told_apart(root: Aws, bucket: str, unique: Names) -> None:
    user = root.user(unique("narrow"), allow("s3:GetObject", f"arn:aws:s3:::{bucket}/mine/*"),
                     allow("s3:ListBucket", f"arn:aws:s3:::{bucket}",
                           Condition={"StringLike": {"s3:prefix": "mine/*"}}))
    for key in ["mine/a", "theirs/a", "mine"]:
        root.s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert user.s3.get_object(Bucket=bucket, Key="mine/a")["Body"].read() == b"mine/a"
    for key in ["theirs/a", "mine", "mine/../theirs/a"]:
        with refused("AccessDenied"):
            user.s3.get_object(Bucket=bucket, Key=key)
    assert len(user.s3.list_objects_v2(Bucket=bucket, Prefix="mine/")["Contents"]) == 1
    for prefix in [{}, {"Prefix": "theirs/"}]:
        with refused("AccessDenied"):
            user.s3.list_objects_v2(Bucket=bucket, **prefix)


def test_deleting_several_asks_for_each(root: Aws, bucket: str, unique: Names) -> None:
    for key in ["mine/a", "theirs/a"]:
        root.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    user = root.user(unique("deleter"), allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/mine/*"))
    try:
        user.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "mine/a"}, {"Key": "theirs/a"}]})
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
    left = [one["Key"] for one in root.s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert "theirs/a" in left, "what may not be deleted alone may not be deleted among others"


def test_copying_asks_for_the_source_too(root: Aws, bucket: str, unique: Names) -> None:
    root.s3.put_object(Bucket=bucket, Key="secret", Body=b"x")
    user = root.user(unique("copier"), allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    with refused("AccessDenied"):
        user.s3.copy_object(Bucket=bucket, Key="mine", CopySource={"Bucket": bucket, "Key": "secret"})


def test_nothing_without_a_signature(server: Server, root: Aws, bucket: str) -> None:
    root.s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    for method, path in [("GET", "/"), ("GET", f"/{bucket}"), ("GET", f"/{bucket}/key"), ("HEAD", f"/{bucket}/key"),
                         ("PUT", f"/{bucket}/key"), ("DELETE", f"/{bucket}/key"), ("PUT", "/anonymous")]:
        answer = wire.send(server, method, path, {"Host": server.endpoint.removeprefix("http://")})
        assert answer.status == 403, (method, path)
        if method != "HEAD":
            assert answer.code == "AccessDenied", (method, path, answer.body)
    assert root.s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"x"


def test_presigned_urls(server: Server, root: Aws, bucket: str, unique: Names) -> None:
    root.s3.put_object(Bucket=bucket, Key="key", Body=b"by url")
    signer = Aws(server, root.credentials, presign=True)
    url = signer.s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "key"}, ExpiresIn=60)
    assert urllib.request.urlopen(url, timeout=10).read() == b"by url"
    assert status(url.replace("/key?", "/other?")) == 403
    assert status(url[:-4] + "0000") == 403
    assert status(url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")) == 403
    brief = signer.s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "key"}, ExpiresIn=1)
    time.sleep(2.1)
    assert status(brief) == 403
    nobody = root.user(unique("nobody"))
    theirs = Aws(server, nobody.credentials, presign=True).s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "key"})
    assert status(theirs) == 403
    put = signer.s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "put"}, ExpiresIn=60)
    request = urllib.request.Request(put, data=b"put by url", method="PUT")
    assert urllib.request.urlopen(request, timeout=10).status == 200
    assert root.s3.get_object(Bucket=bucket, Key="put")["Body"].read() == b"put by url"


def status(url: str) -> int:
    try:
        return urllib.request.urlopen(url, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def test_keys_do_not_leave_the_store(root: Aws, server: Server, bucket: str, unique: Names) -> None:
    """Whatever a key or a bucket looks like, it is a name and never a path on the disk."""
    for key in ["../../root-credentials", "a/../../../root-credentials", "..", "/etc/passwd", "%2e%2e/x", "a\\..\\b"]:
        path = f"/{bucket}/" + key
        signed = wire.sign(server, root.credentials, "s3", "GET", path,
                           headers={"X-Amz-Content-SHA256": hashlib.sha256(b"").hexdigest()})
        connection = http.client.HTTPConnection(*server.address, timeout=10)
        connection.putrequest("GET", path, skip_host=True)
        for name, value in signed.items():
            connection.putheader(name, value)
        connection.putheader("Host", server.endpoint.removeprefix("http://"))
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status in {400, 403, 404}, key
        assert b"aws_secret_access_key" not in body and b"root:" not in body


@pytest.mark.parametrize("name", ["..", "ab", "UPPER", "a_b", "a" * 64, "192.168.1.1", "-a-b", "xn--bucket"])
def test_bucket_names_that_are_none(server: Server, root: Aws, name: str) -> None:
    signed = wire.sign(server, root.credentials, "s3", "PUT", f"/{name}",
                       headers={"X-Amz-Content-SHA256": hashlib.sha256(b"").hexdigest()})
    answer = wire.send(server, "PUT", f"/{name}", signed)
    assert answer.status in {400, 403, 405}, answer.body


def test_objects_outlive_a_restart(own_server: Server) -> None:
    root = Aws(own_server, own_server.root)
    root.s3.create_bucket(Bucket="lasting")
    root.s3.put_object(Bucket="lasting", Key="k", Body=b"still here")
    own_server.restart()
    root = Aws(own_server, Credentials(root.credentials.access_key_id, root.credentials.secret_access_key))
    assert root.s3.get_object(Bucket="lasting", Key="k")["Body"].read() == b"still here"
