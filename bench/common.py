"""The benches' command line, and where their results are stored."""

import argparse
import json
import resource
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


def cpu_seconds(*processes: int) -> float:
    """Processor seconds until now: of these (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN) together."""
    used = [resource.getrusage(which) for which in processes]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
