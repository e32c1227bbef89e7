"""An OpenID Connect issuer on loopback: its documents over HTTP, and tokens good and bad."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def encoded(data: bytes | dict) -> str:
    raw = json.dumps(data).encode() if isinstance(data, dict) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Key:
    """An RSA key with an id."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwk(self) -> dict:
        public = self.private.public_key().public_numbers()
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.key_id,
                "n": number(public.n), "e": number(public.e)}

    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, text: bytes) -> bytes:
        return self.private.sign(text, padding.PKCS1v15(), hashes.SHA256())


class Issuer:
    """Serves discovery and keys until closed; `asked` holds the paths that it was asked for."""

    def __init__(self, path: str = "") -> None:
        self.keys = [Key("first")]
        self.asked: list[str] = []
        self.status = 200
        self.named: str | None = None
        # The bearer of a workflow's job, and the claims of its tokens.
        self.job: tuple[str, dict] | None = None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ").removeprefix("bearer ")
                status, document = outer._document(self.path, bearer)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{path}"
        self._path = path
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def name(self) -> str:
        """As ARNs and condition keys carry it."""
        return self.url.removeprefix("http://")

    def _document(self, path: str, bearer: str) -> tuple[int, dict]:
        asked = urllib.parse.urlsplit(path)
        if asked.path == f"{self._path}/job-token":
            # As GitHub's runner: a job that shows its bearer gets a token for the audience that it names.
            [audience] = urllib.parse.parse_qs(asked.query).get("audience", [""])
            known = self.job is not None and bearer == self.job[0]
            return (200, {"value": self.token(**self.job[1], aud=audience)}) if known else (401, {})
        if path == f"{self._path}/.well-known/openid-configuration":
            return self.status, {"issuer": self.named or self.url, "jwks_uri": f"{self.url}/keys"}
        return self.status, {"keys": [key.jwk() for key in self.keys]}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def claims(self, **more: object) -> dict:
        now = int(time.time())
        claims = {"iss": self.url, "sub": "someone", "aud": "app", "iat": now, "nbf": now, "exp": now + 300}
        return {name: value for name, value in (claims | more).items() if value is not None}

    def token(self, key: Key | None = None, header: dict | None = None, **claims: object) -> str:
        """Signed as it should be, by the issuer's newest key."""
        key = key or self.keys[-1]
        head = {"alg": "RS256", "typ": "JWT", "kid": key.key_id} | (header or {})
        signed = f"{encoded(head)}.{encoded(self.claims(**claims))}"
        return f"{signed}.{encoded(key.sign(signed.encode()))}"

    def unsigned(self, algorithm: str = "none") -> str:
        return f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(self.claims())}."

    def signed_by_public_key(self) -> str:
        """By HMAC with the public key as the secret, for verifiers that let tokens choose how they are read."""
        key = self.keys[-1]
        signed = f"{encoded({'alg': 'HS256', 'kid': key.key_id})}.{encoded(self.claims())}"
        return f"{signed}.{encoded(hmac.digest(key.public_pem(), signed.encode(), hashlib.sha256))}"
