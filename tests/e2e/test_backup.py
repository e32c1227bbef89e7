"""Backups: the whole state in a sealed file, and back, between the embedded store and etcd."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import etcd as etcd_harness
from harness.clients import Aws, allow, document, refused, trust
from harness.etcd import Etcd
from harness.process import ACCOUNT, Credentials, Server, StartFailed, clean_environment, program, rolecall
from harness.wire import call

MASTER_KEY = "5a" * 32


def run(home: Path, *arguments: str, key: str = MASTER_KEY) -> subprocess.CompletedProcess[str]:
    return rolecall(*arguments, env=clean_environment(home) | {"ROLECALL_MASTER_KEY": key}, cwd=home)


@pytest.fixture
def make(make_server) -> Callable[..., Server]:
    return lambda name, *flags: make_server(name, flags=flags, variables={"ROLECALL_MASTER_KEY": MASTER_KEY})


def fill(server: Server) -> dict:
    """Something of each kind: what stands for it after a restore is compared with what stood before."""
    root = Aws(server, server.root)
    jane = root.user("jane", allow("sts:AssumeRole"))
    root.iam.create_login_profile(UserName="jane", Password="Correct-Horse-9")
    root.iam.create_group(GroupName="team")
    root.iam.add_user_to_group(GroupName="team", UserName="jane")
    root.iam.create_role(RoleName="robot", AssumeRolePolicyDocument=document(
        trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/jane"})))
    policy = root.iam.create_policy(PolicyName="p", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    root.iam.attach_role_policy(RoleName="robot", PolicyArn=policy)
    root.client("organizations").create_organization()
    root.client("organizations").create_account(Email="a@example.com", AccountName="a")
    for number in range(300):
        root.iam.create_user(UserName=f"user-{number:03}")
    return {"root": server.root, "jane": jane.credentials,
            "session": jane.assume(f"arn:aws:iam::{ACCOUNT}:role/robot").credentials}


def holds(server: Server, keys: dict[str, Credentials]) -> None:
    root = Aws(server, keys["root"])
    assert len(root.iam.list_users(MaxItems=1000)["Users"]) == 301
    assert {one["Name"] for one in root.client("organizations").list_accounts()["Accounts"]} >= {"a"}
    assert root.iam.get_group(GroupName="team")["Users"][0]["UserName"] == "jane"
    assert root.as_(keys["jane"]).assume(f"arn:aws:iam::{ACCOUNT}:role/robot").s3.list_buckets()["Buckets"] == []
    # A session that was given out before is good for the rest of its time.
    assert root.as_(keys["session"]).arn().endswith("assumed-role/robot/session")
    with refused("EntityAlreadyExists"):
        root.iam.create_user(UserName="jane")
    with refused("DeleteConflict"):
        root.iam.delete_role(RoleName="robot")


def test_a_backup_is_restored_elsewhere(make: Callable[..., Server], tmp_path: Path) -> None:
    server = make("one").start()
    keys = fill(server)
    server.stop()
    done = run(tmp_path, "backup", "--data", str(server.data), "state.backup")
    assert done.returncode == 0, done.stderr
    file = tmp_path / "state.backup"
    assert file.stat().st_mode & 0o777 == 0o600 and b"jane" not in file.read_bytes()
    again = run(tmp_path, "backup", "--data", str(server.data), "state.backup")
    assert again.returncode == 2 and "exists" in again.stderr
    other = make("two")
    done = run(tmp_path, "restore", "--data", str(other.data), "state.backup")
    assert done.returncode == 0, done.stderr
    again = run(tmp_path, "restore", "--data", str(other.data), "state.backup")
    assert again.returncode == 2 and "the store is not empty" in again.stderr
    holds(other.start(), keys)


class Writer:
    """Makes users one after the other, whose names come in no order, so that a picture that is not of one moment shows."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name, self.made, self.asked = server, name, 0, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def user(self, number: int) -> str:
        return hashlib.sha256(f"{self.name}-{number}".encode()).hexdigest()[:20]

    def start(self) -> Writer:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.asked += 1
            answer = call(self.server, self.server.root, "CreateUser", UserName=self.user(self.made), Path=f"/{self.name}/")
            assert answer.status == 200, answer.body
            self.made += 1


def part_of(file: Path) -> tuple[int, int] | None:
    """Which file a backup is being written to, if there is one: a killed backup leaves its own."""
    with contextlib.suppress(FileNotFoundError):
        found = file.with_name(file.name + ".part").stat()
        return found.st_ino, found.st_ctime_ns
    return None


def await_part(file: Path, left: tuple[int, int] | None) -> None:
    deadline = time.monotonic() + 20
    while part_of(file) in (None, left):
        assert time.monotonic() < deadline, "the backup was not begun"
        time.sleep(0.002)


def test_a_server_is_backed_up_while_it_is_written_to(make: Callable[..., Server], tmp_path: Path) -> None:
    server = make("one").start()
    keys = fill(server)
    assert stat.S_IMODE((server.data / "control").stat().st_mode) == 0o600
    writers = [Writer(server, f"w{number}").start() for number in range(3)]
    taken = []
    for number in range(5):
        await_writes = [writer.made + 5 for writer in writers]
        while any(writer.made < wanted for writer, wanted in zip(writers, await_writes)):
            time.sleep(0.002)
        before = [writer.made for writer in writers]
        done = run(tmp_path, "backup", "--data", str(server.data), f"{number}.backup")
        assert done.returncode == 0, done.stderr
        taken.append((before, [writer.asked for writer in writers]))
    for writer in writers:
        writer.stop()
    assert "BackupStore" in "".join(path.read_text() for path in (server.data / "audit").iterdir())
    server.stop()
    assert not (server.data / "control").exists()
    for number, (before, asked) in enumerate(taken):
        copy = make(f"copy-{number}")
        done = run(tmp_path, "restore", "--data", str(copy.data), f"{number}.backup")
        assert done.returncode == 0, done.stderr
        iam = Aws(copy.start(), keys["root"]).iam
        for writer, least, most in zip(writers, before, asked):
            pages = iam.get_paginator("list_users").paginate(PathPrefix=f"/{writer.name}/")
            there = {user["UserName"] for page in pages for user in page["Users"]}
            # All of them up to one, and none after it.
            assert there == {writer.user(n) for n in range(len(there))}
            assert least <= len(there) <= most
        copy.stop()


def test_a_backup_that_is_killed_leaves_no_half_file(make: Callable[..., Server], tmp_path: Path) -> None:
    server = make("one").start()
    keys = fill(server)
    file = tmp_path / "state.backup"
    environment = clean_environment(tmp_path) | {"ROLECALL_MASTER_KEY": MASTER_KEY}
    command = [program(), "backup", "--data", str(server.data), str(file)]

    def begin() -> subprocess.Popen[str]:
        # The server stands still, so that the backup is in its middle.
        server.process.send_signal(signal.SIGSTOP)
        left = part_of(file)
        backup = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        await_part(file, left)
        return backup

    backup = begin()
    backup.kill()
    backup.communicate()
    assert not file.exists()
    backup = begin()
    other = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=30)
    assert other.returncode == 2 and "another backup" in other.stderr
    server.kill()
    _, told = backup.communicate(timeout=30)
    assert backup.returncode == 2 and "the server ended before it was done" in told
    assert list(tmp_path.glob("state.backup*")) == []
    server.start()
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("state.backup*")) == [file]
    copy = make("copy")
    assert run(tmp_path, "restore", "--data", str(copy.data), "state.backup").returncode == 0
    holds(copy.start(), keys)


def test_a_damaged_backup_restores_nothing(make: Callable[..., Server], tmp_path: Path) -> None:
    server = make("one").start()
    server.stop()
    run(tmp_path, "backup", "--data", str(server.data), "good")
    text = (tmp_path / "good").read_text()
    lines = text.splitlines(keepends=True)
    damaged = {"cut": "".join(lines[:-1]), "altered": text[:300] + ("A" if text[300] != "A" else "B") + text[301:],
               "nothing": "", "something else": "hello\n"}
    for what, content in damaged.items():
        (tmp_path / "bad").write_text(content)
        data = tmp_path / what.replace(" ", "-")
        done = run(tmp_path, "restore", "--data", str(data), "bad")
        assert done.returncode == 2 and "nothing was restored" in done.stderr, (what, done.stderr)
    done = run(tmp_path, "restore", "--data", str(tmp_path / "other-key"), "good", key="6b" * 32)
    assert done.returncode == 2 and "the master key is another one" in done.stderr
    # None of them left anything behind: the good one goes into the same place.
    assert run(tmp_path, "restore", "--data", str(tmp_path / "cut"), "good").returncode == 0


@pytest.mark.skipif(etcd_harness.PROGRAM is None, reason="etcd is not installed")
def test_state_moves_to_etcd_and_back(make: Callable[..., Server], tmp_path: Path) -> None:
    server = make("embedded").start()
    keys = fill(server)
    server.stop()
    assert run(tmp_path, "backup", "--data", str(server.data), "first").returncode == 0
    etcd = Etcd(tmp_path / "etcd", 1).start()
    try:
        at = ("--store", etcd.address)
        done = run(tmp_path, "restore", "--data", str(tmp_path / "node"), *at, "first")
        assert done.returncode == 0, done.stderr
        node = make("node", *at).start()
        holds(node, keys)
        Aws(node, keys["root"]).iam.delete_user(UserName="user-000")
        # etcd is backed up while its nodes go on.
        done = run(tmp_path, "backup", "--data", str(tmp_path / "node"), *at, "second")
        assert done.returncode == 0, done.stderr
        node.stop()
    finally:
        etcd.stop()
    assert run(tmp_path, "restore", "--data", str(tmp_path / "back/data"), "second").returncode == 0
    back = make("back").start()
    root = Aws(back, keys["root"])
    with refused("NoSuchEntity"):
        root.iam.get_user(UserName="user-000")
    root.iam.create_user(UserName="user-000")
    holds(back, keys)


def test_a_restore_that_broke_off_is_not_served(make: Callable[..., Server], tmp_path: Path) -> None:
    server = make("embedded").start()
    keys = fill(server)
    server.stop()
    assert run(tmp_path, "backup", "--data", str(server.data), "state").returncode == 0
    broken_off = []
    for attempt in range(60):
        data = tmp_path / f"killed-{attempt}/data"
        environment = clean_environment(tmp_path) | {"ROLECALL_MASTER_KEY": MASTER_KEY}
        restore = subprocess.Popen([program(), "restore", "--data", str(data), "state"], env=environment, cwd=tmp_path,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            restore.wait(0.002 * attempt)
        except subprocess.TimeoutExpired:
            restore.kill()
            restore.wait()
        node = make(f"killed-{attempt}")
        try:
            node.start()
        except StartFailed as failure:
            assert "a restore into this store was not finished" in failure.output
            broken_off.append(node)
            continue
        # It had not begun, or it was done: nothing between.
        node.stop()
        if restore.returncode == 0:
            break
    assert broken_off, "no attempt was killed in its middle"
    done = run(tmp_path, "restore", "--data", str(broken_off[-1].data), "state")
    assert done.returncode == 0, done.stderr
    holds(broken_off[-1].start(), keys)
