"""Adapters and models of strangers: none changes the base, none keeps the server busy without end."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from starlette.datastructures import Headers

from serving.access import refusal
from serving.engine import Engine, ModelError
from serving.requests import Generation, RequestError
from serving.settings import Settings
from tests.fakes.serving_model import build_adapter, build_model

ENDLESS = f"({'.*' * 30})*XX"
REFUSED: dict[str, dict[str, Any]] = {
    "an expression for layers": {"target_modules": ENDLESS},
    "an expression in a list": {"target_modules": [ENDLESS]},
    "an expression for ranks": {"rank_pattern": {ENDLESS: 4}},
    "a rank beside the limit": {"rank_pattern": {"q_proj": 50_000_000}},
    "an alpha beside the limit": {"alpha_pattern": {"q_proj": 1e30}},
    "copies of layers": {"layer_replication": [[0, 1]] * 500},
    "whole modules": {"modules_to_save": ["lm_head"]},
    "biases": {"bias": "all"},
    "parameters by name": {"target_parameters": ["mlp.experts.gate_up_proj"]},
    "the layer inside another adapter": {"target_modules": ["base_layer"]},
    "a layer of another model": {"target_modules": ["query_key_value"]},
    "no layers": {"target_modules": []},
    "too many layers": {"target_modules": ["q_proj"] * 1001},
    "rank as text": {"r": "4"},
    "rank below one": {"r": 0},
    "rank without end": {"r": 10**12},
    "alpha without end": {"lora_alpha": 1e300},
    "alpha that is none": {"lora_alpha": float("nan")},
    "rsLoRA as text": {"use_rslora": "yes"},
    "another method": {"peft_type": "VERA"},
    "quantized start": {"loftq_config": {"loftq_bits": 4}},
    "an unknown name": {"brand_new_setting": 1},
    "other weights": {"r": 8},
}
HARMLESS: dict[str, dict[str, Any]] = {
    "weights from the base's singular values": {"init_lora_weights": "pissa"},
    "weights from another place": {"init_lora_weights": "olora"},
    "code of a module": {"megatron_core": "os", "auto_mapping": {"parent_library": "os"}},
    "another base": {"base_model_name_or_path": "../../etc", "revision": "main"},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    build_model(folder / "model")
    build_adapter(folder / "good", folder / "model", seed=1)
    return folder


@pytest.fixture(scope="module")
def engine(base: Path) -> Engine:
    return Engine(Settings.from_environment({"SAGEMAKER_BASE_DIR": str(base)}))


def hostile(folder: Path, good: Path, changes: dict[str, Any]) -> Path:
    """A copy of a good adapter with other settings."""
    shutil.copytree(good, folder)
    settings = json.loads((good / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(settings | changes))
    return folder


def weights_of(engine: Engine) -> dict[str, Any]:
    return {name: tensor.clone() for name, tensor in engine._model.state_dict().items()}


def assert_untouched(engine: Engine, before: dict[str, Any]) -> None:
    after = engine._model.state_dict()
    assert after.keys() == before.keys()
    assert all(bool((after[name] == before[name]).all()) for name in before)


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another"])
def test_settings_that_could_do_harm_are_refused(
    engine: Engine, base: Path, tmp_path: Path, changes: dict[str, Any], beside: bool
) -> None:
    if beside:
        engine.add_adapter("good", base / "good")
    try:
        before = weights_of(engine)
        with pytest.raises(RequestError) as refused:
            engine.add_adapter("evil", hostile(tmp_path / "evil", base / "good", changes))
        assert refused.value.status == 400
        assert_untouched(engine, before)
    finally:
        if beside:
            engine.remove_adapter("good")


@pytest.mark.parametrize("changes", HARMLESS.values(), ids=HARMLESS)
def test_settings_for_a_training_change_nothing_of_the_base(
    engine: Engine, base: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    before = weights_of(engine)
    engine.add_adapter("odd", hostile(tmp_path / "odd", base / "good", changes))
    engine.remove_adapter("odd")
    assert_untouched(engine, before)


def test_weights_must_be_exactly_those_of_the_settings(engine: Engine, base: Path, tmp_path: Path) -> None:
    before = weights_of(engine)
    tensors = load_file(base / "good" / "adapter_model.safetensors")
    name, some = next(iter(tensors.items()))
    cases = {
        "more": {**tensors, "base_model.model.lm_head.weight": some + 1},
        "fewer": {key: tensor for key, tensor in tensors.items() if key != name},
        "wider": {**tensors, name: some.repeat(1, 2)},
        "endless": {**tensors, name: some * float("inf")},
    }
    for case, weights in cases.items():
        folder = hostile(tmp_path / case, base / "good", {})
        save_file(weights, folder / "adapter_model.safetensors")
        with pytest.raises(RequestError, match=f"Adapter {case}"):
            engine.add_adapter(case, folder)
    assert_untouched(engine, before)


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "[]", "null", '{"r": ' + "1" * 5000 + "}", " " * 2_000_000]
)
def test_settings_that_are_no_settings(engine: Engine, base: Path, tmp_path: Path, content: str) -> None:
    folder = hostile(tmp_path / "odd", base / "good", {})
    (folder / "adapter_config.json").write_text(content)
    with pytest.raises(RequestError):
        engine.add_adapter("odd", folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_hidden_layers": 1_000_000},
        {"hidden_size": 1 << 30},
        {"vocab_size": 1 << 30},
        {"num_hidden_layers": "many"},
        {"num_local_experts": 10**9, "model_type": "mixtral"},
        {"intermediate_size": 1 << 18},
        {"quantization_config": {"quant_method": "gptq", "bits": 4}},
        {"auto_map": {"AutoModelForCausalLM": "evil.Model"}, "model_type": "evil"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_model_of_a_stranger_is_refused_in_a_line(
    base: Path, tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def load(*_: Any, **__: Any) -> Any:
        taken.append("memory")
        raise ImportError("gptq")

    shutil.copytree(base / "model", tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    (tmp_path / "model" / "config.json").write_text(json.dumps(config | changes))
    (tmp_path / "model" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.setattr("serving.engine.AutoModelForCausalLM.from_pretrained", load)
    with pytest.raises(ModelError, match="cannot be loaded"):
        Engine(Settings.from_environment({"SAGEMAKER_BASE_DIR": str(tmp_path)}))
    assert not (tmp_path / "ran").exists()
    assert bool(taken) == ("quantization_config" in changes)  # its shape is as it should be


class Panic(BaseException):
    """What pyo3 raises where Rust panics: no Exception."""


def test_a_tokenizer_that_panics_is_named_in_a_line(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*_: Any, **__: Any) -> Any:
        raise Panic("called `Option::unwrap()` on a `None` value")

    monkeypatch.setattr("serving.engine.AutoTokenizer.from_pretrained", panic)
    with pytest.raises(ModelError, match=r"cannot be loaded: called `Option::unwrap"):
        Engine(Settings.from_environment({"SAGEMAKER_BASE_DIR": str(base)}))


def test_a_bad_adapter_at_the_start_is_named_in_a_line(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base / "model", tmp_path / "model")
    hostile(tmp_path / "model" / "adapters" / "evil", base / "good", {"r": 0})
    with pytest.raises(ModelError, match=r"Adapter evil cannot be loaded: .*rank"):
        Engine(Settings.from_environment({"SAGEMAKER_BASE_DIR": str(tmp_path)}))


def test_an_endless_prompt_is_refused_before_tokens(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: Any, **__: Any) -> Any:
        raise AssertionError("the prompt was tokenized")

    monkeypatch.setattr(type(engine._tokenizer), "__call__", cut)
    with pytest.raises(RequestError, match="characters; that is more than the 256 tokens"):
        engine.prompt_ids(Generation("word " * 1_000_000))


@pytest.mark.parametrize(
    ("path", "headers", "key", "status"),
    [
        ("/ping", {}, "secret", None),
        ("/adapters", {"authorization": "Bearer secret"}, "secret", None),
        ("/invocations", {"authorization": "Bearer secret", "host": "evil.example"}, "secret", None),
        ("/adapters", {}, "secret", 401),
        ("/adapters/x", {"authorization": "secret"}, "secret", 401),
        ("/invocations", {"authorization": "Bearer secret2"}, "secret", 401),
        ("/invocations", {"authorization": "bearer secret"}, "secret", 401),
        ("/adapters", {"host": "127.0.0.1:8080"}, "", 403),
        ("/invocations", {"host": "127.0.0.1:8080"}, "", None),
        ("/invocations", {"host": "localhost:8080"}, "", None),
        ("/invocations", {"host": "evil.example:8080"}, "", 403),
        ("/invocations", {}, "", 403),
        ("/invocations", {"host": "127.0.0.1:8080", "origin": "https://evil.example"}, "", 403),
    ],
)
def test_only_who_has_the_key_changes_adapters_and_no_page_asks(
    path: str, headers: dict[str, str], key: str, status: int | None
) -> None:
    refused = refusal(path, Headers(headers), key)
    assert (refused and refused[0]) == status
