"""A load whose every operation is written down, and the check of what was written down.

Each writer sets a description of its own to the next number, and reads go to all nodes. When it is not known whether a
write landed, its writer leaves that role alone and takes another: so of each role all writes but the last are known.
"""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field

from .process import Credentials, Server
from .wire import call

ABSENT = -1
PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Operation:
    node: int
    kind: str
    role: str
    started: float
    ended: float
    #: `ok`, the error's code, or `unknown`.
    outcome: str
    #: What was written, or read.
    number: int


@dataclass
class History:
    operations: list[Operation] = field(default_factory=list)

    def of(self, kind: str, outcome: str | None = None, node: int | None = None) -> list[Operation]:
        return [one for one in self.operations if one.kind == kind and outcome in (None, one.outcome)
                and node in (None, one.node)]

    def check(self, bound: float) -> list[str]:
        """What must not be, in words; `bound` is how old an answer may be."""
        found = []
        for role in {one.role for one in self.operations}:
            mine = [one for one in self.operations if one.role == role]
            found += self._check_role(role, mine, bound)
        return found

    @staticmethod
    def _check_role(role: str, mine: list[Operation], bound: float) -> list[str]:
        found = []
        written = [one for one in mine if one.kind == "write" and one.outcome == "ok"]
        possible = {one.number for one in mine if one.kind == "write"}
        reads = sorted((one for one in mine if one.kind == "read" and one.outcome == "ok"), key=lambda r: r.started)
        last_of_node: dict[int, list[Operation]] = {}
        for read in reads:
            if read.number != ABSENT and read.number not in possible:
                found.append(f"{role}: {read} was never written")
            for write in written:
                old = write.number > read.number
                if old and write.ended < read.started - bound:
                    found.append(f"{role}: {read} is older than the bound: {write} was acknowledged "
                                 f"{read.started - write.ended:.2f} s before")
                if old and write.node == read.node and write.ended < read.started:
                    found.append(f"{role}: {read} does not have this node's own {write}")
            before = last_of_node.setdefault(read.node, [])
            found += [f"{role}: {read} goes back behind {earlier}" for earlier in before[-20:]
                      if earlier.ended < read.started and earlier.number > read.number]
            before.append(read)
        return found

    def oldest_answer(self) -> float:
        """How old the oldest answer was: the time since the acknowledgement of the first write it did not have."""
        oldest = 0.0
        writes: dict[str, list[Operation]] = {}
        for write in self.of("write", "ok"):
            writes.setdefault(write.role, []).append(write)
        for read in self.of("read", "ok"):
            for write in writes.get(read.role, []):
                if write.number > read.number:
                    oldest = max(oldest, read.started - write.ended)
        return oldest

    def longest_pause(self, kind: str) -> float:
        """The longest time in which no operation of this kind succeeded anywhere."""
        ends = sorted(one.ended for one in self.of(kind, "ok"))
        return max((later - earlier for earlier, later in zip(ends, ends[1:])), default=0.0)


class Load:
    """A writer and a reader for each node."""

    def __init__(self, nodes: list[Server], root: Credentials, trust: str, prefix: str) -> None:
        self.nodes, self.root, self.trust, self.prefix = nodes, root, trust, prefix
        self.history = History()
        self._lock = threading.Lock()
        self._roles: dict[int, str] = {}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=run, args=(n,)) for n in range(len(nodes))
                         for run in (self._write, self._read)]

    def start(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> History:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "an operation never came to an end"
        return self.history

    def written(self, node: int | None = None) -> int:
        with self._lock:
            return len(self.history.of("write", "ok", node))

    def _note(self, operation: Operation) -> Operation:
        with self._lock:
            self.history.operations.append(operation)
        return operation

    def _ask(self, node: int, action: str, timeout: float = 15, **parameters: str) -> tuple[str, int]:
        try:
            answer = call(self.nodes[node], self.root, action, timeout=timeout, **parameters)
        except (OSError, http.client.HTTPException):
            return "unknown", ABSENT
        if answer.status == 200:
            return "ok", int(answer.find("Description") or ABSENT)
        return answer.code, ABSENT

    def _write(self, node: int) -> None:
        generation = number = 0
        role = None
        while not self._stop.is_set():
            if role is None:
                generation, number = generation + 1, 0
                role = f"{self.prefix}-n{node}-{generation}"
                action = {"action": "CreateRole", "AssumeRolePolicyDocument": self.trust}
            else:
                action = {"action": "UpdateRoleDescription"}
            started = time.monotonic()
            outcome, _ = self._ask(node, RoleName=role, Description=str(number), **action)
            self._note(Operation(node, "write", role, started, time.monotonic(), outcome, number))
            if outcome == "ok":
                self._roles[node] = role
                number += 1
            else:
                # It may have landed, or may still: what comes after could not be told from it.
                role = None
            time.sleep(PAUSE_SECONDS)

    def _read(self, node: int) -> None:
        turn = 0
        while not self._stop.is_set():
            turn += 1
            role = self._roles.get(turn % len(self.nodes))
            if role:
                self.read(node, role)
            time.sleep(PAUSE_SECONDS)

    def read(self, node: int, role: str) -> Operation:
        started = time.monotonic()
        outcome, number = self._ask(node, "GetRole", RoleName=role)
        if outcome == "NoSuchEntity":
            outcome, number = "ok", ABSENT
        return self._note(Operation(node, "read", role, started, time.monotonic(), outcome, number))
