"""The benches' command line, and where their results are stored."""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"


def command_line(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the bench's own description, in its own lines."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def stored(name: str) -> dict[str, Any]:
    """The result that was stored last; empty if there is none."""
    file = RESULTS / f"{name}.json"
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return content


def store(name: str, result: dict[str, Any]) -> str:
    """Write bench/results/NAME.json; returns its text."""
    text = json.dumps(result, indent=1)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return text


def excerpts(path: Path) -> list[str]:
    """TAT-QA's excerpts of annual reports, their paragraphs put together."""
    contexts = json.loads(path.read_text(encoding="utf-8"))
    return ["\n".join(paragraph["text"] for paragraph in context["paragraphs"]) for context in contexts]


def make_job(folder: Path, base: Path, settings: dict[str, str], training: Path | None = None) -> Path:
    """Make ``folder`` the trainer's, with that base model and these settings; the channel of the training
    text is empty without ``training``."""
    (folder / "input" / "config").mkdir(parents=True)
    (folder / "input" / "config" / "hyperparameters.json").write_text(json.dumps(settings))
    (folder / "input" / "data").mkdir()
    (folder / "input" / "data" / "model").symlink_to(base)
    if training:
        (folder / "input" / "data" / "training").symlink_to(training)
    return folder


def run_job(name: str, folder: Path) -> str:
    """Run the training program on a job's folder, on one thread; gives its output. Exits where it failed."""
    env = os.environ | {"SAGEMAKER_BASE_DIR": str(folder), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "training"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode:
        sys.exit(f"{name}: the training failed:\n{done.stderr}")
    return done.stdout


def cpu_seconds(*processes: int) -> float:
    """Processor seconds until now: of these (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN) together."""
    used = [resource.getrusage(which) for which in processes]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
