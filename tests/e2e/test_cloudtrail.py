"""CloudTrail's LookupEvents: what was asked in an account, looked up by whoever may."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable

import pytest
from harness.clients import Aws, allow, refused

Names = Callable[[str], str]


def looked_up(who: Aws, wanted: int = 1, **filters: str) -> list[dict]:
    """Events are written a moment after the answer: waits until there are so many."""
    attributes = [{"AttributeKey": key, "AttributeValue": value} for key, value in filters.items()]
    deadline = time.monotonic() + 20
    while True:
        events = who.client("cloudtrail").lookup_events(LookupAttributes=attributes)["Events"]
        if len(events) >= wanted or time.monotonic() > deadline:
            return events
        time.sleep(0.02)


@pytest.fixture
def jane(root: Aws, unique: Names) -> Aws:
    return root.user(unique("jane"), allow(["iam:GetUser", "iam:ListUsers"]))


def name_of(who: Aws) -> str:
    return who.arn().rpartition("/")[2]


def test_events_are_found_by_each_attribute(root: Aws, jane: Aws, unique: Names) -> None:
    name, made = name_of(jane), unique("made")
    jane.iam.get_user()
    with refused("AccessDenied"):
        jane.iam.create_user(UserName=made)
    root.iam.create_user(UserName=made)
    events = looked_up(root, 3, Username=name)
    assert [event["EventName"] for event in events] == ["CreateUser", "GetUser", "GetCallerIdentity"]
    denied = json.loads(events[0]["CloudTrailEvent"])
    assert denied["errorCode"] == "AccessDenied" and denied["userIdentity"]["userName"] == name
    assert (events[0]["EventSource"], events[0]["ReadOnly"]) == ("iam.amazonaws.com", "false")
    assert events[0]["AccessKeyId"] == jane.credentials.access_key_id
    assert abs(events[0]["EventTime"].timestamp() - time.time()) < 60
    assert {"ResourceType": "AWS::IAM::User", "ResourceName": made} in events[0]["Resources"]
    assert [event["EventId"] for event in looked_up(root, EventId=events[1]["EventId"])] == [events[1]["EventId"]]
    assert {event["EventName"] for event in looked_up(root, EventName="GetUser")} == {"GetUser"}
    assert len(looked_up(root, 3, AccessKeyId=jane.credentials.access_key_id)) == 3
    assert {event["Username"] for event in looked_up(root, 2, ResourceName=made)} == {name, "root"}
    assert all(event["ReadOnly"] == "true" for event in looked_up(root, ReadOnly="true"))
    assert {event["EventSource"] for event in looked_up(root, EventSource="sts.amazonaws.com")} == {"sts.amazonaws.com"}
    assert looked_up(root, 0, EventName="NoSuchOperation") == []


def test_pages_go_on_where_the_last_ended(root: Aws, unique: Names) -> None:
    names = [unique("paged") for _ in range(7)]
    for name in names:
        root.iam.create_user(UserName=name)
    looked_up(root, 1, ResourceName=names[-1])
    client = root.client("cloudtrail")
    asked = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}], "MaxResults": 3}
    found, token = [], {}
    for _ in range(3):
        page = client.lookup_events(**asked, **token)
        found += [resource["ResourceName"] for event in page["Events"] for resource in event["Resources"]]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert found[:7] == names[::-1]
    page = client.lookup_events(**asked)
    with refused("InvalidNextTokenException"):
        client.lookup_events(MaxResults=3, NextToken=page["NextToken"])
    with refused("InvalidNextTokenException"):
        client.lookup_events(**asked, NextToken="bm9uZQ")


def test_times_bound_the_search(root: Aws) -> None:
    client, now = root.client("cloudtrail"), datetime.datetime.now(datetime.timezone.utc)
    hour = datetime.timedelta(hours=1)
    root.iam.list_users()
    looked_up(root, 1, EventName="ListUsers")
    assert client.lookup_events(StartTime=now - hour, EndTime=now + hour)["Events"]
    assert client.lookup_events(StartTime=now - 2 * hour, EndTime=now - hour)["Events"] == []
    with refused("InvalidTimeRangeException"):
        client.lookup_events(StartTime=now, EndTime=now - hour)


def test_mistakes_are_named(root: Aws) -> None:
    client = root.as_(root.credentials, check_parameters=False).client("cloudtrail")
    one = {"AttributeKey": "EventName", "AttributeValue": "x"}
    with refused("InvalidLookupAttributesException"):
        client.lookup_events(LookupAttributes=[one, one])
    for most in (0, 51):
        with refused({"InvalidMaxResultsException", "ValidationException"}):
            client.lookup_events(MaxResults=most)
    with refused("ValidationException"):
        client.lookup_events(LookupAttributes=[{"AttributeKey": "Nothing", "AttributeValue": "x"}])
    with refused("NotImplemented"):
        client.list_trails()


def test_whoever_may_not_sees_nothing_and_data_events_are_not_here(root: Aws, jane: Aws, unique: Names) -> None:
    with refused("AccessDeniedException") as caught:
        jane.client("cloudtrail").lookup_events()
    assert "cloudtrail:LookupEvents" in caught.value.response["Error"]["Message"]
    bucket = unique("bucket")
    root.s3.create_bucket(Bucket=bucket)
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    looked_up(root, 1, EventName="LookupEvents")
    assert looked_up(root, 0, EventName="PutObject") == []
    assert looked_up(root, 1, EventName="CreateBucket")[0]["Resources"] == [
        {"ResourceType": "AWS::S3::Bucket", "ResourceName": bucket}]


def test_an_account_sees_its_own_alone(own_server) -> None:
    root = Aws(own_server, own_server.root)
    root.client("organizations").create_organization()
    root.client("organizations").create_account(Email="a@example.com", AccountName="a")
    [other] = [a["Id"] for a in root.client("organizations").list_accounts()["Accounts"] if a["Name"] == "a"]
    role = f"arn:aws:iam::{other}:role/OrganizationAccountAccessRole"
    inside = root.user("governor", allow("sts:AssumeRole")).assume(role)
    inside.iam.create_user(UserName="inside")
    assert [event["Username"] for event in looked_up(inside, 1, EventName="CreateUser")] == ["session"]
    assert {event["Username"] for event in looked_up(root, 1, EventName="CreateUser")} == {"root"}
