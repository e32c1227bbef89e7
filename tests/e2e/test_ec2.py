"""The EC2 API: what it takes, what it refuses and in which words, and who may do what."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator

import pytest
from harness import instances, lab
from harness.clients import Aws, allow, deny, document, refused
from harness.instances import await_state, run
from harness.process import ACCOUNT, REGION, Server

IMAGE = "ami-0123456789abcdef0"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("ec2"), variables={"ROLECALL_INSTANCES_DRIVER": "metadata-only"}).start()
    instances.declare(Aws(one, one.root))
    yield one
    one.stop()


@pytest.fixture
def instance(root: Aws) -> Iterator[str]:
    [name] = run(root)
    yield name
    root.ec2.modify_instance_attribute(InstanceId=name, DisableApiTermination={"Value": False})
    root.ec2.terminate_instances(InstanceIds=[name])


def shown(root: Aws, name: str) -> dict:
    return root.ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]


def test_an_instance_is_what_was_asked_for(root: Aws) -> None:
    tags = [{"Key": "Name", "Value": "web"}, {"Key": "team", "Value": "a b"}]
    answer = root.ec2.run_instances(ImageId=IMAGE, InstanceType="t3.small", MinCount=2, MaxCount=2,
                                    IamInstanceProfile={"Name": lab.PROFILE}, DisableApiTermination=False,
                                    TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
                                    MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2})
    assert answer["OwnerId"] == ACCOUNT and re.fullmatch("r-[0-9a-f]{17}", answer["ReservationId"])
    one, two = answer["Instances"]
    assert one["State"] == {"Code": 0, "Name": "pending"} and [one["AmiLaunchIndex"], two["AmiLaunchIndex"]] == [0, 1]
    assert re.fullmatch("i-[0-9a-f]{17}", one["InstanceId"]) and one["InstanceId"] != two["InstanceId"]
    assert one["PrivateIpAddress"] != two["PrivateIpAddress"] and one["Tags"] == tags
    assert one["IamInstanceProfile"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/{lab.PROFILE}"
    assert one["MetadataOptions"]["HttpTokens"] == "required" and one["InstanceType"] == "t3.small"
    [vpc] = root.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    [subnet] = root.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    [group] = root.ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"]
    assert (one["VpcId"], one["SubnetId"]) == (vpc["VpcId"], subnet["SubnetId"])
    assert one["SecurityGroups"] == [{"GroupId": group["GroupId"], "GroupName": "default"}]
    [volume] = root.ec2.describe_volumes(
        Filters=[{"Name": "attachment.instance-id", "Values": [one["InstanceId"]]}])["Volumes"]
    assert volume["VolumeId"] == one["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    root.ec2.terminate_instances(InstanceIds=[one["InstanceId"], two["InstanceId"]])


def test_the_life_of_an_instance(root: Aws, instance: str) -> None:
    change = root.ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"][0]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
    await_state(root, instance, "stopped")
    assert shown(root, instance)["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert root.ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"][0]["CurrentState"]["Name"] == "stopped"
    with refused("IncorrectInstanceState"):
        root.ec2.reboot_instances(InstanceIds=[instance])
    root.ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.medium"})
    root.ec2.modify_instance_attribute(InstanceId=instance, UserData={"Value": b"#!/bin/sh\n"})
    data = root.ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(data) == b"#!/bin/sh\n"
    root.ec2.start_instances(InstanceIds=[instance])
    await_state(root, instance, "running")
    assert shown(root, instance)["InstanceType"] == "t3.medium"
    with refused("IncorrectInstanceState"):
        root.ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.micro"})
    [status] = root.ec2.describe_instance_status(InstanceIds=[instance])["InstanceStatuses"]
    assert status["InstanceStatus"]["Status"] == "ok"
    root.ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": True})
    with refused("OperationNotPermitted", re.compile("disableApiTermination")):
        root.ec2.terminate_instances(InstanceIds=[instance])


def test_a_terminated_instance_stays_for_a_while(root: Aws) -> None:
    [name] = run(root)
    root.ec2.terminate_instances(InstanceIds=[name])
    await_state(root, name, "terminated")
    gone = shown(root, name)
    assert "VpcId" not in gone and "IamInstanceProfile" not in gone and gone["BlockDeviceMappings"] == []
    with refused("IncorrectInstanceState"):
        root.ec2.start_instances(InstanceIds=[name])
    with refused("IncorrectInstanceState"):
        root.ec2.associate_iam_instance_profile(InstanceId=name, IamInstanceProfile={"Name": lab.PROFILE})


def test_a_client_token_starts_nothing_twice(root: Aws) -> None:
    asked = {"ImageId": IMAGE, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "ClientToken": "once"}
    first = root.ec2.run_instances(**asked)["Instances"][0]["InstanceId"]
    assert root.ec2.run_instances(**asked)["Instances"][0]["InstanceId"] == first
    with refused("IdempotentParameterMismatch"):
        root.ec2.run_instances(**asked | {"InstanceType": "t3.small"})
    root.ec2.terminate_instances(InstanceIds=[first])


def test_a_dry_run_tells_and_does_nothing(root: Aws) -> None:
    before = len(root.ec2.describe_instances()["Reservations"])
    with refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412):
        root.ec2.run_instances(ImageId=IMAGE, InstanceType="t3.micro", MinCount=1, MaxCount=1, DryRun=True)
    nobody = root.user("nobody-dry")
    with refused("UnauthorizedOperation", status=403):
        nobody.ec2.run_instances(ImageId=IMAGE, InstanceType="t3.micro", MinCount=1, MaxCount=1, DryRun=True)
    assert len(root.ec2.describe_instances()["Reservations"]) == before


REFUSED = {
    "no such profile": ({"IamInstanceProfile": {"Name": "none"}}, "InvalidParameterValue",
                        "Value (none) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"),
    "no such type": ({"InstanceType": "t9.huge"}, "InvalidParameterValue", None),
    "an image that is none": ({"ImageId": "ubuntu"}, "InvalidAMIID.Malformed", None),
    "no such key": ({"KeyName": "none"}, "InvalidKeyPair.NotFound", "The key pair 'none' does not exist"),
    "no such subnet": ({"SubnetId": "subnet-1"}, "InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist"),
    "no such group": ({"SecurityGroupIds": ["sg-1"]}, "InvalidGroup.NotFound", None),
    "none at all": ({"MinCount": 0, "MaxCount": 0}, "InvalidParameterValue", None),
    "more at least than at most": ({"MinCount": 3, "MaxCount": 2}, "InvalidParameterValue", None),
    "too many": ({"MinCount": 2000, "MaxCount": 2000}, "InstanceLimitExceeded", None),
    "hops": ({"MetadataOptions": {"HttpPutResponseHopLimit": 65}}, "InvalidParameterValue", None),
    "a reserved tag": ({"TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "aws:x", "Value": ""}]}]},
                       "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use"),
    "what is not built": ({"LaunchTemplate": {"LaunchTemplateName": "x"}}, "UnsupportedOperation", None),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_started(root: Aws, case: str) -> None:
    more, code, message = REFUSED[case]
    asked = {"ImageId": IMAGE, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    with refused(code, message):
        root.ec2.run_instances(**asked | more)


def test_unknown_instances(root: Aws) -> None:
    with refused("InvalidInstanceID.Malformed", 'Invalid id: "i-x"'):
        root.ec2.describe_instances(InstanceIds=["i-x"])
    absent = "i-00000000000000000"
    with refused("InvalidInstanceID.NotFound", f"The instance ID '{absent}' does not exist"):
        root.ec2.terminate_instances(InstanceIds=[absent])
    with refused("NoSuchAssociation"):
        root.ec2.disassociate_iam_instance_profile(AssociationId="iip-assoc-0")


def test_filters_and_pages(root: Aws) -> None:
    names = run(root, count=7, TagSpecifications=[
        {"ResourceType": "instance", "Tags": [{"Key": "page", "Value": "me please"}]}])
    by_tag = [{"Name": "tag:page", "Values": ["me*"]}]
    pages = root.ec2.get_paginator("describe_instances").paginate(Filters=by_tag, PaginationConfig={"PageSize": 5})
    found = [[i["InstanceId"] for r in page["Reservations"] for i in r["Instances"]] for page in pages]
    assert [len(page) for page in found] == [5, 2] and sorted(sum(found, [])) == sorted(names)
    both = by_tag + [{"Name": "instance-id", "Values": names[:2]}, {"Name": "instance-state-name", "Values": ["running"]}]
    two = root.ec2.describe_instances(Filters=both)["Reservations"]
    assert sorted(i["InstanceId"] for r in two for i in r["Instances"]) == sorted(names[:2])
    with refused("InvalidParameterValue", "The filter 'made-up' is invalid"):
        root.ec2.describe_instances(Filters=[{"Name": "made-up", "Values": ["x"]}])
    with refused("InvalidParameterCombination"):
        root.ec2.describe_instances(InstanceIds=names[:1], MaxResults=5)
    tags = root.ec2.describe_tags(Filters=[{"Name": "key", "Values": ["page"]}])["Tags"]
    assert {tag["ResourceId"] for tag in tags} == set(names)
    root.ec2.terminate_instances(InstanceIds=names)


def test_tags_come_and_go(root: Aws, instance: str) -> None:
    root.ec2.create_tags(Resources=[instance], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    root.ec2.delete_tags(Resources=[instance], Tags=[{"Key": "a"}, {"Key": "b", "Value": "another"}])
    assert shown(root, instance)["Tags"] == [{"Key": "b", "Value": "2"}]
    root.ec2.modify_instance_metadata_options(InstanceId=instance, InstanceMetadataTags="enabled")
    with refused("InvalidParameterValue", re.compile("not a valid tag key")):
        root.ec2.create_tags(Resources=[instance], Tags=[{"Key": "with/slash", "Value": ""}])


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_key_pairs(root: Aws, unique: Callable[[str], str], kind: str) -> None:
    name = unique("key")
    made = root.ec2.create_key_pair(KeyName=name, KeyType=kind)
    assert "PRIVATE KEY" in made["KeyMaterial"] and re.fullmatch("key-[0-9a-f]{17}", made["KeyPairId"])
    [pair] = root.ec2.describe_key_pairs(KeyNames=[name], IncludePublicKey=True)["KeyPairs"]
    assert pair["KeyFingerprint"] == made["KeyFingerprint"] and pair["KeyType"] == kind
    with refused("InvalidKeyPair.Duplicate"):
        root.ec2.create_key_pair(KeyName=name)
    imported = root.ec2.import_key_pair(KeyName=f"{name}-2", PublicKeyMaterial=pair["PublicKey"].encode())
    assert imported["KeyName"] == f"{name}-2"
    with refused("InvalidKey.Format"):
        root.ec2.import_key_pair(KeyName=f"{name}-3", PublicKeyMaterial=b"no key")
    assert root.ec2.delete_key_pair(KeyName=name)["Return"] is True
    assert root.ec2.delete_key_pair(KeyName=name)["Return"] is True
    with refused("InvalidKeyPair.NotFound"):
        root.ec2.describe_key_pairs(KeyNames=[name])


def test_resources_and_their_tags_are_what_policies_see(root: Aws) -> None:
    mine, yours = run(root, count=2)
    root.ec2.create_tags(Resources=[mine], Tags=[{"Key": "owner", "Value": "ann"}])
    own = {"StringEquals": {"ec2:ResourceTag/owner": "${aws:username}"}}
    ann = root.user("ann", allow("ec2:StopInstances", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*", Condition=own))
    ann.ec2.stop_instances(InstanceIds=[mine])
    with refused("UnauthorizedOperation"):
        ann.ec2.stop_instances(InstanceIds=[yours])
    with refused("UnauthorizedOperation"):
        ann.ec2.stop_instances(InstanceIds=[mine, yours])
    root.ec2.terminate_instances(InstanceIds=[mine, yours])


def test_what_a_launch_may_be_is_decided_by_its_parts(root: Aws) -> None:
    strict = deny("ec2:RunInstances", f"arn:aws:ec2:*:*:instance/*",
                  Condition={"StringNotEquals": {"ec2:MetadataHttpTokens": "required"}})
    tag = {"StringEquals": {"ec2:CreateAction": "RunInstances", "aws:RequestTag/team": "blue"}}
    user = root.user("launcher", allow("ec2:RunInstances"), strict, allow("ec2:CreateTags", Condition=tag))
    asked = {"ImageId": IMAGE, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    with refused("UnauthorizedOperation", re.compile("explicit deny")):
        user.ec2.run_instances(**asked)
    tokens = {"MetadataOptions": {"HttpTokens": "required"}}
    names = [user.ec2.run_instances(**asked, **tokens)["Instances"][0]["InstanceId"]]

    def tagged(team: str) -> dict:
        return {"TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": team}]}]}

    with refused("UnauthorizedOperation", re.compile("ec2:CreateTags")):
        user.ec2.run_instances(**asked, **tokens, **tagged("red"))
    names.append(user.ec2.run_instances(**asked, **tokens, **tagged("blue"))["Instances"][0]["InstanceId"])
    root.ec2.terminate_instances(InstanceIds=names)
    root.iam.put_user_policy(UserName="launcher", PolicyName="inline", PolicyDocument=document(
        allow("ec2:RunInstances", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*")))
    with refused("UnauthorizedOperation", re.compile(f"image/{IMAGE}")):
        user.ec2.run_instances(**asked, **tokens)


def test_a_profile_is_passed_with_its_role(root: Aws) -> None:
    [name] = run(root, IamInstanceProfile=None)
    user = root.user("associator", allow("ec2:AssociateIamInstanceProfile"))
    with refused("UnauthorizedOperation", re.compile("iam:PassRole")):
        user.ec2.associate_iam_instance_profile(InstanceId=name, IamInstanceProfile={"Name": lab.PROFILE})
    root.iam.put_user_policy(UserName="associator", PolicyName="pass", PolicyDocument=document(
        allow("iam:PassRole", lab.ROLE_ARN)))
    made = user.ec2.associate_iam_instance_profile(InstanceId=name, IamInstanceProfile={"Name": lab.PROFILE})
    assert made["IamInstanceProfileAssociation"]["State"] == "associating"
    root.ec2.terminate_instances(InstanceIds=[name])


def test_places_and_images(root: Aws) -> None:
    assert REGION in {region["RegionName"] for region in root.ec2.describe_regions()["Regions"]}
    [zone] = root.ec2.describe_availability_zones()["AvailabilityZones"]
    assert (zone["ZoneName"], zone["ZoneId"], zone["State"]) == (f"{REGION}a", "use1-az1", "available")
    [image] = root.ec2.describe_images(Owners=["amazon"], Filters=[
        {"Name": "name", "Values": ["rolecall-*"]}])["Images"]
    assert image["State"] == "available"
    [offered] = root.ec2.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"]
    assert offered["VCpuInfo"]["DefaultVCpus"] == 2 and offered["MemoryInfo"]["SizeInMiB"] == 1024
    with refused("InvalidParameterValue", re.compile("t9.huge")):
        root.ec2.describe_instance_types(InstanceTypes=["t9.huge"])
    attributes = root.ec2.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
    [vpc] = root.ec2.describe_vpcs()["Vpcs"]
    assert attributes[0]["AttributeValues"][0]["AttributeValue"] == vpc["VpcId"]


def test_without_a_driver_a_launch_says_why_it_failed(tmp_path) -> None:
    server = Server(tmp_path / "off", variables={"ROLECALL_INSTANCES_DRIVER": "off"}).start()
    try:
        root = Aws(server, server.root)
        name = root.ec2.run_instances(ImageId=IMAGE, InstanceType="t3.micro", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        await_state(root, name, "terminated")
        reason = shown(root, name)["StateReason"]
        assert reason["Code"] == "Server.InternalError" and "instances.driver is off" in reason["Message"]
    finally:
        server.stop()
