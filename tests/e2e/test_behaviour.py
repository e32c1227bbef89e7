"""What AWS was seen to answer, case by case: tests/conformance/behaviour holds the cases, each with its source."""

from __future__ import annotations

import itertools
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from harness.clients import Aws
from harness.process import ACCOUNT

FOLDER = Path(__file__).resolve().parents[1] / "conformance/behaviour"
AT_LEAST = 100
_numbers = itertools.count(1)


@dataclass
class Step:
    """A call: `call = "iam.create_user"` and its parameters; `keep` names values of the answer for later steps."""

    call: str
    parameters: dict = field(default_factory=dict)
    keep: dict[str, str] = field(default_factory=dict)


@dataclass
class Error:
    """What a call is refused with. `begins` stands for a message of which this program says more."""

    code: str
    status: int
    message: str = ""
    begins: str = ""


@dataclass
class Case:
    """What is done before, the call, and what AWS answered: an error, or members that are there with a value or not."""

    name: str
    source: str
    call: str
    parameters: dict = field(default_factory=dict)
    setup: list[Step] = field(default_factory=list)
    error: Error | None = None
    answer: dict = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    #: Why this program answers something else; a case that is met all the same fails.
    open: str = ""

    def __post_init__(self) -> None:
        self.setup = [Step(**step) for step in self.setup]
        self.error = Error(**self.error) if self.error else None
        assert bool(self.error) != bool(self.answer or self.absent), f"{self.name}: either an error or an answer"
        assert self.source.startswith("https://"), self.name
        assert not self.error or bool(self.error.message) != bool(self.error.begins), self.name


def cases() -> list[Case]:
    """Members that a case must not have are an error, and so are two cases of one name."""
    found = []
    for file in sorted(FOLDER.glob("*.toml")):
        content = tomllib.loads(file.read_text())
        assert content.keys() == {"case"}, file
        found += [Case(**case) for case in content["case"]]
    names = [case.name for case in found]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)
    return found


CASES = cases()


class World:
    """Names of one case: `{n}` is its own, and what steps kept goes by the name that they gave it."""

    def __init__(self) -> None:
        self.names = {"n": f"n{next(_numbers)}", "account": ACCOUNT}

    def fill(self, value):
        match value:
            case str():
                return re.sub(r"\{(\w+)\}", lambda found: str(self.names.get(found[1], found[0])), value)
            case list():
                return [self.fill(one) for one in value]
            case dict():
                return {name: self.fill(one) for name, one in value.items()}
            case _:
                return value

    def do(self, who: Aws, call: str, parameters: dict) -> dict:
        service, operation = call.split(".")
        return getattr(who.client(service), operation)(**self.fill(parameters))


def member(answer: dict, path: str):
    """The member at `Role.Tags.0.Key`; `...` when there is none."""
    for name in path.split("."):
        if isinstance(answer, list) and name.isdigit() and int(name) < len(answer):
            answer = answer[int(name)]
        elif isinstance(answer, dict) and name in answer:
            answer = answer[name]
        else:
            return ...
    return answer


@pytest.fixture(scope="module")
def someone(root: Aws) -> Aws:
    """An administrator: no check of parameters before the server's, and no root user, whom some rules leave out."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return root.as_(root.user("administrator", everything).credentials, check_parameters=False)


def test_there_are_cases() -> None:
    assert len([case for case in CASES if not case.open]) >= AT_LEAST


def parameter(case: Case):
    marks = [pytest.mark.xfail(reason=case.open, strict=True)] if case.open else []
    return pytest.param(case, id=case.name, marks=marks)


@pytest.mark.parametrize("case", [parameter(case) for case in CASES])
def test_as_aws_was_seen(someone: Aws, case: Case) -> None:
    world = World()
    for step in case.setup:
        done = world.do(someone, step.call, step.parameters)
        world.names |= {name: member(done, path) for name, path in step.keep.items()}
    if case.error is None:
        answer = world.do(someone, case.call, case.parameters)
        for path, wanted in case.answer.items():
            assert member(answer, path) == world.fill(wanted), path
        for path in case.absent:
            assert member(answer, path) is ..., path
        return
    with pytest.raises(ClientError) as caught:
        world.do(someone, case.call, case.parameters)
    error, meta = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    assert (error["Code"], meta["HTTPStatusCode"]) == (case.error.code, case.error.status), error
    if case.error.message:
        assert error["Message"] == world.fill(case.error.message)
    else:
        assert error["Message"].startswith(world.fill(case.error.begins)), error["Message"]
