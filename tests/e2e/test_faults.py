"""Three etcd members and three nodes under a load whose history is checked, while things break.

After each fault: no acknowledged write is lost, no answer is older than the bound, no node goes back in time, and none
answers when it can't know. Times to recovery are printed. ROLECALL_TEST_FAULT_ROUNDS repeats each fault.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness import etcd as etcd_harness
from harness.clients import Aws, document, trust
from harness.etcd import Etcd, Member
from harness.history import ABSENT, History, Load
from harness.process import ACCOUNT, Credentials, Server
from harness.proxy import Links

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600),
              pytest.mark.skipif(etcd_harness.PROGRAM is None, reason="etcd is not installed")]

BOUND_SECONDS = 2
NODES = MEMBERS = 3
ROUNDS = int(os.environ.get("ROLECALL_TEST_FAULT_ROUNDS", "1"))
PATIENCE_SECONDS = 60
TRUST = document(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


class Cluster:
    def __init__(self, directory: Path) -> None:
        self.links = Links()
        self.etcd = Etcd(directory / "etcd", MEMBERS, self.links).start()
        self.clocks = [directory / f"clock{n}" for n in range(NODES)]
        self.nodes = [self._node(directory, n) for n in range(NODES)]
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(Server.start, self.nodes))
        [first] = [one for one in self.nodes if (one.data / "root-credentials").exists()]
        self.root: Credentials = first.root

    def _node(self, directory: Path, number: int) -> Server:
        home = directory / f"node{number}"
        home.mkdir()
        (home / "rolecall.toml").write_text(f"store_staleness_seconds = {BOUND_SECONDS}\n[quotas]\nroles = 100000\n")
        variables = {"ROLECALL_MASTER_KEY": "5a" * 32} | self._clock(number)
        flags = ("--store", self.etcd.address_for(f"n{number}"), "--config", str(home / "rolecall.toml"))
        return Server(home, flags=flags, variables=variables)

    def _clock(self, number: int) -> dict[str, str]:
        """A clock of the node's own that a test can set; time that only goes on is left alone."""
        if FAKETIME is None:
            return {}
        self.set_clock(number, 0)
        return {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.clocks[number]),
                "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def set_clock(self, number: int, seconds: int) -> None:
        scratch = self.clocks[number].with_suffix(".new")
        scratch.write_text(f"{seconds:+d}\n")
        scratch.rename(self.clocks[number])

    def mend(self) -> None:
        """Everything runs and is connected."""
        self.links.heal()
        for number in range(NODES):
            self.set_clock(number, 0)
        for member in self.etcd.members:
            if member.process is None or member.process.poll() is not None:
                member.kill()
                self.etcd.restart(member)
            else:
                member.go_on()
        for node in self.nodes:
            if node.process is None:
                node.start()

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()
        self.etcd.stop()
        self.links.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("faults"))
    yield made
    made.stop()


def wait(what: str, holds: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < PATIENCE_SECONDS, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.01)
    return time.monotonic() - began


class Run:
    """One fault under load: what happened, and how long until all went well again."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.load = Load(cluster.nodes, cluster.root, TRUST, f"{name.split()[-1]}-{time.monotonic_ns()}").start()
        self.told: list[str] = []

    def progress(self, nodes: range | list[int] = range(NODES), more: int = 5) -> float:
        """Until each of these nodes has taken more writes; how long that took."""
        before = {node: self.load.written(node) for node in nodes}
        try:
            return wait(f"writes land on the nodes {list(nodes)}",
                        lambda: all(self.load.written(node) >= count + more for node, count in before.items()))
        except AssertionError as error:
            last = [str(one) for one in self.load.history.operations[-12:]]
            raise AssertionError("\n".join([str(error), *last])) from None

    def refusal(self, node: int) -> float:
        """Until the node refuses for want of its store; how long that took."""
        def refuses() -> bool:
            return any(one.outcome == "ServiceUnavailable" and one.started > began
                       for one in self.load.history.of("read", node=node)[-20:])
        began = time.monotonic()
        return wait(f"node {node} refuses", refuses)

    def tell(self, what: str, seconds: float) -> None:
        self.told.append(f"{what} {seconds:.1f} s")

    def end(self) -> History:
        self.cluster.mend()
        self.tell("all nodes took writes again after", self.progress())
        history = self.load.stop()
        for role in {one.role for one in history.of("write", "ok")}:
            for node in range(NODES):
                # An answer of the end of the load: it is checked with the others, and must be the newest.
                last = max(one.number for one in history.of("write", "ok") if one.role == role)
                wait(f"node {node} has {role}", lambda n=node, r=role, w=last: self.load.read(n, r).number >= w)
        assert not history.check(BOUND_SECONDS), "\n".join(history.check(BOUND_SECONDS)[:10])
        assert len(history.of("read", "ok")) > 20
        return history


@contextlib.contextmanager
def under_load(cluster: Cluster, name: str, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    run = Run(cluster, name)
    try:
        run.progress()
        yield run
        history = run.end()
    finally:
        run.load._stop.set()
        cluster.mend()
    refused = len([one for one in history.operations if one.outcome == "ServiceUnavailable"])
    with capsys.disabled():
        print(f"\n  {name}: {len(history.of('write', 'ok'))} writes and {len(history.of('read', 'ok'))} reads, {refused} "
              f"refused; longest time without any write {history.longest_pause('write'):.1f} s; oldest answer "
              f"{history.oldest_answer():.2f} s; {', '.join(run.told)}", end="")


rounds = pytest.mark.parametrize("round_", range(ROUNDS))


@rounds
def test_the_leader_of_etcd_is_killed(cluster: Cluster, round_: int, capsys):
    with under_load(cluster, "leader killed", capsys) as run:
        cluster.etcd.leader().kill()
        run.tell("went on without it after", run.progress())


@rounds
def test_the_leader_of_etcd_stands_still(cluster: Cluster, round_: int, capsys):
    with under_load(cluster, "leader paused", capsys) as run:
        cluster.etcd.leader().pause()
        run.tell("went on without it after", run.progress())


@rounds
def test_the_leader_changes(cluster: Cluster, round_: int, capsys):
    with under_load(cluster, "leader changed", capsys) as run:
        for _ in range(3):
            leader = cluster.etcd.leader()
            other = next(m for m in cluster.etcd.members if m is not leader)
            target = other.ask("maintenance/status")["header"]["member_id"]
            with contextlib.suppress(OSError):  # the answer may be lost with the leader's role
                leader.ask("maintenance/transfer-leadership", targetID=target)
            wait("another leads", lambda was=leader: cluster.etcd.leader() is not was)
            run.progress()


@rounds
def test_a_node_is_killed(cluster: Cluster, round_: int, capsys):
    with under_load(cluster, "node killed", capsys) as run:
        cluster.nodes[1].kill()
        run.progress([0, 2])
        cluster.nodes[1].start()
        run.tell("the node took writes after its start after", run.progress([1]))


@rounds
def test_a_node_stands_still(cluster: Cluster, round_: int, capsys):
    """It must not answer from the picture that it had before: it can't know that it stood still."""
    with under_load(cluster, "node paused", capsys) as run:
        os.kill(cluster.nodes[1].process.pid, 19)
        try:
            time.sleep(BOUND_SECONDS)  # the pause itself, not a wait for anything
            run.progress([0, 2], more=20)
        finally:
            os.kill(cluster.nodes[1].process.pid, 18)
        run.tell("the node took writes again after", run.progress([1]))


@rounds
def test_a_node_is_cut_off_from_etcd(cluster: Cluster, round_: int, capsys):
    with under_load(cluster, "node cut off", capsys) as run:
        for member in cluster.etcd.members:
            cluster.links.cut("n2", member.name)
        run.tell("refused after", run.refusal(2))
        run.progress([0, 1], more=20)
        cluster.links.heal()
        run.tell("came back after", run.progress([2]))


@rounds
def test_the_leader_is_cut_off_from_the_other_members(cluster: Cluster, round_: int, capsys):
    """The nodes still reach it: what it says must not be taken for the newest."""
    with under_load(cluster, "leader cut off", capsys) as run:
        leader = cluster.etcd.leader()
        others = [member for member in cluster.etcd.members if member is not leader]
        for other in others:
            cluster.links.cut(leader.name, other.name)
        wait("the others have a leader", lambda: any(member.is_leader() for member in others))
        run.tell("went on without it after", run.progress())


@rounds
def test_etcd_has_no_majority(cluster: Cluster, round_: int, capsys):
    with under_load(cluster, "no majority", capsys) as run:
        for member in cluster.etcd.members[1:]:
            member.kill()
        for node in range(NODES):
            run.refusal(node)
        before = run.load.written()
        time.sleep(BOUND_SECONDS / 2)  # time in which a write could be acknowledged, and must not be
        assert run.load.written() == before


@rounds
def test_the_disk_of_a_member_is_full(cluster: Cluster, round_: int, capsys):
    with under_load(cluster, "disk of a member full", capsys) as run:
        fill_disk(cluster.etcd.leader())
        run.tell("went on without it after", run.progress())


def fill_disk(member: Member) -> None:
    """No file of the member can be written any more."""
    import resource
    resource.prlimit(member.process.pid, resource.RLIMIT_FSIZE, (0, 0))


@rounds
def test_the_history_that_a_node_missed_is_compacted(cluster: Cluster, round_: int, capsys):
    """The node can't follow from where it was: it must load everything again."""
    node = cluster.nodes[2]
    before = node.output().count("loading everything again")
    with under_load(cluster, "history compacted", capsys) as run:
        for member in cluster.etcd.members:
            cluster.links.cut("n2", member.name)
        run.refusal(2)
        run.progress([0, 1], more=20)
        [member, *_] = cluster.etcd.members
        revision = member.ask("maintenance/status")["header"]["revision"]
        member.ask("kv/compaction", revision=revision, physical=True)
        # What etcd had sent already does not arrive late.
        cluster.links.lose()
        cluster.links.heal()
        run.tell("came back after", run.progress([2]))
    assert node.output().count("loading everything again") > before, node.output()[-3000:]


@rounds
@pytest.mark.skipif(FAKETIME is None, reason="NOT TESTED: libfaketime is not installed, so clocks can't be stepped")
def test_the_clock_of_a_node_is_stepped(cluster: Cluster, round_: int, capsys):
    """Ages are counted by time that only goes on; what is signed is judged by the clock, as everywhere."""
    iam = Aws(cluster.nodes[0], cluster.root).iam
    iam.create_user(UserName=f"clock-{round_}")
    key = Credentials.of(iam.create_access_key(UserName=f"clock-{round_}")["AccessKey"])
    token = Credentials.of(Aws(cluster.nodes[0], key).sts.get_session_token()["Credentials"])
    with under_load(cluster, "clock stepped", capsys) as run:
        for seconds in (600, -600):
            cluster.set_clock(1, seconds)
            run.progress()
            for node in cluster.nodes:
                assert Aws(node, token).arn().endswith(f"clock-{round_}")
        for seconds in (86_400, -86_400):
            cluster.set_clock(1, seconds)
            wait("what is signed now is too old or too new for that node",
                 lambda: any(one.outcome == "SignatureDoesNotMatch"
                             for one in run.load.history.of("read", node=1)[-5:]))
            run.progress([0, 2])
            cluster.set_clock(1, 0)
            run.progress()
        for node in cluster.nodes:
            assert Aws(node, token).arn().endswith(f"clock-{round_}"), "its session outlives the steps"
        outcomes = {one.outcome for one in run.load.history.operations}
        # A request that took too long for this machine is unknown; nothing else may come of a clock.
        assert outcomes <= {"ok", "SignatureDoesNotMatch", "ServiceUnavailable", "unknown"}, outcomes


def test_the_checker_finds_what_must_not_be():
    """A history with each fault in it: otherwise a clean history would say nothing."""
    from harness.history import Operation

    def told(*operations: tuple[int, str, float, float, int]) -> list[str]:
        history = History([Operation(node, kind, "r", began, ended, "ok", number)
                           for node, kind, began, ended, number in operations])
        return history.check(bound=2)

    write = (0, "write", 0.0, 0.1, 1), (0, "write", 1.0, 1.1, 2)
    assert not told(*write, (1, "read", 2.9, 3.0, 1), (1, "read", 3.2, 3.3, 2))
    assert "older than the bound" in told(*write, (1, "read", 3.2, 3.3, 1))[0]
    assert "older than the bound" in told(*write, (1, "read", 3.2, 3.3, ABSENT))[0]
    assert "own" in told(*write, (0, "read", 1.2, 1.3, 1))[0]
    assert "goes back" in told(*write, (1, "read", 1.2, 1.3, 2), (1, "read", 1.4, 1.5, 1))[0]
    assert "never written" in told(*write, (1, "read", 1.2, 1.3, 7))[0]
