"""The reference pages, held to what a running server shows and to what the source says."""

from __future__ import annotations

import os
import re
import stat
import urllib.request
from collections.abc import Callable
from pathlib import Path

from harness.clients import ROOT, Aws
from harness.error_codes import in_source
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

    def a_file_is_full() -> bool:
        # Records are written in pieces behind the answers, and a piece is never divided: only the next one finds it full.
        root.arn()
        return any((Path(server.data) / "audit").glob("trail.*.jsonl"))

    await_condition("the trail has a second file", a_file_is_full)
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


ERROR = re.compile(r"^\| `([^`]+)` \| (\d+) \| (.*) \| (.*) \|$")
ERRORS_HEAD = ["| code | status | when | what to do |", "| --- | --- | --- | --- |"]


def errors_page() -> tuple[dict[str, list[str]], dict[str, dict[tuple[str, int], str]]]:
    """Each section's words, and its rows by code and status."""
    words: dict[str, list[str]] = {"": []}
    rows: dict[str, dict[tuple[str, int], str]] = {}
    section = ""
    for line in (REFERENCE / "errors.md").read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
            words[section], rows[section] = [], {}
        elif row := ERROR.match(line):
            rows[section][row[1], int(row[2])] = line
        elif line not in ERRORS_HEAD:
            words[section].append(line)
    return words, rows


def test_every_error_is_on_its_page() -> None:
    found, strange = in_source(ROOT / "crates")
    assert strange == [], "errors made in a way that the reading of the source doesn't understand"
    assert sum(map(len, found.values())) >= 200
    words, rows = errors_page()
    if os.environ.get("ROLECALL_UPDATE_DOCS"):
        page = "\n".join(words.pop("")).rstrip() + "\n"
        # New sections come last, and new rows have cells that somebody has to fill: the check below wants them filled.
        for section in [*words, *sorted(set(found) - set(words))]:
            told = "\n".join(words.get(section, [])).strip()
            page += f"\n## {section}\n\n" + (f"{told}\n\n" if told else "") + "\n".join(ERRORS_HEAD) + "\n"
            for code, status in sorted(found[section]):
                page += rows.get(section, {}).get((code, status), f"| `{code}` | {status} |  |  |") + "\n"
        (REFERENCE / "errors.md").write_text(page)
        rows = errors_page()[1]
    shown = {(section, *key) for section, keys in rows.items() for key in keys}
    answered = {(section, *key) for section, keys in found.items() for key in keys}
    assert answered - shown == set(), "missing from docs/reference/errors.md: ROLECALL_UPDATE_DOCS=1 adds the rows"
    assert shown - answered == set(), "stale in docs/reference/errors.md: ROLECALL_UPDATE_DOCS=1 takes them away"
    lines = [line for keys in rows.values() for line in keys.values()]
    assert [line for line in lines if not all(cell.strip() for cell in line.split("|")[1:-1])] == []
