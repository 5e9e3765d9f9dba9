"""The model itself, on a tiny random Llama, against transformers' own generation."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from serving.engine import Engine, ModelError, Pieces
from serving.requests import Generation, RequestError, parse_generation
from serving.settings import Settings
from tests.fakes.serving_model import SENTENCES, Kept, build_adapter, build_model

PROMPT = "The investment tests performed indicate"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SAGEMAKER_BASE_DIR with a model."""
    folder = tmp_path_factory.mktemp("serving")
    build_model(folder / "model")
    return folder


@pytest.fixture(scope="module")
def adapters(base: Path) -> list[Path]:
    return [build_adapter(base / f"adapter-{seed}", base / "model", seed=seed) for seed in (1, 2)]


@pytest.fixture
def engine(base: Path) -> Any:
    return Engine(Settings.from_environment({"SAGEMAKER_BASE_DIR": str(base), "OPTION_MAX_LORAS": "2"}))


def tokens_of(engine: Any, prompt: str = PROMPT, **parameters: Any) -> list[Any]:
    answer = Kept()
    engine.generate(Generation(prompt, **parameters), answer)
    return answer.tokens


def text(engine: Any, prompt: str = PROMPT, **parameters: Any) -> str:
    return "".join(token.text for token in tokens_of(engine, prompt, **parameters))


@pytest.mark.parametrize("prompt", [PROMPT, *SENTENCES])
def test_greedy_equals_transformers_own_generation(engine: Any, base: Path, prompt: str) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base / "model")
    model = AutoModelForCausalLM.from_pretrained(base / "model")
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    theirs = model.generate(ids, max_new_tokens=24, do_sample=False)[0, ids.shape[1] :]
    expected = tokenizer.decode(theirs, skip_special_tokens=True)
    assert text(engine, prompt, max_new_tokens=24) == expected


def test_a_seed_repeats_a_sample_and_another_one_does_not(engine: Any) -> None:
    sampled: dict[str, Any] = {"max_new_tokens": 32, "do_sample": True, "temperature": 2.0}
    one = text(engine, seed=1, **sampled)
    assert text(engine, seed=1, **sampled) == one
    assert text(engine, seed=2, **sampled) != one
    assert text(engine, seed=1, top_k=1, **sampled) == text(engine, max_new_tokens=32), "top_k 1 is greedy"


def test_streamed_pieces_are_the_whole_and_the_last_says_why(engine: Any) -> None:
    tokens = tokens_of(engine, max_new_tokens=20)
    assert [token.finish_reason for token in tokens[:-1]] == [None] * (len(tokens) - 1)
    assert tokens[-1].finish_reason == "length"
    assert "".join(token.text for token in tokens) == text(engine, max_new_tokens=20)


def test_a_character_of_several_tokens_is_reported_when_it_is_whole(engine: Any) -> None:
    euro = engine._tokenizer("a €", add_special_tokens=False)["input_ids"]
    assert len(euro) > 3, "one token a byte, or there is nothing to test"
    answer = Kept()
    prompt = engine._tokenizer(PROMPT)["input_ids"]
    pieces = Pieces(engine._tokenizer, prompt, set(), Generation(PROMPT, max_new_tokens=len(euro)), answer)
    over = [bool(pieces(torch.tensor([[*prompt, *euro[: i + 1]]]), None)) for i in range(len(euro))]
    assert over == [False] * (len(euro) - 1) + [True]
    texts = [token.text for token in answer.tokens]
    assert "".join(texts) == "a €"
    assert texts[-1] == "€"


def test_the_model_stops_when_the_reader_has_gone(engine: Any) -> None:
    answer = Kept(most=3)
    engine.generate(Generation(PROMPT, max_new_tokens=40), answer)
    assert [token.finish_reason for token in answer.tokens] == [None] * 3


def test_the_end_token_ends_the_answer(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tokens_of(engine, max_new_tokens=5)[0].token_id
    monkeypatch.setattr(engine, "_eos", {first})
    tokens = tokens_of(engine, max_new_tokens=5)
    assert [(token.text, token.finish_reason) for token in tokens] == [("", "eos_token")]


def test_a_stop_text_cuts_before_itself_wherever_tokens_end(engine: Any) -> None:
    whole = text(engine, max_new_tokens=40)
    stop = whole[10:14]
    cut = whole[: whole.index(stop)]
    tokens = tokens_of(engine, max_new_tokens=40, stop=(stop, "never seen"))
    assert "".join(token.text for token in tokens) == cut
    assert tokens[-1].finish_reason == "stop_sequence"
    assert text(engine, max_new_tokens=40, stop=("never seen",)) == whole, "nothing held back is lost"


def test_a_prompt_that_does_not_fit_is_refused_with_the_numbers(engine: Any) -> None:
    with pytest.raises(RequestError, match=r"more than the 256") as refused:
        text(engine, "word " * 300, max_new_tokens=20)
    assert refused.value.status == 422


def test_base_and_adapters_side_by_side(engine: Any, adapters: list[Path]) -> None:
    before = text(engine)
    engine.add_adapter("one", adapters[0])
    engine.add_adapter("two", adapters[1])
    one, two = text(engine, adapter="one"), text(engine, adapter="two")
    assert len({before, one, two}) == 3
    assert text(engine) == before, "without a name the base model answers, adapters loaded or not"
    assert text(engine, adapter="one") == one, "after the base and another adapter"
    with pytest.raises(RequestError) as full:
        engine.add_adapter("three", adapters[0])
    assert full.value.status == 507
    engine.remove_adapter("one")
    with pytest.raises(RequestError, match="not loaded; loaded: two") as gone:
        text(engine, adapter="one")
    assert gone.value.status == 404
    assert text(engine, adapter="two") == two
    engine.remove_adapter("two")
    assert text(engine) == before
    engine.add_adapter("one", adapters[1])
    assert text(engine, adapter="one") == two, "a name can be used again, for another adapter"


def test_adapters_that_do_not_fit_leave_the_model_as_it_was(
    engine: Any, adapters: list[Path], base: Path, tmp_path: Path
) -> None:
    before = text(engine)
    with pytest.raises(RequestError, match=r"adapter_config.json is missing"):
        engine.add_adapter("none", tmp_path)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "adapter_config.json").write_text((adapters[0] / "adapter_config.json").read_text())
    (broken / "adapter_model.safetensors").write_bytes(b"not weights")
    with pytest.raises(RequestError, match="cannot be loaded"):
        engine.add_adapter("broken", broken)
    large = build_adapter(tmp_path / "large", base / "model", seed=3, rank=128)
    with pytest.raises(RequestError, match="rank is 128; OPTION_MAX_LORA_RANK allows 64"):
        engine.add_adapter("large", large)
    dora = tmp_path / "dora"
    dora.mkdir()
    config = json.loads((adapters[0] / "adapter_config.json").read_text())
    (dora / "adapter_config.json").write_text(json.dumps(config | {"use_dora": True}))
    (dora / "adapter_model.safetensors").write_bytes((adapters[0] / "adapter_model.safetensors").read_bytes())
    with pytest.raises(RequestError, match="DoRA adapter, which vLLM does not load"):
        engine.add_adapter("dora", dora)
    assert text(engine) == before
    assert not [name for name, _ in engine._model.named_modules() if "lora" in name], "no layer is left"
    engine.add_adapter("one", adapters[0])
    with pytest.raises(RequestError, match="cannot be loaded"):
        engine.add_adapter("broken", broken)
    assert engine.adapters == ["one"]
    assert text(engine) == before
    assert text(engine, adapter="one") != before


def test_a_broken_model_is_said_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text("{}")
    with pytest.raises(ModelError, match=f"The model in {tmp_path}/model cannot be loaded"):
        Engine(Settings.from_environment({"SAGEMAKER_BASE_DIR": str(tmp_path)}))


def test_what_a_request_leaves_out_is_the_models_own_sampling(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base / "model", tmp_path / "model")
    own = {"temperature": 0.6, "top_p": 0.9, "do_sample": True}
    (tmp_path / "model" / "generation_config.json").write_text(json.dumps(own))
    engine = Engine(Settings.from_environment({"SAGEMAKER_BASE_DIR": str(tmp_path)}))
    assert engine.sampling == {"temperature": 0.6, "top_p": 0.9}
    body = json.dumps({"inputs": PROMPT, "parameters": {"do_sample": True, "temperature": 0.7}}).encode()
    asked = parse_generation(body, None, most_new_tokens=99, sampling=engine.sampling)
    assert (asked.temperature, asked.top_p) == (0.7, 0.9)
