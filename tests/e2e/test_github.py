"""The GitHub step: our action and the example workflows, run as GitHub's runner runs them."""

from __future__ import annotations

import hashlib
import http.server
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from harness import lab
from harness.clients import ROOT, Aws, allow, cli, document, trust
from harness.issuer import Issuer
from harness.process import ACCOUNT, Server, clean_environment, program
from workflow_runner import Runner, Unsupported, file_commands

WORKFLOWS = ROOT / "examples/workflows"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/GitHub-Session"


@pytest.fixture(scope="module")
def robot(root: Aws) -> Aws:
    user = lab.declare(root)
    root.s3.create_bucket(Bucket=lab.BUCKETS[1])
    return user


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """What a runner has on its PATH: the AWS CLI and the program under test."""
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "aws").symlink_to(cli("v1").program)
    (folder / "rolecall").symlink_to(program())
    return folder


@pytest.fixture
def runner(robot: Aws, tools: Path, tmp_path: Path) -> Runner:
    keys = robot.credentials
    return Runner(ROOT, environment(tools, tmp_path), tmp_path / "runner",
                  secrets={"ROBOT_ACCESS_KEY_ID": keys.access_key_id,
                           "ROBOT_SECRET_ACCESS_KEY": keys.secret_access_key},
                  variables={"ROLE_ARN": lab.ROLE_ARN, "ENDPOINT_URL": robot.server.endpoint})


def environment(tools: Path, home: Path) -> dict[str, str]:
    clean = clean_environment(home)
    return clean | {"PATH": f"{tools}{os.pathsep}{clean['PATH']}"}


def test_the_labs_workflow(runner: Runner, robot: Aws) -> None:
    done = runner.run(WORKFLOWS / "assume-role.yml")
    assert done.succeeded, done.log
    assert SESSION_ARN in done.step("Who this is now").log
    listed = done.step("What the role may see").log
    assert [line.split()[-1] for line in listed.splitlines()] == lab.BUCKETS
    assert f"{SESSION_ARN} until 20" in done.step("The session, as outputs").log
    assert done.environment["AWS_SECRET_ACCESS_KEY"] == "", "the last step takes the credentials away"


@pytest.fixture
def job(make_server, tools: Path, tmp_path: Path) -> Iterator[tuple[Runner, Issuer]]:
    """A runner whose jobs can have OIDC tokens, and a server that trusts those of one repository."""
    server = make_server(variables={"ROLECALL_OIDC_ALLOW_LOOPBACK_HTTP": "true"}).start()
    root, issuer = Aws(server, server.root), Issuer()
    issuer.job = ("job-bearer", {"sub": "repo:wonderland/tea:ref:refs/heads/main", "repository": "wonderland/tea"})
    root.iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["sts.amazonaws.com"])
    trusted = trust({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.name}"},
                    "sts:AssumeRoleWithWebIdentity", Condition={"StringEquals": {
                        f"{issuer.name}:aud": "sts.amazonaws.com",
                        f"{issuer.name}:sub": "repo:wonderland/tea:ref:refs/heads/main"}})
    root.iam.create_role(RoleName="robot", AssumeRolePolicyDocument=document(trusted))
    root.iam.put_role_policy(RoleName="robot", PolicyName="s3", PolicyDocument=document(allow("s3:*")))
    root.s3.create_bucket(Bucket=lab.BUCKETS[0])
    given = environment(tools, tmp_path) | {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}/job-token?api-version=2",
                                            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job-bearer"}
    yield Runner(ROOT, given, tmp_path / "runner", secrets={}, variables={
        "ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/robot", "ENDPOINT_URL": server.endpoint}), issuer
    issuer.close()


def test_a_workflow_proves_itself_by_its_token(job: tuple[Runner, Issuer]) -> None:
    runner, issuer = job
    done = runner.run(WORKFLOWS / "assume-role-oidc.yml")
    assert done.succeeded, done.log
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/GitHub-OIDC" in done.log
    assert any("audience=sts.amazonaws.com" in path for path in issuer.asked)
    assert "job-bearer" not in done.log and done.environment.get("AWS_SECRET_ACCESS_KEY", "") not in done.log.split()


def test_a_workflow_of_another_repository_is_refused(job: tuple[Runner, Issuer]) -> None:
    runner, issuer = job
    issuer.job = ("job-bearer", {"sub": "repo:looking-glass/tea:ref:refs/heads/main"})
    done = runner.run(WORKFLOWS / "assume-role-oidc.yml")
    assert not done.succeeded and "AccessDenied" in done.log and "AssumeRoleWithWebIdentity" in done.log


def test_a_job_without_its_bearer_gets_no_token(job: tuple[Runner, Issuer]) -> None:
    runner, issuer = job
    issuer.job = ("another-bearer", {})
    done = runner.run(WORKFLOWS / "assume-role-oidc.yml")
    assert not done.succeeded and "401" in done.log


def test_no_secret_is_in_the_log(runner: Runner, robot: Aws) -> None:
    leaky = """
jobs:
  one:
    runs-on: ubuntu-latest
    env: {AWS_REGION: us-east-1, AWS_ENDPOINT_URL: "${{ vars.ENDPOINT_URL }}", ROLE_ARN: "${{ vars.ROLE_ARN }}"}
    steps:
      - uses: ./
        env:
          AWS_ACCESS_KEY_ID: ${{ secrets.ROBOT_ACCESS_KEY_ID }}
          AWS_SECRET_ACCESS_KEY: ${{ secrets.ROBOT_SECRET_ACCESS_KEY }}
      - name: leak
        run: env | grep AWS_
"""
    runner.masks.clear()  # The action's own masks must do, without those of the secrets.
    done = runner.run(leaky)
    assert done.succeeded, done.log
    session = [done.environment[name] for name in
               ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
    assert session[0].startswith("ASIA") and all(session)
    for secret in [*session, robot.credentials.secret_access_key]:
        assert secret not in done.log
    assert done.step("leak").log.count("***") == 3


INLINE = """
          inline-session-policy: '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:List*", "Resource": "*"}}'
"""
MANAGED = """
          managed-session-policies: |
            arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess
            arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess
"""


@pytest.mark.parametrize("by", ["keys", "token"])
@pytest.mark.parametrize("limit", [INLINE, MANAGED])
def test_a_session_is_limited_by_policies_of_its_own(request: pytest.FixtureRequest, by: str, limit: str) -> None:
    runner = request.getfixturevalue("runner") if by == "keys" else request.getfixturevalue("job")[0]
    keys = """
        env:
          AWS_ACCESS_KEY_ID: ${{ secrets.ROBOT_ACCESS_KEY_ID }}
          AWS_SECRET_ACCESS_KEY: ${{ secrets.ROBOT_SECRET_ACCESS_KEY }}
"""
    done = runner.run(f"""
jobs:
  one:
    runs-on: ubuntu-latest
    permissions: {{id-token: write}}
    env: {{AWS_REGION: us-east-1, AWS_ENDPOINT_URL: "${{{{ vars.ENDPOINT_URL }}}}", ROLE_ARN: "${{{{ vars.ROLE_ARN }}}}"}}
    steps:
      - uses: ./
        with: {limit}{keys if by == "keys" else ""}
      - name: list
        run: aws s3 ls || true
      - name: make
        run: aws s3 mb s3://beyond || true
""")
    assert done.succeeded, done.log
    assert "no session policy allows the s3:CreateBucket action" in done.step("make").log
    assert lab.BUCKETS[0] in done.step("list").log


def test_a_short_duration_is_raised_with_a_note(runner: Runner) -> None:
    text = (WORKFLOWS / "assume-role.yml").read_text()
    assert "DURATION_SECONDS: 900" in text
    done = runner.run(text.replace("DURATION_SECONDS: 900", "DURATION_SECONDS: 120"))
    assert done.succeeded, done.log
    assert "a session of 120 s is shorter than the server allows; asking for 900 s" in done.log


def test_a_refusal_fails_the_job_and_still_cleans_up(runner: Runner) -> None:
    runner.variables["ROLE_ARN"] = f"arn:aws:iam::{ACCOUNT}:role/nowhere"
    done = runner.run(WORKFLOWS / "assume-role.yml")
    outcomes = [step.outcome for step in done.steps]
    assert outcomes == ["success", "failure", "skipped", "skipped", "skipped", "success"]
    assert "AccessDenied" in done.log and "sts:AssumeRole" in done.log


@pytest.mark.parametrize(("given", "said"), [
    ({}, "no role"),
    ({"role-to-assume": "robot", "aws-access-key-id": "AKIAIOSFODNN7EXAMPLE"}, "needs 'aws-secret-access-key'"),
])
def test_a_wrong_use_is_said(runner: Runner, given: dict[str, str], said: str) -> None:
    lines = "".join(f"\n          {key}: {value}" for key, value in given.items())
    done = runner.run("jobs:\n  one:\n    runs-on: x\n    steps:\n      - uses: ./\n"
                      + (f"        with:{lines}\n" if given else ""))
    assert not done.succeeded
    assert "::error title=Assume a role::" in done.log and said in done.log


def test_what_is_put_into_an_input_is_not_run(runner: Runner, tmp_path: Path) -> None:
    sign = tmp_path / "run"
    done = runner.run("jobs:\n  one:\n    runs-on: x\n    steps:\n      - uses: ./\n        with:\n"
                      f"          role-to-assume: \"x'; touch {sign}; $(touch {sign})\"\n")
    assert not done.succeeded and not sign.exists()


def test_the_service_workflow(tools: Path, tmp_path: Path) -> None:
    runner = Runner(ROOT, environment(tools, tmp_path), tmp_path / "runner")
    text = (WORKFLOWS / "service-in-ci.yml").read_text()
    assert "TERRAFORM: terraform\n" in text
    done = runner.run(text.replace("TERRAFORM: terraform\n", "TERRAFORM: no-terraform\n"))
    assert done.succeeded, done.log
    skipped = done.step("Apply the lab with Terraform").log
    assert skipped.startswith("::warning title=Terraform::SKIPPED: there is no no-terraform here")
    said = done.step("The reader reads, and no more").log
    assert "reports" in said and "AccessDenied" in said
    assert done.environment["AWS_SECRET_ACCESS_KEY"] not in done.log


@pytest.mark.slow
def test_the_service_workflow_applies_with_terraform(tools: Path, tmp_path: Path) -> None:
    found = next(filter(None, map(shutil.which, ["terraform", "tofu"])), None)
    plugins = os.environ.get("ROLECALL_TERRAFORM_PLUGIN_DIR", "")
    if found is None or not (plugins or os.environ.get("ROLECALL_TERRAFORM_INIT") == "1"):
        pytest.skip("SKIPPED LOUDLY: it takes Terraform and its provider, as test_terraform.py says")
    runner = Runner(ROOT, environment(tools, tmp_path) | {"PLUGIN_DIR": plugins}, tmp_path / "runner")
    text = (WORKFLOWS / "service-in-ci.yml").read_text()
    done = runner.run(text.replace("TERRAFORM: terraform\n", f"TERRAFORM: {found}\n"))
    assert done.succeeded, done.log
    applied = done.step("Apply the lab with Terraform").log
    assert "No changes." in applied and "AccessDenied" in applied and "reports" in applied


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A place that serves releases as GitHub's paths have them."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}", folder
        served.shutdown()


@pytest.mark.parametrize("honest", [True, False])
def test_a_release_is_downloaded_and_held_to_its_checksum(
        runner: Runner, tools: Path, releases: tuple[str, Path], tmp_path: Path, honest: bool) -> None:
    (tools / "rolecall").unlink()
    url, folder = releases
    machine = f"{os.uname().machine}-{os.uname().sysname.lower()}"
    name = f"rolecall-9.9.9-{machine}"
    place = folder / "example/lab/releases/download/v9.9.9"
    place.mkdir(parents=True)
    with tarfile.open(place / f"{name}.tar.gz", "w:gz", compresslevel=1) as tarball:
        tarball.add(program(), f"{name}/bin/rolecall")
    digest = hashlib.sha256((place / f"{name}.tar.gz").read_bytes()).hexdigest() if honest else "0" * 64
    (place / "SHA256SUMS").write_text(f"{digest}  {name}.tar.gz\n")
    runner.environment["GITHUB_SERVER_URL"] = url
    text = (WORKFLOWS / "assume-role.yml").read_text()
    done = runner.run(text.replace("        with:\n          aws-access", "        with:\n          version: v9.9.9\n"
                                   "          aws-access"))
    assert done.succeeded == honest, done.log
    assert honest or "is not what SHA256SUMS says" in done.log


def test_the_runner_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    runner = Runner(ROOT, {}, tmp_path)
    for step in ["uses: some/action@v1", "run: echo ${{ fromJSON(x) }}", "run: 'true'\n        strategy: x"]:
        with pytest.raises(Unsupported):
            runner.run(f"jobs:\n  one:\n    runs-on: x\n    steps:\n      - {step}\n")


def test_environment_files() -> None:
    assert file_commands("A=1\nB<<E\nx\ny=z\nE\nC=\n") == {"A": "1", "B": "x\ny=z", "C": ""}
    for text in ["A<<E\nx\n", "nothing\n"]:
        with pytest.raises(ValueError):
            file_commands(text)
