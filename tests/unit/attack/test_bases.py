"""A base model's settings that claim a shape which its weights do not have, before memory is taken for it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from core.failures import TrainingFailure
from tests.fakes.serving_model import build_model
from training.model.weights import inspect_weights

HOSTILE: dict[str, dict[str, Any]] = {
    "wide layers": {"hidden_size": 1 << 20, "num_attention_heads": 1024, "num_key_value_heads": 1024},
    "wide layers that are allowed alone": {"intermediate_size": 1 << 20},
    "many words": {"vocab_size": 1 << 20},
    "many layers": {"num_hidden_layers": 1_000_000},
    "many layers that are allowed alone": {"num_hidden_layers": 1024},
    "many experts": {"model_type": "mixtral", "num_local_experts": 10**9},
    "many experts that are allowed alone": {"model_type": "mixtral", "num_local_experts": 1024},
    "numbers without end": {"hidden_size": 10**4000},
    "fewer than nothing": {"vocab_size": -1},
    "half a layer": {"num_hidden_layers": 0.5},
    "layers as text": {"num_hidden_layers": "2"},
    "no number": {"hidden_size": float("nan")},
    "other code": {"model_type": "evil", "auto_map": {"AutoModelForCausalLM": "evil.Model"}},
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("base") / "model")


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_a_shape_that_the_weights_do_not_have_is_refused_before_loading(
    honest: Path, tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(*_: Any, **__: Any) -> Any:
        raise AssertionError("memory was taken")

    folder = tmp_path / "model"
    shutil.copytree(honest, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", made)
    monkeypatch.setattr(torch, "zeros", made)
    with pytest.raises(TrainingFailure, match=r"config\.json (says|cannot be|is of)"):
        inspect_weights(folder)


def test_a_settings_file_without_end_is_refused(honest: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(honest, folder)
    (folder / "config.json").write_text("[" * 200_000)
    with pytest.raises(TrainingFailure, match=r"config\.json cannot be read"):
        inspect_weights(folder)


def test_an_honest_model_is_taken(honest: Path) -> None:
    assert inspect_weights(honest)["model_type"] == "llama"
