"""The engine without a server: `rolecall explain --request` and `rolecall validate`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from harness.process import clean_environment, program, rolecall

ANA = "arn:aws:iam::111122223333:user/ana"
FROM_THE_OFFICE = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*",
    "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]}


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([program(), *arguments], input=text, text=True, capture_output=True, timeout=30, env={})


def request(source_ip: str) -> str:
    return json.dumps({
        "action": "s3:GetObject", "resource": "arn:aws:s3:::reports/q1.csv", "principal": ANA,
        "context": {"aws:SourceIp": [source_ip]},
        "identityPolicies": [{"name": "read-from-office", "policy": FROM_THE_OFFICE}]})


def test_a_request_that_was_never_made_is_explained() -> None:
    denied = run("explain", "--request", "-", text=request("198.51.100.4"))
    assert denied.returncode == 1, denied.stderr
    assert "198.51.100.4" in denied.stdout and "203.0.113.0/24" in denied.stdout
    allowed = run("explain", "--request", "-", "--json", text=request("203.0.113.7"))
    assert allowed.returncode == 0, allowed.stderr
    assert json.loads(allowed.stdout)["decision"] == "Allowed"
    broken = run("explain", "--request", "-", text='{"action": "s3:GetObject", "made-up": 1}')
    assert broken.returncode == 2 and "made-up" in broken.stderr


@pytest.mark.parametrize(("action", "code", "exit_code"), [
    ("s3:GetObject", None, 0), ("s3:GetObjct", "INVALID_ACTION", 1)])
def test_policies_are_validated(tmp_path: Path, action: str, code: str | None, exit_code: int) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::reports/*"}]}))
    done = run("validate", str(path))
    assert done.returncode == exit_code, done.stdout + done.stderr
    as_json = json.loads(run("validate", "--json", str(path)).stdout)
    codes = [finding["issueCode"] for finding in as_json[0]["findings"]]
    assert codes == ([code] if code else []), as_json
    if code:
        assert f"{path}:1:" in done.stdout and code in done.stdout and "s3:GetObject" in done.stdout


def test_an_action_that_takes_no_resource_is_decided_on_the_star(tmp_path):
    """<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>: ListAllMyBuckets."""
    def decided(resource_of_policy: str) -> str:
        line = {"id": "1", "action": "s3:ListAllMyBuckets", "resource": "arn:aws:s3:::anything",
                "principal": "arn:aws:iam::123456789012:user/u",
                "identityPolicies": [{"name": "p", "policy": {"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": "s3:*", "Resource": resource_of_policy}]}}]}
        answer = rolecall("decide", env=clean_environment(tmp_path), stdin=json.dumps(line) + "\n")
        return json.loads(answer.stdout)["decision"]

    assert decided("*") == "Allowed"
    assert decided("arn:aws:s3:::anything") == "ImplicitlyDenied"
