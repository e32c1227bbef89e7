"""A real etcd of the test's own: one member or several, on loopback, ended with the test."""

from __future__ import annotations

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

    def start(self, cluster: str, state: str) -> None:
        client, peer = f"http://127.0.0.1:{self.client_port}", f"http://127.0.0.1:{self.peer_port}"
        command = [PROGRAM, "--name", self.name, "--data-dir", str(self.data), "--initial-cluster", cluster,
                   "--initial-cluster-state", state, "--listen-client-urls", client,
                   "--advertise-client-urls", client, "--listen-peer-urls", peer,
                   "--initial-advertise-peer-urls", peer]
        with self.data.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

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

    def __init__(self, directory: Path, members: int = 1) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.members = [Member(f"m{n}", directory / f"m{n}") for n in range(members)]

    @property
    def _cluster(self) -> str:
        return ",".join(f"{m.name}=http://127.0.0.1:{m.peer_port}" for m in self.members)

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

    def stop(self) -> None:
        for member in self.members:
            member.kill()
