"""The console in Chromium: what the lab does by hand, forms, looks, and what strangers' scripts can do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest
from harness.clients import Aws, allow, document, trust
from harness.process import ACCOUNT, Server
from harness.totp import codes, make_device

FOLDER = Path(__file__).parent / "js"
PASSWORD = "Correct-Horse-9"
LARGEST_PAGE = 50_000
TOOL = urlencode({"response_type": "code", "client_id": "arn:aws:signin:::devtools/same-device", "state": "s",
                  "redirect_uri": "http://127.0.0.1:41234/oauth/callback", "code_challenge_method": "S256",
                  "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"})


def browse(server: Server, scenario: str, **given) -> dict:
    node, chromium = shutil.which("node"), shutil.which("chromium")
    if node is None or chromium is None or not (FOLDER / "node_modules/playwright-core").exists():
        pytest.skip("Node, its packages or Chromium are not installed (tests/e2e/install.py says why)")
    given |= {"endpoint": server.endpoint, "account": ACCOUNT, "chromium": chromium}
    env = {"PATH": os.environ["PATH"], "HOME": str(server.home), "SCENARIO": json.dumps(given)}
    done = subprocess.run([node, "console.mjs", scenario], cwd=FOLDER, env=env, text=True, capture_output=True,
                          timeout=240)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return json.loads(done.stdout)


def person(root: Aws, name: str, *statements: dict, reset: bool = False) -> dict:
    root.user(name, *statements)
    root.iam.create_login_profile(UserName=name, Password=PASSWORD, PasswordResetRequired=reset)
    return {"user": name, "password": PASSWORD}


@pytest.fixture
def root(own_server: Server) -> Aws:
    return Aws(own_server, own_server.root)


def robot(root: Aws) -> None:
    trusted = trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    root.iam.create_role(RoleName="robot", AssumeRolePolicyDocument=document(trusted))
    root.iam.put_role_policy(RoleName="robot", PolicyName="s3", PolicyDocument=document(allow("s3:*")))


def test_the_lab(own_server: Server, root: Aws) -> None:
    robot(root)
    root.s3.create_bucket(Bucket="wonderland")
    alice = person(root, "alice", allow(["sts:AssumeRole", "rolecall:ExplainRequest"]))
    saw = browse(own_server, "lab", user=alice, bucket="wonderland")
    assert "Your authentication information is incorrect" in saw["wrong"]
    assert "You are alice" in saw["home"] and f"arn:aws:iam::{ACCOUNT}:user/alice" in saw["home"]
    assert "because no identity-based policy allows the s3:ListAllMyBuckets action" in saw["denied"]
    assert "Smallest change" in saw["denied"] and "wonderland" not in saw["denied"]
    assert re.fullmatch(r"You are\s+Robot\s+for another\s+(59|60) min", saw["corner"].strip())
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/alice" in saw["asRole"]
    assert "wonderland" in saw["buckets"]
    assert "Uploaded note.html." in saw["uploaded"]
    assert saw["downloaded"] == {"name": "note.html", "text": "<h1>hi</h1>"}
    assert "There is nothing here." in saw["deleted"]
    assert f"alice @ {ACCOUNT}" in saw["back"] and "11 h" in saw["back"]
    assert saw["remembered"] == ["Robot"] and "Robot" in saw["again"]
    assert "/console/signin" in saw["out"]


def test_second_factor_and_new_password(own_server: Server, root: Aws) -> None:
    root.iam.update_account_password_policy(MinimumPasswordLength=10, AllowUsersToChangePassword=True)
    bob = person(root, "bob", reset=True)
    _, seed, last = make_device(root, "bob", "phone")
    [code] = codes(seed, last + 1, 1)
    saw = browse(own_server, "secondFactor", user=bob, code=code, newPassword="Another-Horse-10")
    assert "Second factor" in saw["asked"] and "incorrect" in saw["wrong"]
    assert "must be changed" in saw["due"]
    assert "Password should have a minimum length of 10" in saw["short"]
    assert "You are bob" in saw["home"] and "not shown" not in saw["home"]


def test_managing_iam(own_server: Server, root: Aws) -> None:
    robot(root)
    admin = person(root, "admin", allow("*"))
    saw = browse(own_server, "iam", user=admin)
    assert "Line 5" in saw["findings"] and "s3:GetObjet" in saw["findings"]
    assert "GetObjet" in saw["kept"]
    assert "MalformedPolicyDocument" in saw["malformed"]
    assert "PutUserPolicy: done." in saw["saved"] and "read" in saw["saved"]
    [key] = root.iam.list_access_keys(UserName="carol")["AccessKeyMetadata"]
    assert key["AccessKeyId"] in saw["key"] and "not shown again" in saw["key"]
    assert key["AccessKeyId"] in saw["after"] and "Secret access key" not in saw["after"]
    assert "DeleteConflict" in saw["conflict"]
    assert "s3:Get*" in saw["managed"] and "Edit" not in saw["managed"]
    assert f"AWS: arn:aws:iam::{ACCOUNT}:root" in saw["role"]
    assert "Allowed" in saw["simulated"] and "Not all that would have to allow it does" in saw["simulated"]
    assert "DeleteConflict" in saw["activity"] and "DeleteConflict" in saw["request"]


VIEWS = [(theme, width) for theme in ("light", "dark") for width in (1200, 390)]


@pytest.mark.parametrize("view", VIEWS)
def test_every_page_can_be_used_by_everyone(make_server, view: tuple[str, int]) -> None:
    server = make_server(variables={"ROLECALL_INSTANCES_DRIVER": "metadata-only"}).start()
    root = Aws(server, server.root)
    robot(root)
    root.s3.create_bucket(Bucket="wonderland")
    root.s3.put_object(Bucket="wonderland", Key="a/very/long/path/" + "x" * 120, Body=b"")
    root.s3.put_object(Bucket="wonderland", Key="x" * 200, Body=b"x")
    root.iam.create_group(GroupName="team")
    root.iam.create_user(UserName="a-user-with-a-name-as-long-as-names-can-get-which-is-64-letters")
    policy = root.iam.create_policy(PolicyName="p", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    root.iam.attach_role_policy(RoleName="robot", PolicyArn=policy)
    root.iam.create_instance_profile(InstanceProfileName="machines")
    root.iam.add_role_to_instance_profile(InstanceProfileName="machines", RoleName="robot")
    issuer = root.iam.create_open_id_connect_provider(Url="https://issuer.example", ClientIDList=["a", "b"],
                                                      ThumbprintList=["a" * 40])["OpenIDConnectProviderArn"]
    image = root.ec2.describe_images()["Images"][0]["ImageId"]
    instance = root.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    admin = person(root, "admin", allow("*"))
    person(root, "nobody")
    user, typo = f"arn:aws:iam::{ACCOUNT}:user/admin", '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}'
    pages = ["", "s3", "s3/wonderland", "s3/no-such-bucket", "s3/wonderland/download?key=none", "iam", "iam/groups",
             "iam/roles", "iam/policies", "iam/policies?scope=AWS", "iam/profiles", "iam/providers",
             f"iam/provider?arn={issuer}", "iam/users/admin", "iam/groups/team", "iam/roles/robot", "iam/roles/none",
             f"iam/policy?arn={policy}", "iam/policy?arn=arn:aws:iam::aws:policy/ReadOnlyAccess",
             "iam/edit?operation=CreateRole&back=/console/iam/roles",
             "iam/edit?operation=CreateRole&back=/console/iam/roles&trust=github", f"iam/access?arn={user}",
             "map", f"map?from={user}", f"map?q=robot&from=arn:aws:iam::{ACCOUNT}:role/robot", "instances",
             "instances/run", f"instances/{instance}", "instances/i-00000000000000000", f"authorize?{TOOL}",
             "authorize?client_id=nobody", "root", "simulator", f"simulator?principal={user}&action=s3:GetObject",
             "activity", "activity?outcome=failed", "activity/none", "switchrole", "no-such-page"]
    forms = [["/console/iam/edit?operation=PutUserPolicy&p.UserName=admin&back=/console/iam",
              {"Policy name": "x", "Document": typo}, "Check", "findings"],
             ["/console/iam/edit?operation=PutUserPolicy&p.UserName=admin&back=/console/iam",
              {"Policy name": "x", "Document": typo}, "Save", "a document that is refused"],
             ["/console/iam/users/admin", {}, "Create an access key", "a new key"],
             ["/console/iam/users/admin", {}, "Delete user", "a delete that is refused"],
             ["/console/iam/users", {"Name": "carol"}, "Create a user", "what was done"],
             ["/console/switchrole", {"Account": ACCOUNT, "Role": "none"}, "Switch role", "a role that is refused"],
             ["/console/switchrole", {"Account": ACCOUNT, "Role": "robot"}, "Switch role", "as a role"],
             ["/console/iam/users", {}, "", "a denial"]]
    saw = browse(server, "look", user=admin, view=view, pages=[f"/console/{page}" for page in pages], forms=forms)
    assert saw["found"] == []
    assert {path: size for path, size in saw["weights"].items() if size > LARGEST_PAGE} == {}
    seen_by_root = {"accessKeyId": server.root.access_key_id, "secret": server.root.secret_access_key}
    saw = browse(server, "look", user=seen_by_root, view=view, pages=["/console/root", "/console/"])
    assert saw["found"] == [] and len(saw["weights"]) == 2


def test_a_document_is_checked_while_it_is_written(own_server: Server, root: Aws) -> None:
    saw = browse(own_server, "writing", user=person(root, "admin", allow("*")))
    assert saw["marked"] == ['"s3:GetObjet"']
    assert "error" in saw["broken"] and "Sound" in saw["sound"]
    assert saw["moved"] == saw["address"], "the page was not left"
    assert saw["title"] != "ran" and saw["refused"] == 1 and saw["errors"] == []


def test_an_instances_console_is_followed(make_server) -> None:
    server = make_server(variables={"ROLECALL_INSTANCES_DRIVER": "metadata-only"}).start()
    root = Aws(server, server.root)
    image = root.ec2.describe_images()["Images"][0]["ImageId"]
    instance = root.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    # This driver runs nothing that prints; the page can't tell who wrote the file.
    file = server.data / "instances" / instance / "console.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    saw = browse(server, "following", user=person(root, "admin", allow("*")), instance=instance, file=str(file))
    assert "Nothing yet." in saw["first"] and saw["then"].split("\n")[:2] == ["booting <b>", "ready"]
    assert saw["address"].endswith(instance)


def test_an_object_with_a_script_is_no_page_of_ours(own_server: Server, root: Aws) -> None:
    admin = person(root, "admin", allow("*"))
    root.s3.create_bucket(Bucket="wonderland")
    evil = b"<title>before</title><script>document.title = 'ran'; console.log('ran')</script>"
    root.s3.put_object(Bucket="wonderland", Key="evil.html", Body=evil, ContentType="text/html")
    signer = Aws(own_server, own_server.root, presign=True).s3
    address = signer.generate_presigned_url("get_object", Params={"Bucket": "wonderland", "Key": "evil.html"})
    saw = browse(own_server, "strangers", user=admin, object=address)
    assert saw["title"] == "before" and "ran" not in saw["scripts"]
    assert saw["fetched"] == 403
