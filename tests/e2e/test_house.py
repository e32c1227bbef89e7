"""The house's own rules that no linter knows."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib

from harness.clients import ROOT


def test_every_dependency_has_an_allowed_licence() -> None:
    """What deny.toml allows, checked without cargo-deny. `OR` takes any one side, `AND` needs both."""
    allowed = set(tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"])
    host = re.search(r"^host: (.*)$", subprocess.run(["rustc", "-vV"], text=True, capture_output=True,
                                                     check=True).stdout, re.M).group(1)
    done = subprocess.run(["cargo", "metadata", "--format-version", "1", "--all-features", "--offline",
                           "--filter-platform", host], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    packages = json.loads(done.stdout)["packages"]
    assert len(packages) > 50
    refused = [f"{one['name']} {one['version']}: {one['license']}" for one in packages
               if not is_allowed(one["license"] or "", allowed)]
    assert not refused


def is_allowed(expression: str, allowed: set[str]) -> bool:
    sides = re.split(r"\s+OR\s+|/", expression.replace("(", " ").replace(")", " "))
    return any(all(part.strip().removesuffix("+") in allowed for part in re.split(r"\s+AND\s+", side)) for side in sides)


def test_licence_expressions_are_read() -> None:
    allowed = {"MIT", "Apache-2.0", "ISC", "Apache-2.0 WITH LLVM-exception"}
    for expression in ["MIT", "MIT OR GPL-3.0", "GPL-3.0/MIT", "Apache-2.0 AND ISC", "(MIT OR Apache-2.0)",
                       "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"]:
        assert is_allowed(expression, allowed), expression
    for expression in ["", "GPL-3.0", "MIT AND GPL-3.0", "LGPL-2.1 OR GPL-3.0"]:
        assert not is_allowed(expression, allowed), expression


def test_one_cryptographic_provider() -> None:
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    names = {package["name"] for package in lock["package"]}
    assert "ring" in names
    assert not names & {"openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys", "boring"}


def test_lock_files_name_no_download_host() -> None:
    text = (ROOT / "tests/e2e/js/package-lock.json").read_text()
    assert '"resolved"' not in text and "https://" not in re.sub(r'"url": "[^"]*"', "", text)
    sources = set(re.findall(r'^source = "(.*)"$', (ROOT / "Cargo.lock").read_text(), re.M))
    assert sources == {"registry+https://github.com/rust-lang/crates.io-index"}


def test_no_secret_shaped_text_is_checked_in() -> None:
    done = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True,
                          capture_output=True, check=True)
    shapes = re.compile(rb"-----BEGIN (RSA |EC |OPENSSH )?PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{200,}")
    found = [name for name in done.stdout.splitlines()
             if (ROOT / name).is_file() and shapes.search((ROOT / name).read_bytes())]
    assert [name for name in found if "/tests/" not in name and "testdata" not in name] == []


def test_attacks_name_tests_that_exist() -> None:
    named = set()
    for page in ("docs/security/attacks.md", "SECURITY.md"):
        named |= set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", (ROOT / page).read_text()))
    assert len(named) > 50
    missing = [f"{file}::{test}" for file, test in sorted(named)
               if f"def {test}(" not in (ROOT / "tests/e2e" / file).read_text()]
    assert not missing


def test_every_way_is_in_the_table_of_attacks() -> None:
    from test_escalation import WAYS
    table = (ROOT / "docs/security/attacks.md").read_text()
    assert [name for name, way in WAYS.items() if f"| {name} | `{way.needs}` |" not in table] == []
