"""How often the quality gate is wrong: `python -m bench.evaluation_honesty [PARTS] --reports FILE`.

FILE is TAT-QA's development set (github.com/NExTplusplus/TAT-QA, dataset_raw/tatqa_dataset_dev.json). PARTS
(default: all, in this order):

real_text: the shipped base is trained on the first half of the reports and judged on the second.
sample: the same with the shipped sample, which needs no FILE.
nothing_learnt: real trainings that teach nothing about the held-out text, each with its verdict.
instructions: real trainings on prompts with answers, right ones and wrong ones of many kinds, judged on right
    ones.
false_passes: runs simulated from the document differences of `real_text`, without any effect, put through the
    gate. `exchangeable`: which model is called tuned is a coin's toss for each document. `centred`: the
    differences less their mean. `mirrored`: those with the sign turned, so that few documents lose much and
    many gain little. `…_in_groups`: changes correlate within a group. `early_stopped`: of several looks
    the best on the watched half is kept, and the other half judges it. `shuffled`: the form of the answers is
    learnt, so every document gains, and what the right prompt adds is as in `exchangeable`.
elsewhere: the same with changes that are normal, of heavy tails (t with 3 degrees of freedom) and skewed
    (log-normal, both ways). The gate's constants were chosen on the log-normal ones.
independent: the same with changes on which nothing was chosen: Weibull, Pareto, rare losses among small
    changes, and those of the real trainings `sample` and on text about Python.
power: the true effect at which the gate passes four times in five, for several numbers of documents.
large: power for a large base such as Llama 2 7B, whose spread of gains is not known: by stated spreads, with
    general text unchanged, beside what `finexpert data check` promises.

One thread, processor seconds. Each part's results are put into bench/results/evaluation_honesty.json.
"""

import json
import math
import platform
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import common
from bench import honesty_simulations as simulations
from bench.honesty_simulations import ALONE, SEED, SIZES, Cell, Differences, compared, simulated
from bench.honesty_trainings import PARTS as TRAININGS
from core.dataset.power import CORRELATION, SPREADS, smallest_gain
from training.evaluation.gate import judge
from training.evaluation.statistics import compare

NAME = "evaluation_honesty"
PARTS = (*TRAININGS, "false_passes", "elsewhere", "independent", "power", "large")
POWER = 0.8
#: Bits a byte of a large base on such text, and on general text (Llama 2 7B on WikiText-2: 0.5865).
LARGE_BASE, LARGE_GENERAL = 0.70, 0.5865
#: Documents and groups of them (None: each by itself).
LARGE_SETS = ((12, None), (32, None), (100, None), (32, 11), (100, 20))


def pools() -> dict[str, Differences]:
    """The recorded items of real trainings."""
    return {name: Differences.of(items) for name, items in common.stored(NAME)["items"].items()}


def reached(run: simulations.Run, general: Differences, runs: int) -> bool:
    """Whether `POWER` of these runs pass; no more of them are made than it takes to know."""
    dice, needed = np.random.default_rng(SEED), math.ceil(POWER * runs)
    left = {True: needed, False: runs - needed + 1}
    while all(left.values()):
        found = run(dice)
        left[found is not None and simulations.accepted(dice, general, *found)] -= 1
    return not left[True]


def power(pool: Differences, general: Differences, runs: int) -> list[dict[str, Any]]:
    """By number of documents: the effect that passes with `POWER`, in bits a byte and as a share of base."""
    rows = []
    for cell in ALONE:
        low, high = 0.0, 1.0
        while high - low > 0.002:
            share = (low + high) / 2
            run = partial(simulated, pool=pool, cell=cell, effect=-share * pool.mean_base)
            low, high = (low, share) if reached(run, general, runs) else (share, high)
        share, bits = round(high, 3), round(high * pool.mean_base, 3)
        row = {"documents": cell.documents, "bits_per_byte": bits, "share_of_base": share, "runs": runs}
        rows.append(row)
        print("power", json.dumps(row), flush=True)
    return rows


def large_base(
    dice: np.random.Generator, documents: int, groups: int | None, spread: float, gain: float
) -> bool:
    """Whether one simulated run of a large base passes: gains of this mean and spread, correlated by
    CORRELATION within a group; sizes as of TAT-QA's excerpts; the 40 paragraphs differ as much."""
    members = Cell(documents, groups).members
    shared = math.sqrt(CORRELATION) if groups else 0.0
    own, others = dice.standard_normal(documents), dice.standard_normal(documents)[members]
    noise = shared * others + math.sqrt(1 - shared**2) * own
    base = LARGE_BASE * np.exp(0.15 * dice.standard_normal(documents))
    sizes = dice.lognormal(7.0, SIZES, documents)
    change = base * (-gain + spread * noise)
    primary = compared(dice, base, change, sizes, groups=members if groups else None)
    general = LARGE_GENERAL * np.exp(0.15 * dice.standard_normal(40))
    moved = general * (1 + spread * dice.standard_normal(40))
    if primary is None:
        return False
    guard = compare(general.tolist(), moved.tolist(), lower_is_better=True, seed=int(dice.integers(1 << 31)))
    return all(rule.passed for rule in judge(primary, guard, simulations.MAX_FORGETTING))


def promised_gain(documents: int, groups: int | None, spread: float) -> float:
    """What the check promises for documents of sizes as in `large_base`: the mean of their squares is
    exp(SIZES²) times the square of their mean."""
    unequal = math.expm1(SIZES**2)
    parts = documents / (1 + unequal)
    return smallest_gain(parts, groups and groups / (1 + unequal * groups / documents), spread)


def power_of_large(runs: int) -> list[dict[str, Any]]:
    """By documents, groups and spread: the gain that the check promises, and how often it passes."""
    rows = []
    for documents, groups in LARGE_SETS:
        for spread in SPREADS:
            dice = np.random.default_rng(SEED)
            gain = promised_gain(documents, groups, spread)
            passed = sum(large_base(dice, documents, groups, spread, gain) for _ in range(runs)) / runs
            row = {"documents": documents, "groups": groups, "spread": spread, "runs": runs}
            rows.append(row | {"promised_gain": round(gain, 4), "passed_at_it": round(passed, 3)})
            print("large", json.dumps(rows[-1]), flush=True)
    return rows


def measure(part: str, reports: list[str], runs: int) -> tuple[Any, dict[str, Any]]:
    """The results of a part, and the items that it gives to others."""
    if part in TRAININGS:
        return TRAININGS[part](reports)
    real = pools()
    held_out, general = real["held_out"], real["general"]
    if part == "false_passes":
        return simulations.false_passes(held_out, general, runs), {}
    if part == "power":
        return power(held_out, general, runs // 20), {}
    if part == "large":
        return power_of_large(runs // 10), {}
    kinds, cells = simulations.elsewhere(), simulations.ELSEWHERE
    if part == "independent":
        kinds = simulations.independent() | {name: real[name] for name in ("sample", "python")}
        cells, runs = simulations.INDEPENDENT, runs // 2
    more = {"skewed": 2 * runs}  # the hardest, so that the bound is near the rate
    return {
        name: simulations.of_pool(pool, general, more.get(name, runs), cells) for name, pool in kinds.items()
    }, {}


def main() -> None:
    """Run the parts asked for, and put their results beside those of the others."""
    parser = common.command_line(__doc__)
    parser.add_argument("parts", nargs="*", metavar="PARTS", help=", ".join(PARTS))
    parser.add_argument("--reports", type=Path, metavar="FILE", help="for real_text and nothing_learnt")
    parser.add_argument("--runs", type=int, default=2000, help="simulated runs a cell (default %(default)s)")
    options = parser.parse_args()
    parts = options.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if not options.reports and {"real_text", "nothing_learnt"} & set(parts):
        parser.error("real_text and nothing_learnt need --reports")
    reports = common.excerpts(options.reports) if options.reports else []
    for part in parts:
        found, items = measure(part, reports, options.runs)
        results = common.stored(NAME)  # others may have run meanwhile
        results[part] = found
        results["items"] = results.get("items", {}) | items
        results["machine"] = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        common.store(NAME, results)


if __name__ == "__main__":
    main()
