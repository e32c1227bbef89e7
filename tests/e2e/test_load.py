"""Many principals, load and time, measured on the optimized build: `./test perf`.

Stores are filled by `rolecall-load populate`, through the state's own transactions. ROLECALL_TEST_SCALE=full goes up to a
million principals, ROLECALL_TEST_SOAK_SECONDS says how long the soak takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import instances, lab
from harness.clients import Aws
from harness.process import Credentials, Server, clean_environment

pytestmark = [pytest.mark.perf, pytest.mark.timeout(3600)]

FULL = os.environ.get("ROLECALL_TEST_SCALE") == "full"
SIZES = [10_000, 100_000, 1_000_000] if FULL else [10_000, 100_000]
SOAK_SECONDS = int(os.environ.get("ROLECALL_TEST_SOAK_SECONDS", "180"))
ROOT = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
VARIABLES = {"ROLECALL_MASTER_KEY": "5a" * 32}


def load_program() -> str:
    program = os.environ.get("ROLECALL_LOAD_BIN")
    if not program:
        pytest.skip("ROLECALL_LOAD_BIN names no load program; ./test perf builds it")
    return str(Path(program).resolve())


def run(home: Path, *arguments: str) -> str:
    env = clean_environment(home) | VARIABLES | ROOT.environment()
    done = subprocess.run([load_program(), *arguments], env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def populated(server: Server, users: int, roles: int, accounts: int, keyed: int = 10) -> str:
    return run(server.home, "populate", "--data", str(server.data), "--users", str(users), "--roles", str(roles),
               "--accounts", str(accounts), "--keyed", str(keyed))


def mixed(server: Server, rate: int, seconds: int) -> dict:
    host, port = server.address
    told = run(server.home, "run", "--address", f"{host}:{port}", "--callers", str(server.data / "load-callers"),
               "--rate", str(rate), "--seconds", str(seconds), "--json")
    return json.loads(told)


def table(measured: dict) -> str:
    lines = [f"{'':<26}{'count':>8}{'p50 ms':>9}{'p90 ms':>9}{'p99 ms':>9}{'p99.9 ms':>9}  errors"]
    for name, row in measured["operations"].items():
        times = "".join(f"{row['milliseconds'][share]:>9.2f}" for share in ("p50", "p90", "p99", "p99.9"))
        lines.append(f"{name:<26}{row['count']:>8}{times}  {row['errors'] or 'none'}")
    return "\n  ".join(lines)


def quiet(make_server: Callable[..., Server], home: str, *settings: str) -> Server:
    server = make_server(home, variables=VARIABLES)
    config = server.home / "rolecall.toml"
    config.write_text("\n".join(["log.level = 'warn'", *settings]) + "\n")
    server.flags = ("--config", str(config))
    return server


def test_memory_and_start_as_principals_grow(make_server: Callable[..., Server]) -> None:
    print()
    for size in SIZES:
        server = quiet(make_server, f"grown-{size}")
        filled = populated(server, users=size * 5 // 6, roles=size - size * 5 // 6, accounts=max(1, size // 1_000))
        measured = run(server.home, "measure", "--data", str(server.data))
        began = time.monotonic()
        server.start()
        assert Aws(server, ROOT).arn().endswith(":root")
        ready = time.monotonic() - began
        print(f"  {filled.strip()}\n  the state alone: {measured.strip()}\n  the server: first signed answer after "
              f"{ready:.2f} s, {server.memory_kib() / 1024:.0f} MiB "
              f"({server.memory_kib() * 1024 / size:.0f} bytes a principal)", flush=True)
        server.stop()


def test_a_mixed_load_over_many_accounts(make_server: Callable[..., Server]) -> None:
    server = quiet(make_server, "mixed", "[quotas]", "users = 1000000")
    print("\n  " + populated(server, users=100_000, roles=20_000, accounts=1_000).strip())
    server.start()
    for rate in (200, 1_000):
        measured = mixed(server, rate, 15)
        print(f"  at {rate} arrivals a second, {server.memory_kib() / 1024:.0f} MiB\n  {table(measured)}", flush=True)
        assert measured["operations"]["all"]["errors"] == {}
    server.stop()


def test_memory_stays_flat(make_server: Callable[..., Server]) -> None:
    """Hours of use in minutes: the audit trail starts a new file every few seconds, users come and go."""
    server = quiet(make_server, "soak", "[audit]", "file_bytes = 1048576", "files = 3", "recent = 1024")
    populated(server, users=2_000, roles=200, accounts=10, keyed=1)
    server.start()
    failure: list[BaseException] = []
    seen: list[tuple[float, int]] = []

    def load() -> None:
        try:
            measured = mixed(server, 300, SOAK_SECONDS)
            assert measured["operations"]["all"]["errors"] == {}, measured
            print("\n  " + table(measured))
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failure.append(error)

    thread = threading.Thread(target=load)
    began = time.monotonic()
    thread.start()
    while thread.is_alive():
        seen.append((time.monotonic() - began, server.memory_kib()))
        thread.join(SOAK_SECONDS / 20)
    assert not failure, failure[0]
    print("  resident memory: " + ", ".join(f"{at:.0f} s {kib / 1024:.1f} MiB" for at, kib in seen))
    assert len(list((server.data / "audit").iterdir())) >= 3, "the audit trail did not rotate"
    half = [kib for at, kib in seen if at > SOAK_SECONDS / 2]
    assert max(half) < 1.15 * half[0] + 4096, "it grows"
    server.stop()


def test_durable_writes_beside_the_disk(make_server: Callable[..., Server]) -> None:
    server = quiet(make_server, "writes", "[quotas]", "roles = 1000000")
    populated(server, users=10, roles=10, accounts=1)
    server.start()
    host, port = server.address
    for connections in ("16", "64"):
        print("\n  " + run(server.home, "compare", "--address", f"{host}:{port}", "--request", "create-role", "--disk",
                          str(server.home), "--seconds", "1", "--connections", connections).strip())
    server.stop()


@pytest.mark.skipif(instances.unavailable() is not None, reason=f"no namespaces here: {instances.unavailable()}")
def test_an_instance_asks_for_its_credentials(tmp_path: Path) -> None:
    """From inside an instance, where the floor is as well."""
    program = load_program()
    shown = str(Path(program).parent)
    server = instances.server(tmp_path, ROLECALL_INSTANCES_SHOWN=shown, ROLECALL_LOG_LEVEL="warn").start()
    root = Aws(server, server.root)
    instances.declare(root)
    [one] = instances.run(root)
    try:
        told = instances.output(server, one, program, "compare", "--address", "169.254.169.254:80", "--request",
                                "instance-credentials", "--role-arn", f"role/{lab.ROLE}")
        print(f"\n  {told.strip()}")
        assert "% of the floor" in told
    finally:
        root.ec2.terminate_instances(InstanceIds=[one])
        instances.await_state(root, one, "terminated")
        server.stop()
