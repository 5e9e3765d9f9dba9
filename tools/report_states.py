"""The report in each of its states: `python -m tools.report_states RECORD.json OUT`.

RECORD is the evaluation.json of a finished training. Its held-out figures are moved, and gate, verdict and
page are made from them by the product's code, so that each state can be looked at in a browser.
"""

import argparse
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from training.evaluation.gate import PromptEvidence, judge, verdict
from training.evaluation.sections import comparison
from training.evaluation.statistics import Comparison, compare
from training.report import render

HELD_OUT, GENERAL, BROKEN = "held_out_bits_per_byte", "general_bits_per_byte", "degeneration"
Record = dict[str, Any]


def moved(
    record: Mapping[str, Any],
    *,
    gain: float = 0.15,
    spread: float = 0.02,
    general: float = 0.0,
    documents: int | None = None,
    prompts: float | None = None,
    broken: float = 0.0,
    caveats: tuple[str, ...] = (),
) -> Record:
    """The record after another run.

    Args:
        gain: share of the base's bits that held-out documents gained, `spread` between them.
        general: the same of general text, negative = gained.
        documents: the number of held-out ones.
        prompts: what the right prompt adds, in bits a byte; None = there are no prompts.
        broken: share of broken continuations.
        caveats: what got worse.
    """
    changed = deepcopy(dict(record))
    dice = np.random.default_rng(7)
    own = _changed(changed, HELD_OUT, -gain, spread, dice, documents)
    other = _changed(changed, GENERAL, general, 0.01, dice)
    evidence = None
    if prompts is not None:
        added = prompts + 0.1 * max(abs(prompts), 0.2) * dice.standard_normal(own.items)
        shown = compare([0.0] * own.items, list(added), lower_is_better=False, seed=7)
        evidence = PromptEvidence(shown, shown)
    share = compare(
        [0.0] * 16,
        [1.0] * round(16 * broken) + [0.0] * round(16 * (1 - broken)),
        lower_is_better=True,
        seed=7,
    )
    rules = judge(own, other, 0.03, prompts=evidence, broken=share)
    changed["gate"] = [asdict(rule) for rule in rules]
    changed["passed"] = all(rule.passed for rule in rules)
    changed["caveats"] = list(caveats) if changed["passed"] else []
    changed["primary"] |= comparison(own)
    what = "text" if prompts is None else "answers"
    changed["verdict"] = verdict(own, rules, what=what, caveats=changed["caveats"])
    return changed


def _changed(
    record: Record,
    name: str,
    change: float,
    spread: float,
    dice: np.random.Generator,
    most: int | None = None,
) -> Comparison:
    """Move a metric's items, and compare them."""
    items = record["items"][name]
    for part, values in items.items():
        items[part] = values[:most]
    base = np.array(items["base"])
    items["tuned"] = [
        round(value, 5) for value in base * (1 + change + spread * dice.standard_normal(len(base)))
    ]
    groups = items.get("groups")
    found = compare(
        items["base"], items["tuned"], items["sizes"], lower_is_better=True, seed=7, groups=groups or None
    )
    (metric,) = (metric for metric in record["metrics"] if metric["name"] == name)
    finding = (
        "no difference shown" if found.p_value >= 0.05 else "better" if found.difference < 0 else "worse"
    )
    metric |= comparison(found) | {"finding": finding}
    return found


def nothing_left(record: Mapping[str, Any]) -> Record:
    """All held-out documents stand in the training text."""
    changed = moved(record)
    documents = changed["contamination"]["documents"]
    changed["contamination"] |= {
        "overlapping_documents": documents,
        "examples": [{"id": "a.txt:1", "words": "…"}],
    }
    primary = compare([1.0, 1.0], [0.9, 0.9], lower_is_better=True, seed=7)
    none = replace(primary, items=0)
    rules = judge(none, primary, 0.03)
    changed |= {"gate": [asdict(rule) for rule in rules], "passed": False, "verdict": verdict(none, rules)}
    for each in (changed["primary"], changed["metrics"][0]):
        each["items"] = 0
    return changed


def states(record: Mapping[str, Any]) -> dict[str, Record]:
    """The states by name: each refusal, no documents left, and each kind of acceptance."""
    tasks = [
        {"task": task, **{k: v for k, v in record["metrics"][0].items() if k not in ("name", "title")}}
        for task in ("risk", "results")
    ]
    return {
        "accepted": moved(record),
        "accepted_but": moved(
            record, broken=0.38, caveats=("38% of what it writes is broken (the base model: 0%)",)
        ),
        "chance": moved(record, gain=0.0),
        "too_small": moved(record, gain=0.009, spread=0.003),
        "too_few": moved(record, documents=4),
        "forgotten": moved(record, general=0.06),
        "any_text": moved(record, gain=0.1, general=-0.1),
        "form_of_answers": moved(record, gain=0.3, prompts=0.0),
        "broken_text": moved(record, broken=0.75),
        "no_documents_left": nothing_left(record),
        "instructions": moved(record, gain=0.3, prompts=0.8),
        "dialogs": moved(record, gain=0.2, prompts=0.5),
        "tasks": moved(record) | {"tasks": tasks},
    }


def main() -> None:
    """Write each state's page into a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("record", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, state in states(json.loads(options.record.read_text(encoding="utf-8"))).items():
        (options.out / f"{name}.html").write_text(render(state), encoding="utf-8")
        print(f"{name}: {state['verdict']}")


if __name__ == "__main__":
    main()
