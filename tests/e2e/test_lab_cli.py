"""The lab by the AWS CLI, version 1 and version 2, from declaring to tearing down.

The tests of this file build on each other, as a person's terminal session does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import lab
from harness.clients import Cli
from harness.process import Credentials, Server


@dataclass
class Terminal:
    """One CLI at one server, as whoever's keys are exported."""

    cli: Cli
    server: Server
    user: Credentials | None = None

    def json(self, *arguments: str, as_: Credentials | None = None, **more):
        return self.cli.json(self.server, as_ or self.server.root, *arguments, **more)

    def run(self, *arguments: str, as_: Credentials | None = None, **more) -> str:
        return self.cli.text(self.server, as_ or self.server.root, *arguments, **more)

    def fails(self, *arguments: str, as_: Credentials | None = None, **more) -> str:
        return self.cli.fails(self.server, as_ or self.server.root, *arguments, **more)

    def assume(self, *more: str) -> dict:
        return self.json("sts", "assume-role", "--role-arn", lab.ROLE_ARN, "--role-session-name", lab.SESSION,
                         *more, as_=self.user)


@pytest.fixture(scope="module")
def aws(aws_cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    server = Server(tmp_path_factory.mktemp(f"lab-{aws_cli.version}")).start()
    yield Terminal(aws_cli, server)
    server.stop()


def test_declare(aws: Terminal) -> None:
    for bucket in lab.BUCKETS:
        aws.run("s3", "mb", f"s3://{bucket}")
    policy = aws.json("iam", "create-policy", "--policy-name", lab.POLICY, "--path", lab.POLICY_PATH,
                      "--policy-document", lab.MANAGED)["Policy"]
    assert policy["Arn"] == lab.POLICY_ARN
    assert re.fullmatch("ANPA[A-Z2-7]{17}", policy["PolicyId"])
    user = aws.json("iam", "create-user", "--user-name", lab.USER, "--path", lab.USER_PATH,
                    "--tags", "Key=Name,Value=robot")["User"]
    assert user["Arn"] == lab.USER_ARN
    assert user["Tags"] == [{"Key": "Name", "Value": "robot"}]
    role = aws.json("iam", "create-role", "--role-name", lab.ROLE, "--assume-role-policy-document", lab.TRUST,
                    "--tags", "Key=Name,Value=robot")["Role"]
    assert role["Arn"] == lab.ROLE_ARN
    assert role["Tags"] == [{"Key": "Name", "Value": "robot"}]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] == {}
    aws.run("iam", "attach-role-policy", "--role-name", lab.ROLE, "--policy-arn", lab.POLICY_ARN)
    aws.run("iam", "create-instance-profile", "--instance-profile-name", lab.PROFILE)
    aws.run("iam", "add-role-to-instance-profile", "--instance-profile-name", lab.PROFILE,
            "--role-name", lab.ROLE)
    aws.run("iam", "put-user-policy", "--user-name", lab.USER, "--policy-name", lab.USER_POLICY,
            "--policy-document", lab.MAY_ASSUME)
    key = aws.json("iam", "create-access-key", "--user-name", lab.USER)["AccessKey"]
    assert re.fullmatch("AKIA[A-Z2-7]{16}", key["AccessKeyId"])
    aws.user = Credentials.of(key)


def test_the_declared_reads_back(aws: Terminal) -> None:
    profile = aws.json("iam", "get-instance-profile", "--instance-profile-name", lab.PROFILE)["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == [lab.ROLE]
    attached = aws.json("iam", "list-attached-role-policies", "--role-name", lab.ROLE)["AttachedPolicies"]
    assert attached == [{"PolicyName": lab.POLICY, "PolicyArn": lab.POLICY_ARN}]
    inline = aws.json("iam", "get-user-policy", "--user-name", lab.USER, "--policy-name", lab.USER_POLICY)
    assert inline["PolicyDocument"]["Statement"][0]["Resource"] == lab.ROLE_ARN


def test_the_user_alone_may_only_assume(aws: Terminal) -> None:
    said = aws.fails("s3", "ls", as_=aws.user)
    assert re.search(r"An error occurred \(AccessDenied\) when calling the ListBuckets operation: "
                     rf"User: {lab.USER_ARN} is not authorized to perform: s3:ListAllMyBuckets "
                     r"(on resource: \S+ )?"
                     r"because no identity-based policy allows the s3:ListAllMyBuckets action", said), said
    identity = aws.json("sts", "get-caller-identity", as_=aws.user)
    assert identity["Arn"] == lab.USER_ARN
    assert identity["Account"] == "123456789012"
    assert re.fullmatch("AIDA[A-Z2-7]{17}", identity["UserId"])
    said = aws.fails("iam", "list-users", as_=aws.user)
    assert "(AccessDenied) when calling the ListUsers operation" in said
    assert "is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::123456789012:user/ " in said


def test_switch_by_exported_credentials(aws: Terminal) -> None:
    answer = aws.assume()
    assert answer["AssumedRoleUser"]["Arn"] == lab.SESSION_ARN
    assert re.fullmatch(f"AROA[A-Z2-7]{{17}}:{lab.SESSION}", answer["AssumedRoleUser"]["AssumedRoleId"])
    assert re.fullmatch("ASIA[A-Z2-7]{16}", answer["Credentials"]["AccessKeyId"])
    session = Credentials.of(answer["Credentials"])
    identity = aws.json("sts", "get-caller-identity", as_=session)
    assert identity == {"UserId": answer["AssumedRoleUser"]["AssumedRoleId"], "Account": "123456789012",
                        "Arn": lab.SESSION_ARN}
    listed = aws.run("s3", "ls", as_=session)
    assert [line.split()[-1] for line in listed.splitlines()] == lab.BUCKETS


def test_switch_by_profile(aws: Terminal) -> None:
    folder = aws.server.home / ".aws"
    folder.mkdir(exist_ok=True)
    (folder / "credentials").write_text(
        f"[robot]\naws_access_key_id = {aws.user.access_key_id}\n"
        f"aws_secret_access_key = {aws.user.secret_access_key}\n")
    (folder / "config").write_text(
        f"[profile switched]\nrole_arn = {lab.ROLE_ARN}\nsource_profile = robot\n"
        f"role_session_name = by-profile\n")
    env = {"AWS_PROFILE": "switched"}
    identity = aws.cli.json(aws.server, None, "sts", "get-caller-identity", variables=env)
    assert identity["Arn"] == "arn:aws:sts::123456789012:assumed-role/robot/by-profile"
    assert lab.BUCKETS[0] in aws.cli.text(aws.server, None, "s3", "ls", variables=env)
    said = aws.cli.fails(aws.server, None, "s3", "ls", variables={"AWS_PROFILE": "robot"})
    assert "AccessDenied" in said


def test_the_role_does_what_its_policy_allows_and_no_more(aws: Terminal, tmp_path: Path) -> None:
    session = Credentials.of(aws.assume()["Credentials"])
    sent, fetched = tmp_path / "sent.txt", tmp_path / "fetched.txt"
    sent.write_text("from the role\n")
    aws.run("s3", "cp", str(sent), f"s3://{lab.BUCKETS[0]}/a/b.txt", as_=session)
    assert "a/b.txt" in aws.run("s3", "ls", f"s3://{lab.BUCKETS[0]}", "--recursive", as_=session)
    aws.run("s3", "cp", f"s3://{lab.BUCKETS[0]}/a/b.txt", str(fetched), as_=session)
    assert fetched.read_text() == "from the role\n"
    aws.run("s3", "rm", f"s3://{lab.BUCKETS[0]}/a/b.txt", as_=session)
    assert "(AccessDenied) when calling the GetUser" in aws.fails(
        "iam", "get-user", "--user-name", lab.USER, as_=session)


def test_without_trust_there_is_no_role(aws: Terminal) -> None:
    trusting = ["iam", "update-assume-role-policy", "--role-name", lab.ROLE, "--policy-document"]
    aws.run(*trusting, lab.TRUST_SERVICE_ONLY)
    said = aws.fails("sts", "assume-role", "--role-arn", lab.ROLE_ARN, "--role-session-name", lab.SESSION,
                     as_=aws.user)
    assert (f"An error occurred (AccessDenied) when calling the AssumeRole operation: User: {lab.USER_ARN} is "
            f"not authorized to perform: sts:AssumeRole on resource: {lab.ROLE_ARN}") in said
    aws.run(*trusting, lab.TRUST_ACCOUNT)
    aws.assume()
    aws.run("iam", "delete-user-policy", "--user-name", lab.USER, "--policy-name", lab.USER_POLICY)
    assert "AccessDenied" in aws.fails("sts", "assume-role", "--role-arn", lab.ROLE_ARN,
                                       "--role-session-name", lab.SESSION, as_=aws.user)
    aws.run("iam", "put-user-policy", "--user-name", lab.USER, "--policy-name", lab.USER_POLICY,
            "--policy-document", lab.MAY_ASSUME)
    aws.assume()


def test_wrong_credentials_are_told_apart(aws: Terminal) -> None:
    wrong = Credentials(aws.user.access_key_id, "wrong" + aws.user.secret_access_key[5:])
    assert "(SignatureDoesNotMatch)" in aws.fails("sts", "get-caller-identity", as_=wrong)
    assert "(SignatureDoesNotMatch)" in aws.fails("s3", "ls", as_=wrong)
    unknown = Credentials("AKIAIOSFODNN7EXAMPLE", aws.user.secret_access_key)
    assert "(InvalidClientTokenId)" in aws.fails("sts", "get-caller-identity", as_=unknown)
    assert "(InvalidAccessKeyId)" in aws.fails("s3", "ls", as_=unknown)


def test_a_deleted_roles_session_is_denied(aws: Terminal) -> None:
    session = Credentials.of(aws.assume()["Credentials"])
    aws.run("s3", "ls", as_=session)
    aws.run("iam", "remove-role-from-instance-profile", "--instance-profile-name", lab.PROFILE,
            "--role-name", lab.ROLE)
    aws.run("iam", "detach-role-policy", "--role-name", lab.ROLE, "--policy-arn", lab.POLICY_ARN)
    assert "AccessDenied" in aws.fails("s3", "ls", as_=session)
    aws.run("iam", "delete-role", "--role-name", lab.ROLE)
    assert re.search(r"\((AccessDenied|InvalidAccessKeyId|InvalidToken)\)", aws.fails("s3", "ls", as_=session))


def test_tearing_down_leaves_nothing(aws: Terminal) -> None:
    aws.run("iam", "delete-instance-profile", "--instance-profile-name", lab.PROFILE)
    aws.run("iam", "delete-policy", "--policy-arn", lab.POLICY_ARN)
    aws.run("iam", "delete-access-key", "--user-name", lab.USER, "--access-key-id", aws.user.access_key_id)
    aws.run("iam", "delete-user-policy", "--user-name", lab.USER, "--policy-name", lab.USER_POLICY)
    aws.run("iam", "delete-user", "--user-name", lab.USER)
    for bucket in lab.BUCKETS:
        aws.run("s3", "rb", f"s3://{bucket}")
    assert aws.json("iam", "list-users")["Users"] == []
    assert aws.json("iam", "list-roles")["Roles"] == []
    assert aws.json("iam", "list-policies", "--scope", "Local")["Policies"] == []
    assert aws.json("iam", "list-instance-profiles")["InstanceProfiles"] == []
    assert aws.run("s3", "ls") == ""
    assert "(InvalidClientTokenId)" in aws.fails("sts", "get-caller-identity", as_=aws.user)
