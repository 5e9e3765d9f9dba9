"""Rebuild the shipped base checkpoint: `python -m tools.base_model [--out base_model] [--steps N]`.

About ten minutes on one core. base_model/manifest.json says from what, with which seeds and versions.
"""

import argparse
import hashlib
import json
import platform
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import torch

from tools.base_model.corpus import build_corpus
from tools.base_model.pretrain import (
    Recipe,
    bits_per_byte,
    build_model,
    joined,
    pretrain,
    save,
    token_stream,
    train_tokenizer,
)

TOOLS = ("torch", "transformers", "tokenizers")


def main() -> None:
    """Build corpus, tokenizer and model, and write them with their manifest."""
    default = Recipe()
    parser = argparse.ArgumentParser(prog="python -m tools.base_model", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("base_model"), help="folder to write (default: %(default)s)"
    )
    parser.add_argument(
        "--steps", type=int, default=default.steps, help="fewer for a try (default: %(default)s)"
    )
    arguments = parser.parse_args()
    recipe = replace(default, steps=arguments.steps)
    torch.set_num_threads(1)  # one thread sums in one order: the same weights on every run
    started = time.process_time()
    corpus = build_corpus(size=recipe.corpus_bytes, seed=recipe.seed)
    tokenizer = train_tokenizer(corpus.training, recipe)
    tokens = token_stream(joined(corpus.training, recipe.paragraphs), tokenizer)
    model = build_model(recipe, tokenizer)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{len(corpus.training)} documents, {len(tokens)} tokens, {parameters} parameters", flush=True)
    losses = pretrain(model, tokens, recipe)
    save(model, tokenizer, arguments.out)
    manifest = {
        "what": "a tiny Llama in English documentation prose, pre-trained from random weights for local runs",
        "rebuild": "python -m tools.base_model",
        "recipe": asdict(recipe),
        "corpus": {
            "sha256": corpus.digest,
            "documents": len(corpus.training),
            "bytes": sum(len(text.encode()) for text in corpus.training),
            "tokens": len(tokens),
            "packages": corpus.versions,
        },
        "parameters": parameters,
        "final_loss": round(sum(losses[-50:]) / len(losses[-50:]), 4),
        "held_out_bits_per_byte": round(bits_per_byte(model.float(), corpus.held_out, tokenizer), 4),
        "cpu_seconds": round(time.process_time() - started),
        "built_with": {
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
            **{tool: version(tool) for tool in TOOLS},
        },
        "files": {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(arguments.out.iterdir())
            if file.is_file() and file.name != "manifest.json"
        },
    }
    (arguments.out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(manifest, indent=2))


if __name__ == "__main__":
    main()
