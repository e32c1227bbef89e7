"""The program as its users meet it: started with flags, ended with a signal, judged by its exit code."""

from __future__ import annotations

import configparser
import os
import signal
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import coverage

READY_SECONDS = 60
STOP_SECONDS = 30
ACCOUNT = "123456789012"
REGION = "us-east-1"


@dataclass(frozen=True)
class Credentials:
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    @classmethod
    def of(cls, answer: dict) -> Credentials:
        """From `Credentials` of an STS answer, or `AccessKey` of CreateAccessKey's."""
        return cls(answer["AccessKeyId"], answer["SecretAccessKey"], answer.get("SessionToken"))

    def environment(self) -> dict[str, str]:
        variables = {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }
        return variables | ({"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {})


def clean_environment(home: Path) -> dict[str, str]:
    """No setting of the machine's leaks in, and no client looks for an instance's metadata."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "AWS_CONFIG_FILE": str(home / ".aws/config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws/credentials"),
        "RUST_BACKTRACE": "1",
    }


def program() -> str:
    binary = os.environ.get("ROLECALL_BIN")
    assert binary, "ROLECALL_BIN must name the program under test; ./test sets it"
    return str(Path(binary).resolve())


def rolecall(*arguments: str, env: dict[str, str], stdin: str = "", timeout: float = 60,
             cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs one subcommand to its end."""
    return subprocess.run([program(), *arguments], env=env, input=stdin, text=True, capture_output=True,
                          timeout=timeout, cwd=cwd)


class StartFailed(Exception):
    """The server ended before it was ready."""

    def __init__(self, exit_code: int, output: str) -> None:
        super().__init__(f"exit code {exit_code}\n{output}")
        self.exit_code = exit_code
        self.output = output


class Server:
    """One `rolecall serve` on a port of the system's choice, over one data directory."""

    def __init__(self, home: Path, data: Path | None = None, flags: tuple[str, ...] = (),
                 variables: dict[str, str] | None = None, within: tuple[str, ...] = ()) -> None:
        self.home = home
        self.data = data or home / "data"
        self.flags = flags
        #: A command that runs the server in its own place (`exec`).
        self.within = within
        self.variables = variables or {}
        self.process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""
        home.mkdir(parents=True, exist_ok=True)
        self.log = home / "server.log"

    def start(self) -> Server:
        assert self.process is None, "already started"
        (self.data / "endpoint").unlink(missing_ok=True)
        command = [*self.within, program(), "serve", "--listen", "127.0.0.1:0", "--data", str(self.data), *self.flags]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=clean_environment(self.home) | self.variables,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home)
        self._await_ready()
        return self

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        announced = self.data / "endpoint"
        while time.monotonic() < deadline:
            if (code := self.process.poll()) is not None:
                self.process = None
                raise StartFailed(code, self.output())
            if announced.is_file():
                self.endpoint = announced.read_text().strip()
                with urllib.request.urlopen(f"{self.endpoint}/health", timeout=5) as answer:
                    assert answer.status == 200
                return
            time.sleep(0.005)
        self.kill()
        raise TimeoutError(f"not ready within {READY_SECONDS} s\n{self.output()}")

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def stop(self) -> None:
        """Asks it to end, and holds it to ending cleanly."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"SIGTERM did not end the server within {STOP_SECONDS} s") from None
        coverage.note(self.data)
        assert code == 0, f"SIGTERM ended the server with exit code {code}\n{self.output()[-4000:]}"

    def kill(self) -> None:
        """As a power cut would: no warning, nothing flushed."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> Server:
        self.stop()
        return self.start()

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.endpoint.removeprefix("http://").rpartition(":")
        return host, int(port)

    @property
    def root(self) -> Credentials:
        """The root user's keys, from the file that the first start leaves."""
        file = configparser.ConfigParser()
        assert file.read(self.data / "root-credentials"), f"no root-credentials in {self.data}"
        section = file["default"]
        return Credentials(section["aws_access_key_id"], section["aws_secret_access_key"])

    def memory_kib(self) -> int:
        """Resident memory, as Linux counts it."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError("no VmRSS")

    def client_environment(self, credentials: Credentials | None = None) -> dict[str, str]:
        """What a user exports: the endpoint, the region, and whose keys."""
        variables = clean_environment(self.home) | {"AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": REGION,
                                                   "AWS_DEFAULT_REGION": REGION}
        return variables | (credentials.environment() if credentials else {})
