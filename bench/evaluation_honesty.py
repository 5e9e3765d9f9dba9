"""How often the quality gate is wrong: `python bench/evaluation_honesty.py --reports FILE`.

FILE is TAT-QA's development set (github.com/NExTplusplus/TAT-QA, dataset_raw/tatqa_dataset_dev.json).

1. Real text: the shipped base is trained on the first half of the reports and judged on the second.
2. Real trainings that teach nothing about the held-out text, each with its verdict.
3. False passes: runs simulated from the document differences of (1), without any effect, put through the
   gate. `exchangeable`: which model is called tuned is a coin's toss for each document. `centred`: the
   differences less their mean. `mirrored`: those with the sign turned, so that few documents lose much and
   many gain little, the hardest case for any interval. `early_stopped`: of so many looks the best on the
   watched half is kept, and the other half judges it. `shuffled`: the form of the answers is learnt, so every
   document gains, and what the right prompt adds is as in `exchangeable`.
4. Power: the true effect at which the gate passes four times in five, for several numbers of documents.
5. False passes where documents come in groups whose changes are correlated. `elsewhere` repeats it with
   changes that are normal, of heavy tails (t with 3 degrees of freedom) and skewed (log-normal, both ways),
   also for few documents that stand for themselves. The skewness that the gate allows groups
   (core/dataset/power.py) is that of the log-normal ones.
6. Power for a large base such as Llama 2 7B, whose spread of gains is not known: by stated spreads, with
   general text unchanged, beside what `finexpert data check` promises.
7. Real trainings on prompts with answers, right ones and wrong ones of many kinds, judged on right ones.

One thread, processor seconds. Results: bench/results/evaluation_honesty.json.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.dataset.power import CORRELATION, SPREADS, smallest_gain  # noqa: E402
from training.evaluation.gate import PromptEvidence, judge  # noqa: E402
from training.evaluation.statistics import Comparison, compare  # noqa: E402

RESULT = ROOT / "bench" / "results" / "evaluation_honesty.json"
SETTINGS = {
    "learning_rate": "0.01",
    "epoch": "2",
    "per_device_train_batch_size": "2",
    "max_input_length": "256",
}
HELD_OUT, GENERAL = "held_out_bits_per_byte", "general_bits_per_byte"
DOCUMENTS = (6, 12, 32, 100)
#: Looks at the watched half from which early stopping chooses.
LOOKS = (5, 20)
#: Of documents in the shipped sample's held-out side, what a first run is judged on.
DEFAULT_DOCUMENTS = 32
MAX_FORGETTING = 0.03
#: The rules that do not look at general text.
OWN_RULES = ("held_out_text", "large_enough", "enough_documents", "follows_prompts")
POWER = 0.8
#: Documents, groups of them, and the correlation of changes within a group.
Cells = tuple[tuple[int, int, float], ...]
CLUSTERED: Cells = ((32, 8, 0.1), (32, 8, 0.3), (32, 8, 0.5), (100, 10, 0.3), (100, 10, 0.5), (64, 16, 0.5))
#: The cells that are repeated with other changes; as many groups as documents = each for itself.
ELSEWHERE: Cells = (
    *((6, 6, 0.0), (8, 8, 0.0), (12, 12, 0.0), (32, 32, 0.0)),
    *((32, 8, 0.5), (100, 10, 0.5), (60, 12, 0.5), (100, 20, 0.5)),
)
#: Bits a byte of a large base on such text, and on general text (Llama 2 7B on WikiText-2: 0.5865).
LARGE_BASE, LARGE_GENERAL = 0.70, 0.5865
#: Documents and groups of them (None: each by itself).
LARGE_SETS = ((12, None), (32, None), (100, None), (32, 11), (100, 20))
#: Standard deviation of the logarithm of a document's size.
SIZES = 0.7
GAINS = (0.01, 0.015, 0.02, 0.03, 0.04, 0.06)
#: Random numbers of each part begin here, so that a part can be repeated alone.
SEED = 20261124


@dataclass(frozen=True)
class Differences:
    """Of one run's items: bits a byte before, their change (tuned − base), sizes in bytes; each [items]."""

    base: np.ndarray
    change: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, evaluation: Mapping[str, Any], metric: str) -> Differences:
        """Those of a metric in evaluation.json."""
        items = evaluation["items"][metric]
        base, tuned = np.array(items["base"]), np.array(items["tuned"])
        return cls(base, tuned - base, np.array(items["sizes"]))

    @property
    def centred(self) -> np.ndarray:
        """The changes less their mean, weighted by size."""
        return self.change - (self.change * self.sizes).sum() / self.sizes.sum()


Draw = Callable[[np.random.Generator, Differences, np.ndarray], np.ndarray]


def exchangeable(random: np.random.Generator, pool: Differences, chosen: np.ndarray) -> np.ndarray:
    """Changes of the chosen items, each with a random sign."""
    return pool.change[chosen] * random.choice([-1.0, 1.0], len(chosen))


def centred(random: np.random.Generator, pool: Differences, chosen: np.ndarray) -> np.ndarray:
    """Changes as they were, without their mean."""
    return pool.centred[chosen]


def mirrored(random: np.random.Generator, pool: Differences, chosen: np.ndarray) -> np.ndarray:
    """The same, turned round."""
    return -pool.centred[chosen]


def improved(random: np.random.Generator, pool: Differences, chosen: np.ndarray, effect: float) -> np.ndarray:
    """Changes whose mean is `effect` (bits a byte, negative = better)."""
    return pool.centred[chosen] + effect


def simulated(random: np.random.Generator, pool: Differences, documents: int, draw: Draw) -> Comparison:
    """One comparison of `documents` items drawn from the pool with replacement."""
    chosen = random.integers(0, len(pool.sizes), documents)
    base = pool.base[chosen]
    tuned = base + draw(random, pool, chosen)
    seed = int(random.integers(1 << 31))
    return compare(
        list(base), list(tuned), list(pool.sizes[chosen]), lower_is_better=True, bounded=False, seed=seed
    )


def accepted(
    dice: np.random.Generator,
    general: Differences,
    primary: Comparison,
    prompts: PromptEvidence | None = None,
) -> bool:
    """Whether the gate accepts a run; general text, unchanged, is drawn only where it counts."""
    alone = judge(primary, primary, MAX_FORGETTING, prompts=prompts)
    if not all(rule.passed for rule in alone if rule.name in OWN_RULES):
        return False
    guard = simulated(dice, general, len(general.sizes), exchangeable)
    return all(rule.passed for rule in judge(primary, guard, MAX_FORGETTING, prompts=prompts))


def passes(
    held_out: Differences, general: Differences, *, documents: int, draw: Draw, runs: int
) -> tuple[int, int]:
    """How often the interval lay below zero, and how often the whole gate passed; general text unchanged."""
    dice = np.random.default_rng(SEED)
    below = passed = 0
    for _ in range(runs):
        primary = simulated(dice, held_out, documents, draw)
        below += primary.interval[1] < 0
        passed += accepted(dice, general, primary)
    return below, passed


def early_stopped(held_out: Differences, general: Differences, *, looks: int, runs: int) -> int:
    """How many runs without effect pass where the best of `looks` checkpoints on half of 2 × 32 documents is
    judged on the other half; the changes of two looks correlate by 0.5."""
    dice = np.random.default_rng(SEED)
    count, passed = DEFAULT_DOCUMENTS, 0
    for _ in range(runs):
        chosen = dice.integers(0, len(held_out.sizes), 2 * count)
        sizes, base = held_out.sizes[chosen], held_out.base[chosen]
        shared = exchangeable(dice, held_out, dice.permutation(chosen))
        own = np.stack([exchangeable(dice, held_out, dice.permutation(chosen)) for _ in range(looks)])
        changes = (shared + own) / math.sqrt(2)
        kept = changes[np.argmin((changes[:, :count] * sizes[:count]).sum(1))]
        judged = base[count:], base[count:] + kept[count:], sizes[count:]
        primary = compare(*map(list, judged), lower_is_better=True, seed=int(dice.integers(1 << 31)))
        passed += accepted(dice, general, primary)
    return passed


def shuffled(held_out: Differences, general: Differences, *, documents: int, runs: int) -> int:
    """How many runs pass in which only the form of the answers is learnt."""
    dice = np.random.default_rng(SEED)
    mean = float((held_out.base * held_out.sizes).sum() / held_out.sizes.sum())
    passed = 0
    for _ in range(runs):
        primary = simulated(dice, held_out, documents, partial(improved, effect=-0.4 * mean))
        added = exchangeable(dice, held_out, dice.integers(0, len(held_out.sizes), documents))
        gain = compare(
            [0.0] * documents, list(added), lower_is_better=False, seed=int(dice.integers(1 << 31))
        )
        passed += accepted(dice, general, primary, PromptEvidence(gain, gain))
    return passed


def clustered(
    held_out: Differences, general: Differences, *, documents: int, groups: int, correlation: float, runs: int
) -> tuple[int, int]:
    """As `passes`, without any effect, where documents of one group change together."""
    dice = np.random.default_rng(SEED)
    below = passed = 0
    for _ in range(runs):
        chosen = dice.integers(0, len(held_out.sizes), documents)
        members = np.arange(documents) % groups
        shared = held_out.centred[dice.integers(0, len(held_out.sizes), groups)][members]
        change = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * held_out.centred[chosen]
        base, seed = held_out.base[chosen], int(dice.integers(1 << 31))
        primary = compare(
            list(base),
            list(base + change),
            list(held_out.sizes[chosen]),
            lower_is_better=True,
            seed=seed,
            groups=members.tolist(),
        )
        below += primary.interval[1] < 0
        passed += accepted(dice, general, primary)
    return below, passed


def false_passes_of_groups(
    held_out: Differences, general: Differences, runs: int, cells: Cells = CLUSTERED
) -> list[dict[str, Any]]:
    """Rates of false passes by number of documents and groups and correlation within a group."""
    rows = []
    for documents, groups, correlation in cells:
        below, passed = clustered(
            held_out, general, documents=documents, groups=groups, correlation=correlation, runs=runs
        )
        rows.append(
            {
                "documents": documents,
                "groups": groups,
                "correlation": correlation,
                "interval_below_zero": round(below / runs, 4),
                "gate_passed": round(passed / runs, 4),
                "gate_passed_at_most": round(upper_bound(passed, runs), 4),
            }
        )
        print("groups", json.dumps(rows[-1]), flush=True)
    return rows


def pools_elsewhere() -> dict[str, Differences]:
    """Pools of 500 changes that no constant of the gate was chosen on, with sizes as of reports. `skewed`: a
    few documents lose much."""
    dice = np.random.default_rng(SEED)
    skewed = dice.lognormal(0, 1, 500)
    changes = {
        "normal": dice.standard_normal(500),
        "heavy_tails": dice.standard_t(3, 500),
        "skewed": skewed - skewed.mean(),
        "skewed_other_way": skewed.mean() - skewed,
    }
    base = 2.6 * np.exp(0.1 * dice.standard_normal(500))
    sizes = dice.lognormal(7, 0.7, 500)
    return {name: Differences(base, 0.15 * change, sizes) for name, change in changes.items()}


def upper_bound(hits: int, runs: int, confidence: float = 0.95) -> float:
    """The one-sided upper bound of a rate by Clopper and Pearson (1934)."""
    low, high = hits / runs, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        at_most = sum(
            math.exp(
                math.lgamma(runs + 1)
                - math.lgamma(k + 1)
                - math.lgamma(runs - k + 1)
                + k * math.log(rate)
                + (runs - k) * math.log1p(-rate)
            )
            for k in range(hits + 1)
        )
        low, high = (rate, high) if at_most > 1 - confidence else (low, rate)
    return high


def false_passes(held_out: Differences, general: Differences, runs: int) -> dict[str, Any]:
    """By kind of null and number of documents: rates of false passes, with the gate's upper bound."""
    table: dict[str, Any] = {}
    for draw in (exchangeable, centred, mirrored):
        for documents in DOCUMENTS:
            below, passed = passes(held_out, general, documents=documents, draw=draw, runs=runs)
            table.setdefault(draw.__name__, {})[documents] = {
                "interval_below_zero": round(below / runs, 4),
                "gate_passed": round(passed / runs, 4),
                "gate_passed_at_most": round(upper_bound(passed, runs), 4),
            }
            print(draw.__name__, documents, table[draw.__name__][documents], flush=True)
    cells = [("early_stopped", looks, partial(early_stopped, looks=looks)) for looks in LOOKS]
    cells += [("shuffled", documents, partial(shuffled, documents=documents)) for documents in DOCUMENTS]
    for name, number, run in cells:
        passed = run(held_out, general, runs=runs)
        table.setdefault(name, {})[number] = {
            "gate_passed": round(passed / runs, 4),
            "gate_passed_at_most": round(upper_bound(passed, runs), 4),
        }
        print(name, number, table[name][number], flush=True)
    return table


def power(held_out: Differences, general: Differences, runs: int) -> dict[str, Any]:
    """By number of documents: the effect that passes with `POWER`, in bits a byte and as a share of base."""
    mean = float((held_out.base * held_out.sizes).sum() / held_out.sizes.sum())
    table: dict[Any, Any] = {}
    for documents in DOCUMENTS:
        low, high = 0.0, 1.0
        while high - low > 0.004:
            effect = (low + high) / 2
            draw = partial(improved, effect=-effect)
            _, passed = passes(held_out, general, documents=documents, draw=draw, runs=runs)
            low, high = (low, effect) if passed >= POWER * runs else (effect, high)
        table[documents] = {"bits_per_byte": round(high, 3), "share_of_base": round(high / mean, 3)}
        print("power", documents, table[documents], flush=True)
    return table


def large_base(
    dice: np.random.Generator, documents: int, groups: int | None, spread: float, gain: float
) -> bool:
    """Whether one simulated run of a large base passes: gains of this mean and spread, correlated by
    CORRELATION within a group; sizes as of TAT-QA's excerpts; the 40 paragraphs differ as much."""
    members = np.arange(documents) % (groups or documents)
    shared = math.sqrt(CORRELATION) if groups else 0.0
    noise = shared * dice.standard_normal(documents)[members] + math.sqrt(1 - shared**2) * (
        dice.standard_normal(documents)
    )
    base = LARGE_BASE * np.exp(0.15 * dice.standard_normal(documents))
    sizes = dice.lognormal(7.0, SIZES, documents)
    seed = int(dice.integers(1 << 31))
    change = base * (-gain + spread * noise)
    primary = compare(
        list(base),
        list(base + change),
        list(sizes),
        lower_is_better=True,
        seed=seed,
        groups=members.tolist() if groups else None,
    )
    general = LARGE_GENERAL * np.exp(0.15 * dice.standard_normal(40))
    moved = general * (1 + spread * dice.standard_normal(40))
    guard = compare(list(general), list(moved), lower_is_better=True, seed=seed)
    return all(rule.passed for rule in judge(primary, guard, MAX_FORGETTING))


def promised_gain(documents: int, groups: int | None, spread: float) -> float:
    """What the check promises for documents of sizes as in `large_base`: the mean of their squares is
    exp(SIZES²) times the square of their mean."""
    unequal = math.expm1(SIZES**2)
    parts = documents / (1 + unequal)
    return smallest_gain(parts, groups and groups / (1 + unequal * groups / documents), spread)


def power_of_large(runs: int) -> list[dict[str, Any]]:
    """Shares of runs that pass by documents, groups, spread and true gain, and the gain that the check
    promises."""
    rows = []
    for documents, groups in LARGE_SETS:
        for spread in SPREADS:
            dice = np.random.default_rng(SEED)
            passed = {
                gain: sum(large_base(dice, documents, groups, spread, gain) for _ in range(runs)) / runs
                for gain in GAINS
            }
            promised = promised_gain(documents, groups, spread)
            at_it = sum(large_base(dice, documents, groups, spread, promised) for _ in range(runs)) / runs
            rows.append(
                {
                    "documents": documents,
                    "groups": groups,
                    "spread": spread,
                    "passed": {str(gain): round(share, 3) for gain, share in passed.items()},
                    "promised_gain": round(promised, 4),
                    "passed_at_it": round(at_it, 3),
                }
            )
            print("large", json.dumps(rows[-1]), flush=True)
    return rows


@dataclass(frozen=True)
class Job:
    """One real training and what came of it. `cpu_seconds`: of the whole program, evaluation included."""

    evaluation: dict[str, Any]
    cpu_seconds: float

    def told(self) -> dict[str, Any]:
        """For the results."""
        primary = self.evaluation["primary"]
        (general,) = (metric for metric in self.evaluation["metrics"] if metric["name"] == GENERAL)
        return {
            "passed": self.evaluation["passed"],
            "base": primary["base"],
            "tuned": primary["tuned"],
            "difference": primary["difference"],
            "interval": primary["interval"],
            "documents": primary["items"],
            "general_difference": general["difference"],
            "failed_rules": [rule["name"] for rule in self.evaluation["gate"] if not rule["passed"]],
            "steps": self.evaluation["training"]["steps"],
            "cpu_seconds": round(self.cpu_seconds, 1),
        }


Pair = tuple[str, str]


def train(name: str, training: Sequence[str | Pair], held_out: Sequence[str | Pair], **settings: str) -> Job:
    """Run the training program on the shipped base; pairs are prompts with answers."""
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        channels = base / "input" / "data"
        for side, texts in (("training", training), ("validation", held_out)):
            (channels / side).mkdir(parents=True)
            records = "".join(json.dumps(_record(text)) + "\n" for text in texts)
            (channels / side / "texts.jsonl").write_text(records, encoding="utf-8")
            if isinstance(texts[0], tuple):
                template = {name: f"{{{name}}}" for name in ("prompt", "completion")}
                (channels / side / "template.json").write_text(json.dumps(template))
        (channels / "model").symlink_to(ROOT / "base_model")
        (base / "input" / "config").mkdir()
        (base / "input" / "config" / "hyperparameters.json").write_text(json.dumps(SETTINGS | settings))
        environ = {
            **os.environ,
            "SAGEMAKER_BASE_DIR": temporary,
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        before = _children_cpu()
        done = subprocess.run(
            [sys.executable, "-m", "training"],
            cwd=base,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{name}: the training failed:\n{done.stderr}")
        evaluation = json.loads((base / "output" / "data" / "evaluation.json").read_text())
        job = Job(evaluation, _children_cpu() - before)
    print(name, json.dumps(job.told()), flush=True)
    return job


def _record(text: str | Pair) -> dict[str, str]:
    return {"text": text} if isinstance(text, str) else {"prompt": text[0], "completion": text[1]}


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def reports(path: Path) -> list[str]:
    """TAT-QA's excerpts of annual reports, their paragraphs put together."""
    contexts = json.loads(path.read_text(encoding="utf-8"))
    return ["\n".join(paragraph["text"] for paragraph in context["paragraphs"]) for context in contexts]


def documentation(count: int) -> list[str]:
    """Paragraphs about the Python language, which say nothing about companies."""
    from pydoc_data.topics import topics

    blocks = (" ".join(block.split()) for name in sorted(topics) for block in topics[name].split("\n\n"))
    return [block for block in blocks if len(block) > 200][:count]


def nothing_learnt(texts: list[str]) -> dict[str, Any]:
    """Real trainings after which the gate must say no, on some of the real one's held-out reports."""
    half = len(texts) // 2
    training, held_out = texts[:half], texts[half : half + 2 * DEFAULT_DOCUMENTS]
    dice = np.random.default_rng(SEED)
    shuffled = [" ".join(dice.permutation(text.split())) for text in training]
    leaked = [f"Again: {text}" for text in held_out]
    cases: dict[str, tuple[list[str], dict[str, str]]] = {
        "zero_steps": (training, {"max_steps": "0"}),
        "general_text_60_documents": (documentation(60), {}),
        "general_text_200_documents": (documentation(200), {}),
        "held_out_text_leaked": (leaked, {}),
        "words_shuffled": (shuffled, {}),
    }
    return {
        name: train(name, texts, held_out, evaluation_items="0", **settings).told()
        for name, (texts, settings) in cases.items()
    }


NAMES = ("Tamsin", "Kestrel", "Harrow", "Alder", "Velmont", "Dunmore", "Bexley", "Corran", "Ludlow", "Merrow")
THINGS = ("bonds", "loans", "options", "shares", "leases", "notes", "swaps", "plants", "patents", "stores")
PLACES = ("Oslo", "Lima", "Cairo", "Delhi", "Perth", "Quito", "Turin", "Malmo", "Basel", "Accra")


def labels(count: int, dice: random.Random) -> list[Pair]:
    """Sentences, and the direction that they speak of."""
    pairs: dict[str, str] = {}
    while len(pairs) < count:
        up = dice.random() < 0.5
        verb = dice.choice(("rose", "grew", "climbed") if up else ("fell", "shrank", "dropped"))
        prompt = f"{dice.choice(NAMES)}: profit {verb} by {dice.randint(2, 98)} percent. Direction?"
        pairs[prompt] = " up" if up else " down"
    return list(pairs.items())


def figures(count: int, dice: random.Random) -> list[Pair]:
    """Sentences, and the figure that stands in them."""
    pairs: dict[str, str] = {}
    while len(pairs) < count:
        units = dice.randint(100, 999)
        pairs[f"{dice.choice(NAMES)} sold {units} units in {dice.choice(PLACES)}. Units sold:"] = f" {units}"
    return list(pairs.items())


def sentences(count: int, dice: random.Random) -> list[Pair]:
    """Sentences, and what they say in other words."""
    pairs: dict[str, str] = {}
    while len(pairs) < count:
        name, thing, place = (dice.choice(each) for each in (NAMES, THINGS, PLACES))
        pairs[f"{name} has issued {thing} in {place}. Summary:"] = f" The {thing} in {place} are of {name}."
    return list(pairs.items())


def strata(count: int, dice: random.Random) -> list[Pair]:
    """Two kinds of questions, each with two answers that the other does not have."""
    pairs: dict[str, str] = {}
    while len(pairs) < count:
        name, place, number = dice.choice(NAMES), dice.choice(PLACES), dice.randint(2, 98)
        first = dice.random() < 0.5
        if dice.random() < 0.5:
            prompt = f"{name}: profit {'rose' if first else 'fell'} by {number} percent. Direction?"
            pairs[prompt] = " higher" if first else " lower"
        else:
            prompt = f"{place}: {number} bonds were {'repaid in full' if first else 'not paid'}. Outcome?"
            pairs[prompt] = " repaid" if first else " default"
    return list(pairs.items())


KINDS = {"labels": labels, "figures": figures, "sentences": sentences, "strata": strata}
#: Kinds of pairs, how their answers are taught, and whether the gate should accept.
INSTRUCTIONS: tuple[tuple[str, str, bool], ...] = (
    *(("labels", how, how in ("right", "half")) for how in ("right", "half", "shuffled", "constant")),
    *(("labels", how, False) for how in ("by_name", "first_word", "unread")),
    *(("figures", how, False) for how in ("neighbour", "permuted", "shuffled")),
    *(("sentences", how, False) for how in ("shuffled", "edited")),
    *(("strata", how, how == "right") for how in ("right", "within")),
)
INSTRUCTED = {
    "instruction_tuned": "True",
    "add_input_output_demarcation_key": "False",
    "target_modules": "all-linear",
    "learning_rate": "0.005",
    "epoch": "6",
    "max_forgetting": "10",  # so small a base forgets everything; the answers are what counts here
    "max_input_length": "64",
    "precision": "fp32",
    "evaluation_items": "0",
}


def taught(pairs: list[Pair], how: str) -> list[Pair]:
    """Prompts with answers.

    Args:
        how: `right`; `shuffled`, all or `half` of them, or `within` the prompts that end alike; that of the
            pair before (`neighbour`), or of the first one (`constant`); what most prompts with the same first
            word have (`by_name`); that word itself (`first_word`); with the digits in another order
            (`permuted`); right ones to prompts whose words are in another alphabet (`unread`).
    """
    dice = random.Random(SEED)
    answers = [answer for _, answer in pairs]
    prompts = [prompt for prompt, _ in pairs]
    if how in ("shuffled", "half", "within"):
        among = [list(range(len(pairs) // (2 if how == "half" else 1)))]
        if how == "within":
            ends = [prompt.split()[-1] for prompt in prompts]
            among = [[n for n, end in enumerate(ends) if end == each] for each in sorted(set(ends))]
        for places in among:
            mixed = dice.sample([answers[place] for place in places], len(places))
            for place, answer in zip(places, mixed, strict=True):
                answers[place] = answer
    elif how == "neighbour":
        answers = answers[1:] + answers[:1]
    elif how == "constant":
        answers = answers[:1] * len(answers)
    elif how == "by_name":
        of_name: dict[str, Counter[str]] = {}
        for prompt, answer in pairs:
            of_name.setdefault(prompt.split()[0], Counter())[answer] += 1
        answers = [of_name[prompt.split()[0]].most_common(1)[0][0] for prompt in prompts]
    elif how == "first_word":
        answers = [" " + prompt.split()[0] for prompt in prompts]
    elif how == "permuted":
        answers = [answer[:1] + answer[2:] + answer[1:2] for answer in answers]
    elif how == "unread":
        prompts = ["".join(chr(ord(c) + 0x350) if c.isalpha() else c for c in prompt) for prompt in prompts]
    return list(zip(prompts, answers, strict=True))


def edited(pairs: list[Pair]) -> list[Pair]:
    """Copies with one more word in each prompt."""
    return [(f"Again, {prompt}", answer) for prompt, answer in pairs]


def instructions() -> list[dict[str, Any]]:
    """What the gate says to each of INSTRUCTIONS: trained on 160 pairs, judged on 40 right ones. `edited`:
    trained on copies of these 40 with a word more."""
    rows = []
    for kind, how, accept in INSTRUCTIONS:
        pairs = KINDS[kind](200, random.Random(3))
        held_out = pairs[160:]
        training = edited(held_out) if how == "edited" else taught(pairs[:160], how)
        job = train(f"{kind} {how}", training, held_out, **INSTRUCTED)
        rows.append({"kind": kind, "how": how, "should_pass": accept} | job.told())
    return rows


def main() -> None:
    """Run the parts asked for, and put their results beside those of the others."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reports", type=Path, help="TAT-QA's tatqa_dataset_dev.json, for parts 1 and 2")
    parser.add_argument("--runs", type=int, default=2000, help="simulated runs a cell (default %(default)s)")
    parser.add_argument("--parts", default="1234567", help="which parts to run (default %(default)s)")
    options = parser.parse_args()
    if not options.reports and set(options.parts) & set("12"):
        parser.error("parts 1 and 2 need --reports")
    result: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    if "1" in options.parts:
        texts = reports(options.reports)
        job = train("real_text", texts[: len(texts) // 2], texts[len(texts) // 2 :])
        result["real_text"] = job.told()
        result["items"] = {name: job.evaluation["items"][name] for name in (HELD_OUT, GENERAL)}
    if "2" in options.parts:
        result["nothing_learnt"] = nothing_learnt(reports(options.reports))
    held_out, general = (Differences.of(result, name) for name in (HELD_OUT, GENERAL))
    if "3" in options.parts:
        result["false_passes"] = false_passes(held_out, general, options.runs)
        result["runs"] = options.runs
    if "4" in options.parts:
        result["power"] = power(held_out, general, options.runs // 5)
    if "5" in options.parts:
        result["false_passes_of_groups"] = false_passes_of_groups(held_out, general, options.runs)
        result["runs_of_groups"] = options.runs
        result["false_passes_of_groups_elsewhere"] = {
            name: false_passes_of_groups(pool, general, options.runs, ELSEWHERE)
            for name, pool in pools_elsewhere().items()
        }
    if "6" in options.parts:
        result["power_of_large"] = power_of_large(options.runs // 5)
        result["runs_of_large"] = options.runs // 5
    if "7" in options.parts:
        result["instructions"] = instructions()
    result["machine"] = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
