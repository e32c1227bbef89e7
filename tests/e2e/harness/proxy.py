"""A TCP proxy on loopback whose links can be cut, as a process of its own so that it never waits for a test.

A link that is cut takes connections and bytes and delivers nothing; healed, it delivers what it held, late. That is
what a network that drops packets does to TCP. Who connects to a port that several use is found by the process that
has the socket: etcd's members all reach one another at one address each.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field

OWNER_TRIES = 100


class Links:
    """The proxy, as tests use it. Ports are chosen by the system."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lock = threading.Lock()

    def _ask(self, *command: object) -> object:
        with self._lock:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def to(self, port: int, name: str | None, target: str) -> int:
        """A new port that leads to `port` of `target`, for `name` alone, or for whoever has the connecting process."""
        return self._ask("listen", port, name, target)

    def process(self, name: str, pid: int) -> None:
        self._ask("process", name, pid)

    def cut(self, one: str, other: str) -> None:
        """Nothing passes between the two, whoever connected to whom."""
        self._ask("cut", one, other)

    def lose(self) -> None:
        """The connections of links that are cut come to nothing, with all that was under way on them."""
        self._ask("lose")

    def heal(self) -> None:
        self._ask("heal")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@dataclass
class Proxy:
    processes: dict[int, str] = field(default_factory=dict)
    cuts: set[frozenset[str]] = field(default_factory=set)
    healed: asyncio.Condition = field(default_factory=asyncio.Condition)
    #: The event loop itself holds tasks only weakly.
    tasks: set[asyncio.Task] = field(default_factory=set)
    #: What is connected, by the two that it connects.
    ends: list[tuple[frozenset[str], tuple]] = field(default_factory=list)

    async def handle(self, command: str, *arguments) -> object:
        match command, arguments:
            case "listen", [port, name, target]:
                def connected(reader, writer):
                    task = asyncio.create_task(self.link(reader, writer, port, name, target))
                    self.tasks.add(task)
                    task.add_done_callback(self.tasks.discard)
                server = await asyncio.start_server(connected, "127.0.0.1", 0)
                return server.sockets[0].getsockname()[1]
            case "process", [name, pid]:
                self.processes[pid] = name
            case "cut", [one, other]:
                self.cuts.add(frozenset((one, other)))
            case "lose", []:
                for pair, ends in self.ends:
                    if pair in self.cuts:
                        for end in ends:
                            end.transport.abort()
            case "heal", []:
                self.cuts.clear()
                async with self.healed:
                    self.healed.notify_all()
        return None

    async def link(self, reader, writer, port: int, name: str | None, target: str) -> None:
        name = name or await self.owner(writer.get_extra_info("peername")[1])
        pair = frozenset((name, target))
        await self.passable(pair)
        try:
            there = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        connected = (pair, (writer, there[1]))
        self.ends.append(connected)
        await asyncio.gather(self.pump(reader, there[1], pair), self.pump(there[0], writer, pair))
        self.ends.remove(connected)

    async def passable(self, pair: frozenset[str]) -> None:
        async with self.healed:
            await self.healed.wait_for(lambda: pair not in self.cuts)

    async def pump(self, reader, writer, pair: frozenset[str]) -> None:
        try:
            while chunk := await reader.read(65536):
                if pair in self.cuts:
                    await self.passable(pair)
                writer.write(chunk)
                await writer.drain()
            writer.write_eof()
        except (OSError, RuntimeError):  # an end that is closed already says one or the other
            writer.transport.abort()

    async def owner(self, port: int) -> str:
        """The process whose socket has this local port; it may be made known a moment later."""
        for _ in range(OWNER_TRIES):
            inode = socket_inode(port)
            for pid, name in self.processes.items():
                if inode and has_socket(pid, inode):
                    return name
            await asyncio.sleep(0.02)
        return "stranger"


def socket_inode(port: int) -> str | None:
    wanted = f":{port:04X}"
    with open("/proc/net/tcp") as table:
        for line in table:
            columns = line.split()
            if columns[1].endswith(wanted) and columns[9] != "0":
                return columns[9]
    return None


def has_socket(pid: int, inode: str) -> bool:
    try:
        return any(os.readlink(entry.path) == f"socket:[{inode}]" for entry in os.scandir(f"/proc/{pid}/fd"))
    except OSError:
        return False


async def main() -> None:
    proxy = Proxy()
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        answer = await proxy.handle(*json.loads(line))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
