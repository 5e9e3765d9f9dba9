"""Whether a benchmark's findings are right as often as they say: `python -m bench.benchmark_findings`.

1,000 simulated benchmarks of each kind, with contestants of known accuracy. A finding is wrong if it names
one of two equal contestants, or the worse of two; an interval, if the true difference is outside. Writes
bench/results/benchmark_findings.json.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench import common
from core.dataset.questions import Question
from finexpert.service.benchmark import judging
from finexpert.service.benchmark.judging import Judged
from finexpert.service.benchmark.questions import Item

SIMULATED = 1000
ITEM_SPREAD = 0.25
"""How far a question that is asked several times is easier or harder than its document."""


@dataclass(frozen=True)
class Kind:
    """Contestants of these accuracies, with numbers of questions and of documents (0: one each).

    `spread`: how far a document makes its questions easier or harder for all; `own`: for one contestant;
    `repetitions`: how often each question is asked.
    """

    name: str
    accuracies: tuple[float, ...]
    questions: int
    documents: int = 0
    spread: float = 0.0
    own: float = 0.0
    repetitions: int = 1


KINDS = (
    Kind("two equal, 80 questions", (0.6, 0.6), 80),
    Kind("two equal and good, 40 questions", (0.9, 0.9), 40),
    Kind("two equal, 24 documents of 10 questions", (0.6, 0.6), 240, 24, 0.2, 0.1),
    Kind("four equal, 120 questions", (0.5, 0.5, 0.5, 0.5), 120),
    Kind("five equal, 12 documents of 8 questions", (0.6,) * 5, 96, 12, 0.2, 0.1),
    Kind("0.70 and 0.60, 240 questions", (0.7, 0.6), 240),
    Kind("0.90, 0.75 and 0.60, 60 questions", (0.9, 0.75, 0.6), 60),
    Kind("three equal, 60 questions three times", (0.6, 0.6, 0.6), 60, repetitions=3),
    Kind("0.70 and 0.55, 12 documents of 8 questions, twice", (0.7, 0.55), 96, 12, 0.1, 0.05, repetitions=2),
)


def main() -> None:
    """Simulate, print and write."""
    begin = time.process_time()
    found = {kind.name: simulated(kind, SIMULATED) for kind in KINDS}
    result = {"simulated": SIMULATED, "kinds": found, "cpu_seconds": round(time.process_time() - begin)}
    print(common.store("benchmark_findings", result))


def simulated(kind: Kind, times: int, seed: int = 7) -> dict[str, Any]:
    """Of `times` benchmarks: those without any wrong finding, intervals that hold, differences found."""
    draw = random.Random(seed)
    right = held = named = pairs = 0
    for _ in range(times):
        items, judged = _benchmark(kind, draw)
        truth = dict(zip(judged, kind.accuracies, strict=True))
        clean = True
        for pair in judging.pairs(items, judged):
            difference = truth[pair["a"]] - truth[pair["b"]]
            low, high = pair["interval"]
            pairs += 1
            held += low <= difference <= high
            named += pair["finding"] != "cannot tell"
            better = {"a better": difference > 0, "b better": difference < 0, "cannot tell": True}
            clean = clean and better[pair["finding"]]
        right += clean
    return {
        "without_a_wrong_finding": right / times,
        "intervals_that_hold": round(held / pairs, 4),
        "differences_found": round(named / pairs, 4),
    }


def _benchmark(kind: Kind, draw: random.Random) -> tuple[list[Item], dict[str, Sequence[Sequence[Judged]]]]:
    groups = [f"g{n % kind.documents if kind.documents else n}" for n in range(kind.questions)]
    items = [Item(Question(str(n), "f", "?", ("1",)), group) for n, group in enumerate(groups)]
    easier = {group: draw.uniform(-kind.spread, kind.spread) for group in dict.fromkeys(groups)}
    judged: dict[str, Sequence[Sequence[Judged]]] = {}
    for number, accuracy in enumerate(kind.accuracies):
        own = {group: draw.uniform(-kind.own, kind.own) for group in easier}
        judged[f"c{number}"] = [
            _answers(accuracy + easier[group] + own[group], kind.repetitions, draw) for group in groups
        ]
    return items, judged


def _answers(chance: float, repetitions: int, draw: random.Random) -> list[Judged]:
    """The answers to one question; one that is asked several times has its own difficulty."""
    if repetitions > 1:
        chance += draw.uniform(-ITEM_SPREAD, ITEM_SPREAD)
    return [Judged("correct" if draw.random() < chance else "wrong", "", "") for _ in range(repetitions)]


if __name__ == "__main__":
    main()
