"""An awake endpoint goes from an adapter to the base model alone and back, and stays the same endpoint."""

from typing import Any

import pytest

from core.endpoint.hosting import BASE
from finexpert.service.asking import inference
from finexpert.service.endpoint import switch

pytestmark = pytest.mark.app


def components(deployed: Any) -> list[str]:
    listed = deployed.target.client("sagemaker").list_inference_components()["InferenceComponents"]
    return sorted(component["InferenceComponentName"] for component in listed)


def test_an_adapter_leaves_and_comes_back(deployed: Any, awake: Any, finexpert: Any, answer: Any) -> None:
    created = inference.endpoint_created(deployed)

    told = finexpert("wake", "--base")
    assert "serving the base model alone" in told.stdout, told.stderr
    assert switch.read(deployed).artifact == BASE
    assert components(deployed) == ["finexpert-base"]
    assert [each["model"] for each in answer("ask", "Revenue", "--max-new-tokens", "4")] == ["base"]
    refused = finexpert("chat", "--to", "tuned")
    assert refused.returncode == 2
    assert "there is no model 'tuned' here: base" in refused.stderr

    assert finexpert("wake").returncode == 0
    assert components(deployed) == ["finexpert-base", "finexpert-tuned"]
    assert inference.endpoint_created(deployed) == created
