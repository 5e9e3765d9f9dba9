"""CDK's bootstrap stack: removed where the account is ours alone, as on a demo's own embedded cloud."""

from __future__ import annotations

from typing import Any

from finexpert.target import Target

STACK = "CDKToolkit"
WAIT_SECONDS = 0.2
WAIT_ATTEMPTS = 300


def remove(target: Target) -> None:
    """Empty the bootstrap bucket, delete the stack, and the bucket, which the stack keeps.

    Raises:
        ValueError: the target is AWS, where other apps of the account may need it.
    """
    if not target.is_local:
        raise ValueError("the bootstrap stack of an AWS account may serve other apps: it is not removed")
    cloudformation, s3 = target.client("cloudformation"), target.client("s3")
    resources = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    buckets = [r["PhysicalResourceId"] for r in resources if r["ResourceType"] == "AWS::S3::Bucket"]
    for bucket in buckets:
        empty(s3, bucket)
    cloudformation.delete_stack(StackName=STACK)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=STACK, WaiterConfig={"Delay": WAIT_SECONDS, "MaxAttempts": WAIT_ATTEMPTS})
    kept = {entry["Name"] for entry in s3.list_buckets()["Buckets"]}
    for bucket in kept.intersection(buckets):
        s3.delete_bucket(Bucket=bucket)


def empty(s3: Any, bucket: str) -> None:
    """Delete every version of every object of a bucket."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for entry in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])
