"""Questions about an account: the pages about them, and the commands against a server, files and bad input."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest
from harness.clients import ROOT, Aws, allow, cli, deny, document, refused, trust
from harness.process import ACCOUNT, Credentials, Server, clean_environment, program, rolecall
from test_lab_documents import FENCE, Block, follow
from workflow_runner import Runner

ARN = f"arn:aws:iam::{ACCOUNT}"


def runnable(page: str) -> list[Block]:
    """The blocks of a page that are run; those in other languages only show something."""
    blocks: list[Block] = []
    for language, place, text in FENCE.findall((ROOT / "docs" / page).read_text()):
        if language == "sh":
            blocks.append(Block(text, place or "reader"))
        elif language == "text":
            assert blocks[-1].prints is None, f"{page}: two outputs for one block"
            blocks[-1].prints = text
    return blocks


def reader(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """Where a reader works, with the programs that a page uses."""
    tools, work = tmp_path / "tools", tmp_path / "work"
    for folder in (tools, work):
        folder.mkdir()
    (tools / "rolecall").symlink_to(program())
    env = clean_environment(tmp_path)
    return work, env | {"PATH": f"{tools}{os.pathsep}{env['PATH']}"}


def test_every_block_of_the_page_about_checks_does_what_it_says(tmp_path: Path) -> None:
    blocks = runnable("checking.md")
    assert sum(block.prints is not None for block in blocks) >= 4
    follow(blocks, *reader(tmp_path))


def test_every_block_of_the_page_about_questions_does_what_it_says(own_server: Server, tmp_path: Path) -> None:
    work, env = reader(tmp_path)
    (tmp_path / "tools/aws").symlink_to(cli("v2").program)
    blocks = runnable("asking.md")
    assert sum(block.prints is not None for block in blocks) >= 7
    follow(blocks, work, own_server.client_environment(own_server.root) | {"PATH": env["PATH"]})


@pytest.fixture(scope="module")
def filled(server: Server, root: Aws) -> Aws:
    """A user that becomes a role, one with a boundary, a group, a bucket with a policy."""
    iam = root.iam
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="read", PolicyDocument=document(
        {"Sid": "Read", **allow("s3:GetObject", "arn:aws:s3:::reports/*")}))
    iam.create_user(UserName="jane")
    iam.add_user_to_group(GroupName="readers", UserName="jane")
    iam.create_policy(PolicyName="only-ec2", PolicyDocument=document(allow("ec2:*")))
    iam.create_user(UserName="eve", PermissionsBoundary=f"{ARN}:policy/only-ec2")
    iam.add_user_to_group(GroupName="readers", UserName="eve")
    iam.create_user(UserName="bob")
    iam.create_role(RoleName="worker", Path="/jobs/", AssumeRolePolicyDocument=document(
        trust({"AWS": f"{ARN}:user/jane"}), trust({"Service": "ec2.amazonaws.com"})))
    iam.attach_role_policy(RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    root.s3.create_bucket(Bucket="reports")
    root.s3.put_bucket_policy(Bucket="reports", Policy=document(
        {"Sid": "Bob", "Effect": "Allow", "Principal": {"AWS": f"{ARN}:user/bob"}, "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::reports/*"},
        {"Sid": "Secret", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::reports/secret/*"}))
    return root


def run(server: Server, who: Aws, *arguments: str, cwd: Path | None = None):
    return rolecall(*arguments, env=server.client_environment(who.credentials), cwd=cwd)


def test_who_can_tells_of_users_groups_roles_and_the_bucket(server: Server, filled: Aws) -> None:
    done = run(server, filled, "who-can", "s3:GetObject", "arn:aws:s3:::reports/q1.csv", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    found = {one["principal"]: one for one in answer["allowed"]}
    assert set(found) == {"user/jane", "user/bob", "role/jobs/worker"}
    assert found["user/jane"]["groups"] == ["readers"] and found["user/jane"]["because"]["sid"] == "Read"
    assert found["user/bob"]["because"]["sid"] == "Bob"
    assert found["role/jobs/worker"]["becoming"]["assumedBy"] == ["user/jane"]
    assert found["role/jobs/worker"]["becoming"]["services"] == ["ec2.amazonaws.com"]
    assert answer["root"] is True and answer["unknown"] == []


def test_who_nearly_can_and_what_keeps_them_from_it(server: Server, filled: Aws) -> None:
    done = run(server, filled, "who-can", "s3:GetObject", "arn:aws:s3:::reports/q1.csv", "--why-not")
    assert done.returncode == 0, done.stderr
    nearly = done.stdout.partition("nearly:")[2]
    assert "user/eve" in nearly and "no permissions boundary allows it" in nearly
    secret = run(server, filled, "who-can", "s3:GetObject", "arn:aws:s3:::reports/secret/x", "--why-not")
    assert secret.returncode == 1 and "nobody can" in secret.stdout
    assert 'statement "Secret" of resource-based policy "bucket policy of reports"' in secret.stdout


def test_a_file_says_the_same_without_a_server_but_for_what_it_does_not_know(
        server: Server, filled: Aws, tmp_path: Path) -> None:
    details = tmp_path / "details.json"
    details.write_text(run(server, filled, "export").stdout)
    offline = clean_environment(tmp_path)
    asked = ("who-can", "s3:GetObject", "arn:aws:s3:::reports/q1.csv", "--from", str(details))
    done = rolecall(*asked, "--json", env=offline)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert {one["principal"] for one in answer["allowed"]} == {"user/jane", "role/jobs/worker"}
    assert any("policies of resources" in sentence for sentence in answer["unknown"])
    policy = tmp_path / "bucket.json"
    policy.write_text(filled.s3.get_bucket_policy(Bucket="reports")["Policy"])
    done = rolecall(*asked, "--resource-policy", str(policy), env=offline)
    assert "user/bob" in done.stdout, done.stdout + done.stderr


def test_what_who_can_says_is_what_the_server_enforces(server: Server, filled: Aws) -> None:
    keys = {}
    for name in ("jane", "eve", "bob"):
        keys[name] = filled.iam.create_access_key(UserName=name)["AccessKey"]
    filled.s3.put_object(Bucket="reports", Key="q1.csv", Body=b"1")
    answer = json.loads(run(server, filled, "who-can", "s3:GetObject", "arn:aws:s3:::reports/q1.csv", "--json").stdout)
    can = {one["principal"] for one in answer["allowed"]}
    for name, key in keys.items():
        user = filled.as_(Credentials.of(key))
        try:
            user.s3.get_object(Bucket="reports", Key="q1.csv")
            enforced = True
        except user.s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            enforced = False
        assert enforced == (f"user/{name}" in can), name
        filled.iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])


def test_who_can_and_the_simulator_say_the_same(server: Server, filled: Aws) -> None:
    """Every user and role on actions and resources that no bucket's policy is about."""
    principals = [user["Arn"] for user in filled.iam.list_users()["Users"]]
    principals += [role["Arn"] for role in filled.iam.list_roles()["Roles"]]
    compared = 0
    for action, resource in [("s3:GetObject", "arn:aws:s3:::other/x"), ("s3:ListBucket", "arn:aws:s3:::other"),
                             ("s3:ListAllMyBuckets", "*"), ("ec2:DescribeInstances", "*"),
                             ("sts:AssumeRole", f"{ARN}:role/jobs/worker")]:
        told = json.loads(run(server, filled, "who-can", action, resource, "--json").stdout)
        can = {one["arn"] for one in told["allowed"]}
        for principal in principals:
            [simulated] = filled.iam.simulate_principal_policy(
                PolicySourceArn=principal, ActionNames=[action], ResourceArns=[resource])["EvaluationResults"]
            assert (simulated["EvalDecision"] == "allowed") == (principal in can), (action, principal)
            compared += 1
    assert compared == 5 * len(principals) >= 20


def test_a_new_account_has_nobody_who_can(make_server) -> None:
    server = make_server("new").start()
    root = Aws(server, server.root)
    done = run(server, root, "who-can", "s3:ListAllMyBuckets")
    assert done.returncode == 1 and "nobody can" in done.stdout, done.stderr
    assert run(server, root, "graph").stdout == "nobody may become anybody\n"


def test_the_workflow_that_checks_policies(tmp_path: Path) -> None:
    _, env = reader(tmp_path)
    done = Runner(ROOT, env, tmp_path / "runner").run((ROOT / "examples/workflows/check-policies.yml").read_text())
    assert done.succeeded, done.log
    assert "5 tests, " in done.log and ": 5 passed, 0 failed" in done.log


def test_bad_questions_have_an_exit_code_of_their_own(server: Server, filled: Aws) -> None:
    for arguments, problem in [
        (("s3:GetObjct", "*"), "did you mean s3:GetObject?"),
        (("s3:GetObject", "reports"), "is no resource"),
        (("s3:GetObject", "*", "--context", "SourceIp"), "write KEY=VALUE"),
        (("s3:GetObject",), "give its ARN"),
        (("s3:GetObject", "arn:aws:s3:::b/k", "--resource-policy", "/dev/null"), "/dev/null: "),
    ]:
        done = run(server, filled, "who-can", *arguments)
        assert (done.returncode, done.stdout) == (2, "") and problem in done.stderr, done.stderr


def test_expectations_of_a_server_are_checked(server: Server, filled: Aws, tmp_path: Path) -> None:
    tests = tmp_path / "iam.toml"
    tests.write_text(f"""
[[test]]
principal = "user/jane"
action = "s3:GetObject"
resource = ["arn:aws:s3:::reports/q1.csv"]
expect = "allowed"
sid = "Read"

[[test]]
principal = ["user/*", "role/*"]
action = "s3:GetObject"
resource = "arn:aws:s3:::reports/secret/x"
expect = "explicitly-denied"
kind = "resource"

[[test]]
principal = "{ARN}:user/jane"
can_assume = "role/worker"

[[test]]
principal = "user/bob"
can_assume = "role/worker"
""")
    done = run(server, filled, "check", "iam.toml", "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert [test["failed"] for test in answer["files"][0]["tests"]] == [0, 0, 0, 1]
    failure = answer["files"][0]["tests"][3]["failures"][0]
    assert failure["decided"] == "ImplicitlyDenied" and failure["principal"] == "user/bob"
    # A policy that was not applied yet, in the place of what is there.
    (tmp_path / "trust.json").write_text(document(trust({"AWS": f"{ARN}:user/bob"})))
    tests.write_text("""
[roles."jobs/worker"]
trust = "trust.json"

[[test]]
principal = "user/bob"
can_assume = "role/worker"
""")
    details = tmp_path / "details.json"
    details.write_text(run(server, filled, "export").stdout)
    done = rolecall("check", "iam.toml", "--from", "details.json", env=clean_environment(tmp_path), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    # The same by the file that names the details itself, with another version of a managed policy.
    (tmp_path / "iam").mkdir()
    (tmp_path / "iam/boundary.json").write_text(document({"Sid": "Both", **allow(["ec2:*", "s3:*"])}))
    eve = """
from = "../details.json"
{more}
[[test]]
principal = "user/eve"
action = "s3:GetObject"
resource = "arn:aws:s3:::reports/q1.csv"
expect = "{expect}"
"""
    replaced = f'[policies]\n"{ARN}:policy/only-ec2" = "boundary.json"'
    (tmp_path / "iam/a.toml").write_text(eve.format(more="", expect="denied"))
    (tmp_path / "iam/b.toml").write_text(eve.format(more=replaced, expect="allowed"))
    done = rolecall("check", "iam", "-v", env=clean_environment(tmp_path), cwd=tmp_path)
    assert done.returncode == 0 and "2 tests, 2 checks: 2 passed" in done.stdout, done.stdout + done.stderr


def test_an_organizations_policies_have_their_say(make_server) -> None:
    server = make_server("governed").start()
    root = Aws(server, server.root)
    organizations = root.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    root_id = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root_id, PolicyType="SERVICE_CONTROL_POLICY")
    policy = organizations.create_policy(
        Name="no-buckets", Description="-", Type="SERVICE_CONTROL_POLICY",
        Content=document({"Sid": "NoBuckets", **deny("s3:CreateBucket")}))["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=root_id)
    made = rolecall("account", "create", "member", "--json", env=server.client_environment(root.credentials))
    member = json.loads(made.stdout)["accountId"]
    admin = root.user("admin", allow("sts:AssumeRole"))
    inside = admin.assume(f"arn:aws:iam::{member}:role/OrganizationAccountAccessRole")
    inside.user("maker", allow("s3:*"))
    done = run(server, inside, "who-can", "s3:CreateBucket", "arn:aws:s3:::new", "--why-not")
    assert done.returncode == 1, done.stdout + done.stderr
    assert 'statement "NoBuckets" of service control policy "no-buckets"' in done.stdout
    done = run(server, inside, "who-can", "s3:GetObject", "arn:aws:s3:::new/x")
    assert done.returncode == 0 and "user/maker" in done.stdout, done.stderr


def test_what_an_endpoint_does_not_tell_is_said(server: Server, filled: Aws) -> None:
    reader = filled.user("teller", allow("iam:GetAccountAuthorizationDetails"))
    done = run(server, reader, "who-can", "s3:GetObject", "arn:aws:s3:::reports/q1.csv")
    assert done.returncode == 0 and "user/bob" not in done.stdout, done.stderr
    assert "The policy of bucket reports is not known: refused with status 403: AccessDenied" in done.stdout
    assert "The organization's policies over the account are not known" in done.stdout
    queue = run(server, filled, "who-can", "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs")
    assert queue.returncode == 1 and "Policies of resources of sqs are not known." in queue.stdout
    filled.iam.delete_access_key(UserName="teller", AccessKeyId=reader.credentials.access_key_id)
    filled.iam.delete_user_policy(UserName="teller", PolicyName="inline")
    filled.iam.delete_user(UserName="teller")


def test_whoever_may_not_see_the_account_is_told_so(server: Server, filled: Aws) -> None:
    stranger = filled.user("stranger")
    done = run(server, stranger, "who-can", "s3:GetObject", "*")
    assert (done.returncode, done.stdout) == (2, "") and "iam:GetAccountAuthorizationDetails" in done.stderr
    filled.iam.delete_access_key(UserName="stranger", AccessKeyId=stranger.credentials.access_key_id)
    filled.iam.delete_user(UserName="stranger")


def test_the_graph_is_the_map_that_the_console_draws(server: Server, filled: Aws, tmp_path: Path) -> None:
    filled.iam.create_instance_profile(InstanceProfileName="box")
    filled.iam.add_role_to_instance_profile(InstanceProfileName="box", RoleName="worker")
    done = run(server, filled, "graph", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    names = [(node["kind"], node["name"]) for node in answer["nodes"]]
    lines = {(*names[start], tie, *names[end]) for start, end, tie in answer["edges"]}
    assert lines >= {
        ("user", "jane", "assume", "role", "worker"), ("user", "jane", "member", "group", "readers"),
        ("service", "ec2.amazonaws.com", "trust", "role", "worker"), ("profile", "box", "profile", "role", "worker")}
    assert not {line for line in lines if line[:3] == ("user", "bob", "assume")}
    svg = run(server, filled, "graph", "--format", "svg").stdout
    drawn = ElementTree.fromstring(svg)
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    shown = "".join(drawn.itertext())
    assert all(name in shown for name in ("jane", "worker", "box", "ec2.amazonaws.com"))
    assert run(server, filled, "graph", "--format", "dot").stdout.startswith("digraph")
    details = tmp_path / "details.json"
    details.write_text(run(server, filled, "export").stdout)
    offline = rolecall("graph", "--json", "--from", str(details), env=clean_environment(tmp_path))
    assert json.loads(offline.stdout)["edges"] == answer["edges"], offline.stderr


def test_ways_have_an_exit_code(server: Server, filled: Aws) -> None:
    way = run(server, filled, "graph", "--principal", "user/jane", "--to", "role/worker")
    assert (way.returncode, way.stdout) == (0, "user/jane -> role/jobs/worker\n"), way.stderr
    assert run(server, filled, "graph", "--principal", "user/bob", "--to", "role/worker").returncode == 1
    nobody = run(server, filled, "graph", "--principal", "user/jnae")
    assert (nobody.returncode, nobody.stdout) == (2, "") and "did you mean user/jane?" in nobody.stderr


def test_a_suggested_policy_is_enough_and_no_more(make_server) -> None:
    server = make_server("suggested").start()
    root = Aws(server, server.root)
    robot = root.user("robot", allow("*"))
    root.s3.create_bucket(Bucket="builds")

    def work(who: Aws) -> None:
        for number in range(12):
            who.s3.put_object(Bucket="builds", Key=f"out/{number}", Body=b"x")
        who.s3.put_object(Bucket="builds", Key="a*b", Body=b"x")
        who.iam.get_user(UserName="robot")
        who.iam.list_users()
        who.sts.get_caller_identity()

    work(robot)
    root.iam.put_user_policy(UserName="robot", PolicyName="inline", PolicyDocument=document(
        allow("*"), deny("iam:DeleteUser")))
    with refused("AccessDenied"):
        robot.iam.delete_user(UserName="nobody")
    server.stop()  # Everything is in the trail.
    trail = str(server.data / "audit")
    done = rolecall("suggest-policy", "user/robot", "--trail", trail, "--json", env=clean_environment(server.home))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["denied"], answer["requests"]) == (1, 17)
    assert answer["collapsed"] == [{"pattern": "arn:aws:s3:::builds/out/*", "resources": 12}]
    policy = json.dumps(answer["policy"])
    assert "iam:DeleteUser" not in policy and "builds/a${*}b" in policy and "GetCallerIdentity" not in policy
    checked = rolecall("validate", "-", env=clean_environment(server.home), stdin=policy)
    assert checked.returncode == 0, checked.stdout
    with_denied = rolecall("suggest-policy", "user/robot", "--trail", trail, "--with-denied",
                           env=clean_environment(server.home))
    assert "iam:DeleteUser" in with_denied.stdout and "1 of them denied" in with_denied.stderr
    # With it alone, the same work is done, and nothing else.
    server.start()
    root, robot = Aws(server, server.root), Aws(server, robot.credentials)
    root.iam.put_user_policy(UserName="robot", PolicyName="inline", PolicyDocument=policy)
    work(robot)
    for refuse in (lambda: robot.s3.put_object(Bucket="builds", Key="axb", Body=b"x"),
                   lambda: robot.s3.get_object(Bucket="builds", Key="out/1"), lambda: robot.iam.list_roles()):
        with refused("AccessDenied"):
            refuse()


def test_what_there_is_no_policy_for_has_exit_code_1_and_bad_input_2(server: Server, filled: Aws, tmp_path: Path) -> None:
    nobody = run(server, filled, "suggest-policy", "user/eve")
    assert (nobody.returncode, nobody.stdout) == (1, "") and "knows of no request of user/eve" in nobody.stderr
    bad = run(server, filled, "suggest-policy", "user/eve", "--since", "soon")
    assert bad.returncode == 2 and "write 90m" in bad.stderr
    gone = run(server, filled, "suggest-policy", "user/eve", "--trail", str(tmp_path / "none"))
    assert gone.returncode == 2, gone.stderr
