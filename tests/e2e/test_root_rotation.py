"""`rolecall root rotate`: a new access key for the root user, and none other."""

from __future__ import annotations

import json

import pytest
from harness import etcd as etcd_harness
from harness.clients import Aws, refused
from harness.etcd import Etcd
from harness.process import ACCOUNT, Server, clean_environment, rolecall


def rotate(server: Server) -> str:
    done = rolecall("root", "rotate", "--data", str(server.data), *server.flags,
                    env=clean_environment(server.home) | server.variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_former_keys_end_at_once(own_server: Server) -> None:
    first = own_server.root
    root = Aws(own_server, first)
    second = root.credentials.of(root.iam.create_access_key()["AccessKey"])
    told = rotate(own_server)
    new = own_server.root
    assert new.access_key_id != first.access_key_id and new.access_key_id in told
    assert new.secret_access_key not in told
    for former in (first, second):
        with refused("InvalidClientTokenId"):
            Aws(own_server, former).sts.get_caller_identity()
    assert Aws(own_server, new).arn() == f"arn:aws:iam::{ACCOUNT}:root"
    keys = Aws(own_server, new).iam.list_access_keys()["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in keys] == [new.access_key_id]
    file = own_server.data / "root-credentials"
    assert file.stat().st_mode & 0o777 == 0o600
    shown = rolecall("env", "--data", str(own_server.data), env=clean_environment(own_server.home)).stdout
    assert new.secret_access_key in shown
    # The trail is whole when the server has ended.
    own_server.restart()
    trail = [json.loads(line) for path in (own_server.data / "audit").iterdir() for line in path.read_text().splitlines()]
    assert [one["eventName"] for one in trail].count("RotateRootCredentials") == 1
    assert new.secret_access_key not in own_server.output() + json.dumps(trail)
    # With nobody serving, it is the same.
    own_server.stop()
    rotate(own_server)
    own_server.start()
    with refused("InvalidClientTokenId"):
        Aws(own_server, new).sts.get_caller_identity()
    assert Aws(own_server, own_server.root).arn() == f"arn:aws:iam::{ACCOUNT}:root"


def test_one_that_was_cut_short_leaves_credentials_that_work(own_server: Server) -> None:
    first, file = own_server.root, own_server.data / "root-credentials"
    following = own_server.data / "root-credentials.next"
    before = file.read_text()
    own_server.stop()
    # Cut short before the new key counted.
    following.write_text(before.replace(first.access_key_id, "AKIANEVERWASAKEY0000"))
    own_server.start()
    assert not following.exists() and own_server.root == first
    rotate(own_server)
    new = own_server.root
    own_server.stop()
    # Cut short when it counted, before its file took the place of the former.
    file.rename(following)
    file.write_text(before)
    own_server.start()
    assert not following.exists() and own_server.root == new
    assert Aws(own_server, new).arn() == f"arn:aws:iam::{ACCOUNT}:root"


@pytest.mark.skipif(etcd_harness.PROGRAM is None, reason="etcd is not installed")
def test_on_etcd_every_node_refuses_the_former_key(make_server, tmp_path) -> None:
    etcd = Etcd(tmp_path / "etcd", 1).start()
    try:
        variables = {"ROLECALL_MASTER_KEY": "5a" * 32}
        one, two = (make_server(name, flags=("--store", etcd.address), variables=variables).start() for name in ("one", "two"))
        former = one.root
        assert Aws(two, former).arn() == f"arn:aws:iam::{ACCOUNT}:root"
        rotate(one)
        for node in (one, two):
            with refused("InvalidClientTokenId"):
                # The other node follows within its watch's delay.
                for _ in range(1_000):
                    Aws(node, former).sts.get_caller_identity()
            assert Aws(node, one.root).arn() == f"arn:aws:iam::{ACCOUNT}:root"
        one.stop()
        two.stop()
    finally:
        etcd.stop()
