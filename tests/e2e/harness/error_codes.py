"""The codes and statuses that the program's source answers with, by the section of `docs/reference/errors.md`."""

from __future__ import annotations

import re
from collections import defaultdict
from http import HTTPStatus
from pathlib import Path

Found = dict[str, set[tuple[str, int]]]

# The first of these that a file's path begins with says which section it belongs to.
SECTIONS = (
    ("sigv4/src/chunk/", "S3"),
    ("sigv4/src/", "Signatures and credentials"),
    ("s3/src/", "S3"),
    ("ec2/src/", "EC2"),
    ("server/src/services/ec2", "EC2"),
    ("iam/src/", "IAM"),
    ("sts/src/login.rs", "Sign-in, for tools"),
    ("server/src/services/signin", "Sign-in, for tools"),
    ("sts/src/", "STS"),
    ("organizations/src/", "Organizations"),
    ("server/src/services/organizations", "Organizations"),
    ("server/src/services/cloud_trail", "CloudTrail"),
    ("server/src/services/access_analyzer", "Access Analyzer"),
    ("server/src/services/toolbox", "The IAM policy toolbox"),
    *((f"server/src/services/{name}", "Rolecall's own interface")
      for name in ("by_service", "controls", "map", "notifications", "rolecall", "root_password")),
    ("server/src/", "Any service"),
    ("aws-model/src/", "Any service"),
    ("imds/src/container.rs", "Credentials for containers"),
)
CODE = r'"([A-Z]\w+(?:\.\w+)*)"'
WITH_NUMBER = re.compile(CODE + r',\s*(?:"[^"]*",\s*)?([45]\d\d)\b')
WITH_NAME = re.compile(CODE + r",\s*(?:http::)?StatusCode::(\w+)")
NAME_FIRST = re.compile(r"problem\(\s*StatusCode::(\w+),\s*" + CODE)
ALWAYS_400 = re.compile(r"\b(?:client|refused)\(\s*" + CODE)
TYPED = re.compile(r"ErrorCode::([A-Z]\w+)")
ROW = re.compile(r'Self::(\w+) => (?:\{\s*)?\("(\w+)", (\d+)\)')
# Where a code comes by way of a variable: how it is written there, and its status.
BY_VARIABLE = {
    "server/src/services/query.rs": (r'=> "(\w+)",', 400),
    "ec2/src/places.rs": (r'"(\w+\.NotFound)"', 400),
    "s3/src/backend/buckets.rs": (r'"(Bucket(?:Already)\w+)"', 409),
    "s3/src/backend/settings.rs": (r'\b(?:absent\(|never\(cx, )"(\w+)"', 404),
    "s3/src/service.rs": (r'\(\s*"([A-Z]\w+)",\s*"[A-Z][^"]* [^"]*"\s*,?\s*\),', 400),
}
# The statuses of those codes among them that have another.
OTHER_STATUS = {"AccessDenied": 403, "MethodNotAllowed": 405, "MissingContentLength": 411, "NotImplemented": 501}
# IAM's error type has these, and no operation makes them.
NEVER_MADE = {"EntityTemporarilyUnmodifiable", "PolicyNotAttachable"}
# How errors are made where a code stands by itself: what is written in another way must not be missed.
MADE = re.compile(r"\b(?:Fault::new|Ec2Error::client)\(")


def section_of(path: str) -> str | None:
    return next((section for start, section in SECTIONS if path.startswith(start)), None)


def product_code(path: Path) -> str:
    """A file without its tests, which stand last, and without its comments."""
    text = path.read_text().split("#[cfg(test)]")[0]
    # A table of AWS's common errors, most of which are made elsewhere.
    text = re.sub(r"^impl CommonError \{.*?^\}", "", text, flags=re.M | re.S)
    return re.sub(r"^\s*//.*$", "", text, flags=re.M)


def status(name: str) -> int:
    return HTTPStatus[{"RANGE_NOT_SATISFIABLE": "REQUESTED_RANGE_NOT_SATISFIABLE"}.get(name, name)].value


def in_source(crates: Path) -> tuple[Found, list[str]]:
    """What is answered, by section; and the places that this reading doesn't understand."""
    found: Found = defaultdict(set)
    strange: list[str] = []
    for path in sorted(crates.glob("*/src/**/*.rs")):
        name = str(path.relative_to(crates))
        if "/tests" in name or "/generated/" in name:
            continue
        text = product_code(path)
        here = {(code, int(number)) for code, number in WITH_NUMBER.findall(text)}
        here |= {(code, status(number)) for code, number in WITH_NAME.findall(text)}
        here |= {(code, status(number)) for number, code in NAME_FIRST.findall(text)}
        here |= {(code, 400) for code in ALWAYS_400.findall(text)}
        here |= typed(crates, name, text)
        pattern, number = BY_VARIABLE.get(name, (None, 400))
        variable = set(re.findall(pattern, text)) if pattern else set()
        here |= {(code, OTHER_STATUS.get(code, number)) for code in variable}
        strange += [name for unmade in NEVER_MADE if f"IamError::{unmade}" in text]
        section = section_of(name)
        if section is not None:
            found[section] |= here
            literal = len(re.findall(MADE.pattern + r"\s*" + CODE, text))
            # One constructor takes the variable.
            made = len(MADE.findall(text))
            strange += [name] * (made > 0 and literal + bool(variable) != made)
        elif "WireError::new(" in text or "Fault::new(" in text:
            strange.append(name)
    return found, strange


def typed(crates: Path, name: str, text: str) -> set[tuple[str, int]]:
    service = re.search(r"use rolecall_aws_model::(\w+)::(?:\{[^}]*)?ErrorCode", text)
    if service is None:
        return set()
    model = (crates / f"aws-model/src/generated/{service[1]}/errors.rs").read_text()
    rows = {variant: (code, int(number)) for variant, code, number in ROW.findall(model)}
    return {rows[variant] for variant in TYPED.findall(text) if variant not in NEVER_MADE}
