"""A real etcd of the test's own: one member or several, on loopback, ended with the test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from .proxy import Links

READY_SECONDS = 30
PROGRAM = shutil.which("etcd", path=os.environ.get("PATH", "") + ":/usr/bin:/usr/local/bin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Member:
    """One member of the cluster, as a process."""

    name: str
    data: Path
    client_port: int = field(default_factory=free_port)
    peer_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    links: Links | None = None
    #: Where the other members reach this one: through the links, where there are some.
    reached_at: int = 0
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.reached_at = self.links.to(self.peer_port, None, self.name) if self.links else self.peer_port

    def start(self, cluster: str, state: str) -> None:
        client, peer = f"http://127.0.0.1:{self.client_port}", f"http://127.0.0.1:{self.peer_port}"
        command = [PROGRAM, "--name", self.name, "--data-dir", str(self.data), "--initial-cluster", cluster,
                   "--initial-cluster-state", state, "--listen-client-urls", client,
                   "--advertise-client-urls", client, "--listen-peer-urls", peer,
                   "--initial-advertise-peer-urls", f"http://127.0.0.1:{self.reached_at}", *self.flags]
        with self.data.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if self.links:
            self.links.process(self.name, self.process.pid)

    def ask(self, path: str, **body: object) -> dict:
        """A question to the JSON gateway, such as `maintenance/status`."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.client_port}/v3/{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def is_leader(self) -> bool:
        try:
            status = self.ask("maintenance/status")
        except OSError:
            return False
        return status.get("leader", "0") == status["header"]["member_id"]

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.client_port}/health", timeout=1) as answer:
                return b'"true"' in answer.read()
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


class Etcd:
    """A cluster of members."""

    def __init__(self, directory: Path, members: int = 1, links: Links | None = None,
                 flags: tuple[str, ...] = ()) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.links = links
        self.members = [Member(f"m{n}", directory / f"m{n}", links=links, flags=flags) for n in range(members)]

    @property
    def _cluster(self) -> str:
        return ",".join(f"{m.name}=http://127.0.0.1:{m.reached_at}" for m in self.members)

    def start(self) -> Etcd:
        for member in self.members:
            member.start(self._cluster, "new")
        self.await_health()
        return self

    def restart(self, member: Member) -> None:
        member.start(self._cluster, "existing")

    def await_health(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not all(member.is_healthy() for member in self.members if member.process):
            assert time.monotonic() < deadline, "etcd did not become healthy"
            time.sleep(0.02)

    @property
    def address(self) -> str:
        return "etcd://" + ",".join(f"127.0.0.1:{m.client_port}" for m in self.members) + "/rolecall"

    def address_for(self, name: str) -> str:
        """The address for one node, whose links can be cut."""
        ports = [self.links.to(m.client_port, name, m.name) for m in self.members]
        return "etcd://" + ",".join(f"127.0.0.1:{port}" for port in ports) + "/rolecall"

    def leader(self) -> Member:
        """The member that leads; waits until there is one."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            for member in self.members:
                if member.process and member.is_leader():
                    return member
            time.sleep(0.05)
        raise AssertionError("etcd has no leader")

    def stop(self) -> None:
        for member in self.members:
            member.kill()
