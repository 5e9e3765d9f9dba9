"""JumpStart's weights: what is read out of a hub document, and what is known without the hub."""

import json
from typing import Any

import pytest

from core.endpoint import weights


def answer(**document: Any) -> dict[str, Any]:
    """DescribeHubContent's, with some fields of the document."""
    return {
        "HubContentName": "some-model",
        "HubContentVersion": "1.2.3",
        "SupportStatus": "Supported",
        "HubContentDocument": json.dumps(document),
    }


PREFIX = "s3://jumpstart-cache-prod-us-east-1/some-model/artifacts/inference-prepack/v1.0.0/"
ARCHIVE = "s3://jumpstart-cache-prod-us-east-1/infer-some-model.tar.gz"


@pytest.mark.parametrize(
    "artifacts",
    [
        {"HostingArtifactUri": PREFIX},
        {"HostingArtifactUri": ARCHIVE, "HostingPrepackedArtifactUri": PREFIX},
        {"HostingArtifactUri": None, "HostingPrepackedArtifactUri": PREFIX},
    ],
)
def test_the_weights_are_the_artifact_that_is_a_prefix(artifacts: dict[str, Any]) -> None:
    assert weights.read(answer(**artifacts)).weights == PREFIX


@pytest.mark.parametrize("artifacts", [{}, {"HostingArtifactUri": ARCHIVE}])
def test_weights_in_an_archive_are_refused_with_what_to_do(artifacts: dict[str, Any]) -> None:
    with pytest.raises(weights.Unusable, match="set base_model_uri"):
        weights.read(answer(**artifacts))


def test_a_licence_in_a_bucket_can_be_opened_in_a_browser() -> None:
    found = weights.read(answer(HostingArtifactUri=PREFIX, HostingEulaUri="s3://cache/eula/x.txt"))
    assert found.licence == "https://cache.s3.amazonaws.com/eula/x.txt"
    assert str(found) == "some-model 1.2.3 of SageMakerPublicHub"


def test_gated_open_and_own_weights_are_told_apart_by_their_bucket() -> None:
    gated, open_ = (weights.known(model, "eu-west-2") for model in (weights.LLAMA_2_7B, MISTRAL))
    assert weights.is_gated(gated) and weights.is_jumpstart(gated)
    assert not weights.is_gated(open_) and weights.is_jumpstart(open_)
    assert weights.model_of(gated) == weights.LLAMA_2_7B and weights.model_of(open_) == MISTRAL
    assert not weights.is_jumpstart("s3://mine/x/") and weights.model_of("s3://mine/x/artifacts/") == ""
    assert weights.known("some-model", "eu-west-2") == ""


MISTRAL = "huggingface-llm-mistral-7b-v3"
