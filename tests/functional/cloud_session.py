"""The one place where tests get the credentials of an embedded cloud that they started."""

import boto3

from localcloud.lifecycle import Cloud


def session(cloud: Cloud) -> boto3.Session:
    """A session of the account's root on this cloud, independent of the AWS settings around the tests."""
    of = cloud.environment()
    return boto3.Session(
        aws_access_key_id=of["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=of["AWS_SECRET_ACCESS_KEY"],
        region_name=of["AWS_REGION"],
    )
