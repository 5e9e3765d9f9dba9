"""A base with only SentencePiece's tokenizer.model, where that library is installed, as in AWS's image."""

import shutil
from pathlib import Path

import pytest

from tests.fakes.training_jobs import report_text
from training.data.tokenizer import load_tokenizer

sentencepiece = pytest.importorskip("sentencepiece")


def test_a_sentencepiece_file_gives_the_tokens_of_transformers(weights: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    base = tmp_path / "base"
    shutil.copytree(weights, base)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (base / name).unlink()
    text = tmp_path / "text.txt"
    text.write_text(report_text(200))
    sentencepiece.SentencePieceTrainer.train(
        input=str(text),
        model_prefix=str(base / "tokenizer"),
        model_type="bpe",
        vocab_size=300,
        byte_fallback=True,
        bos_id=1,
        eos_id=2,
        unk_id=0,
    )
    ours, theirs = load_tokenizer(base), AutoTokenizer.from_pretrained(base)
    texts = ["Net revenue rose by 12.5 percent.", "a  b\n漢字"]
    assert ours.encode(texts) == theirs(texts, add_special_tokens=False)["input_ids"]
    for tokens in ours.encode(texts):
        assert ours.decode(tokens) == theirs.decode(tokens, skip_special_tokens=True)
