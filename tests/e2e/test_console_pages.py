"""What the console's pages show: the map, who can do what, tags and boundaries, instances."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import unescape
from urllib.parse import quote

import pytest
from harness.browser import PASSWORD, Browser
from harness.clients import Aws, allow, deny, document, trust
from harness.process import ACCOUNT, Server
from harness.saml_idp import IdentityProvider

OWN = f"arn:aws:iam::{ACCOUNT}:"
ROLES = f"{OWN}role/"
LARGEST_PAGE = 50_000


@pytest.fixture
def root(own_server: Server) -> Aws:
    return Aws(own_server, own_server.root)


@pytest.fixture
def admin(root: Aws, own_server: Server) -> Browser:
    root.user("admin", allow("*"))
    root.iam.create_login_profile(UserName="admin", Password=PASSWORD)
    browser = Browser(own_server)
    browser.sign_in("admin")
    return browser


def said(page: str) -> str:
    """A page's text, without its marks."""
    return unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", page)))


def role(root: Aws, name: str, principal: dict, *statements: dict, **more) -> None:
    root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust(principal)), **more)
    if statements:
        root.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))


def do(browser: Browser, operation: str, **parameters: str) -> tuple[int, dict, str]:
    given = {f"p.{name}": value for name, value in parameters.items()}
    return browser.post("/console/iam/do", mark=browser.mark(), operation=operation, back="/console/iam", **given)


def lines(browser: Browser, query: str = "") -> set[str]:
    page = browser.get(f"/console/map{query}")[2]
    told = page.split("The same as a list")[-1]
    return {said(item).strip() for item in re.findall(r"<li>(.*?)</li>", told)}


def test_the_map_shows_who_may_become_whom(root: Aws, own_server: Server) -> None:
    for name, trusted in [("first", {"AWS": f"{OWN}root"}), ("second", {"AWS": f"{ROLES}first"}),
                          ("machine", {"Service": "ec2.amazonaws.com"})]:
        role(root, name, trusted)
    root.user("alice", allow(["iam:*"]), allow("sts:AssumeRole"))
    root.iam.create_login_profile(UserName="alice", Password=PASSWORD)
    root.iam.create_user(UserName="bob")
    root.iam.create_group(GroupName="team")
    root.iam.add_user_to_group(GroupName="team", UserName="bob")
    alice = Browser(own_server)
    alice.sign_in("alice")
    every = {"alice may become first", "first may become second", "ec2.amazonaws.com may become machine"}
    assert lines(alice) == every
    page = alice.get("/console/map")[2]
    assert "line member" in page and f"Group {OWN}group/team" in page
    page = alice.get(f"/console/map?from={quote(OWN)}user/alice")[2]
    ways = page.partition('<ul class="ways">')[2].partition("</ul>")[0]
    assert "alice → first → second" in re.sub(r"\s+", " ", said(ways)) and page.count("line lit") == 2
    # The engine is asked, not the documents alone: what an explicit deny closes is no line.
    root.iam.put_user_policy(UserName="alice", PolicyName="stop", PolicyDocument=document(
        deny("sts:AssumeRole", f"{ROLES}first")))
    assert lines(alice) == every - {"alice may become first"}
    # What a group gives its members counts, too.
    root.iam.put_group_policy(GroupName="team", PolicyName="go", PolicyDocument=document(
        allow("sts:AssumeRole", f"{ROLES}first")))
    assert "bob may become first" in lines(alice)
    assert lines(alice, "?q=first") == set()
    # Whoever may not see everyone sees no map.
    root.iam.put_user_policy(UserName="alice", PolicyName="blind", PolicyDocument=document(deny("iam:ListUsers")))
    status, _, page = alice.get("/console/map")
    assert status == 403 and "iam:ListUsers" in page


def test_a_large_map_is_small_until_it_is_opened(root: Aws, admin: Browser) -> None:
    role(root, "open", {"AWS": f"{OWN}root"})
    root.iam.create_group(GroupName="team")
    root.iam.put_group_policy(GroupName="team", PolicyName="go", PolicyDocument=document(allow("sts:AssumeRole")))
    for number in range(60):
        root.iam.create_user(UserName=f"user-{number:03}", Path="/dev/" if number < 50 else "/ops/")
        if number == 7:
            root.iam.add_user_to_group(GroupName="team", UserName="user-007")
    page = admin.get("/console/map")[2]
    assert "50 in /dev/" in said(page) and "10 in /ops/" in said(page) and "user-003" not in said(page).split("The same as a list")[0]
    [link] = re.findall(r'href="(/console/map\?[^"]*dev[^"]*)"', page)
    page = admin.get(unescape(link))[2]
    assert "user-003" in page and "10 more in /dev/" in said(page) and "10 in /ops/" in said(page)
    # Whoever is lit stands out of the crowd.
    page = admin.get(f"/console/map?from={quote(OWN)}user/dev/user-007")[2]
    assert "49 in /dev/" in said(page) and page.count("line lit") == 1
    assert len(page) < LARGEST_PAGE


def test_a_role_shows_who_can_become_it(root: Aws, admin: Browser) -> None:
    role(root, "robot", {"AWS": f"{OWN}root", "Service": "ec2.amazonaws.com"})
    root.user("may", allow("sts:AssumeRole", f"{ROLES}robot"))
    root.user("may-not", allow("sts:AssumeRole", f"{ROLES}other"))
    role(root, "chain", {"Service": "lambda.amazonaws.com"}, allow("sts:AssumeRole"))
    page = admin.get("/console/iam/roles/robot")[2]
    table = said(page.partition("Who can become it")[2].partition("Whom it trusts")[0])
    assert {"may", "admin", "chain", "ec2.amazonaws.com"} <= set(table.split()) and "may-not" not in table
    assert "Service: ec2.amazonaws.com" in page


def test_principals_show_what_they_can_do_by_service(root: Aws, admin: Browser) -> None:
    root.user("carol", allow("sqs:*"), allow(["s3:GetObject", "s3:ListBucket"], "arn:aws:s3:::wonder*"))
    page = said(admin.get("/console/iam/users/carol")[2])
    part = page.partition("What it can do, by service")[2].partition("Ask what")[0]
    assert re.search(r"Amazon SQS \S* ?sqs All (\d+) of \1 actions .* on everything", part), part
    assert re.search(r"Amazon S3 \S* ?s3 Some 2 of \d+ actions List, Read on some resources", part), part
    # A boundary takes away what it does not allow.
    boundary = root.iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    assert do(admin, "PutUserPermissionsBoundary", UserName="carol", PermissionsBoundary=boundary)[0] == 303
    page = said(admin.get("/console/iam/users/carol")[2])
    part = page.partition("What it can do, by service")[2].partition("Ask what")[0]
    assert "sqs" not in part and "s3" in part and boundary in page
    assert do(admin, "DeleteUserPermissionsBoundary", UserName="carol")[0] == 303
    assert "sqs" in said(admin.get("/console/iam/users/carol")[2])
    # Everything is much: a page of its own, searched.
    page = admin.get("/console/iam/users/admin")[2]
    count = int(re.search(r"All (\d+) services", page).group(1))
    assert count > 300 and len(page) < LARGEST_PAGE
    page = admin.get(f"/console/iam/access?arn={quote(OWN)}user/admin&q=security+token")[2]
    assert page.count('scope="row"') == 1 and "sts" in page
    root.iam.create_group(GroupName="team")
    root.iam.put_group_policy(GroupName="team", PolicyName="own", PolicyDocument=document(allow("ec2:Describe*")))
    role(root, "robot", {"Service": "ec2.amazonaws.com"}, allow("logs:*"))
    assert "Amazon EC2" in admin.get("/console/iam/groups/team")[2]
    assert "Amazon CloudWatch Logs" in admin.get("/console/iam/roles/robot")[2]


def test_tags_are_set_and_removed(root: Aws, admin: Browser) -> None:
    role(root, "robot", {"Service": "ec2.amazonaws.com"})
    root.iam.create_user(UserName="carol")
    for kind, name in [("User", "carol"), ("Role", "robot")]:
        for key, value in [("team", "tea time"), ("empty", "")]:
            set_tag = {f"{kind}Name": name, "Tags.member.1.Key": key, "Tags.member.1.Value": value}
            assert do(admin, f"Tag{kind}", **set_tag)[0] == 303
        page = admin.get(f"/console/iam/{kind.lower()}s/{name}")[2]
        assert "tea time" in page and "empty" in page
        assert do(admin, f"Untag{kind}", **{f"{kind}Name": name, "TagKeys.member.1": "empty"})[0] == 303
    assert root.iam.list_user_tags(UserName="carol")["Tags"] == [{"Key": "team", "Value": "tea time"}]
    assert root.iam.list_role_tags(RoleName="robot")["Tags"] == [{"Key": "team", "Value": "tea time"}]


def test_findings_are_marked_in_their_lines(root: Aws, admin: Browser) -> None:
    text = ('{\r\n  "Version": "2012-10-17",\r\n  "Statement": {\r\n    "Effect": "Allow",\r\n'
            '    "Action": ["s3:GetObject", "s3:GetObjet"],\r\n    "Resource": "*"\r\n  }\r\n}')
    fields = {"mark": admin.mark(), "operation": "PutUserPolicy", "back": "/console/iam", "p.UserName": "admin",
              "p.PolicyName": "typo", "p.PolicyDocument": text}
    page = admin.post("/console/iam/do", check="yes", **fields)[2]
    assert '<a href="#line-5">Line 5, column 32</a>' in page
    assert re.search(r'<li class="marked" id="line-5"><span>    &quot;Action&quot;: \[&quot;s3:GetObject&quot;, '
                     r'<mark>&quot;s3:GetObjet&quot;</mark>\]', page), page.partition('<ol class="lines"')[2][:900]
    assert page.count('class="marked"') == 1 and page.count('id="line-') == 8
    admin.post("/console/iam/do", **fields)
    kept = root.iam.get_user_policy(UserName="admin", PolicyName="typo")["PolicyDocument"]
    assert kept["Statement"]["Action"] == ["s3:GetObject", "s3:GetObjet"]


def test_a_document_is_checked_while_it_is_written_by_one_script_alone(admin: Browser) -> None:
    status, headers, page = admin.get("/console/iam/edit?operation=CreatePolicy&back=/console/iam/policies")
    [script] = re.findall("<script>(.*?)</script>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = headers["content-security-policy"]
    assert status == 200 and f"script-src 'sha256-{digest}';" in policy + ";" and "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
    given = {"operation": "CreatePolicy", "p.PolicyDocument": '{"Version": "2012-10-17"'}
    # What a script asks for is answered here alone, and only with the mark that a page of this session has.
    ours = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}
    assert admin.post("/console/iam/check", ours, **given)[0] == 403
    assert admin.post("/console/iam/check", ours, mark="0" * 64, **given)[0] == 403
    mark = admin.mark()
    assert admin.post("/console/iam/check", ours | {"Sec-Fetch-Site": "cross-site"}, mark=mark, **given)[0] == 403
    assert admin.post("/console/iam/do", ours, mark=mark, **given)[0] == 403
    assert admin.get("/console/iam/check", **{name.replace("-", "_"): value for name, value in ours.items()})[0] == 403
    status, _, part = admin.post("/console/iam/check", ours, mark=mark, **given)
    assert status == 200 and "Line 1" in part and "<html" not in part and "<script" not in part
    assert admin.post("/console/iam/check", ours, mark=mark, operation="DeleteUser")[0] == 404
    # It is asked as whoever is signed in, and recorded like everything else.
    assert "access-analyzer:ValidatePolicy" in said(admin.get("/console/activity?operation=ValidatePolicy")[2])


def test_a_page_says_nothing_that_a_link_puts_into_its_mouth(admin: Browser) -> None:
    assert "CreateUser: done." in admin.get("/console/iam/users?done=CreateUser")[2]
    assert "555" not in admin.get("/console/iam/users?done=Locked.+Call+555-0100.")[2].partition("<main")[2]


def test_policies_are_attached_from_either_side(root: Aws, admin: Browser) -> None:
    policy = root.iam.create_policy(PolicyName="own", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    role(root, "robot", {"Service": "ec2.amazonaws.com"})
    root.iam.create_group(GroupName="team")
    offered = admin.get("/console/iam/roles/robot")[2]
    assert f'<option value="{policy}">own</option>' in offered and 'list="own-policies"' in offered
    page = admin.get(f"/console/iam/policy?arn={quote(policy)}")[2]
    for kind, name in [("User", "admin"), ("Group", "team"), ("Role", "robot")]:
        assert f'name="operation" value="Attach{kind}Policy"' in page and f'name="p.{kind}Name"' in page
        assert do(admin, f"Attach{kind}Policy", PolicyArn=policy, **{f"{kind}Name": name})[0] == 303
    held = root.iam.list_entities_for_policy(PolicyArn=policy)
    assert [len(held[f"Policy{kind}s"]) for kind in ("User", "Group", "Role")] == [1, 1, 1]
    status, _, page = do(admin, "DeletePolicy", PolicyArn=policy)
    assert status == 409 and "Cannot delete a policy attached to entities." in page
    # A list that goes on says so.
    for number in range(101):
        root.iam.create_user(UserName=f"user-{number:03}")
        root.iam.attach_user_policy(UserName=f"user-{number:03}", PolicyArn=policy)
    assert "There are more than are shown here" in admin.get(f"/console/iam/policy?arn={quote(policy)}")[2]


def test_a_long_document_is_shown_in_part_until_it_is_asked_for(admin: Browser) -> None:
    path = "/console/iam/policy?arn=arn:aws:iam::aws:policy/ReadOnlyAccess"
    part = admin.get(path)[2]
    whole = admin.get(unescape(re.search(r'href="([^"]*whole=yes)"', part)[1]))[2]
    assert len(part) < LARGEST_PAGE < len(whole)
    shown = json.loads(unescape(re.search(r'<pre tabindex="0">(.*?)</pre>', whole, re.S)[1]))
    assert sum(len(statement["Action"]) for statement in shown["Statement"]) > 1000


def test_entities_are_renamed_and_changed(root: Aws, admin: Browser) -> None:
    root.iam.create_user(UserName="carol")
    root.iam.create_group(GroupName="team")
    role(root, "robot", {"Service": "ec2.amazonaws.com"})
    for kind, name in [("User", "carol"), ("Group", "team")]:
        page = admin.get(f"/console/iam/{kind.lower()}s/{name}")[2]
        assert f'name="operation" value="Update{kind}"' in page
        change = {f"{kind}Name": name, f"New{kind}Name": f"new-{name}", "NewPath": "/moved/"}
        assert do(admin, f"Update{kind}", **change)[0] == 303
    assert root.iam.get_user(UserName="new-carol")["User"]["Path"] == "/moved/"
    assert root.iam.get_group(GroupName="new-team")["Group"]["Path"] == "/moved/"
    assert 'name="operation" value="UpdateRole"' in admin.get("/console/iam/roles/robot")[2]
    assert do(admin, "UpdateRole", RoleName="robot", Description="tea", MaxSessionDuration="7200")[0] == 303
    changed = root.iam.get_role(RoleName="robot")["Role"]
    assert (changed["Description"], changed["MaxSessionDuration"]) == ("tea", 7200)
    for trusted, text in [("ec2", "ec2.amazonaws.com"), ("github", "repo:OWNER/REPOSITORY"), ("account", f"{ACCOUNT}:root")]:
        page = admin.get(f"/console/iam/edit?operation=CreateRole&back=/console/iam/roles&trust={trusted}")[2]
        assert text in json.dumps(json.loads(unescape(re.search("<textarea[^>]*>(.*?)</textarea>", page, re.S)[1])))


def test_identity_providers_are_made_looked_at_and_changed(root: Aws, admin: Browser) -> None:
    made = {"Url": "https://issuer.example", "ClientIDList.member.1": "first"}
    assert do(admin, "CreateOpenIDConnectProvider", **made)[0] == 303
    identity = IdentityProvider()
    assert do(admin, "CreateSAMLProvider", Name="house", SAMLMetadataDocument=identity.metadata())[0] == 303
    page = said(admin.get("/console/iam/providers")[2])
    assert "issuer.example OpenID Connect" in page and "house SAML" in page
    issuer, saml = f"{OWN}oidc-provider/issuer.example", f"{OWN}saml-provider/house"
    assert do(admin, "AddClientIDToOpenIDConnectProvider", OpenIDConnectProviderArn=issuer, ClientID="second")[0] == 303
    page = said(admin.get(f"/console/iam/provider?arn={quote(issuer)}")[2])
    assert "first" in page and "second" in page and "https://issuer.example" in page
    gone = {"OpenIDConnectProviderArn": issuer, "ClientID": "first"}
    assert do(admin, "RemoveClientIDFromOpenIDConnectProvider", **gone)[0] == 303
    assert root.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=issuer)["ClientIDList"] == ["second"]
    page = unescape(admin.get(f"/console/iam/provider?arn={quote(saml)}")[2])
    assert "EntityDescriptor" in page and 'name="operation" value="UpdateSAMLProvider"' in page
    for operation, name, arn in [("DeleteOpenIDConnectProvider", "OpenIDConnectProviderArn", issuer),
                                 ("DeleteSAMLProvider", "SAMLProviderArn", saml)]:
        assert do(admin, operation, **{name: arn})[0] == 303
    assert "None." in admin.get("/console/iam/providers")[2]
    assert admin.get("/console/iam/provider?arn=nonsense")[0] == 404


def test_activity_goes_back_page_by_page(root: Aws, admin: Browser) -> None:
    for number in range(120):
        root.iam.create_user(UserName=f"user-{number:03}")

    def listed(path: str) -> tuple[list[str], str]:
        page = admin.get(unescape(path))[2]
        older = re.search(r'href="([^"]*)" rel="next"', page)
        return re.findall(r'href="/console/activity/([0-9a-f-]+)"', page), older[1] if older else ""

    first, older = listed("/console/activity?operation=CreateUser&service=iam")
    second, end = listed(older)
    # One more was made for the one who is looking.
    assert (len(first), len(second), end) == (100, 21, "") and not set(first) & set(second)
    assert "operation=CreateUser" in older and "Newest" in admin.get(unescape(older))[2]


def test_home_leads_to_what_one_can_do(root: Aws, admin: Browser) -> None:
    role(root, "robot", {"AWS": f"{OWN}root"}, allow("sqs:*"), Path="/a/")
    link = re.search(r'href="(/console/iam/access\?arn=[^"]*)"', admin.get("/console/")[2])[1]
    assert quote(f"{OWN}user/admin", safe="") in link
    switch = {"account": ACCOUNT, "roleName": "a/robot"}
    assert admin.post("/console/switchrole", mark=admin.mark(), **switch)[0] == 303
    link = re.search(r'href="(/console/iam/access\?arn=[^"]*)"', admin.get("/console/")[2])[1]
    assert quote(f"{OWN}role/a/robot", safe="") in link
    # Whether one may see it is decided like everything.
    assert admin.get(link)[0] == 403
    root.iam.put_role_policy(RoleName="robot", PolicyName="see", PolicyDocument=document(
        allow(["sqs:*", "iam:ListPoliciesGrantingServiceAccess"])))
    status, _, page = admin.get(link)
    assert status == 200 and "Amazon SQS" in page


def test_the_simulator_names_what_stands_over_a_principals_own_policies(root: Aws, admin: Browser) -> None:
    edge = root.iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    root.user("carol", allow("*"))
    root.iam.put_user_permissions_boundary(UserName="carol", PermissionsBoundary=edge)
    page = said(admin.get(f"/console/simulator?principal={OWN}user/carol&action=sqs:ListQueues+s3:ListAllMyBuckets")[2])
    denied, _, allowed = page.partition("s3:ListAllMyBuckets on")
    assert "Its permissions boundary does not allow it." in denied
    assert "Allowed" in allowed and "boundary does not" not in allowed


def test_an_instance_is_run_and_its_metadata_options_changed(make_server) -> None:
    server = make_server(variables={"ROLECALL_INSTANCES_DRIVER": "metadata-only"}).start()
    root = Aws(server, server.root)
    role(root, "robot", {"Service": "ec2.amazonaws.com"})
    root.iam.create_instance_profile(InstanceProfileName="profile-robot")
    root.iam.add_role_to_instance_profile(InstanceProfileName="profile-robot", RoleName="robot")
    root.ec2.create_key_pair(KeyName="mine")
    root.user("admin", allow("*"))
    root.iam.create_login_profile(UserName="admin", Password=PASSWORD)
    admin = Browser(server)
    admin.sign_in("admin")
    page = admin.get("/console/instances/run")[2]
    image = re.search(r'<option value="(ami-[0-9a-f]+)"', page).group(1)
    assert "profile-robot · robot" in page and '<option value="mine"' in page
    given = {"mark": admin.mark(), "do": "RunInstances", "image": image, "type": "t3.micro", "profile": "profile-robot",
             "key": "mine", "name": "tea", "userData": "#!/bin/sh\r\necho hi", "HttpTokens": "optional",
             "HttpPutResponseHopLimit": "2", "HttpEndpoint": "enabled", "InstanceMetadataTags": "enabled"}
    status, _, page = admin.post("/console/instances", **(given | {"profile": "none-such"}))
    assert status == 400 and "none-such" in page and "echo hi" in page
    status, headers, _ = admin.post("/console/instances", **given)
    assert status == 303
    [instance] = root.ec2.describe_instances()["Reservations"][0]["Instances"]
    assert headers["location"] == f"/console/instances/{instance['InstanceId']}"
    assert instance["KeyName"] == "mine" and instance["Tags"] == [{"Key": "Name", "Value": "tea"}]
    assert instance["IamInstanceProfile"]["Arn"].endswith("instance-profile/profile-robot")
    options = instance["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"], options["InstanceMetadataTags"]) == (
        "optional", 2, "enabled")
    data = root.ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")
    assert data["UserData"]["Value"] == "IyEvYmluL3NoCmVjaG8gaGk="
    change = {"mark": admin.mark(), "do": "ModifyInstanceMetadataOptions", "id": instance["InstanceId"],
              "HttpTokens": "required", "HttpPutResponseHopLimit": "1"}
    assert admin.post("/console/instances", **change)[0] == 303
    [instance] = root.ec2.describe_instances()["Reservations"][0]["Instances"]
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert f"tea ({instance['InstanceId']}) is robot" in lines(admin)
    # What can be done with it follows its state.
    one = {"InstanceIds": [instance["InstanceId"]]}
    root.ec2.get_waiter("instance_running").wait(**one, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    for operation, button, waiter in [("StopInstances", "Stop", "instance_stopped"), ("StartInstances", "Start", "instance_running"),
                                      ("TerminateInstances", "Terminate", "instance_terminated")]:
        page = admin.get(f"/console/instances/{instance['InstanceId']}")[2]
        assert f'aria-label="{button} {instance["InstanceId"]}"' in page
        assert admin.post("/console/instances", mark=admin.mark(), do=operation, id=instance["InstanceId"])[0] == 303
        root.ec2.get_waiter(waiter).wait(**one, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    page = admin.post("/console/instances", mark=admin.mark(), do="StartInstances", id=instance["InstanceId"])[2]
    assert "IncorrectInstanceState" in page


def test_every_kind_of_list_is_paged_searched_and_small(make_server) -> None:
    many = 400
    quotas = {f"ROLECALL_QUOTAS_{name}": "2000" for name in ("USERS", "GROUPS", "ROLES", "POLICIES")}
    server = make_server(variables=quotas).start()
    root = Aws(server, server.root)
    root.user("admin", allow("*"))
    root.iam.create_login_profile(UserName="admin", Password=PASSWORD)
    admin = Browser(server)
    admin.sign_in("admin")
    own = document(allow("s3:*"))
    for number in range(many):
        root.iam.create_user(UserName=f"user-{number:05}")
        root.iam.create_group(GroupName=f"group-{number:05}")
        root.iam.create_policy(PolicyName=f"policy-{number:05}", PolicyDocument=own)
    for kind in ("user", "group", "policy"):
        path = f"/console/iam/{ {'policy': 'policies'}.get(kind, kind + 's') }"
        page = admin.get(f"{path}?page=2")[2]
        assert page.count('scope="row"') == 50 and len(page) < LARGEST_PAGE, (kind, len(page))
        page = admin.get(f"{path}?q={kind.upper()}-0039")[2]
        assert page.count('scope="row"') == 10 and f"{kind}-00399" in page
