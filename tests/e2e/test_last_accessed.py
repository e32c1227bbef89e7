"""Service last accessed details, and the policies that grant access to a service."""

from __future__ import annotations

import pytest
from harness.clients import Aws, allow, deny, document, refused, trust
from harness.process import ACCOUNT, REGION, Server

ARN = f"arn:aws:iam::{ACCOUNT}"


def report(who: Aws, arn: str, **more) -> dict[str, dict]:
    job = who.iam.generate_service_last_accessed_details(Arn=arn, **more)["JobId"]
    assert len(job) == 36
    services, marker = {}, {}
    while True:
        answer = who.iam.get_service_last_accessed_details(JobId=job, **marker)
        assert answer["JobStatus"] == "COMPLETED" and answer["JobCompletionDate"] >= answer["JobCreationDate"]
        assert answer["JobType"] == more.get("Granularity", "SERVICE_LEVEL")
        services |= {one["ServiceNamespace"]: one for one in answer["ServicesLastAccessed"]}
        if not answer["IsTruncated"]:
            return services
        marker = {"Marker": answer["Marker"]}


@pytest.fixture
def people(own_server: Server) -> tuple[Aws, Aws, Aws]:
    """Root, and two users of a group whose policies allow S3 and a bit of IAM; the second one is asked less."""
    root = Aws(own_server, own_server.root)
    root.iam.create_group(GroupName="readers")
    root.iam.put_group_policy(GroupName="readers", PolicyName="s3", PolicyDocument=document(allow("s3:*")))
    root.iam.attach_group_policy(GroupName="readers", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    users = [root.user(name) for name in ("ann", "bea")]
    for name in ("ann", "bea"):
        root.iam.add_user_to_group(GroupName="readers", UserName=name)
    return root, *users


def test_a_report_tells_what_a_user_could_reach_and_last_did(people) -> None:
    root, ann, _ = people
    ann.s3.list_buckets()
    ann.s3.create_bucket(Bucket="anns")
    ann.s3.put_object(Bucket="anns", Key="thing", Body=b"x")
    services = report(root, f"{ARN}:user/ann", Granularity="ACTION_LEVEL")
    assert "ec2" not in services and list(services) == sorted(services)
    s3, iam = services["s3"], services["iam"]
    assert s3["ServiceName"] == "Amazon S3" and s3["LastAuthenticatedEntity"] == f"{ARN}:user/ann"
    assert s3["LastAuthenticatedRegion"] == REGION and s3["TotalAuthenticatedEntities"] == 1
    assert iam["TotalAuthenticatedEntities"] == 0 and "LastAuthenticated" not in iam
    done = {one["ActionName"]: one for one in s3["TrackedActionsLastAccessed"]}
    assert done["CreateBucket"]["LastAccessedEntity"] == f"{ARN}:user/ann"
    assert done["ListAllMyBuckets"]["LastAccessedTime"] and done["ListAllMyBuckets"]["LastAccessedRegion"] == REGION
    assert "LastAccessedTime" not in done["DeleteBucket"] and "PutObject" not in done
    read = {one["ActionName"] for one in iam["TrackedActionsLastAccessed"]}
    assert "GetUser" in read and "CreateUser" not in read
    plain = report(root, f"{ARN}:user/ann")["s3"]
    assert "TrackedActionsLastAccessed" not in plain or plain["TrackedActionsLastAccessed"] == []


def test_a_refused_attempt_counts_too(people) -> None:
    root, ann, _ = people
    with refused("AccessDenied"):
        ann.iam.create_user(UserName="new")
    assert report(root, f"{ARN}:user/ann")["iam"]["LastAuthenticatedEntity"] == f"{ARN}:user/ann"


def test_groups_and_policies_tell_of_those_who_hold_them(people) -> None:
    root, ann, bea = people
    ann.s3.list_buckets()
    bea.iam.list_users()
    services = report(root, f"{ARN}:group/readers")
    assert services["s3"]["LastAuthenticatedEntity"] == f"{ARN}:user/ann"
    assert services["iam"]["LastAuthenticatedEntity"] == f"{ARN}:user/bea"
    policy = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    services = report(root, policy)
    assert list(services) == ["iam"] and services["iam"]["TotalAuthenticatedEntities"] == 1
    job = root.iam.generate_service_last_accessed_details(Arn=policy)["JobId"]
    answer = root.iam.get_service_last_accessed_details_with_entities(JobId=job, ServiceNamespace="iam")
    entities = answer["EntityDetailsList"]
    assert [one["EntityInfo"]["Name"] for one in entities] == ["bea", "ann"]
    assert entities[0]["EntityInfo"]["Type"] == "USER" and entities[0]["LastAuthenticated"]
    assert "LastAuthenticated" not in entities[1]
    with refused("InvalidInput"):
        root.iam.get_service_last_accessed_details_with_entities(JobId=job, ServiceNamespace="s3")


def test_roles_are_told_of_whatever_the_session(people) -> None:
    root, ann, _ = people
    root.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=document(trust({"AWS": ACCOUNT})))
    root.iam.put_role_policy(RoleName="worker", PolicyName="s3", PolicyDocument=document(allow("s3:*")))
    root.iam.put_user_policy(UserName="ann", PolicyName="a", PolicyDocument=document(allow("sts:AssumeRole")))
    ann.assume(f"{ARN}:role/worker", "one").s3.list_buckets()
    assert report(root, f"{ARN}:role/worker")["s3"]["LastAuthenticatedEntity"] == f"{ARN}:role/worker"


def test_a_report_is_for_whoever_asked_and_survives_a_restart(people, own_server: Server) -> None:
    root, ann, bea = people
    ann.s3.list_buckets()
    job = ann.iam.generate_service_last_accessed_details(Arn=f"{ARN}:user/ann")["JobId"]
    with refused("NoSuchEntity", status=404):
        bea.iam.get_service_last_accessed_details(JobId=job)
    own_server.restart()
    ann, root = (Aws(own_server, one.credentials) for one in (ann, root))
    services = ann.iam.get_service_last_accessed_details(JobId=job)["ServicesLastAccessed"]
    # The asking itself is none of it: the report tells of the moment before.
    assert {one["ServiceNamespace"]: one["TotalAuthenticatedEntities"] for one in services} == {"iam": 0, "s3": 1}
    for arn, code in [(f"{ARN}:user/nobody", "NoSuchEntity"), (f"{ARN}:policy/nothing", "NoSuchEntity"),
                      (f"{ARN}:instance-profile/none", "InvalidInput")]:
        with refused(code):
            root.iam.generate_service_last_accessed_details(Arn=arn)


def test_what_a_deleted_user_did_is_not_another_users(people, own_server: Server) -> None:
    root, ann, _ = people
    ann.s3.list_buckets()
    own_server.restart()
    root = Aws(own_server, root.credentials)
    root.iam.remove_user_from_group(GroupName="readers", UserName="ann")
    root.iam.delete_access_key(UserName="ann", AccessKeyId=ann.credentials.access_key_id)
    root.iam.delete_user(UserName="ann")
    root.user("ann", allow("s3:*"))
    assert report(root, f"{ARN}:user/ann")["s3"]["TotalAuthenticatedEntities"] == 0


def test_policies_that_grant_a_service(people) -> None:
    root, _, _ = people
    root.iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document(
        allow("s3:Get*"), deny("s3:*")))
    root.iam.put_user_policy(UserName="ann", PolicyName="queues", PolicyDocument=document(allow("sqs:Send*")))
    answer = root.iam.list_policies_granting_service_access(
        Arn=f"{ARN}:user/ann", ServiceNamespaces=["sqs", "s3", "iam", "ec2"])
    assert answer["IsTruncated"] is False
    found = {one["ServiceNamespace"]: one["Policies"] for one in answer["PoliciesGrantingServiceAccess"]}
    assert found == {
        "ec2": [],
        "iam": [{"PolicyName": "IAMReadOnlyAccess", "PolicyType": "MANAGED",
                 "PolicyArn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}],
        "s3": [{"PolicyName": "s3", "PolicyType": "INLINE", "EntityType": "GROUP", "EntityName": "readers"}],
        "sqs": [{"PolicyName": "queues", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": "ann"}],
    }
    with refused("NoSuchEntity"):
        root.iam.list_policies_granting_service_access(Arn=f"{ARN}:role/none", ServiceNamespaces=["s3"])
