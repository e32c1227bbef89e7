"""The calls that Terraform's AWS provider makes, as it makes them, and which of its resources are replayed."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from typing import TypeVar

from .process import Credentials, Server
from .wire import Answer, call

Test = TypeVar("Test", bound=Callable)


class Provider:
    """The provider's requests of the query protocols, signed for its region."""

    def __init__(self, server: Server, credentials: Credentials, region: str = "eu-central-1") -> None:
        self.server, self.credentials, self.region = server, credentials, region

    def ask(self, action: str, service: str = "iam", **parameters: str) -> Answer:
        return call(self.server, self.credentials, action, service, self.region, **parameters)

    def ok(self, action: str, *fields: str, service: str = "iam", **parameters: str) -> Answer:
        """A call that succeeds and whose answer has each of these fields."""
        answer = self.ask(action, service, **parameters)
        assert answer.status == 200, (action, answer.body)
        for field in fields:
            assert answer.find(field) is not None, f"{action} without {field}: {answer.body!r}"
        return answer

    def no(self, action: str, code: str, words: str = "", service: str = "iam", **parameters: str) -> None:
        answer = self.ask(action, service, **parameters)
        assert answer.code == code, (action, answer.body)
        assert words in answer.message


def replays(*_names: str) -> Callable[[Test], Test]:
    """Says whose calls a test replays: resources as `aws_iam_role`, data sources as `data.aws_iam_role`.

    The table in docs/terraform.md is held to these.
    """
    return lambda test: test


def documents_survive(encoded: str | None, text: str) -> None:
    """The provider decodes documents as forms are decoded."""
    assert urllib.parse.unquote_plus(encoded) == text


def tags(answer: Answer) -> dict[str, str]:
    """The tags in an answer, however many there are."""
    found = (one for one in answer.tree.iter("member") if one.find("Key") is not None)
    return {one.findtext("Key"): one.findtext("Value") or "" for one in found}
