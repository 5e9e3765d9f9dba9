"""The base weights that JumpStart offers, and their places by AWS's public hub."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core import Explained
from core.aws.calls import pages
from core.aws.s3 import S3Address

HUB = "SageMakerPublicHub"
LLAMA_2_7B = "meta-textgeneration-llama-2-7b"
"""The model of JumpStart that the product uses unless a setting names another."""
MODEL_ID = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}")
GATED_BUCKET = "jumpstart-private-cache-prod-"
"""Start of the names of the buckets with weights that AWS hands out only with the licence accepted."""
OPEN_BUCKET = "jumpstart-cache-prod-"
"""Start of the names of JumpStart's other buckets."""

# Prefixes that public code names, for when the hub cannot be read: the tests of sagemaker-python-sdk have
# Llama 2 7B's, Terraform configurations on GitHub have the others. This project has never seen them answer.
_KNOWN = {
    LLAMA_2_7B: (GATED_BUCKET, "meta-textgeneration", "v1.0.0", "https://ai.meta.com/llama/license/"),
    "meta-textgeneration-llama-3-1-8b-instruct": (
        GATED_BUCKET,
        "meta-textgeneration",
        "v2.0.0",
        "https://www.llama.com/llama3_1/license/",
    ),
    "huggingface-llm-mistral-7b-v3": (
        OPEN_BUCKET,
        "huggingface-llm",
        "v1.0.0",
        "https://www.apache.org/licenses/LICENSE-2.0",
    ),
}
_IN_PATH = re.compile(r"/([^/]+)/artifacts/")


class Unusable(Explained):
    """The hub has the model, and its weights cannot be mounted as they are."""


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """One version of a model, as the hub describes it.

    weights: S3 prefix of its files in Hugging Face layout.
    training: its artifact for JumpStart's own training script, which this product does not use.
    licence: where its licence can be read; "" where the hub names none.
    status: `Supported`, `Deprecated` or `Restricted`.
    """

    model_id: str
    version: str
    weights: str
    training: str
    licence: str
    hosting_instance_type: str
    training_instance_type: str
    status: str

    def __str__(self) -> str:
        return f"{self.model_id} {self.version} of {HUB}"


def ask(sagemaker: Any, model_id: str, version: str = "") -> HubModel:
    """Ask the hub for its description of a model; `version` "" is the newest.

    Raises:
        Unusable: the hub knows no weights of it that can be mounted.
        botocore.exceptions.ClientError: the hub does not have it, or may not be read.
    """
    chosen = {"HubContentVersion": version} if version else {}
    return read(
        sagemaker.describe_hub_content(HubName=HUB, HubContentType="Model", HubContentName=model_id, **chosen)
    )


def read(answer: Mapping[str, Any]) -> HubModel:
    """The model in an answer of DescribeHubContent.

    Raises:
        Unusable: no artifact of it is a prefix with files; archives are not unpacked for the job.
    """
    document = json.loads(answer["HubContentDocument"])
    name, version = str(answer["HubContentName"]), str(answer["HubContentVersion"])
    artifacts = [str(document.get(f"Hosting{kind}Uri") or "") for kind in ("Artifact", "PrepackedArtifact")]
    weights = next((uri for uri in artifacts if uri.startswith("s3://") and uri.endswith("/")), "")
    if not weights:
        given = " and ".join(filter(None, artifacts)) or "no weights"
        raise Unusable(
            f"The hub has {given} for {name} {version}, and the job needs unpacked files under a prefix:"
            " upload them to a bucket of yours and set base_model_uri"
        )
    return HubModel(
        model_id=name,
        version=version,
        weights=weights,
        training=str(document.get("TrainingArtifactUri") or ""),
        licence=_address(str(document.get("HostingEulaUri") or "")) or licence(name),
        hosting_instance_type=str(document.get("DefaultInferenceInstanceType") or ""),
        training_instance_type=str(document.get("DefaultTrainingInstanceType") or ""),
        status=str(answer.get("SupportStatus") or "Supported"),
    )


def files(sagemaker: Any, model: HubModel, *, accept_eula: bool) -> dict[str, str]:
    """Links to a model's files by their names, for some minutes; gated ones need the licence accepted."""
    access: dict[str, Any] = {"AccessConfig": {"AcceptEula": True}} if accept_eula else {}
    answers = pages(
        sagemaker.create_hub_content_presigned_urls,
        HubName=HUB,
        HubContentType="Model",
        HubContentName=model.model_id,
        HubContentVersion=model.version,
        **access,
    )
    return {entry["LocalPath"]: entry["Url"] for page in answers for entry in page["AuthorizedUrlConfigs"]}


def known(model_id: str, region: str) -> str:
    """The S3 prefix of a model's weights as public code has it; "" for a model that is not known here."""
    if model_id not in _KNOWN:
        return ""
    bucket, family, version, _ = _KNOWN[model_id]
    return f"s3://{bucket}{region}/{family}/{model_id}/artifacts/inference-prepack/{version}/"


def licence(model_id: str) -> str:
    """The address of a model's licence; "" for a model that is not known here."""
    return _KNOWN[model_id][3] if model_id in _KNOWN else ""


def is_gated(uri: str) -> bool:
    """Whether AWS hands out what lies at an S3 address only with the licence accepted."""
    return uri.startswith(f"s3://{GATED_BUCKET}")


def is_jumpstart(uri: str) -> bool:
    """Whether an S3 address is in one of JumpStart's buckets, to which only AWS can upload."""
    return is_gated(uri) or uri.startswith(f"s3://{OPEN_BUCKET}")


def model_of(uri: str) -> str:
    """The model whose weights lie at an address of JumpStart's; "" where the address does not say."""
    found = _IN_PATH.search(uri)
    return found[1] if found and is_jumpstart(uri) else ""


def _address(uri: str) -> str:
    """An S3 address as a browser opens it; other addresses as they are."""
    if not uri.startswith("s3://"):
        return uri
    bucket, key = S3Address.parse(uri)
    return f"https://{bucket}.s3.amazonaws.com/{key}"
