"""Start-up, measured on the optimized build: `./test perf`."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from pathlib import Path

import pytest
from harness import wire
from harness.etcd import free_port
from harness.process import Credentials, Server, clean_environment, program

pytestmark = pytest.mark.perf
STARTS = 20
KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def test_the_first_answer_after_a_start(tmp_path: Path) -> None:
    """From the start of the process on an empty directory to a signed request answered: 30 ms."""
    seconds, memory = [], []
    for number in range(STARTS):
        data = tmp_path / f"data-{number}"
        answered, kib = first_answer(tmp_path, data)
        seconds.append(answered)
        memory.append(kib)
        shutil.rmtree(data)
    milliseconds = sorted(1000 * one for one in seconds)
    print(f"\n  first signed answer after process start, {STARTS} times on an empty directory: "
          f"median {statistics.median(milliseconds):.1f} ms, worst {milliseconds[-1]:.1f} ms; "
          f"resident memory at idle: median {statistics.median(memory) / 1024:.1f} MiB")
    assert statistics.median(milliseconds) < 30
    assert statistics.median(memory) < 15 * 1024


def first_answer(home: Path, data: Path) -> tuple[float, int]:
    """The port is chosen, and the request signed, before the clock runs."""
    port = free_port()
    server = Server(home, data)
    server.endpoint = f"http://127.0.0.1:{port}"
    body = wire.form({"Action": "GetCallerIdentity", "Version": wire.VERSIONS["sts"]})
    signed = wire.sign(server, KEYS, "sts", body=body,
                       headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    env = clean_environment(home) | {"ROLECALL_ROOT_ACCESS_KEY_ID": KEYS.access_key_id,
                                     "ROLECALL_ROOT_SECRET_ACCESS_KEY": KEYS.secret_access_key}
    command = [program(), "serve", "--listen", f"127.0.0.1:{port}", "--data", str(data)]
    started = time.monotonic()
    server.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
    while True:
        try:
            answer = wire.send(server, "POST", "/", signed, body)
            break
        except ConnectionRefusedError:
            assert server.process.poll() is None, "the server ended"
            assert time.monotonic() - started < 10
    took = time.monotonic() - started
    assert (answer.status, answer.find("Account")) == (200, "123456789012"), answer.body
    time.sleep(0.2)
    memory = server.memory_kib()
    server.stop()
    return took, memory
