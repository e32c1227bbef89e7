"""Starting where one cannot: each says what is wrong, ends with exit code 2, and touches nothing."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.clients import Aws
from harness.process import Server, StartFailed, clean_environment, program, rolecall

Make = Callable[..., Server]


def refuses(server: Server, *words: str) -> str:
    """The server does not start; what it said names each of these."""
    with pytest.raises(StartFailed) as caught:
        server.start()
    assert caught.value.exit_code == 2, caught.value.output
    said = caught.value.output
    for word in words:
        assert re.search(word, said), f"{word!r} is not in: {said}"
    assert "panicked" not in said and "RUST_BACKTRACE" not in said
    return said


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "endpoint"}


def test_the_first_start_keeps_its_keys_to_itself(make_server: Make) -> None:
    server = make_server().start()
    keys = server.data / "root-credentials"
    assert keys.stat().st_mode & 0o777 == 0o600
    assert server.data.stat().st_mode & 0o077 == 0
    for path in server.data.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, f"{path} is readable by others"
    assert server.root.secret_access_key not in server.output()
    before = server.root
    server.restart()
    assert server.root == before


def test_root_keys_that_are_given(make_server: Make) -> None:
    given = {"ROLECALL_ROOT_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
             "ROLECALL_ROOT_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
    server = make_server(variables=given).start()
    assert server.root.access_key_id == given["ROLECALL_ROOT_ACCESS_KEY_ID"]
    assert Aws(server, server.root).arn().endswith(":root")


def test_another_account(make_server: Make) -> None:
    server = make_server(flags=("--account", "210987654321")).start()
    assert Aws(server, server.root).arn() == "arn:aws:iam::210987654321:root"


def test_a_directory_in_use(make_server: Make) -> None:
    first = make_server("first").start()
    second = make_server("second", data=first.data)
    endpoint = (first.data / "endpoint").read_text()
    with pytest.raises(StartFailed) as caught:
        second_start_keeping_endpoint(second)
    assert caught.value.exit_code == 2
    assert re.search(re.escape(str(first.data)), caught.value.output)
    assert re.search("lock|in use|another", caught.value.output)
    assert (first.data / "endpoint").read_text() == endpoint
    assert Aws(first, first.root).arn()


def second_start_keeping_endpoint(server: Server) -> None:
    """`Server.start` would remove the file by which the first server is found."""
    done = rolecall("serve", "--listen", "127.0.0.1:0", "--data", str(server.data),
                    env=clean_environment(server.home), timeout=30)
    raise StartFailed(done.returncode, done.stdout + done.stderr)


def test_a_directory_that_is_a_file(make_server: Make, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_text("mine\n")
    said = rolecall("serve", "--listen", "127.0.0.1:0", "--data", str(data), env=clean_environment(tmp_path))
    assert said.returncode == 2 and str(data) in said.stdout + said.stderr
    assert data.read_text() == "mine\n"


def test_a_directory_that_may_not_be_written(tmp_path: Path) -> None:
    nobody = 65534
    data = tmp_path / "data"
    data.mkdir(mode=0o555)
    for folder in [tmp_path, *list(tmp_path.parents)[:3]]:
        if folder.stat().st_uid == os.geteuid() and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    as_nobody = {"user": nobody, "group": nobody, "extra_groups": []} if os.geteuid() == 0 else {}
    binary = shutil.copy(program(), tmp_path / "rolecall") if as_nobody else program()
    done = subprocess.run([binary, "serve", "--listen", "127.0.0.1:0", "--data", str(data)], text=True,
                          env=clean_environment(tmp_path), capture_output=True, timeout=30, cwd="/", **as_nobody)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert str(data) in said and re.search("ermission denied|read-only|not writable", said), said
    assert list(data.iterdir()) == []


def test_a_port_in_use(make_server: Make) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        server = make_server(flags=("--listen", address))
        # clap takes the last of a repeated flag only where told to; say it once.
        done = rolecall("serve", "--listen", address, "--data", str(server.data), env=clean_environment(server.home))
        said = done.stdout + done.stderr
        assert done.returncode == 2, said
        assert address in said and re.search("in use", said), said


SETTINGS = {
    "not TOML": ("[sts\nmin_session_seconds = 900\n", r"rolecall.toml:1:5"),
    "unknown key": ('region = "x"\n\n[sts]\n  min_sesion_seconds = 900\n', r"rolecall.toml:4:3", "sts.min_sesion_seconds"),
    "wrong type": ("[sts]\nmin_session_seconds = [900]\n", r"rolecall.toml:2:23"),
    "not a number": ('[sts]\nmin_session_seconds = "long"\n', r"rolecall.toml:2", "long", "sts.min_session_seconds"),
    "out of range": ("[sts]\nmin_session_seconds = -1\n", r"rolecall.toml:2", "-1"),
    "not an account": ('account = "12"\n', r"rolecall.toml:1", "account", "12"),
    "not an address": ('listen = "nowhere"\n', "listen", "nowhere"),
    "not a store": ('store = "floppy"\n', "store", "floppy", r"rolecall.toml:1"),
    "not text": ("region = '\xff'\n", "rolecall.toml"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_that_are_wrong(tmp_path: Path, case: str) -> None:
    text, *words = SETTINGS[case]
    settings = tmp_path / "rolecall.toml"
    settings.write_bytes(text.encode("latin-1"))
    flags = ["--config", str(settings), "--data", str(tmp_path / "data")]
    done = rolecall("serve", *flags, *([] if "listen" in text else ["--listen", "127.0.0.1:0"]),
                    env=clean_environment(tmp_path), timeout=30)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    for word in words:
        assert re.search(word, said), f"{word!r} is not in: {said}"
    assert "panicked" not in said
    assert not (tmp_path / "data").exists() or contents(tmp_path / "data") == {}, "nothing is touched"


def test_settings_that_are_not_there(make_server: Make, tmp_path: Path) -> None:
    refuses(make_server(flags=("--config", str(tmp_path / "nowhere.toml"))), "nowhere.toml", "[Nn]o such file")


def test_variables_that_are_wrong(make_server: Make) -> None:
    refuses(make_server(variables={"ROLECALL_ACCOUNT": "twelve"}), "ROLECALL_ACCOUNT|account", "twelve")


@pytest.mark.parametrize("arguments", [["serve", "--made-up"], ["made-up"], ["serve", "--listen", "nowhere"],
                                       ["serve", "--listen"], []])
def test_usage_that_is_wrong(tmp_path: Path, arguments: list[str]) -> None:
    done = rolecall(*arguments, env=clean_environment(tmp_path), cwd=tmp_path)
    assert done.returncode == 2
    assert re.search("Usage|error: |rolecall: ", done.stderr)
    assert not (tmp_path / "rolecall-data").exists()


def store_files(data: Path) -> list[Path]:
    """The database: the largest file, and its companions if it has any."""
    files = [path for path in data.rglob("*") if path.is_file() and path.stat().st_size >= 4096]
    assert files, "the store has a file"
    return sorted(files, key=lambda path: -path.stat().st_size)[:1]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda whole: whole[: len(whole) // 3],
    "emptied": lambda whole: whole[:16],
    "overwritten at the start": lambda whole: os.urandom(512) + whole[512:],
    "another kind of file": lambda whole: b"PK\x03\x04" + bytes(len(whole) - 4),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_store(make_server: Make, kind: str) -> None:
    server = make_server().start()
    Aws(server, server.root).iam.create_user(UserName="before")
    server.stop()
    [store] = store_files(server.data)
    store.write_bytes(DAMAGE[kind](store.read_bytes()))
    before = contents(server.data)
    refuses(server, re.escape(store.name), "damaged|corrupt|not a .*(database|store)|cannot be read|invalid|unreadable")
    assert contents(server.data) == before, "a refused start touches nothing"


def test_a_store_that_was_changed_by_hand(make_server: Make) -> None:
    """A number of its own facts is another one now: the checksums tell. (A true store of a later version is made,
    and refused by its name, in the store's own tests.)"""
    server = make_server().start()
    server.stop()
    [store] = store_files(server.data)
    # The store's table of facts, as the engine lays it out: its two keys, then their values.
    written, newer = (b"formatrevision" + number.to_bytes(8, "little") for number in (1, 999))
    assert written in store.read_bytes(), "the store says which version of the format it has"
    store.write_bytes(store.read_bytes().replace(written, newer))
    before = contents(server.data)
    refuses(server, "damaged", re.escape(store.name))
    assert contents(server.data) == before


def test_a_lost_secret_of_the_store(make_server: Make) -> None:
    """Without the master key nothing sealed can be read: better no start than none of the keys working."""
    server = make_server().start()
    server.stop()
    key = server.data / "master-key"
    assert key.stat().st_mode & 0o777 == 0o600
    kept = key.read_text()
    key.unlink()
    refuses(server, "master-key")
    assert not key.exists(), "a new key would not open what the old one sealed"
    key.write_text(kept[::-1].strip() + "\n")
    refuses(server, "master.key|sealed|decrypt")
    key.write_text(kept)
    assert Aws(server.start(), server.root).arn()
