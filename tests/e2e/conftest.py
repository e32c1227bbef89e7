"""Fixtures: a server of the test file's own, its root user, and names that no other test uses."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.clients import Aws, Cli, cli
from harness.process import Server
from harness.provider import Provider


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for a file of tests; ended by SIGTERM, and held to ending cleanly."""
    yield from _running(Server(tmp_path_factory.mktemp("server")))


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server for one test that restarts, kills or fills it."""
    yield from _running(Server(tmp_path / "server"))


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Servers with settings of their own; not started."""
    made: list[Server] = []

    def make(name: str = "server", **more) -> Server:
        made.append(Server(tmp_path / name, **more))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def _running(server: Server) -> Iterator[Server]:
    server.start()
    yield server
    server.stop()


@pytest.fixture
def provider(own_server: Server) -> Provider:
    """Terraform's AWS provider, set up with the root user's keys."""
    return Provider(own_server, own_server.root)


@pytest.fixture(scope="module")
def root(server: Server) -> Aws:
    return Aws(server, server.root)


_numbers = itertools.count(1)


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Names that no other test of this server uses."""
    return lambda prefix="name": f"{prefix}-{next(_numbers)}"


@pytest.fixture(scope="module", params=["v1", "v2"])
def aws_cli(request: pytest.FixtureRequest) -> Cli:
    return cli(request.param)
