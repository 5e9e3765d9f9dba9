"""Merged weights: the logits of base and adapter, in files that transformers loads, in little memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.failures import TrainingFailure
from core.hyperparameters import parse
from tests.fakes.training_jobs import logits_of
from training.model.merge import INDEX, merge
from training.model.model import AdaptedModel

ROOT = Path(__file__).parents[4]
IDS = torch.tensor([[5, 17, 101, 44, 9, 210, 3, 80]])


def in_shards(weights: Path, folder: Path) -> Path:
    """The same weights as fp32 in two files with an index, as large models come."""
    folder.mkdir()
    for file in weights.iterdir():
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    tensors = {name: tensor.float() for name, tensor in load_file(weights / "model.safetensors").items()}
    names = sorted(tensors)
    parts = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for file_name, part in parts.items():
        save_file({name: tensors[name] for name in part}, folder / file_name, {"format": "pt"})
    weight_map = {name: file_name for file_name, part in parts.items() for name in part}
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


@pytest.mark.parametrize(
    "changes", [{}, {"use_rslora": "True"}, {"use_dora": "True"}, {"target_modules": "all-linear"}], ids=str
)
def test_merged_logits_are_those_of_both(weights: Path, tmp_path: Path, changes: dict[str, str]) -> None:
    base = in_shards(weights, tmp_path / "base")
    model = AdaptedModel(base, parse({"precision": "fp32"} | changes), torch.device("cpu"))
    torch.manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.adapter.items():
            factor = 1 + 0.2 * torch.rand_like(parameter)
            parameter.copy_(parameter * factor if "magnitude" in name else torch.randn_like(parameter) * 0.3)
        with model.evaluating(adapter=True):
            expected = logits_of(model, IDS)
        with model.evaluating(adapter=False):
            plain = logits_of(model, IDS)
    model.save_adapter(tmp_path / "adapter")
    size = merge(base, tmp_path / "adapter", tmp_path / "merged")

    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32).eval()
    with torch.no_grad():
        logits = merged(input_ids=IDS).logits
    assert (plain - expected).abs().max() > 0.1
    assert torch.allclose(logits, expected, atol=1e-4)
    assert len(AutoTokenizer.from_pretrained(tmp_path / "merged")) == len(AutoTokenizer.from_pretrained(base))
    index = json.loads((tmp_path / "merged" / INDEX).read_text())
    assert index["metadata"]["total_size"] == size == 4 * merged.num_parameters()
    assert set(index["weight_map"].values()) == {"model-1.safetensors", "model-2.safetensors"}


def test_merging_a_bf16_base_keeps_its_type_and_leaves_nothing_old(weights: Path, tmp_path: Path) -> None:
    model = AdaptedModel(weights, parse({"precision": "bf16"}), torch.device("cpu"))
    model.save_adapter(tmp_path / "adapter")  # fresh: it adds nothing
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "left-over.safetensors").write_bytes(b"old")
    merge(weights, tmp_path / "adapter", tmp_path / "merged")
    before, after = (load_file(f / "model.safetensors") for f in (weights, tmp_path / "merged"))
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert {tensor.dtype for tensor in after.values()} == {torch.bfloat16}
    assert not (tmp_path / "merged" / "left-over.safetensors").exists()


def test_an_adapter_of_another_base_is_refused(weights: Path, tmp_path: Path) -> None:
    model = AdaptedModel(weights, parse({"precision": "fp32"}), torch.device("cpu"))
    model.save_adapter(tmp_path / "adapter")
    tensors = load_file(weights / "model.safetensors")
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    save_file({k: v for k, v in tensors.items() if "layers.1." not in k}, fewer / "model.safetensors")
    with pytest.raises(TrainingFailure, match=r"model\.layers\.1\.self_attn"):
        merge(fewer, tmp_path / "adapter", tmp_path / "merged")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's account of memory")
def test_merging_needs_memory_for_a_tensor_and_not_for_the_base(tmp_path: Path) -> None:
    """A base of 256 MB in 64 tensors of 4 MB, merged by a process that needs less than 100 MB more."""
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    base.mkdir()
    adapter.mkdir()
    names = [f"model.layers.{i}.self_attn.q_proj.weight" for i in range(64)]
    zeros = {name: torch.zeros(2048, 1024, dtype=torch.bfloat16) for name in names}
    save_file(zeros, base / "model.safetensors")
    parts: dict[str, Any] = {}
    for name in names:
        layer = f"base_model.model.{name.removesuffix('.weight')}"
        parts |= {
            f"{layer}.lora_A.weight": torch.ones(8, 1024),
            f"{layer}.lora_B.weight": torch.ones(2048, 8),
        }
    save_file(parts, adapter / "adapter_model.safetensors")
    (adapter / "adapter_config.json").write_text('{"r": 8, "lora_alpha": 8}')
    program = (
        "import re, sys, threading\n"
        "from pathlib import Path\n"
        "from training.model.merge import merge\n"
        "status = Path('/proc/self/status')\n"
        "own = lambda: int(re.search(r'RssAnon:\\s+(\\d+)', status.read_text())[1]) // 1024\n"
        "before, most, done = own(), 0, threading.Event()\n"
        "def watch():\n"
        "    global most\n"
        "    while not done.wait(0.005):\n"
        "        most = max(most, own())\n"
        "watcher = threading.Thread(target=watch)\n"
        "watcher.start()\n"
        "merge(*map(Path, sys.argv[1:]))\n"
        "done.set(); watcher.join()\n"
        "print(most - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(base), str(adapter), str(tmp_path / "merged")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100
    merged = load_file(tmp_path / "merged" / "model.safetensors")
    assert all(float(merged[name].float().mean()) == 8.0 for name in names)
