"""The master key: from one to another while servers go on, and back to work after a kill at any moment."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import etcd as etcd_harness
from harness.clients import Aws, allow, document, trust
from harness.etcd import Etcd
from harness.process import ACCOUNT, Credentials, Server, StartFailed, clean_environment, program, rolecall
from harness.totp import codes, make_device, step_now
from harness.wire import call

ROLE = f"arn:aws:iam::{ACCOUNT}:role/robot"
USERS = 150


def run(server: Server, *arguments: str) -> str:
    where = ("--data", str(server.data), *server.flags)
    done = rolecall(*arguments, *where, env=clean_environment(server.home) | server.variables, cwd=server.home)
    assert done.returncode == 0, done.stderr
    return done.stdout


def status(server: Server) -> dict[str, dict]:
    told = json.loads(run(server, "master-key", "status", "--json"))
    return {key["id"]: key for key in told["keys"]}


def is_finished(server: Server) -> bool:
    return json.loads(run(server, "master-key", "status", "--json"))["finished"]


def await_condition(what: str, holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


@dataclass
class Given:
    """What was handed out before a rotation, and must be good after it."""

    root: Credentials
    users: list[Credentials]
    session: Credentials
    mfa: tuple[str, bytes, int]


def fill(server: Server) -> Given:
    """Every kind of secret that the store seals; so many users that they are sealed anew in several steps."""
    root = Aws(server, server.root)
    jane = root.user("jane", allow(["sts:AssumeRole", "sts:GetWebIdentityToken"]))
    root.iam.create_role(RoleName="robot", AssumeRolePolicyDocument=document(
        trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/jane"})))
    session = jane.assume(ROLE).credentials
    mfa = make_device(root, "jane", "phone")
    root.iam.create_service_specific_credential(UserName="jane", ServiceName="codecommit.amazonaws.com")
    root.iam.enable_outbound_web_identity_federation()

    def keyed(number: int) -> Credentials:
        root.iam.create_user(UserName=f"user-{number:03}")
        return Credentials.of(root.iam.create_access_key(UserName=f"user-{number:03}")["AccessKey"])

    with ThreadPoolExecutor(8) as pool:
        users = list(pool.map(keyed, range(USERS)))
    return Given(server.root, [*users, jane.credentials], session, mfa)


def holds(server: Server, given: Given) -> None:
    """All that was handed out is taken: each secret opens."""
    for one in [given.root, given.session, *given.users]:
        answer = call(server, one, "GetCallerIdentity", service="sts")
        assert answer.status == 200, answer.body
    jane = Aws(server, given.users[-1])
    token = jane.sts.get_web_identity_token(Audience=["here"], SigningAlgorithm="ES384")["WebIdentityToken"]
    assert token.count(".") == 2


def has_second_factor(server: Server, given: Given) -> None:
    """A code is taken once, so that this is asked once."""
    serial, seed, last = given.mfa
    [code] = codes(seed, max(last + 1, step_now()), 1)
    Aws(server, given.users[-1]).sts.get_session_token(SerialNumber=serial, TokenCode=code)


def test_a_server_goes_on_under_another_key(own_server: Server) -> None:
    given = fill(own_server)
    file = own_server.data / "master-key"
    former = file.read_text()
    [before] = status(own_server)
    refused, stop = [], threading.Event()

    def use() -> None:
        while not stop.is_set():
            for one in (given.root, given.session, given.users[0]):
                answer = call(own_server, one, "GetCallerIdentity", service="sts")
                if answer.status != 200:
                    refused.append(answer.body)

    def make() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            for action in ("CreateUser", "CreateAccessKey"):
                answer = call(own_server, given.root, action, UserName=f"meanwhile-{number}")
                if answer.status != 200:
                    refused.append(answer.body)

    threads = [threading.Thread(target=work) for work in (use, use, make)]
    for thread in threads:
        thread.start()
    try:
        told = run(own_server, "master-key", "rotate")
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not refused, refused[:3]
    assert "values were sealed anew" in told
    keys = status(own_server)
    [after] = [key for key, known in keys.items() if known["inUse"]]
    assert after != before and keys[after]["values"] > USERS and keys[before]["values"] == 0
    assert file.stat().st_mode & 0o777 == 0o600 and file.read_text() != former
    await_condition("it is recorded", lambda: "RotateMasterKey" in "".join(
        path.read_text() for path in (own_server.data / "audit").iterdir()))
    holds(own_server, given)
    has_second_factor(own_server, given)
    new = file.read_text()
    own_server.stop()
    assert former.strip() not in new
    file.write_text(former)
    with pytest.raises(StartFailed) as failed:
        own_server.start()
    assert f"sealed under the master key {after}, which is not known here" in failed.value.output
    file.write_text(new)
    holds(own_server.start(), given)


def test_killed_at_any_moment_nothing_is_lost(own_server: Server) -> None:
    """A rotation of a stopped store is killed again and again; each time the server starts with what it gave out."""
    given = fill(own_server)
    own_server.stop()
    in_the_middle = 0
    command = [program(), "master-key", "rotate", "--data", str(own_server.data)]
    for attempt in range(80):
        rotation = subprocess.Popen(command, env=clean_environment(own_server.home), stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        try:
            code = rotation.wait(0.004 * (attempt % 40))
        except subprocess.TimeoutExpired:
            rotation.kill()
            code = rotation.wait()
        under = [key for key in status(own_server).values() if key["values"]]
        if len(under) > 1:
            in_the_middle += 1
        if len(under) > 1 or attempt % 20 == 0:
            holds(own_server.start(), given)
            own_server.stop()
        if in_the_middle >= 3 and code == 0:
            break
    assert in_the_middle, "no attempt was killed in its middle"
    run(own_server, "master-key", "rotate")
    assert len([key for key in status(own_server).values() if key["values"]]) == 1
    assert len((own_server.data / "master-key").read_text().split()) == 1
    holds(own_server.start(), given)


def test_a_server_that_is_killed_while_it_seals_anew_goes_on(own_server: Server) -> None:
    given = fill(own_server)
    environment = clean_environment(own_server.home)
    command = [program(), "master-key", "rotate", "--data", str(own_server.data)]
    for attempt in range(10):
        rotation = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.01 * attempt)
        own_server.kill()
        rotation.communicate(timeout=60)
        holds(own_server.start(), given)
    run(own_server, "master-key", "rotate")
    assert len([key for key in status(own_server).values() if key["values"]]) == 1
    holds(own_server, given)


NODES = 3
KNOWN = "the master keys that are known here"


class Cluster:
    """Nodes on one etcd that have their master key from a file each."""

    def __init__(self, directory: Path) -> None:
        self.etcd = Etcd(directory / "etcd", 1).start()
        self.files = [directory / f"key-{number}" for number in range(NODES)]
        first = rolecall("master-key", "new", env=clean_environment(directory)).stdout
        for file in self.files:
            file.write_text(first)
        self.nodes = [Server(directory / f"node-{number}", flags=("--store", self.etcd.address),
                             variables={"ROLECALL_MASTER_KEY_FILE": str(file)})
                      for number, file in enumerate(self.files)]
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(Server.start, self.nodes))
        self.nodes.sort(key=lambda node: not (node.data / "root-credentials").exists())

    def add_key(self, times: int) -> str:
        """A new key behind the others on every node; waits until each knows it."""
        new = rolecall("master-key", "new", env=clean_environment(self.nodes[0].home)).stdout
        for file in self.files:
            file.write_text(file.read_text() + new)
        for node in self.nodes:
            await_condition("it knows the new key", lambda n=node: n.output().count(KNOWN) >= times)
        return new

    def is_sealing_anew(self) -> bool:
        [member] = self.etcd.members
        key = base64.b64encode(b"/rolecall/data/sealing/master-key").decode()
        [found] = member.ask("kv/range", key=key)["kvs"]
        return b'"former"' in base64.b64decode(found["value"])

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()
        self.etcd.stop()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.stop()


@pytest.mark.skipif(etcd_harness.PROGRAM is None, reason="etcd is not installed")
def test_nodes_on_etcd_go_on_under_another_key(cluster: Cluster) -> None:
    first, *others = cluster.nodes
    given = fill(first)
    for node in others:
        await_condition("it has everything", lambda n=node: all(
            call(n, one, "GetCallerIdentity", service="sts").status == 200 for one in (given.users[0], given.users[-1])))
    [before] = status(first)
    alone = rolecall("master-key", "rotate", "--data", str(first.data), *first.flags,
                     env=clean_environment(first.home) | first.variables)
    assert alone.returncode == 2 and "master-key new" in alone.stderr
    refused, stop = [], threading.Event()

    def use(node: Server) -> None:
        while not stop.is_set():
            for one in (given.root, given.session, given.users[0]):
                answer = call(node, one, "GetCallerIdentity", service="sts")
                # A node that the machine kept from its work for longer than the bound says so, and is asked again.
                if answer.status != 200 and answer.code != "ServiceUnavailable":
                    refused.append(answer.body)

    threads = [threading.Thread(target=use, args=(node,)) for node in cluster.nodes]
    for thread in threads:
        thread.start()
    command = [program(), "master-key", "rotate", "--data", str(first.data), *first.flags]
    in_the_middle, rounds = False, 0
    try:
        while not in_the_middle and rounds < 6:
            rounds += 1
            second = cluster.add_key(rounds)
            rotation = subprocess.Popen(command, env=clean_environment(first.home) | first.variables,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # Killed as soon as it has begun, it goes on where it was.
            await_condition("it has begun", lambda r=rotation: cluster.is_sealing_anew() or r.poll() is not None)
            rotation.kill()
            rotation.wait()
            in_the_middle = not is_finished(first)
            if in_the_middle:
                run(first, "master-key", "rotate")
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert in_the_middle, "no attempt was killed in its middle"
    assert not refused, refused[:3]
    keys = status(first)
    assert keys[before] == {"id": before, "inUse": False, "known": True, "values": 0}
    former = cluster.files[0].read_text().splitlines(keepends=True)[0]
    for file in cluster.files[:2]:
        file.write_text(second)
    for node in cluster.nodes:
        holds(node, given)
    has_second_factor(first, given)
    # Whoever has the former key alone starts nothing.
    cluster.files[2].write_text(former)
    [node] = [node for node in cluster.nodes if node.variables["ROLECALL_MASTER_KEY_FILE"] == str(cluster.files[2])]
    node.kill()
    with pytest.raises(StartFailed) as failed:
        node.start()
    assert "which is not known here" in failed.value.output
    cluster.files[2].write_text(second)
    holds(node.start(), given)


@pytest.mark.skipif(etcd_harness.PROGRAM is None, reason="etcd is not installed")
def test_a_node_that_lacks_the_key_refuses_until_it_is_given(cluster: Cluster) -> None:
    first, second, lacking = cluster.nodes
    new = rolecall("master-key", "new", env=clean_environment(first.home)).stdout

    def give(node: Server) -> None:
        file = Path(node.variables["ROLECALL_MASTER_KEY_FILE"])
        file.write_text(file.read_text() + new)

    for node in (first, second):
        give(node)
        await_condition("it knows both keys", lambda n=node: KNOWN in n.output())
    run(first, "master-key", "rotate")

    def answers(node: Server) -> int:
        return call(node, first.root, "GetCallerIdentity", service="sts").status

    await_condition("it refuses", lambda: answers(lacking) == 503)
    assert answers(first) == answers(second) == 200
    give(lacking)
    await_condition("it answers again", lambda: answers(lacking) == 200)
