"""docs/terraform.md names what works: exactly what tests replay."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/terraform.md"


def replayed() -> set[str]:
    """The names in `@replays(…)` of all tests."""
    found: set[str] = set()
    for file in HERE.glob("test_terraform_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "replays":
                found |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return found


def listed() -> list[str]:
    """The names in the table of what works."""
    section = PAGE.read_text().partition("## What works")[2].partition("`data.aws_iam_policy_document`")[0]
    return re.findall(r"`((?:data\.)?aws_\w+)`", section)


def test_the_table_is_what_is_replayed() -> None:
    names = listed()
    assert len(names) == len(set(names)), "each is named once"
    assert set(names) == replayed()
    assert len(names) > 80
