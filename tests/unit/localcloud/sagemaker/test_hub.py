"""The public hub: models by version, links to their files, and AWS's refusals."""

import json
from typing import Any

import pytest

from localcloud import platform
from localcloud.protocol import ApiError
from localcloud.sagemaker import api

LLAMA, MISTRAL = "meta-textgeneration-llama-2-7b", "huggingface-llm-mistral-7b-v3"


class Bucket:
    """As much of S3 as the hub asks: a bucket that holds one folder."""

    def list_objects_v2(self, Bucket: str, Prefix: str) -> dict[str, Any]:
        return {"Contents": [{"Key": f"{Prefix}{name}"} for name in ("config.json", "model.safetensors")]}

    def generate_presigned_url(self, operation: str, params: dict[str, str]) -> str:
        return f"https://{params['Bucket']}/{params['Key']}?signed"


def ask(operation: str, name: str, **more: Any) -> dict[str, Any]:
    content = {"HubName": "SageMakerPublicHub", "HubContentType": "Model", "HubContentName": name}
    return api.call(operation, content | more)


def test_a_model_is_described_in_its_newest_version_or_the_one_asked_for(fake: Any) -> None:
    found = ask("DescribeHubContent", LLAMA)
    assert found["HubContentVersion"] == "4.19.0"
    document = json.loads(found["HubContentDocument"])
    assert document["GatedBucket"] is True and document["HostingEulaUri"].endswith("llamaEula.txt")
    assert document["HostingArtifactUri"].startswith("s3://jumpstart-private-cache-prod-eu-central-1/")
    assert ask("DescribeHubContent", LLAMA, HubContentVersion="4.18.0")["HubContentVersion"] == "4.18.0"


@pytest.mark.parametrize("wrong", [{"HubContentName": "nope"}, {"HubContentVersion": "9.9.9"}])
def test_what_the_hub_does_not_have_is_not_found(wrong: dict[str, str], fake: Any) -> None:
    with pytest.raises(ApiError) as refused:
        ask("DescribeHubContent", **{"name": LLAMA, **wrong})
    assert refused.value.code == "ResourceNotFound"


def test_links_to_gated_files_need_the_licence(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "client", lambda service: Bucket())
    operation = "CreateHubContentPresignedUrls"
    with pytest.raises(ApiError, match="AcceptEula"):
        ask(operation, LLAMA)
    links = ask(operation, LLAMA, AccessConfig={"AcceptEula": True})["AuthorizedUrlConfigs"]
    assert [link["LocalPath"] for link in links] == ["config.json", "model.safetensors"]
    assert ask(operation, MISTRAL)["AuthorizedUrlConfigs"][0]["Url"].endswith("config.json?signed")
