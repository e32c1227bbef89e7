"""Which operations a run of the tests reached over the wire: read off the servers' own audit trails."""

from __future__ import annotations

import os
import re
from pathlib import Path

# Where to note it; `./test` names a folder and judges what is in it once all tests have run.
VARIABLE = "ROLECALL_COVERAGE"
EVENT = re.compile(rb'"eventSource":"([a-z0-9-]+)\.amazonaws\.com","eventName":"(\w+)"')


def note(data: Path) -> None:
    """Notes what the trail of this data directory says, under the file of the test that runs."""
    folder, running = os.environ.get(VARIABLE), os.environ.get("PYTEST_CURRENT_TEST", "")
    if not folder or not (data / "audit").is_dir():
        return
    reached = set()
    for trail in (data / "audit").glob("trail*.jsonl"):
        with trail.open("rb") as lines:
            for line in lines:
                if found := EVENT.search(line):
                    outcome = b"refused" if b'"errorCode":' in line else b"done"
                    reached.add(b" ".join([*found.groups(), outcome]))
    file = Path(running.partition("::")[0]).name or "unknown"
    with (Path(folder) / f"{os.getpid()}.txt").open("ab") as out:
        out.writelines(file.encode() + b" " + one + b"\n" for one in sorted(reached))
