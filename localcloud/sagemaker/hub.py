"""JumpStart's public hub, with a few models: what their documents say of files and instances, and links.

Sources: SageMaker developer guide, "Model properties" of a HubContentDocument; sagemaker-python-sdk,
`jumpstart/hub/interfaces.py`. The prefixes are those of public code: the SDK's tests for Llama 2 7B,
Terraform configurations for the others. The versions are made up.
"""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localcloud import platform
from localcloud.protocol import ApiError, validation
from localcloud.sagemaker import catalog

HUB = "SageMakerPublicHub"
_GATED, _OPEN = "jumpstart-private-cache-prod", "jumpstart-cache-prod"


@dataclass(frozen=True)
class Model:
    """One model of the hub; `weights` is the key of its files, `versions` begin with the newest."""

    name: str
    versions: tuple[str, ...]
    weights: str
    gated: bool
    licence: str


_LLAMA = "meta-textgeneration"
MODELS = {
    f"{_LLAMA}-llama-2-7b": Model(
        "Meta Llama 2 7B",
        ("4.19.0", "4.18.0"),
        f"{_LLAMA}/{_LLAMA}-llama-2-7b/artifacts/inference-prepack/v1.0.0/",
        gated=True,
        licence="fmhMetadata/eula/llamaEula.txt",
    ),
    f"{_LLAMA}-llama-3-1-8b-instruct": Model(
        "Meta Llama 3.1 8B Instruct",
        ("2.40.0",),
        f"{_LLAMA}/{_LLAMA}-llama-3-1-8b-instruct/artifacts/inference-prepack/v2.0.0/",
        gated=True,
        licence="fmhMetadata/eula/llama3_1Eula.txt",
    ),
    "huggingface-llm-mistral-7b-v3": Model(
        "Mistral 7B v3",
        ("1.0.0",),
        "huggingface-llm/huggingface-llm-mistral-7b-v3/artifacts/inference-prepack/v1.0.0/",
        gated=False,
        licence="",
    ),
}


def describe(params: dict[str, Any]) -> dict[str, Any]:
    """Describe a model in one version, or in the newest."""
    name, model, version = _find(params)
    arn = f"arn:aws:sagemaker:{platform.region()}:aws"
    return {
        "HubContentName": name,
        "HubContentArn": f"{arn}:hub-content/{HUB}/Model/{name}/{version}",
        "HubContentVersion": version,
        "HubContentType": "Model",
        "DocumentSchemaVersion": "2.3.0",
        "HubName": HUB,
        "HubArn": f"{arn}:hub/{HUB}",
        "HubContentDisplayName": model.name,
        "HubContentDocument": json.dumps(_document(name, model)),
        "SupportStatus": "Supported",
        "HubContentStatus": "Available",
        "CreationTime": 1_700_000_000.0,
    }


def presigned_urls(params: dict[str, Any]) -> dict[str, Any]:
    """Links to a model's files; those of a gated model need the licence accepted in the request."""
    _, model, _ = _find(params)
    if model.gated and params.get("AccessConfig", {}).get("AcceptEula") is not True:
        raise validation("The AcceptEula value must be explicitly defined as True to access a gated model.")
    s3, bucket = platform.client("s3"), _bucket(model)
    try:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=model.weights).get("Contents", [])
    except ClientError:
        found = []  # no weights are stored there
    return {
        "AuthorizedUrlConfigs": [
            {
                "Url": s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": entry["Key"]}),
                "LocalPath": entry["Key"].removeprefix(model.weights),
            }
            for entry in found
        ]
    }


def _find(params: dict[str, Any]) -> tuple[str, Model, str]:
    hub, name = params["HubName"].rpartition("/")[2], params["HubContentName"]
    model = MODELS.get(name)
    if hub != HUB or params["HubContentType"] != "Model" or model is None:
        raise ApiError("ResourceNotFound", f"Hub content {name} of hub {hub} does not exist.")
    version = params.get("HubContentVersion") or model.versions[0]
    if version not in model.versions:
        raise ApiError("ResourceNotFound", f"Hub content {name} of hub {hub} has no version {version}.")
    return name, model, version


def _bucket(model: Model) -> str:
    return f"{_GATED if model.gated else _OPEN}-{platform.region()}"


def _document(name: str, model: Model) -> dict[str, Any]:
    region = platform.region()
    licence = {"HostingEulaUri": f"s3://{_OPEN}-{region}/{model.licence}"} if model.licence else {}
    return {
        "GatedBucket": model.gated,
        "HostingArtifactUri": f"s3://{_bucket(model)}/{model.weights}",
        "DefaultInferenceInstanceType": "ml.g5.2xlarge",
        "TrainingArtifactUri": f"s3://{_bucket(model)}/meta-training/train-{name}.tar.gz",
        "DefaultTrainingInstanceType": "ml.g5.12xlarge",
        **licence,
    }


OPERATIONS: dict[str, catalog.Operation] = {
    "DescribeHubContent": describe,
    "CreateHubContentPresignedUrls": presigned_urls,
}
