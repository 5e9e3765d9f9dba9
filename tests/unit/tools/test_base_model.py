"""The shipped base checkpoint: small, whole, what its manifest says, and rebuilt the same way."""

import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from tools.base_model import corpus as corpus_module
from tools.base_model.corpus import build_corpus, is_prose, plain_text
from tools.base_model.pretrain import (
    Recipe,
    bits_per_byte,
    build_model,
    joined,
    learning_rate,
    pretrain,
    token_stream,
    train_tokenizer,
)
from training.model.weights import inspect_weights

SHIPPED = Path(__file__).parents[3] / "base_model"
DOCUMENTS = [f"The volume of contract {i} rose to {7 * i} while the margin fell." for i in range(60)]


def test_the_files_are_those_of_the_manifest_and_small() -> None:
    manifest = json.loads((SHIPPED / "manifest.json").read_text())
    files = [file for file in SHIPPED.iterdir() if file.name != "manifest.json"]
    assert {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files} == manifest["files"]
    assert sum(file.stat().st_size for file in files) < 10_000_000
    assert manifest["recipe"] == asdict(Recipe())


def test_the_checkpoint_is_one_that_a_job_accepts_and_names_no_folder() -> None:
    config = inspect_weights(SHIPPED)
    assert (config["model_type"], config["vocab_size"]) == ("llama", Recipe().vocabulary)
    assert "_name_or_path" not in config


def test_it_loads_like_any_llama_and_writes(capsys: pytest.CaptureFixture[str]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    model = AutoModelForCausalLM.from_pretrained(SHIPPED)
    ids = tokenizer("The results for the options", return_tensors="pt")["input_ids"]
    assert ids[0, 0] == tokenizer.bos_token_id
    written = model.generate(input_ids=ids, max_new_tokens=5, do_sample=False)
    assert written.shape[1] > ids.shape[1]
    text = "Revenue of $4.5 billion (+12%) — naïve ≥ 3\n\ttab"
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text


def test_a_corpus_is_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_module, "DOCSTRING_PACKAGES", ())
    monkeypatch.setattr(corpus_module, "MONEY_SERVICES", re.compile("^(budgets|ce|freetier)$"))
    one, two = (build_corpus(size=0, seed=0, held_out=5) for _ in range(2))
    other = build_corpus(size=0, seed=1, held_out=5)
    assert one.digest == two.digest != other.digest
    assert len(one.held_out) == 5
    assert not set(one.held_out) & set(one.training)
    assert all(is_prose(text) for text in one.training)


def test_markup_becomes_plain_text() -> None:
    assert plain_text("<p>Costs &amp; <b>usage</b>.</p><ul><li>a</li><li>b</li></ul>") == "Costs & usage. a b"


@pytest.mark.parametrize(
    ("text", "prose"), [("too short", False), ("word " * 50, True), ("x = {1: 2}; " * 30, False)]
)
def test_prose_is_distinguished_from_code(text: str, prose: bool) -> None:
    assert is_prose(text) is prose


def test_pre_training_repeats_itself_and_learns() -> None:
    small = {"vocabulary": 300, "hidden": 32, "feed_forward": 64, "layers": 2, "heads": 2, "context": 64}
    recipe = Recipe(**small, tokens_per_step=512, steps=40)
    tokenizer = train_tokenizer(DOCUMENTS, recipe)
    tokens = token_stream(joined(DOCUMENTS, 3), tokenizer)
    assert int((tokens == tokenizer.eos_token_id).sum()) == 20
    one, two = build_model(recipe, tokenizer), build_model(recipe, tokenizer)
    before = bits_per_byte(one, DOCUMENTS[:10], tokenizer)
    losses = pretrain(one, tokens, recipe)
    assert losses[:3] == pretrain(two, tokens, recipe, steps=3)
    assert bits_per_byte(one, DOCUMENTS[:10], tokenizer) < before - 0.5
    assert all(torch.isfinite(parameter).all() for parameter in one.parameters())


def test_the_learning_rate_warms_up_and_falls_to_a_tenth() -> None:
    recipe = Recipe(steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate(step, recipe) for step in range(101)]
    assert rates[0] < rates[5] < rates[10]
    assert rates[100] == pytest.approx(0.1)
    assert max(rates) <= 1.0
