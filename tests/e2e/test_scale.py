"""Many roles and users: made through the API by a bounded load, all there after a restart.

A tenth of the size in the ordinary run; ROLECALL_TEST_SCALE=full makes 10,000 roles and 5,000 users.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.clients import Aws, allow, document, trust
from harness.process import ACCOUNT, Credentials, Server
from harness.wire import Answer, call

FULL = os.environ.get("ROLECALL_TEST_SCALE") == "full"
ROLES, USERS = (10_000, 5_000) if FULL else (1_000, 500)
LOADERS = 4
TRUST = document(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
INLINE = document(allow("s3:GetObject", "arn:aws:s3:::bucket/${aws:username}/*"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_thousands_of_roles_and_users(make_server: Callable[..., Server], tmp_path: Path,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "rolecall.toml"
    settings.write_text(f"[quotas]\nroles = {ROLES}\nusers = {USERS}\n")
    server = make_server(flags=("--config", str(settings))).start()
    root = server.root
    empty = server.memory_kib()
    took = load(server, root)
    filled = server.memory_kib()
    server.stop()

    started = time.monotonic()
    server.start()
    iam = Aws(server, root).iam
    assert Aws(server, root).arn()
    ready = time.monotonic() - started
    roles = {one["RoleName"] for one in pages(iam, "list_roles", "Roles")}
    users = {one["UserName"] for one in pages(iam, "list_users", "Users")}
    assert roles == {f"role-{n}" for n in range(ROLES)}
    assert users == {f"user-{n}" for n in range(USERS)}
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Roles"], summary["Users"]) == (ROLES, USERS)
    for number in [0, ROLES // 2, ROLES - 1]:
        assert iam.get_role_policy(RoleName=f"role-{number}", PolicyName="inline")
    with capsys.disabled():
        print(f"\n  {ROLES} roles and {USERS} users, each role with a policy: made in {took:.1f} s "
              f"({(2 * ROLES + USERS) / took:.0f} writes a second), restarted and first answer in "
              f"{ready * 1000:.0f} ms; memory {empty} KiB empty, {filled} KiB filled, "
              f"{server.memory_kib()} KiB after the restart")


def load(server: Server, root: Credentials) -> float:
    """Makes everything with a few clients at once; the seconds it took."""
    work = writes()
    lock, failures = threading.Lock(), []

    def loader() -> None:
        while True:
            with lock:
                write = next(work, None)
            if write is None or failures:
                return
            for action, parameters in write:
                answer: Answer = call(server, root, action, **parameters)
                if answer.status != 200:
                    failures.append((action, parameters, answer.body))

    started = time.monotonic()
    threads = [threading.Thread(target=loader) for _ in range(LOADERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    return time.monotonic() - started


def writes() -> Iterator[list[tuple[str, dict[str, str]]]]:
    for n in range(ROLES):
        yield [("CreateRole", {"RoleName": f"role-{n}", "AssumeRolePolicyDocument": TRUST, "Path": f"/team{n % 50}/"}),
               ("PutRolePolicy", {"RoleName": f"role-{n}", "PolicyName": "inline", "PolicyDocument": INLINE})]
    for n in range(USERS):
        yield [("CreateUser", {"UserName": f"user-{n}", "Path": f"/team{n % 50}/"})]


def pages(iam, operation: str, field: str) -> Iterator[dict]:
    for page in iam.get_paginator(operation).paginate(PaginationConfig={"PageSize": 1000}):
        yield from page[field]
