"""Requests below the SDKs: signed by hand so that every byte is ours, or not signed at all."""

from __future__ import annotations

import contextlib
import datetime
import http.client
import re
import socket
import urllib.parse
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from .process import REGION, Credentials, Server

VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15", "ec2": "2016-11-15"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    _tree: ET.Element | None = field(default=None, repr=False)

    @property
    def tree(self) -> ET.Element:
        """The XML without its name spaces."""
        if self._tree is None:
            try:
                plain = re.sub(rb' xmlns(:\w+)?="[^"]*"', b"", self.body)
                self._tree = ET.fromstring(re.sub(rb' \w+:(\w+)="', rb' \1="', plain))
            except ET.ParseError as error:
                raise AssertionError(f"status {self.status}, no XML ({error}): {self.body[:500]!r}") from None
        return self._tree

    def find(self, name: str) -> str | None:
        """The text of the first element of this name; the empty string when it is there but empty."""
        found = next(self.tree.iter(name), None)
        return None if found is None else found.text or ""

    def find_all(self, name: str) -> list[str]:
        return [element.text or "" for element in self.tree.iter(name)]

    @property
    def code(self) -> str | None:
        return self.find("Code")

    @property
    def message(self) -> str | None:
        return self.find("Message")


def form(parameters: dict[str, str] | list[tuple[str, str]]) -> bytes:
    return urllib.parse.urlencode(parameters, quote_via=urllib.parse.quote).encode()


class _AtTime(SigV4Auth):
    """Signs as at a given moment instead of now."""

    def __init__(self, *arguments, moment: datetime.datetime) -> None:
        super().__init__(*arguments)
        self._moment = moment

    def add_auth(self, request) -> None:
        request.context["timestamp"] = self._moment.strftime("%Y%m%dT%H%M%SZ")
        self._inject_signature_to_request(request, self._prepared(request))

    def _prepared(self, request) -> str:
        self._modify_request_before_signing(request)
        canonical = self.canonical_request(request)
        return self.signature(self.string_to_sign(request, canonical), request)


def sign(server: Server, credentials: Credentials, service: str, method: str = "POST", path: str = "/",
         body: bytes = b"", headers: dict[str, str] | None = None, region: str = REGION,
         moment: datetime.datetime | None = None) -> dict[str, str]:
    """The headers that make this a signed request."""
    request = AWSRequest(method, server.endpoint + path, headers=headers or {}, data=body)
    keys = BotoCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    when = moment or datetime.datetime.now(datetime.timezone.utc)
    _AtTime(keys, service, region, moment=when).add_auth(request)
    return dict(request.headers.items())


def send(server: Server, method: str, path: str, headers: dict[str, str], body: bytes = b"",
         timeout: float = 30) -> Answer:
    connection = http.client.HTTPConnection(*server.address, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def post(server: Server, credentials: Credentials, service: str, body: bytes, region: str = REGION,
         headers: dict[str, str] | None = None, moment: datetime.datetime | None = None,
         timeout: float = 30) -> Answer:
    """A signed POST of a form, as the query protocols send it."""
    given = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"} | (headers or {})
    signed = sign(server, credentials, service, body=body, headers=given, region=region, moment=moment)
    return send(server, "POST", "/", signed, body, timeout)


def call(server: Server, credentials: Credentials, action: str, service: str = "iam", region: str = REGION,
         timeout: float = 30, **parameters: str) -> Answer:
    """One operation with `Action` and `Version`; `a__b` in a parameter's name stands for `a.b`."""
    named = {name.replace("__", "."): value for name, value in parameters.items()}
    return post(server, credentials, service,
                form({"Action": action, "Version": VERSIONS[service], **named}), region, timeout=timeout)


def raw(server: Server, request: bytes, timeout: float = 30) -> bytes:
    """Sends these very bytes, and returns whatever comes back until the server closes."""
    with socket.create_connection(server.address, timeout=timeout) as connection:
        connection.sendall(request)
        with contextlib.suppress(OSError):  # the server may have closed already
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received
