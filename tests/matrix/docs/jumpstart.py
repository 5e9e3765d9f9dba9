"""What AWS does for JumpStart's customers: put weights where the hub says. Here they are the shipped ones."""

import json

import boto3

from finexpert import paths

MODEL = "meta-textgeneration-llama-2-7b"


def main() -> None:
    """Make JumpStart's bucket, and the folder of Llama 2 7B in it."""
    hub = boto3.client("sagemaker").describe_hub_content(
        HubName="SageMakerPublicHub", HubContentType="Model", HubContentName=MODEL
    )
    place = json.loads(hub["HubContentDocument"])["HostingArtifactUri"]
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    for file in paths.BASE_MODEL.iterdir():
        if file.is_file():
            s3.upload_file(str(file), bucket, f"{prefix}{file.name}")


if __name__ == "__main__":
    main()
