"""The lab's documents and names, as the product's description has them."""

from __future__ import annotations

import json

from .clients import Aws
from .process import ACCOUNT, Credentials

POLICY = "s3_management"
POLICY_PATH = "/storage/"
POLICY_ARN = f"arn:aws:iam::{ACCOUNT}:policy/storage/s3_management"
ROLE = "robot"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/robot"
PROFILE = "profile-robot"
USER = "robot"
USER_PATH = "/auto/"
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/auto/robot"
USER_POLICY = "assume_role-robot"
SESSION = "AWSCLI-Session"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/robot/AWSCLI-Session"
BUCKETS = ["lab-first", "lab-second"]

MANAGED = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Condition": {},
     "Principal": {"Service": "ec2.amazonaws.com", "AWS": USER_ARN}}]})
TRUST_ACCOUNT = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Condition": {},
     "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}]})
TRUST_SERVICE_ONLY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]})
MAY_ASSUME = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE_ARN}]})


def declare(root: Aws) -> Aws:
    """Declares the lab with its first bucket; the lab's user."""
    root.s3.create_bucket(Bucket=BUCKETS[0])
    root.iam.create_policy(PolicyName=POLICY, Path=POLICY_PATH, PolicyDocument=MANAGED)
    root.iam.create_user(UserName=USER, Path=USER_PATH)
    root.iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
    root.iam.attach_role_policy(RoleName=ROLE, PolicyArn=POLICY_ARN)
    root.iam.put_user_policy(UserName=USER, PolicyName=USER_POLICY, PolicyDocument=MAY_ASSUME)
    return root.as_(Credentials.of(root.iam.create_access_key(UserName=USER)["AccessKey"]))
