"""The deploy asks the hub for the weights: what it takes, and what it says where it cannot ask."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from core.endpoint import weights
from infra.base_weights import resolve
from infra.settings import Settings
from tests.unit.infra.test_app import synthesize, template

SIGNED_IN = {"CDK_DEFAULT_ACCOUNT": "111122223333"}
FOUND = "s3://jumpstart-private-cache-prod-us-east-1/llama/artifacts/inference-prepack/v7.0.0/"
MISTRAL = "huggingface-llm-mistral-7b-v3"


class Hub:
    """Answers DescribeHubContent, or refuses."""

    def __init__(self, document: dict[str, Any] | None = None, *, error: str = "") -> None:
        self.document, self.error = document or {}, error
        self.asked: list[dict[str, str]] = []

    def __call__(self, region: str) -> Any:
        return self

    def describe_hub_content(self, **request: str) -> dict[str, Any]:
        self.asked.append(request)
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "no"}}, "DescribeHubContent")
        return {
            "HubContentName": request["HubContentName"],
            "HubContentVersion": request.get("HubContentVersion", "5.0.0"),
            "HubContentDocument": json.dumps(self.document),
            "SupportStatus": "Supported",
        }


def test_the_hubs_prefix_is_taken_and_said() -> None:
    hub = Hub({"HostingArtifactUri": FOUND})
    settings, note = resolve(Settings.load({}, {}), SIGNED_IN, hub)
    assert settings.base_model_uri == FOUND and settings.gated and not settings.own_weights
    assert note is not None and note.level == "info"
    assert f"{weights.LLAMA_2_7B} 5.0.0" in note.text and FOUND in note.text and "licence" in note.text


def test_a_pinned_version_is_asked_for() -> None:
    hub = Hub({"HostingArtifactUri": FOUND})
    _, note = resolve(Settings.load({"base_model_version": "4.1.0"}, {}), SIGNED_IN, hub)
    assert hub.asked[0]["HubContentVersion"] == "4.1.0" and note is not None and "4.1.0" in note.text


def test_weights_that_are_named_are_not_asked_for() -> None:
    hub, given = Hub(), Settings.load({"base_model_uri": "s3://mine/x/"}, {})
    assert resolve(given, SIGNED_IN, hub) == (given, None) and hub.asked == []


@pytest.mark.parametrize("environ", [{}, SIGNED_IN])
@pytest.mark.parametrize(("model", "level"), [(weights.LLAMA_2_7B, "warning"), ("other-model", "error")])
def test_where_the_hub_is_silent_known_weights_stand(model: str, level: str, environ: dict[str, str]) -> None:
    given = Settings.load({"base_model": model}, {})
    settings, note = resolve(given, environ, Hub(error="AccessDeniedException"))
    assert settings == given
    assert note is not None and note.level == level
    assert ("AccessDenied" in note.text) is bool(environ)
    assert given.base_model_location("") in note.text or "set base_model_uri" in note.text


def test_an_archive_stops_the_deploy() -> None:
    given = Settings.load({}, {})
    _, note = resolve(given, SIGNED_IN, Hub({"HostingArtifactUri": "s3://x/model.tar.gz"}))
    assert note is not None and note.level == "error" and "base_model_uri" in note.text


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        (weights.LLAMA_2_7B, "/finexpert/training/accept_eula"),
        (
            "meta-textgeneration-llama-3-1-8b-instruct",
            "accept_eula/meta-textgeneration-llama-3-1-8b-instruct",
        ),
        (MISTRAL, ""),
    ],
)
def test_each_gated_model_asks_for_its_own_licence(tmp_path: Path, model: str, asked: str) -> None:
    synthesize(tmp_path, FINEXPERT_BASE_MODEL=model)
    training = template(tmp_path, "Training")
    held = [p["Default"] for k, p in training["Parameters"].items() if k.startswith("Held")]
    assert [name.endswith(asked) for name in held] == ([True] if asked else [])
    assert ("AcceptEula" in json.dumps(training)) is bool(asked)
    shown = "".join(file.read_text() for file in tmp_path.glob("*.metadata.json"))
    assert "SageMakerPublicHub could not be asked" in shown
    assert (f"the first deploy with {model} needs its licence" in shown) is bool(asked)


def test_an_unknown_model_can_be_listed_and_destroyed_and_not_deployed(tmp_path: Path) -> None:
    synthesize(tmp_path, FINEXPERT_BASE_MODEL="other-model")
    shown = json.loads((tmp_path / "FinExpert-Training.metadata.json").read_text())
    levels = {entry["type"] for entries in shown.values() for entry in entries}
    assert "aws:cdk:error" in levels
