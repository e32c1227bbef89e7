"""The reference pages that a running server can be held to: its metrics, and the files of its data directory."""

from __future__ import annotations

import re
import stat
import urllib.request
from collections.abc import Callable
from pathlib import Path

from harness.clients import ROOT, Aws
from harness.instances import await_condition
from harness.process import Server

REFERENCE = ROOT / "docs/reference"
ROW = re.compile(r"^\| `([^`]+)` \|(?: (\w+) \|)?", re.M)


def test_every_metric_is_on_its_page(server: Server) -> None:
    with urllib.request.urlopen(f"{server.endpoint}/metrics", timeout=30) as answer:
        shown = dict(re.findall(r"^# TYPE (\S+) (\w+)$", answer.read().decode(), re.M))
    assert dict(ROW.findall((REFERENCE / "metrics.md").read_text())) == shown and len(shown) >= 9


def test_every_file_of_the_data_directory_is_on_its_page(make_server: Callable[..., Server]) -> None:
    server = make_server(variables={"ROLECALL_AUDIT_FILE_BYTES": "2000"}).start()
    root = Aws(server, server.root)
    root.s3.create_bucket(Bucket="shelf")
    root.s3.put_object(Bucket="shelf", Key="a/b", Body=b"c")
    root.s3.put_object_tagging(Bucket="shelf", Key="a/b", Tagging={"TagSet": [{"Key": "c", "Value": "d"}]})
    upload = root.s3.create_multipart_upload(Bucket="shelf", Key="large")
    root.s3.upload_part(Bucket="shelf", Key="large", UploadId=upload["UploadId"], PartNumber=1, Body=b"d")
    for _ in range(10):
        root.arn()
    # Records are written behind the answers.
    await_condition("the trail has a second file", lambda: any((Path(server.data) / "audit").glob("trail.*.jsonl")))
    paths = [path for path, _ in ROW.findall((REFERENCE / "files.md").read_text())]
    data = Path(server.data)
    found = {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}
    patterns = {path: re.compile(re.escape(path).replace("NAME", "[^/]+").replace(r"trail\.N", r"trail\.\d+")
                                 .replace("…", "[^/]+") + (".+" if path.endswith("/") else "") + "$")
                for path in paths}
    strangers = [name for name in found if not any(one.match(name) for one in patterns.values())]
    assert strangers == []
    made = {path for path, one in patterns.items() if any(one.match(name) for name in found)}
    # Instances are not for every machine, and what is being written just now is not there to be seen.
    absent = {path for path in paths if not path.startswith("instance") and not path.endswith("/new/")} - made
    assert absent == set()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for name in ("master-key", "root-credentials"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
