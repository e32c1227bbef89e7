"""docs/coverage.md: each operation, what carries it out, and the tests that reach it over the wire.

`./test` runs this behind the end-to-end tests, with the folder in which they noted what they reached. It fails
when an operation that is built was never done, or never refused, and when the table is stale. The last words of
a failure say how to write the table anew.
"""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs/coverage.md"
SERVICES = {"IAM": "iam", "STS": "sts", "Organizations": "organizations"}
# Whoever asks these can't be refused: AWS answers them to everyone.
NEVER_REFUSED = {"GetCallerIdentity"}
# What these reach is a matter of chance, so the table names another file where there is one.
BY_CHANCE = {"test_concurrency.py", "test_durability.py", "test_faults.py", "test_isolation.py", "test_load.py", "test_nodes.py"}
HEAD = """# Coverage

Generated from the code and from a run of the tests: each operation that is built, the function that carries it out, the
open questions about AWS's behaviour in its module (`FIDELITY:`), and a test file that did it over the wire and one that
was refused. `./test` fails when an operation was not done and refused, or when this table is stale.
"""


def built() -> dict[str, list[str]]:
    """The built operations of each service, by docs/operations.md, which a test holds to the code."""
    service, found = "", defaultdict(list)
    for line in (ROOT / "docs/operations.md").read_text().splitlines():
        if heading := re.match(r"## (\w+):", line):
            service = heading.group(1)
        elif row := re.match(r"\| (\w+) \| built \|", line):
            found[service].append(row.group(1))
    return dict(found)


def handlers(crate: str) -> dict[str, str]:
    """Each operation's function, as `module::function`."""
    folder = ROOT / "crates" / crate / "src"
    text = "".join((folder / name).read_text() for name in ("dispatch.rs", "lib.rs") if (folder / name).exists())
    listed = dict(re.findall(r"^    (\w+) => (\w+::\w+),", text, re.M))
    matched = {operation: function for operation, function in re.findall(
        r"Request::(\w+)\(\w+\) =>\s*\{?\s*(\w+::\w+)\(", text)}
    # Proofs of identity providers come without a caller, by ways of their own.
    proofs = {"AssumeRoleWithSAML": "saml::handle", "AssumeRoleWithWebIdentity": "web_identity::handle"}
    return (proofs if crate == "sts" else {}) | matched | listed


def questions(crate: str, module: str) -> int:
    folder = ROOT / "crates" / crate / "src"
    files = [folder / f"{module}.rs", *(folder / module).rglob("*.rs")]
    return sum(file.read_text().count("FIDELITY:") for file in files if file.exists())


def reached(folder: Path) -> dict[tuple[str, str, str], set[str]]:
    """The test files by service, operation and outcome."""
    found = defaultdict(set)
    for notes in folder.glob("*.txt"):
        for line in notes.read_text().splitlines():
            file, service, operation, outcome = line.split(" ")
            found[service, operation, outcome].add(file)
    return found


def rows(found: dict[tuple[str, str, str], set[str]]) -> tuple[str, list[str]]:
    """The table, and what is missing."""
    out, missing = [HEAD], []
    for title, operations in built().items():
        crate = SERVICES[title]
        functions = handlers(crate)
        out.append(f"\n## {title}\n\n| operation | function | questions | done by | refused in |\n| --- | --- | --- | --- | --- |\n")
        for operation in operations:
            function = functions.get(operation, "")
            if not function:
                missing.append(f"{title} {operation}: no function was found in the crate's dispatch")
            cells = []
            for outcome in ("done", "refused"):
                files = sorted(found.get((crate, operation, outcome), ()), key=lambda file: (file in BY_CHANCE, file))
                if not files and not (outcome == "refused" and operation in NEVER_REFUSED):
                    missing.append(f"{title} {operation}: never {outcome}")
                cells.append(files[0] if files else "")
            asked = questions(crate, function.partition("::")[0])
            out.append(f"| {operation} | `{function}` | {asked or ''} | {cells[0]} | {cells[1]} |\n")
    return "".join(out), missing


def stale(found: dict[tuple[str, str, str], set[str]], table: str) -> list[str]:
    """Where the table in the repository does not hold for this run. Which of several files it names is free."""
    kept = TABLE.read_text() if TABLE.exists() else ""
    first = lambda text: [line.rsplit("|", 3)[0] for line in text.splitlines()]  # noqa: E731
    if first(kept) != first(table):
        return ["docs/coverage.md is stale"]
    wrong, service = [], ""
    for line in kept.splitlines():
        if heading := re.match(r"## (\w+)", line):
            service = SERVICES[heading.group(1)]
        elif row := re.match(r"\| (\w+) \| `.*` \| \d* \| (\S*) ?\| (\S*) ?\|$", line):
            for outcome, file in zip(("done", "refused"), row.groups()[1:], strict=True):
                if file and file not in found.get((service, row.group(1), outcome), ()):
                    wrong.append(f"docs/coverage.md names {file} for {row.group(1)}, which was not {outcome} there")
    return wrong


def main() -> int:
    found = reached(Path(sys.argv[1]))
    table, missing = rows(found)
    if os.environ.get("ROLECALL_UPDATE_DOCS"):
        TABLE.write_text(table)
        print(f"wrote {TABLE.relative_to(ROOT)}")
    faults = missing + stale(found, table)
    print("\n".join(faults) or f"{table.count('| `')} operations were done and refused over the wire")
    if faults:
        print("after a whole run of the tests: ROLECALL_UPDATE_DOCS=1 ./test e2e")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
