"""What was acknowledged is there: after an orderly restart, and after `kill -9` in the midst of writing."""

from __future__ import annotations

import http.client
import random
import resource
import threading
import time
from collections.abc import Callable, Iterable

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from harness.clients import Aws, allow, document, trust
from harness.process import ACCOUNT, Credentials, Server, StartFailed
from harness.wire import call

ROUNDS = 20
WRITERS = 3
USERS_A_ROUND = 200
SECONDS_OF_LOAD = 0.6
TRUST = document(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))


class Load:
    """Writers that note each write the server has acknowledged."""

    def __init__(self, server: Server, root: Credentials, round_: int) -> None:
        self.server, self.root, self.round = server, root, round_
        self.users: list[str] = []
        self.counters: dict[str, int] = {}
        self.refusals: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._make_users, args=(n,)) for n in range(WRITERS)]
        self._threads.append(threading.Thread(target=self._count))

    def run_until_killed(self) -> None:
        for thread in self._threads:
            thread.start()
        time.sleep(SECONDS_OF_LOAD)
        self.server.kill()
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def _make_users(self, writer: int) -> None:
        for number in range(USERS_A_ROUND // WRITERS):
            name = f"r{self.round}-w{writer}-{number}"
            if not self._write("CreateUser", UserName=name, Path=f"/round/{self.round}/"):
                return
            self.users.append(name)

    def _count(self) -> None:
        """One value written over and over: an acknowledged write must not be undone by the crash."""
        number = 0
        while not self._stop.is_set():
            number += 1
            if not self._write("UpdateRole", RoleName="counter", Description=f"{self.round}:{number}"):
                return
            self.counters["description"] = number

    def _write(self, action: str, **parameters: str) -> bool:
        try:
            answer = call(self.server, self.root, action, **parameters)
        except (OSError, http.client.HTTPException):
            return False  # the kill came between the request and its answer
        if answer.status != 200:
            self.refusals.append(f"{action}: {answer.body!r}")
        return answer.status == 200


@pytest.mark.slow
def test_twenty_kills_under_load(own_server: Server) -> None:
    root = own_server.root
    Aws(own_server, root).iam.create_role(RoleName="counter", AssumeRolePolicyDocument=TRUST)
    acknowledged: set[str] = set()
    for round_ in range(ROUNDS):
        load = Load(own_server, root, round_)
        load.run_until_killed()
        assert not load.refusals, load.refusals[:3]
        assert load.users and load.counters, "the load was acknowledged nothing before the kill"
        acknowledged |= set(load.users)
        own_server.start()
        iam = Aws(own_server, root).iam
        there = {user["UserName"] for page in iam.get_paginator("list_users").paginate(
            PaginationConfig={"PageSize": 1000}) for user in page["Users"]}
        assert acknowledged <= there, f"lost in round {round_}: {sorted(acknowledged - there)[:5]}"
        assert len(there) - len(acknowledged) <= WRITERS * (round_ + 1), "only writes in flight may be extra"
        at = iam.get_role(RoleName="counter")["Role"]["Description"]
        kept_round, _, kept = at.partition(":")
        assert int(kept_round) == round_ and load.counters["description"] <= int(kept) <= (
            load.counters["description"] + 1)
    print(f"{len(acknowledged)} acknowledged users there after {ROUNDS} kills")


def everything(root: Aws) -> dict:
    """All that the management calls can tell, without what differs from request to request."""
    iam = root.iam
    user, role = {"UserName": "kept"}, {"RoleName": "kept"}
    policy = f"arn:aws:iam::{ACCOUNT}:policy/p/kept"
    answers = {
        "user": iam.get_user(**user), "role": iam.get_role(**role), "group": iam.get_group(GroupName="kept"),
        "policy": iam.get_policy(PolicyArn=policy), "versions": iam.list_policy_versions(PolicyArn=policy),
        "document": iam.get_policy_version(PolicyArn=policy, VersionId="v1"),
        "profile": iam.get_instance_profile(InstanceProfileName="kept"),
        "inline": iam.get_user_policy(**user, PolicyName="inline"), "keys": iam.list_access_keys(**user),
        "attached": iam.list_attached_role_policies(**role), "alias": iam.list_account_aliases(),
        "summary": iam.get_account_summary(), "groups": iam.list_groups_for_user(**user),
        "entities": iam.list_entities_for_policy(PolicyArn=policy),
    }
    for answer in answers.values():
        del answer["ResponseMetadata"]
    answers["role"]["Role"].pop("RoleLastUsed", None)
    return answers


def test_a_restart_keeps_everything(own_server: Server) -> None:
    root = Aws(own_server, own_server.root)
    iam = root.iam
    user = root.user("kept", allow(["sts:AssumeRole", "s3:*"]), Path="/u/", Tags=[{"Key": "k", "Value": "v"}])
    policy = iam.create_policy(PolicyName="kept", Path="/p/", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=document(allow("s3:Get*")))
    iam.create_role(RoleName="kept", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=policy,
                    Tags=[{"Key": "a", "Value": "b"}])
    iam.attach_role_policy(RoleName="kept", PolicyArn=policy)
    iam.create_group(GroupName="kept")
    iam.add_user_to_group(GroupName="kept", UserName="kept")
    iam.create_instance_profile(InstanceProfileName="kept")
    iam.add_role_to_instance_profile(InstanceProfileName="kept", RoleName="kept")
    iam.create_account_alias(AccountAlias="kept-alias")
    session = user.assume(f"arn:aws:iam::{ACCOUNT}:role/kept")
    before = everything(root)

    own_server.restart()
    root = Aws(own_server, root.credentials)
    assert everything(root) == before
    assert root.as_(user.credentials).arn() == f"arn:aws:iam::{ACCOUNT}:user/u/kept"
    again = root.as_(session.credentials)
    assert again.arn().endswith("assumed-role/kept/session"), "sessions outlive a restart"
    again.s3.list_buckets()
    before_paging = own_server.endpoint
    own_server.kill()
    own_server.start()
    assert everything(Aws(own_server, root.credentials)) == before, f"after a kill of {before_paging}"


def test_writes_that_race_are_one_after_the_other(own_server: Server) -> None:
    """Of several that make the same thing, one wins; quotas hold however many ask at once."""
    root = Aws(own_server, own_server.root)
    root.iam.create_user(UserName="contested")
    outcomes: list[str] = []

    def attempt(operation: Callable[[], object]) -> None:
        try:
            operation()
            outcomes.append("made")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
        except BotoCoreError as error:
            outcomes.append(type(error).__name__)

    def race(operation: Callable[[], object], runners: int = 8) -> list[str]:
        outcomes.clear()
        threads = [threading.Thread(target=attempt, args=(operation,)) for _ in range(runners)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(outcomes)

    for number in range(5):
        made = race(lambda: root.iam.create_role(RoleName=f"same-{number}", AssumeRolePolicyDocument=TRUST))
        assert made == ["EntityAlreadyExists"] * 7 + ["made"]
    keys = race(lambda: root.iam.create_access_key(UserName="contested"))
    assert keys == ["LimitExceeded"] * 6 + ["made"] * 2


# A file that may not grow answers as a full disk does, once the signal that comes with it is ignored.
NO_SIGNAL = ("sh", "-c", 'trap "" XFSZ; exec "$@"', "sh")


def test_a_full_disk_gives_errors_and_no_damage(make_server: Callable[..., Server]) -> None:
    server = make_server(within=NO_SIGNAL).start()
    root = server.root

    def make(name: str) -> str | None:
        answer = call(server, root, "CreateUser", timeout=30, UserName=name)
        return None if answer.status == 200 else answer.code

    def room(limit: int) -> None:
        _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limit, hard))

    acknowledged, refused = set(), []
    for round_ in range(3):
        assert make(f"before-{round_}") is None
        acknowledged.add(f"before-{round_}")
        room(0)
        for number in range(5):
            name = f"full-{round_}-{number}"
            code = make(name)
            if code:
                refused.append(code)
            else:
                acknowledged.add(name)
        assert call(server, root, "GetUser", UserName="before-0").status == 200, "reads go on"
        room(resource.RLIM_INFINITY)
        assert make(f"after-{round_}") is None, "there is room again"
        acknowledged.add(f"after-{round_}")
    assert set(refused) <= {"ServiceFailure", "ServiceUnavailable"} and len(refused) > 5, refused

    def there() -> set[str]:
        pages = Aws(server, root).iam.get_paginator("list_users").paginate()
        return {user["UserName"] for page in pages for user in page["Users"]}

    assert acknowledged <= there()
    server.kill()
    server.start()
    assert acknowledged <= there()


def last_of_each_writer(users: Iterable[str]) -> set[str]:
    last: dict[str, int] = {}
    for writer, _, number in (user.rpartition("-") for user in users):
        last[writer] = max(last.get(writer, -1), int(number))
    return {f"{writer}-{number}" for writer, number in last.items()}


@pytest.mark.slow
def test_a_file_that_a_power_cut_tore_is_whole_or_refused(own_server: Server) -> None:
    """The store is whole, or back at the commit before its last, or refused by name and left as it is.

    Damage to pages that were synced is more than a power cut does. Where it hits the last commit alone, the
    store has its last but one: a commit holds at most one write of each writer, which waits for its answer.
    """
    root = own_server.root
    Aws(own_server, root).iam.create_role(RoleName="counter", AssumeRolePolicyDocument=TRUST)
    load = Load(own_server, root, 0)
    load.run_until_killed()
    assert load.users
    store = own_server.data / "store.redb"
    whole = store.read_bytes()
    dice = random.Random(20)
    page, outcomes = 4096, {"whole": 0, "refused": 0}
    for number in range(24):
        torn = bytearray(whole)
        match number % 4:
            case 0:
                del torn[-page * dice.randint(1, 64):]
            case 1:
                torn[-page * dice.randint(1, 64):] = b""
                torn += bytes(len(whole) - len(torn))
            case 2:
                at = dice.randrange(0, len(torn) - 512)
                torn[at:at + 512] = dice.randbytes(512)
            case 3:
                torn[0:512] = dice.randbytes(512)
        store.write_bytes(torn)
        try:
            own_server.start()
        except StartFailed as failed:
            assert failed.exit_code == 2 and str(store) in failed.output.splitlines()[-1], failed.output[-2000:]
            assert store.read_bytes() == torn, "what is damaged is left as it is"
            outcomes["refused"] += 1
            continue
        pages = Aws(own_server, root).iam.get_paginator("list_users").paginate()
        there = {user["UserName"] for page_ in pages for user in page_["Users"]}
        lost = set(load.users) - there
        assert lost <= last_of_each_writer(load.users), f"tear {number} lost more than the last commit"
        outcomes["whole"] += 1
        own_server.kill()
    assert all(outcomes.values()), outcomes
    store.write_bytes(whole)
    own_server.start()
