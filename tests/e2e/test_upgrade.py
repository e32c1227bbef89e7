"""Stores of other versions: an older one is brought to the present, a newer one is left alone."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import etcd as etcd_harness
from harness.browser import Browser
from harness.clients import Aws, refused
from harness.etcd import Etcd
from harness.process import ACCOUNT, Credentials, Server, StartFailed, clean_environment, rolecall
from harness.totp import codes, step_now

#: What the first version backed up: written by it, before stores said their version.
FIRST = Path(__file__).parent / "stores/version-1.backup"
GIVEN = json.loads(FIRST.with_suffix(".json").read_text())
MASTER_KEY = {"ROLECALL_MASTER_KEY": "5a" * 32}
SCHEMA = base64.b64encode(b"/rolecall/data/schema").decode()


def run(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return rolecall(*arguments, "--data", str(server.data), *server.flags,
                    env=clean_environment(server.home) | server.variables, cwd=server.home)


@pytest.fixture(params=["embedded", "etcd"])
def server(request: pytest.FixtureRequest, make_server, tmp_path: Path) -> Iterator[Server]:
    """One whose store holds what the first version wrote."""
    etcd, flags = None, ()
    if request.param == "etcd":
        if etcd_harness.PROGRAM is None:
            pytest.skip("etcd is not installed")
        etcd = Etcd(tmp_path / "etcd", 1).start()
        flags = ("--store", etcd.address)
    server = make_server(flags=flags, variables=MASTER_KEY)
    done = run(server, "restore", str(FIRST))
    assert done.returncode == 0, done.stderr
    yield server
    server.stop()
    if etcd:
        etcd.stop()


def test_a_store_of_the_first_version_is_served(server: Server) -> None:
    for _ in range(2):
        server.start()
        root = Aws(server, Credentials(*GIVEN["root"]))
        jane = root.as_(Credentials(*GIVEN["jane"]))
        assert jane.assume(f"arn:aws:iam::{ACCOUNT}:role/robot").arn().endswith("assumed-role/robot/session")
        assert root.iam.get_group(GroupName="team")["Users"][0]["UserName"] == "jane"
        assert root.iam.get_outbound_web_identity_federation_info()["JwtVendingEnabled"]
        with refused("EntityAlreadyExists"):
            root.iam.create_user(UserName="jane")
        server.stop()
    assert server.output().count("the store is brought to its next version") == 1
    server.start()
    [code] = codes(GIVEN["seed"], step_now(), 1)
    Aws(server, Credentials(*GIVEN["jane"])).sts.get_session_token(SerialNumber=GIVEN["serial"], TokenCode=code)
    assert Browser(server).sign_in("jane")[0] < 400
    keys = json.loads(run(server, "master-key", "status", "--json").stdout)["keys"]
    assert [key["inUse"] for key in keys] == [True] and keys[0]["values"] >= 5


@pytest.mark.skipif(etcd_harness.PROGRAM is None, reason="etcd is not installed")
@pytest.mark.parametrize("schema", [{"v": 1, "version": 99}, {"v": 9, "version": 2, "upgrading": 99, "more": True}])
def test_a_newer_store_is_refused_and_left_alone(make_server, tmp_path: Path, schema: dict) -> None:
    etcd = Etcd(tmp_path / "etcd", 1).start()
    try:
        server = make_server(flags=("--store", etcd.address), variables=MASTER_KEY)
        server.start().stop()
        [member] = etcd.members
        member.ask("kv/put", key=SCHEMA, value=base64.b64encode(json.dumps(schema).encode()).decode())
        before = member.ask("kv/range", key=base64.b64encode(b"/rolecall/data/").decode(),
                            range_end=base64.b64encode(b"/rolecall/data0").decode())["kvs"]
        with pytest.raises(StartFailed) as failed:
            server.start()
        assert failed.value.exit_code == 2
        assert "version 99" in failed.value.output and "nothing was changed" in failed.value.output
        after = member.ask("kv/range", key=base64.b64encode(b"/rolecall/data/").decode(),
                           range_end=base64.b64encode(b"/rolecall/data0").decode())["kvs"]
        assert after == before
        assert run(server, "backup", "newer.backup").returncode == 0
        copy = make_server("copy", variables=MASTER_KEY)
        done = run(copy, "restore", str(server.home / "newer.backup"))
        assert done.returncode == 2 and "nothing was restored" in done.stderr and "version 99" in done.stderr
    finally:
        etcd.stop()
