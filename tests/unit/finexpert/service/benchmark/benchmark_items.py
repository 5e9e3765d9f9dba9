"""Questions for a benchmark."""

import json
from pathlib import Path
from typing import Any

from core.dataset.questions import Question
from finexpert.service.benchmark import running
from finexpert.service.benchmark.contestants import Contestant
from finexpert.service.benchmark.questions import Item


def items(count: int, *, groups: int = 0) -> list[Item]:
    return [
        Item(
            Question(f"q{n}", "f", f"What was figure {n}?", (str(100 + n),)),
            f"g{n % groups if groups else n}",
        )
        for n in range(count)
    ]


def run(asked: list[Item], contestant: Contestant, ask: Any, folder: Path, **more: Any) -> dict[str, Any]:
    """The result of a benchmark with one contestant, whose answers are kept in the folder."""
    cache, asker = running.Cache(folder / "c"), {contestant.name: ask}
    return running.run(asked, [contestant], asker, **{"cache": cache, "limit_usd": 1.0, **more})


def written(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
