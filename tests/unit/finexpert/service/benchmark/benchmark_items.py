"""Questions for a benchmark."""

import json
from pathlib import Path
from typing import Any

from core.dataset.questions import Question
from finexpert.service.benchmark.questions import Item


def items(count: int, *, groups: int = 0) -> list[Item]:
    return [
        Item(
            Question(f"q{n}", "f", f"What was figure {n}?", (str(100 + n),)),
            f"g{n % groups if groups else n}",
        )
        for n in range(count)
    ]


def written(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
