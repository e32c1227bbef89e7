"""Issuers that nobody can ask: their keys are given in a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from harness.clients import Aws, document, refused, trust
from harness.issuer import Issuer, Key
from harness.process import ACCOUNT, REGION, Server, StartFailed
from test_web_identity import ACTION, NO_KEY, assume

# No name server knows it.
URL = "https://issuer.invalid/realm"


@pytest.fixture
def issuer():
    """Makes tokens; its own address is not the one that they name."""
    made = Issuer()
    yield made
    made.close()


def declared(url: str, keys: list[Key], folder: Path) -> Path:
    (folder / "keys.json").write_text(json.dumps({"keys": [key.jwk() for key in keys]}))
    file = folder / "issuers.toml"
    file.write_text(f'[[keys]]\nissuer = "{url}"\nfile = "keys.json"\n')
    return file


def anyone(server: Server):
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    return boto3.Session(region_name=REGION).client("sts", endpoint_url=server.endpoint, config=config)


def role_for(root: Aws, url: str) -> str:
    root.iam.create_open_id_connect_provider(Url=url, ClientIDList=["app"])
    name = url.split("://")[1]
    trusts = trust({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{name}"}, ACTION,
                   Condition={"StringEquals": {f"{name}:sub": "someone"}})
    root.iam.create_role(RoleName="federated", AssumeRolePolicyDocument=document(trusts))
    return f"arn:aws:iam::{ACCOUNT}:role/federated"


def test_an_issuer_that_is_not_reachable(make_server: Callable[..., Server], issuer: Issuer, tmp_path: Path) -> None:
    file = declared(URL, issuer.keys, tmp_path)
    server = make_server(variables={"ROLECALL_OIDC_KEYS_FILE": str(file)}).start()
    root, sts = Aws(server, server.root), anyone(server)
    role = role_for(root, URL)
    answer = assume(sts, role, issuer.token(iss=URL))
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == ("someone", "app")
    # What is given changes nothing of what is checked.
    with refused("AccessDenied", status=403):
        assume(sts, role, issuer.token(iss=URL, sub="someone-else"))
    with refused("InvalidIdentityToken", "Incorrect token audience"):
        assume(sts, role, issuer.token(iss=URL, aud="stranger"))
    with refused("ExpiredTokenException"):
        assume(sts, role, issuer.token(iss=URL, exp=1))
    for key in (Key("other"), Key(issuer.keys[0].key_id)):
        with refused("InvalidIdentityToken"):
            assume(sts, role, issuer.token(iss=URL, key=key))
    with refused("InvalidIdentityToken", NO_KEY):
        assume(sts, role, issuer.token(iss=URL, key=Key("other")))
    # The keys open nothing in an account that does not trust the issuer.
    root.iam.delete_open_id_connect_provider(
        OpenIDConnectProviderArn=f"arn:aws:iam::{ACCOUNT}:oidc-provider/{URL.split('://')[1]}")
    with refused("InvalidIdentityToken"):
        assume(sts, role, issuer.token(iss=URL))


def test_an_issuer_whose_keys_are_given_is_not_asked(
        make_server: Callable[..., Server], issuer: Issuer, tmp_path: Path) -> None:
    file = declared(issuer.url, issuer.keys, tmp_path)
    variables = {"ROLECALL_OIDC_KEYS_FILE": str(file), "ROLECALL_OIDC_ALLOW_LOOPBACK_HTTP": "true"}
    server = make_server(variables=variables).start()
    role = role_for(Aws(server, server.root), issuer.url)
    assume(anyone(server), role, issuer.token())
    issuer.keys.append(Key("later"))
    with refused("InvalidIdentityToken"):
        assume(anyone(server), role, issuer.token())
    assert issuer.asked == []


@pytest.mark.parametrize(("text", "why"), [
    ('[[keys]]\nissuer = "issuer.invalid"\njwks = "{}"\n', "must begin with https://"),
    (f'[[keys]]\nissuer = "{URL}"\njwks = "nothing"\n', "not a JSON Web Key Set"),
    (f'[[keys]]\nissuer = "{URL}"\n', "takes either jwks or a file"),
    ("[[key]]\n", "unknown field"),
])
def test_a_file_that_is_no_good_stops_the_start(
        make_server: Callable[..., Server], tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text(text)
    with pytest.raises(StartFailed) as failed:
        make_server(variables={"ROLECALL_OIDC_KEYS_FILE": str(file)}).start()
    assert failed.value.exit_code == 2 and "oidc.keys_file" in failed.value.output and why in failed.value.output
