"""The audit trail: chained, so that what was done to it shows, over crashes and new files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from harness.clients import Aws
from harness.process import Server, rolecall


def verified(server: Server, *more: str) -> subprocess.CompletedProcess[str]:
    return rolecall("audit", "verify", "--data", str(server.data), *more, env=server.client_environment())


def trail(server: Server) -> Path:
    return server.data / "audit/trail.jsonl"


@pytest.fixture
def root(own_server: Server) -> Aws:
    aws = Aws(own_server, own_server.root)
    for number in range(5):
        aws.iam.create_user(UserName=f"user-{number}")
    return aws


def test_a_trail_that_nobody_touched_is_whole(root: Aws, own_server: Server) -> None:
    own_server.stop()
    first = json.loads(verified(own_server, "--json").stdout)
    assert first["records"] >= 5 and first["unchained"] == 0 and not first["incomplete"]
    own_server.start()
    root.as_(own_server.root).iam.create_user(UserName="later")
    own_server.stop()
    second = json.loads(verified(own_server, "--json").stdout)
    assert second["records"] > first["records"] and second["head"] != first["head"]
    # What was noted of it earlier still holds.
    assert verified(own_server, "--head", first["head"]).returncode == 0
    names = [json.loads(line)["eventName"] for line in trail(own_server).read_text().splitlines()]
    assert names.count("CreateUser") == 6


def test_what_was_done_to_a_line_shows(root: Aws, own_server: Server) -> None:
    own_server.stop()
    whole = trail(own_server).read_text()
    head = json.loads(verified(own_server, "--json").stdout)["head"]
    lines = whole.splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if '"CreateUser"' in line)
    changes = {
        "altered": lines[:at] + [lines[at].replace("CreateUser", "CreateXser")] + lines[at + 1:],
        "removed": lines[:at] + lines[at + 1:],
        "moved": lines[:at] + [lines[at + 1], lines[at]] + lines[at + 2:],
        "copied": lines[:at + 1] + lines[at:],
    }
    for what, changed in changes.items():
        trail(own_server).write_text("".join(changed))
        done = verified(own_server)
        assert done.returncode == 1, what
        line = at + 2 if what == "copied" else at + 1
        assert f"trail.jsonl:{line}: this line was altered, or lines before it were" in done.stderr, what
    # Lines cut off at the end leave a whole chain: only a head that was kept elsewhere tells.
    trail(own_server).write_text("".join(lines[:-1]))
    assert verified(own_server).returncode == 0
    cut = verified(own_server, "--head", head)
    assert cut.returncode == 1 and "lines were removed since it was noted" in cut.stderr


def test_a_killed_server_goes_on_with_the_chain(root: Aws, own_server: Server) -> None:
    for _ in range(3):
        own_server.kill()
        with trail(own_server).open("ab") as file:
            file.write(b'{"eventVersion":"1.11","userIden')
        assert "incomplete" in verified(own_server).stdout
        own_server.start()
        root.as_(own_server.root).iam.list_users()
    own_server.stop()
    done = verified(own_server)
    assert done.returncode == 0 and "incomplete" not in done.stdout, done.stderr


def test_full_files_are_followed(make_server) -> None:
    small = {"ROLECALL_AUDIT_FILE_BYTES": "20000", "ROLECALL_AUDIT_FILES": "3"}
    server: Server = make_server(variables=small).start()
    aws = Aws(server, server.root)
    for _ in range(240):
        aws.iam.list_users()
    server.stop()
    found = json.loads(verified(server, "--json").stdout)
    assert found["files"] >= 3 and found["unchained"] == 0
    (server.data / "audit/trail.1.jsonl").unlink()
    assert verified(server).returncode == 1


def test_there_may_be_no_trail(tmp_path: Path, own_server: Server) -> None:
    done = rolecall("audit", "verify", "--data", str(tmp_path / "none"), env=own_server.client_environment())
    assert done.returncode == 2 and "none/audit" in done.stderr
