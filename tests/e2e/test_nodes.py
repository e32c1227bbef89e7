"""Several nodes on one etcd: they enforce each other's writes, and refuse rather than answer from an old picture."""

from __future__ import annotations

import base64
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from harness import etcd as etcd_harness
from harness.clients import Aws, allow, document, trust
from harness.etcd import Etcd
from harness.process import ACCOUNT, Credentials, Server, StartFailed, clean_environment, rolecall
from harness.wire import call

pytestmark = pytest.mark.skipif(etcd_harness.PROGRAM is None, reason="etcd is not installed")

MASTER_KEY = "5a" * 32
BOUND_SECONDS = 2
NODES = 3
TRUST = document(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))


def node(home: Path, etcd: Etcd, *more: str, **variables: str) -> Server:
    settings = home / "rolecall.toml"
    home.mkdir(parents=True, exist_ok=True)
    settings.write_text(f"store_staleness_seconds = {BOUND_SECONDS}\n")
    flags = ("--store", etcd.address, "--config", str(settings), *more)
    return Server(home, flags=flags, variables={"ROLECALL_MASTER_KEY": MASTER_KEY} | variables)


def await_condition(what: str, holds: Callable[[], bool], seconds: float = 20) -> float:
    """How long it took, in seconds."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.002)
    return time.monotonic() - began


def code_of(call: Callable[[], object]) -> str:
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "ok"


class Cluster:
    def __init__(self, directory: Path, members: int, **variables: str) -> None:
        self.etcd = Etcd(directory / "etcd", members).start()
        self.nodes = [node(directory / f"node{n}", self.etcd, **variables) for n in range(NODES)]
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(Server.start, self.nodes))

    @property
    def root(self) -> Credentials:
        """Of the node that was first: it alone has the root credentials."""
        [first] = [one for one in self.nodes if (one.data / "root-credentials").exists()]
        return first.root

    def clients(self, credentials: Credentials | None = None) -> list[Aws]:
        return [Aws(one, credentials or self.root) for one in self.nodes]

    def stop(self) -> None:
        for one in self.nodes:
            one.kill()
        self.etcd.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"), members=1)
    yield made
    made.stop()


@pytest.fixture
def three_members(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, members=3)
    yield made
    made.stop()


def test_nodes_that_start_together_make_one_account(cluster: Cluster):
    identities = [client.sts.get_caller_identity()["Arn"] for client in cluster.clients()]
    assert identities == [f"arn:aws:iam::{ACCOUNT}:root"] * NODES


def test_a_write_on_one_node_is_enforced_on_the_others(cluster: Cluster):
    one, two, three = cluster.clients()
    one.iam.create_user(UserName="traveller")
    key = Credentials.of(one.iam.create_access_key(UserName="traveller")["AccessKey"])
    others = cluster.clients(key)[1:]
    for other in others:
        await_condition("the user is known", lambda o=other: code_of(o.sts.get_caller_identity) == "ok")
        assert code_of(other.iam.list_roles) == "AccessDenied"
    two.iam.put_user_policy(UserName="traveller", PolicyName="p", PolicyDocument=document(allow("iam:ListRoles")))
    for other in others:
        await_condition("the grant is enforced", lambda o=other: code_of(o.iam.list_roles) == "ok")
    three.iam.delete_user_policy(UserName="traveller", PolicyName="p")
    for other in others:
        await_condition("its end is enforced", lambda o=other: code_of(o.iam.list_roles) == "AccessDenied")


def test_a_session_of_one_node_is_good_on_the_others(cluster: Cluster):
    one, *_ = cluster.clients()
    one.iam.create_role(RoleName="shared", AssumeRolePolicyDocument=TRUST)
    one.iam.create_user(UserName="assumer")
    one.iam.put_user_policy(UserName="assumer", PolicyName="p", PolicyDocument=document(allow("sts:AssumeRole")))
    key = Credentials.of(one.iam.create_access_key(UserName="assumer")["AccessKey"])
    assumer = Aws(cluster.nodes[0], key)
    role = f"arn:aws:iam::{ACCOUNT}:role/shared"
    session = assumer.sts.assume_role(RoleArn=role, RoleSessionName="s1")["Credentials"]
    for client in cluster.clients(Credentials.of(session)):
        await_condition("the session is taken", lambda c=client: code_of(c.sts.get_caller_identity) == "ok")
        assert client.sts.get_caller_identity()["Arn"].endswith("assumed-role/shared/s1")


def test_writers_on_all_nodes_lose_no_update(cluster: Cluster):
    clients = cluster.clients()
    clients[0].iam.create_group(GroupName="crowd")

    def join(number: int) -> str:
        client = clients[number % NODES]
        client.iam.create_user(UserName=f"crowd-{number}")
        client.iam.add_user_to_group(GroupName="crowd", UserName=f"crowd-{number}")
        return f"crowd-{number}"

    with ThreadPoolExecutor(6) as pool:
        joined = set(pool.map(join, range(48)))
    for client in clients:
        def members(c=client) -> set[str]:
            return {user["UserName"] for user in c.iam.get_group(GroupName="crowd")["Users"]}
        await_condition("all have joined", lambda m=members: m() == joined)


def test_a_node_that_lost_its_store_refuses_and_comes_back(cluster: Cluster):
    one, two, _ = cluster.clients()
    [member] = cluster.etcd.members
    member.pause()
    try:
        for client in (one, two):
            took = await_condition("it refuses", lambda c=client: code_of(c.sts.get_caller_identity) != "ok")
            assert code_of(client.sts.get_caller_identity) == "ServiceUnavailable"
            assert took < BOUND_SECONDS + 3
    finally:
        member.go_on()
    for client in (one, two):
        await_condition("it answers again", lambda c=client: code_of(c.sts.get_caller_identity) == "ok")
    one.iam.create_user(UserName="after-the-pause")
    await_condition("writes go on", lambda: code_of(lambda: two.iam.get_user(UserName="after-the-pause")) == "ok")


def test_a_node_without_the_master_key_touches_nothing(cluster: Cluster, tmp_path: Path):
    stranger = node(tmp_path / "stranger", cluster.etcd, ROLECALL_MASTER_KEY="")
    with pytest.raises(StartFailed) as failed:
        stranger.start()
    assert "master key" in failed.value.output
    assert not (stranger.data / "master-key").exists()


def test_an_address_that_is_none_is_told(tmp_path: Path):
    env = clean_environment(tmp_path)
    answer = rolecall("serve", "--store", "etcd://root:hunter2@h:1/x", "--data", str(tmp_path / "d"), env=env)
    assert answer.returncode == 2 and "hunter2" not in answer.stderr + answer.stdout
    answer = rolecall("serve", "--store", "zookeeper://h", "--data", str(tmp_path / "d"), env=env)
    assert answer.returncode == 2 and "etcd://HOST:PORT" in answer.stderr


class Writer:
    """Notes each write that a node has acknowledged."""

    def __init__(self, number: int, client: Aws) -> None:
        self.number, self.client = number, client
        self.acknowledged: list[str] = []
        self.longest_gap = 0.0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        last = time.monotonic()
        count = 0
        while not self.stop.is_set():
            count += 1
            name = f"w{self.number}-{count}"
            try:
                self.client.iam.create_user(UserName=name)
            except (ClientError, BotoCoreError):
                continue
            self.acknowledged.append(name)
            now = time.monotonic()
            self.longest_gap = max(self.longest_gap, now - last)
            last = now


@pytest.mark.slow
def test_no_acknowledged_write_is_lost_when_members_and_nodes_are_killed(three_members: Cluster, capsys):
    cluster = three_members
    writers = [Writer(n, client) for n, client in enumerate(cluster.clients())]
    for writer in writers:
        writer.thread.start()
    for round_, member in enumerate(cluster.etcd.members):
        done = sum(len(w.acknowledged) for w in writers)
        await_condition("writes land", lambda d=done: sum(len(w.acknowledged) for w in writers) > d + 20, 60)
        member.kill()
        done = sum(len(w.acknowledged) for w in writers)
        await_condition("writes land without it", lambda d=done: sum(len(w.acknowledged) for w in writers) > d + 20, 60)
        cluster.etcd.restart(member)
        cluster.etcd.await_health()
        if round_ == 1:
            killed = cluster.nodes[2]
            killed.kill()
            writers[2].stop.set()
            writers[2].thread.join()
            killed.start()
    for writer in writers:
        writer.stop.set()
        writer.thread.join(60)
    acknowledged = {name for writer in writers for name in writer.acknowledged}
    for client in cluster.clients():
        def missing(c=client) -> set[str]:
            pages = c.iam.get_paginator("list_users").paginate()
            return acknowledged - {user["UserName"] for page in pages for user in page["Users"]}
        await_condition("nothing acknowledged is missing", lambda m=missing: not m(), 60)
    with capsys.disabled():
        gaps = ", ".join(f"{writer.longest_gap:.2f} s" for writer in writers)
        print(f"\n{len(acknowledged)} writes acknowledged, three members killed in turn; longest gap a writer saw: {gaps}")


@pytest.mark.perf
def test_how_fast_a_write_is_enforced_elsewhere(cluster: Cluster, capsys):
    one, two, _ = cluster.clients()
    one.iam.create_user(UserName="measured")
    delays = []
    for number in range(100):
        one.iam.tag_user(UserName="measured", Tags=[{"Key": "n", "Value": str(number)}])
        began = time.monotonic()

        def seen(n: int = number) -> bool:
            return two.iam.list_user_tags(UserName="measured")["Tags"] == [{"Key": "n", "Value": str(n)}]

        await_condition("the other node has it", seen)
        delays.append((time.monotonic() - began) * 1_000)
    delays.sort()
    with capsys.disabled():
        print(f"\nfrom the acknowledgement on one node to the answer of another: p50 {statistics.median(delays):.1f} ms, "
              f"p99 {delays[98]:.1f} ms (a request alone takes some of it)")


@pytest.fixture
def rotating(tmp_path: Path) -> Iterator[Cluster]:
    """Nodes whose session key is followed by another as soon as every node may know it."""
    made = Cluster(tmp_path, members=1, ROLECALL_STS_KEY_ROTATION_SECONDS="1", ROLECALL_STORE_STALENESS_SECONDS="1")
    yield made
    made.stop()


def test_no_session_is_refused_while_the_ring_of_keys_goes_round(rotating: Cluster, capsys):
    one, *_ = rotating.clients()
    one.iam.create_role(RoleName="robot", AssumeRolePolicyDocument=TRUST)
    one.iam.create_user(UserName="assumer")
    one.iam.put_user_policy(UserName="assumer", PolicyName="p", PolicyDocument=document(allow("sts:AssumeRole")))
    key = Credentials.of(one.iam.create_access_key(UserName="assumer")["AccessKey"])
    for client in rotating.clients(key):
        await_condition("the user is known", lambda c=client: code_of(c.sts.get_caller_identity) == "ok")
    made: list[list[Credentials]] = [[] for _ in rotating.nodes]
    refused, stop = [], threading.Event()

    def ask(node: Server, credentials: Credentials, action: str, **parameters: str):
        while True:
            answer = call(node, credentials, action, service="sts", **parameters)
            if answer.status == 200:
                return answer
            # A node that the machine kept from its work for longer than the bound says so, and is asked again.
            if answer.code != "ServiceUnavailable":
                refused.append(answer.body)
                return None

    def work(number: int) -> None:
        """Each session is used on every node at once, and some that are older."""
        turn = 0
        while not stop.is_set():
            turn += 1
            answer = ask(rotating.nodes[number], key, "AssumeRole", RoleSessionName=f"s{turn}",
                         RoleArn=f"arn:aws:iam::{ACCOUNT}:role/robot")
            if answer is None:
                return
            session = Credentials(*(answer.find(name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")))
            made[number].append(session)
            for node in rotating.nodes:
                for one in (session, made[number][turn * 7 % len(made[number])]):
                    ask(node, one, "GetCallerIdentity")

    ring = "/rolecall/data/sessions/key-ring"

    def keys() -> int:
        [member] = rotating.etcd.members
        [found] = member.ask("kv/range", key=base64.b64encode(ring.encode()).decode())["kvs"]
        return len(json.loads(base64.b64decode(found["value"]))["keys"])

    before = keys()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(NODES)]
    for thread in threads:
        thread.start()
    try:
        await_condition("the ring has gone on", lambda: keys() >= before + 6, 120)
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not refused, refused[:3]
    # The first of them are good to their end, under keys that seal no more.
    for node in rotating.nodes:
        for sessions in made:
            assert ask(node, sessions[0], "GetCallerIdentity") is not None
    assert not refused
    with capsys.disabled():
        print(f"\n{sum(map(len, made))} sessions under {keys() - before + 1} keys, each used on {NODES} nodes: none refused")
