"""The trainer's tokenizer beside transformers': same tokens, texts and marks, for any text."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken
from tokenizers import Tokenizer as Model
from transformers import AutoTokenizer

from training.data.tokenizer import load_tokenizer
from training.model.weights import base_config

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("folder", ["tiny", "shipped"])
def test_tokens_and_texts_are_those_of_transformers(weights: Path, folder: str) -> None:
    base = weights if folder == "tiny" else ROOT / "base_model"
    ours, expected = load_tokenizer(base), AutoTokenizer.from_pretrained(base)
    texts = ["", " ", "Net revenue rose by 12.5 percent.\n\tRisk – “étoile” 漢字"]
    assert ours.encode_prompts(texts) == expected(texts)["input_ids"]
    assert ours.encode(texts) == expected(texts, add_special_tokens=False)["input_ids"]
    for tokens in ours.encode_prompts(texts):
        assert ours.decode(tokens) == expected.decode(tokens, skip_special_tokens=True)
    assert len(ours) == len(expected)
    marks = [[expected.bos_token_id], expected.eos_token_id, expected.pad_token_id]
    assert [ours.start, ours.eos_token_id, ours.pad_token_id] == marks


def test_a_special_tokens_name_in_a_text_is_plain_text(weights: Path) -> None:
    tokenizer = load_tokenizer(weights)
    (tokens,) = tokenizer.encode(["a </s> b <s>x"])
    assert not {*tokenizer.start, *tokenizer.end_marks} & {*tokens}
    assert tokenizer.decode(tokens) == "a </s> b <s>x"


def test_a_mark_that_the_vocabulary_calls_ordinary_is_plain_text(weights: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(weights, base)
    model = Model.from_file(str(base / "tokenizer.json"))
    model.add_tokens([AddedToken(mark, special=False) for mark in ("<|user|>", "<start_of_turn>", "<think>")])
    model.save(str(base / "tokenizer.json"))
    tokenizer = load_tokenizer(base)
    (tokens,) = tokenizer.encode(["a <|user|> b <start_of_turn>c <think>"])
    assert [token for token in tokens if token >= 320] == [model.token_to_id("<think>")]
    assert tokenizer.decode(tokens) == "a <|user|> b <start_of_turn>c <think>"


def test_a_tokenizer_may_know_more_tokens_than_the_model(weights: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(weights, base)
    longer = AutoTokenizer.from_pretrained(base)
    longer.add_special_tokens({"pad_token": "<a new token>"})
    longer.save_pretrained(base)
    tokenizer = load_tokenizer(base)
    assert len(tokenizer) == base_config(base)["vocab_size"] + 1
    assert tokenizer.pad_token_id < base_config(base)["vocab_size"]


@pytest.mark.parametrize(
    ("settings", "marks"),
    [
        ({"eos_token": "</s>"}, ([0], 1, 1)),
        ({}, ([0], 1, 2)),  # config.json's numbers
    ],
    ids=["named", "numbered"],
)
def test_where_a_tokenizers_marks_are_said(
    weights: Path, tmp_path: Path, settings: dict[str, Any], marks: tuple[Any, ...]
) -> None:
    base = tmp_path / "base"
    shutil.copytree(weights, base)
    (base / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')  # no marks
    (base / "special_tokens_map.json").write_text(json.dumps(settings))
    config = base_config(base)
    if settings:
        config.pop("pad_token_id", None)
    else:
        config["eos_token_id"] = [1, 5]
    (base / "config.json").write_text(json.dumps(config))
    tokenizer = load_tokenizer(base)
    assert (tokenizer.start, tokenizer.eos_token_id, tokenizer.pad_token_id) == marks
