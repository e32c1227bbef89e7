"""As much of a browser as the console needs: cookies, and forms with the mark of their session."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

from .process import ACCOUNT, Server

PASSWORD = "Correct-Horse-9"


@dataclass
class Browser:
    """One visitor."""

    server: Server
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
        host, port = self.server.address
        connection = http.client.HTTPConnection(host, port, timeout=30)
        sent = {"Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items())} if self.cookies else {}
        if body:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        self.set_cookies = answer.headers.get_all("Set-Cookie") or []
        for cookie in self.set_cookies:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        connection.close()
        return answer.status, {n.lower(): v for n, v in answer.headers.items()}, text

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        return self.send("GET", path, **headers)

    def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> tuple[int, dict, str]:
        return self.send("POST", path, urlencode(fields), **(headers or {}))

    def sign_in(self, user: str, password: str = PASSWORD, account: str = ACCOUNT) -> tuple[int, dict, str]:
        return self.post("/console/signin", **{"as": "user", "account": account, "user": user, "password": password})

    def mark(self) -> str:
        return re.search(r'name="mark" value="([0-9a-f]{64})"', self.get("/console/")[2]).group(1)

    def is_in(self) -> bool:
        return self.get("/console/")[0] == 200
