"""The calls of Terraform's AWS provider for instances and what surrounds them."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from harness import instances
from harness.clients import Aws
from harness.lab import PROFILE, TRUST_SERVICE_ONLY
from harness.process import ACCOUNT, Server
from harness.provider import Provider, replays
from harness.wire import Answer

IMAGE = "ami-0123456789abcdef0"


@pytest.fixture
def provider(make_server: Callable[..., Server]) -> Provider:
    server = make_server(variables={"ROLECALL_INSTANCES_DRIVER": "metadata-only"}).start()
    instances.declare(Aws(server, server.root))
    return Provider(server, server.root, "us-east-1")


def ec2(provider: Provider, action: str, *fields: str, **parameters: str) -> Answer:
    return provider.ok(action, *fields, service="ec2", **parameters)


def in_state(provider: Provider, name: str, state: str) -> None:
    """The provider's waiter, which asks until the state is there."""
    instances.await_state(Aws(provider.server, provider.credentials), name, state)


def started(provider: Provider, **more: str) -> str:
    made = ec2(provider, "RunInstances", "instanceId", "reservationId", ImageId=IMAGE, InstanceType="t3.micro",
               MinCount="1", MaxCount="1", IamInstanceProfile__Name=PROFILE, ClientToken="terraform-2026",
               EbsOptimized="false", Monitoring__Enabled="false", DisableApiTermination="false", **more)
    name = made.find("instanceId")
    in_state(provider, name, "running")
    return name


def attribute(provider: Provider, name: str, what: str) -> str | None:
    read = ec2(provider, "DescribeInstanceAttribute", InstanceId=name, Attribute=what)
    return next((one.findtext("value") for one in read.tree.iter(what)), None)


@replays("aws_instance", "data.aws_instance", "data.aws_instances")
def test_instance(provider: Provider) -> None:
    data = base64.b64encode(b"#!/bin/sh\necho hello\n").decode()
    name = started(provider, UserData=data, TagSpecification__1__ResourceType="instance",
                   TagSpecification__1__Tag__1__Key="Name", TagSpecification__1__Tag__1__Value="robot",
                   MetadataOptions__HttpTokens="required", MetadataOptions__HttpEndpoint="enabled")
    read = ec2(provider, "DescribeInstances", "instanceState", "placement", "availabilityZone", "tenancy", "imageId",
               "instanceType", "privateDnsName", "privateIpAddress", "subnetId", "vpcId", "networkInterfaceId",
               "deviceIndex", "sourceDestCheck", "ebsOptimized", "monitoring", "rootDeviceName", "httpTokens",
               "httpPutResponseHopLimit", "instanceMetadataTags", InstanceId__1=name)
    assert read.find("arn") == f"arn:aws:iam::{ACCOUNT}:instance-profile/{PROFILE}"
    assert [(one.findtext("key"), one.findtext("value")) for one in read.tree.iter("item")
            if one.find("key") is not None] == [("Name", "robot")]
    kind = ec2(provider, "DescribeInstanceTypes", "burstablePerformanceSupported", InstanceType__1="t3.micro")
    assert kind.find_all("instanceType") == ["t3.micro"]
    # Whether it came from a launch template is written in tags.
    ec2(provider, "DescribeTags", "tagSet", Filter__1__Name="resource-id", Filter__1__Value__1=name,
        Filter__2__Name="key", Filter__2__Value__1="aws:ec2launchtemplate:id")
    ec2(provider, "DescribeVpcs", "isDefault", VpcId__1=read.find("vpcId"))
    volume = ec2(provider, "DescribeVolumes", "size", "volumeType", "iops", "throughput", "encrypted", "snapshotId",
                 VolumeId__1=read.find("volumeId"))
    assert volume.find("device") == read.find("rootDeviceName") == read.find("deviceName")
    assert attribute(provider, name, "disableApiStop") == "false"
    assert attribute(provider, name, "disableApiTermination") == "false"
    assert attribute(provider, name, "instanceInitiatedShutdownBehavior") == "stop"
    assert attribute(provider, name, "userData") == data
    credit = ec2(provider, "DescribeInstanceCreditSpecifications", InstanceId__1=name)
    assert (credit.find("instanceId"), credit.find("cpuCredits")) == (name, "unlimited")
    found = ec2(provider, "DescribeInstances", Filter__1__Name="tag:Name", Filter__1__Value__1="robot",
                Filter__2__Name="instance-state-name", Filter__2__Value__1="running")
    assert found.find_all("instanceId") == [name]
    destroyed(provider, name)


def destroyed(provider: Provider, name: str) -> None:
    ec2(provider, "ModifyInstanceAttribute", InstanceId=name, DisableApiTermination__Value="false")
    ec2(provider, "TerminateInstances", "currentState", InstanceId__1=name)
    in_state(provider, name, "terminated")


@replays("aws_instance", "aws_ec2_instance_state")
def test_instance_is_changed_in_place(provider: Provider) -> None:
    name = started(provider)
    ec2(provider, "CreateTags", ResourceId__1=name, Tag__1__Key="a", Tag__1__Value="b")
    ec2(provider, "DeleteTags", ResourceId__1=name, Tag__1__Key="a", Tag__1__Value="b")
    ec2(provider, "ModifyInstanceMetadataOptions", InstanceId=name, HttpTokens="required", HttpEndpoint="enabled",
        HttpPutResponseHopLimit="2")
    for protected in ["true", "false"]:
        ec2(provider, "ModifyInstanceAttribute", InstanceId=name, DisableApiTermination__Value=protected)
        assert attribute(provider, name, "disableApiTermination") == protected
    # A profile: replaced while it runs, taken away, and given again.
    root = Aws(provider.server, provider.credentials)
    root.iam.create_instance_profile(InstanceProfileName="other")
    root.iam.create_role(RoleName="other", AssumeRolePolicyDocument=TRUST_SERVICE_ONLY)
    root.iam.add_role_to_instance_profile(InstanceProfileName="other", RoleName="other")
    listed = ec2(provider, "DescribeIamInstanceProfileAssociations", Filter__1__Name="instance-id",
                 Filter__1__Value__1=name)
    provider.no("ReplaceIamInstanceProfileAssociation", "InvalidParameterValue", "Invalid IAM Instance Profile",
                service="ec2", AssociationId=listed.find("associationId"), IamInstanceProfile__Name="nowhere")
    ec2(provider, "ReplaceIamInstanceProfileAssociation", AssociationId=listed.find("associationId"),
        IamInstanceProfile__Name="other")
    listed = ec2(provider, "DescribeIamInstanceProfileAssociations", Filter__1__Name="instance-id",
                 Filter__1__Value__1=name)
    assert listed.find("arn").endswith("/other") and listed.find("state") == "associated"
    ec2(provider, "DisassociateIamInstanceProfile", AssociationId=listed.find("associationId"))
    assert ec2(provider, "DescribeInstances", InstanceId__1=name).find("iamInstanceProfile") is None
    ec2(provider, "AssociateIamInstanceProfile", InstanceId=name, IamInstanceProfile__Name=PROFILE)
    # The type, with a stop and a start around it.
    ec2(provider, "StopInstances", InstanceId__1=name)
    in_state(provider, name, "stopped")
    ec2(provider, "ModifyInstanceAttribute", InstanceId=name, InstanceType__Value="t3.small")
    ec2(provider, "StartInstances", InstanceId__1=name)
    in_state(provider, name, "running")
    assert ec2(provider, "DescribeInstances", InstanceId__1=name).find("instanceType") == "t3.small"
    destroyed(provider, name)


@replays("aws_instance")
def test_instance_with_a_profile_that_is_not_there_yet(provider: Provider) -> None:
    """The words upon which the provider tries again for some minutes."""
    provider.no("RunInstances", "InvalidParameterValue", "Invalid IAM Instance Profile name", service="ec2",
                ImageId=IMAGE, InstanceType="t3.micro", MinCount="1", MaxCount="1", IamInstanceProfile__Name="soon")
    provider.no("DescribeInstances", "InvalidInstanceID.NotFound", service="ec2", InstanceId__1="i-0123456789abcdef0")


@replays("aws_instance", "aws_ec2_tag")
def test_the_root_disk_is_as_it_was_declared(provider: Provider) -> None:
    """`root_block_device` with its size, kind and tags: what is read must be what was asked for."""
    image = ec2(provider, "DescribeImages", "rootDeviceName", ImageId__1=IMAGE)
    name = started(provider, BlockDeviceMapping__1__DeviceName=image.find("rootDeviceName"),
                   BlockDeviceMapping__1__Ebs__VolumeSize="20", BlockDeviceMapping__1__Ebs__VolumeType="gp2",
                   BlockDeviceMapping__1__Ebs__DeleteOnTermination="true",
                   TagSpecification__1__ResourceType="volume", TagSpecification__1__Tag__1__Key="Name",
                   TagSpecification__1__Tag__1__Value="disk")
    disk = ec2(provider, "DescribeInstances", InstanceId__1=name).find("volumeId")
    volume = ec2(provider, "DescribeVolumes", VolumeId__1=disk)
    assert (volume.find("size"), volume.find("volumeType"), volume.find("iops")) == ("20", "gp2", "100")
    assert volume.find("throughput") is None, "a gp2 disk has none"
    assert (volume.find("key"), volume.find("value")) == ("Name", "disk")
    ec2(provider, "CreateTags", ResourceId__1=disk, Tag__1__Key="team", Tag__1__Value="x")
    ec2(provider, "DeleteTags", ResourceId__1=disk, Tag__1__Key="Name", Tag__1__Value="disk")
    listed = ec2(provider, "DescribeTags", Filter__1__Name="resource-id", Filter__1__Value__1=disk,
                 Filter__2__Name="key", Filter__2__Value__1="team")
    assert (listed.find_all("key"), listed.find("resourceType")) == (["team"], "volume")
    destroyed(provider, name)


@replays("aws_key_pair", "data.aws_key_pair")
def test_key_pair(provider: Provider) -> None:
    public = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFdcKvHKMdDOBOZ1KM3PbW2Ff8wEhCYzVXjHzUMWzEzB me@home")
    made = ec2(provider, "ImportKeyPair", "keyFingerprint", KeyName="mine",
               PublicKeyMaterial=base64.b64encode(public.encode()).decode(),
               TagSpecification__1__ResourceType="key-pair", TagSpecification__1__Tag__1__Key="a",
               TagSpecification__1__Tag__1__Value="b")
    read = ec2(provider, "DescribeKeyPairs", "keyType", "createTime", KeyName__1="mine", IncludePublicKey="true")
    assert read.find("keyPairId") == made.find("keyPairId") and read.find("key") == "a"
    assert read.find("publicKey").split()[:2] == public.split()[:2]
    ec2(provider, "DeleteKeyPair", KeyName="mine")
    provider.no("DescribeKeyPairs", "InvalidKeyPair.NotFound", service="ec2", KeyName__1="mine")


@replays("data.aws_vpc", "data.aws_subnet", "data.aws_subnets", "data.aws_security_group", "data.aws_security_groups",
         "data.aws_availability_zones", "data.aws_region", "data.aws_regions", "data.aws_instance_type",
         "data.aws_ec2_instance_type_offerings")
def test_places(provider: Provider) -> None:
    vpc = ec2(provider, "DescribeVpcs", "cidrBlock", "dhcpOptionsId", "instanceTenancy", "ownerId", "state",
              Filter__1__Name="isDefault", Filter__1__Value__1="true").find("vpcId")
    for what in ["enableDnsHostnames", "enableDnsSupport", "enableNetworkAddressUsageMetrics"]:
        assert ec2(provider, "DescribeVpcAttribute", VpcId=vpc, Attribute=what).find("value") is not None
    # The main route table is looked for and, where it is not told, left open with a warning.
    provider.no("DescribeRouteTables", "NotImplemented", service="ec2", Filter__1__Name="association.main",
                Filter__1__Value__1="true", Filter__2__Name="vpc-id", Filter__2__Value__1=vpc)
    ec2(provider, "DescribeSubnets", "subnetId", "availabilityZoneId", "mapPublicIpOnLaunch", "subnetArn",
        Filter__1__Name="vpc-id", Filter__1__Value__1=vpc)
    ec2(provider, "DescribeSecurityGroups", "groupId", "groupDescription", Filter__1__Name="group-name",
        Filter__1__Value__1="default", Filter__2__Name="vpc-id", Filter__2__Value__1=vpc)
    ec2(provider, "DescribeImages", "imageId", "creationDate", "rootDeviceName", "architecture", Owner__1="amazon",
        Filter__1__Name="state", Filter__1__Value__1="available")
    ec2(provider, "DescribeAvailabilityZones", "zoneName", "zoneId", Filter__1__Name="state",
        Filter__1__Value__1="available")
    ec2(provider, "DescribeRegions", "regionEndpoint", RegionName__1="us-east-1")
    ec2(provider, "DescribeRegions", "optInStatus", AllRegions="false", Filter__1__Name="opt-in-status",
        Filter__1__Value__1="opt-in-not-required")
    offered = ec2(provider, "DescribeInstanceTypeOfferings", LocationType="region", Filter__1__Name="instance-type",
                  Filter__1__Value__1="t3.micro", Filter__1__Value__2="t2.micro")
    assert sorted(offered.find_all("instanceType")) == ["t2.micro", "t3.micro"]
    ec2(provider, "DescribeInstanceTypes", "vCpuInfo", "memoryInfo", "supportedArchitectures",
        InstanceType__1="m5.2xlarge")


@replays("data.aws_ami")
@pytest.mark.parametrize(("owner", "name"), [
    ("amazon", "al2023-ami-2023*"), ("amazon", "amzn2-ami-hvm-*-gp2"), ("137112412989", "amzn2-ami-kernel-5.10-*"),
    ("099720109477", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-*-server-*"),
    ("099720109477", "ubuntu/images/*/ubuntu-noble-24.04-*"), ("136693071363", "debian-12-*")])
def test_image_by_its_name(provider: Provider, owner: str, name: str) -> None:
    """`most_recent` with a name, as most files have it; what is found starts."""
    found = ec2(provider, "DescribeImages", "creationDate", "rootDeviceName", Owner__1=owner, Filter__1__Name="name",
                Filter__1__Value__1=name, Filter__2__Name="virtualization-type", Filter__2__Value__1="hvm",
                Filter__3__Name="root-device-type", Filter__3__Value__1="ebs")
    [image] = found.find_all("imageId")
    assert found.find("imageOwnerId") == owner or found.find("imageOwnerAlias") == owner
    again = ec2(provider, "DescribeImages", ImageId__1=image)
    assert again.find("name") == found.find("name")
    none = ec2(provider, "DescribeImages", Owner__1="self", Filter__1__Name="name", Filter__1__Value__1=name)
    assert none.find_all("imageId") == []


@pytest.mark.parametrize("action", ["CreateVpc", "CreateSecurityGroup", "CreateSubnet", "CreateVolume",
                                    "CreateLaunchTemplate", "AllocateAddress"])
def test_what_is_not_built_is_told_at_once(provider: Provider, action: str) -> None:
    answer = provider.ask(action, "ec2", GroupName="g", GroupDescription="d", CidrBlock="10.0.0.0/16", VpcId="vpc-1",
                          AvailabilityZone="us-east-1a", LaunchTemplateName="abc")
    assert 400 <= answer.status < 500 and answer.code, (action, answer.body)
