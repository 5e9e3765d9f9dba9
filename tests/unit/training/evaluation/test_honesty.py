"""The gate says no where nothing was learnt: real trainings, and simulated runs without any effect."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import common
from bench.evaluation_honesty import NAME, pools
from bench.honesty_simulations import (
    DEFAULT_DOCUMENTS,
    Cell,
    centred,
    elsewhere,
    exchangeable,
    passes,
    simulated,
)
from bench.honesty_trainings import INSTRUCTED, documentation, sides
from core.dataset import Origin
from tests.fakes.training_jobs import evaluated
from training.data.packing import Scored, TokenizedDocument
from training.evaluation import asks
from training.evaluation.documents import exchange_prompts
from training.evaluation.gate import PromptEvidence, judge
from training.evaluation.statistics import compare

Job = Callable[..., Path]
SIMULATED = 200
WHOLE_ANSWER = asks.NEW_TOKENS
SHIPPED_BASE = Path(__file__).parents[4] / "base_model"
QUICK = {"evaluation_items": "0"}


@pytest.fixture(autouse=True)
def _short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a model writes decides only where everything else is accepted."""
    monkeypatch.setattr(asks, "NEW_TOKENS", 4)


def failed(document: dict[str, Any]) -> set[str]:
    """The rules of the gate that did not hold."""
    assert document["passed"] is all(rule["passed"] for rule in document["gate"])
    return {rule["name"] for rule in document["gate"] if not rule["passed"]}


def give(base: Path, training: str, held_out: str) -> Path:
    """Put other texts into a job's folder."""
    for channel, text in (("training", training), ("validation", held_out)):
        folder = base / "input" / "data" / channel
        folder.mkdir(exist_ok=True)
        (folder / "reports.txt").write_text(text)
    return base


@pytest.mark.parametrize(
    ("kind", "cell", "runs"),
    [
        ("held_out", Cell(6), SIMULATED),
        ("held_out", Cell(DEFAULT_DOCUMENTS), SIMULATED),
        ("held_out", Cell(32, 8, 0.5), SIMULATED),
        ("held_out", Cell(64, 16, 0.5), SIMULATED),
        ("skewed", Cell(8), 3 * SIMULATED),
        ("skewed", Cell(32), 3 * SIMULATED),
        ("skewed", Cell(32, 8, 0.5), 3 * SIMULATED),
        ("skewed", Cell(60, 12, 0.5), 3 * SIMULATED),
    ],
)
def test_of_runs_without_effect_hardly_one_passes(kind: str, cell: Cell, runs: int) -> None:
    """With a real run's document differences, long tails and all, and with log-normal ones: most runs have
    none of the rare losses among their documents. 2.5 % is what an honest gate lets by."""
    known = pools()
    pool = (known | elsewhere())[kind]
    draw = exchangeable if kind == "held_out" and not cell.groups else centred
    _, passed = passes(partial(simulated, pool=pool, cell=cell, draw=draw), known["general"], runs)
    assert passed <= 0.025 * runs


def table(rows: list[dict[str, Any]]) -> str:
    """Rates of false passes in per cent, with their upper bounds, as a table's cells."""
    return "".join(f" {row['gate_passed']:.1%} ({row['gate_passed_at_most']:.1%}) |" for row in rows).replace(
        "%", ""
    )


def test_the_published_figures_are_those_measured_and_keep_the_aim() -> None:
    """No part is of an older rule, and bench/README.md has each rate."""
    results = common.stored(NAME)
    cells = [row for kind in ("false_passes", "elsewhere") for rows in results[kind].values() for row in rows]
    assert max(row["gate_passed_at_most"] for row in cells) <= 0.025
    assert results["real_text"]["passed"] and results["sample"]["passed"]
    assert not any(each["passed"] for each in results["nothing_learnt"].values())
    assert all(each["passed"] is each["should_pass"] for each in results["instructions"])
    page = " ".join((common.ROOT / "bench" / "README.md").read_text().split())
    for kind, rows in (results["false_passes"] | results["elsewhere"] | results["independent"]).items():
        assert f"| {kind.replace('_', ' ')} |{table(rows)}" in page
    for each in (results["real_text"], results["sample"]):
        assert f"{each['base']:.3f} → {each['tuned']:.3f}" in page
    for row in results["power"]:
        assert f"{row['share_of_base']:.0%} with {row['documents']}".replace("%", " %") in page
    for row in results["large"]:
        assert f" {row['promised_gain']:.1%} ({row['passed_at_it']:.0%}) |".replace("%", "") in page


@pytest.mark.parametrize("towards", ["gains", "losses"])
def test_few_documents_that_are_skewed_towards_gains_are_believed(towards: str) -> None:
    """Changes of a real run on a part of the sample, as they were, and with their long tail at the losses."""
    changes = np.array([-1.08, -0.54, -0.53, -0.47, -0.33, -0.32, -0.31, -0.28, -0.20])
    if towards == "losses":
        changes = 2 * changes.mean() - changes
    base = np.full(len(changes), 2.95)
    primary = compare(list(base), list(base + changes), lower_is_better=True, seed=1)
    assert (primary.interval[1] < 0) is (towards == "gains")
    upwards = compare(list(base), list(base - changes), lower_is_better=False, seed=1)
    assert (upwards.interval[0] > 0) is (towards == "gains")


@pytest.mark.parametrize(("each", "lost", "shown"), [(3, False, True), (3, True, False), (2, False, False)])
def test_where_all_of_many_documents_gained_groups_may_differ_much(
    each: int, lost: bool, shown: bool
) -> None:
    """Eight groups of which some gained ten times as much as others; with a single loss, or
    with 16 documents, rare losses may be among those that were not drawn."""
    changes = -np.repeat([0.04, 0.05, 0.1, 0.2, 0.3, 0.42, 0.45, 0.46], each)
    changes[0] += 0.041 * lost
    base, groups = np.full(len(changes), 2.6), np.repeat(range(8), each).tolist()
    primary = compare(list(base), list(base + changes), lower_is_better=True, seed=1, groups=groups)
    assert (primary.interval[1] < 0) is shown


def test_an_adapter_of_zero_steps_changes_nothing(job: Job) -> None:
    document = evaluated(job(max_steps="0", **QUICK))
    assert "held_out_text" in failed(document)
    assert document["primary"]["difference"] == 0


def test_held_out_text_that_leaked_into_training_proves_nothing(job: Job) -> None:
    base = job(**QUICK)
    held_out = (base / "input" / "data" / "training" / "reports.txt").read_text()
    copies = "\n\n".join(f"Once more: {text}" for text in held_out.split("\n\n"))
    document = evaluated(give(base, copies, held_out))
    assert document["contamination"]["all_documents"]["interval"][1] < 0, "it would have passed"
    assert {"held_out_text", "enough_documents"} <= failed(document)
    assert "no figure can be given" in document["verdict"]
    assert document["contamination"]["overlapping_documents"] == document["contamination"]["documents"]
    assert all(entry["judged"] for entry in document["documents"]), "without early stopping none is set apart"


def test_other_text_that_helps_everywhere_is_no_expertise(job: Job) -> None:
    base = job(**QUICK)
    reports = (base / "input" / "data" / "training" / "reports.txt").read_text()
    document = evaluated(give(base, "\n\n".join(documentation(40)), reports))
    assert document["primary"]["interval"][1] < 0, "any English helps a random model"
    assert "beyond_general_text" in failed(document)


def instruct(base: Path, kind: str, how: str, weights: Path, **settings: str) -> dict[str, Any]:
    """Train a base that does not know the form on 160 pairs, and judge it on 40 right ones."""
    for channel, side in zip(("training", "validation"), sides(kind, how), strict=True):
        folder = base / "input" / "data" / channel
        folder.mkdir(parents=True)
        lines = (json.dumps({"prompt": prompt, "completion": answer}) + "\n" for prompt, answer in side)
        (folder / "records.jsonl").write_text("".join(lines))
        (folder / "template.json").write_text('{"prompt": "{prompt}", "completion": "{completion}"}')
    (base / "input" / "data" / "model").symlink_to(weights)
    (base / "input" / "config").mkdir()
    (base / "input" / "config" / "hyperparameters.json").write_text(json.dumps(INSTRUCTED | settings))
    return evaluated(base)


@pytest.mark.parametrize(
    ("kind", "how"),
    [("labels", "shuffled"), ("figures", "neighbour"), ("labels", "constant"), ("strata", "within")],
)
def test_answers_that_do_not_follow_from_prompts_are_refused(tmp_path: Path, kind: str, how: str) -> None:
    document = instruct(tmp_path, kind, how, SHIPPED_BASE, epoch="3")
    assert document["primary"]["difference"] < 0, "the form alone makes answers easier to predict"
    assert "follows_prompts" in failed(document)


def test_a_prompt_is_lent_to_the_one_most_like_it_whose_answer_differs() -> None:
    """Marked by the sign, a prompt is only read; `9` ends each; 1 and 2 are two kinds of questions."""
    asked = {"a": ([1, 5], [20]), "b": ([2, 6], [21]), "c": ([1, 6], [22]), "d": ([2, 7], [20])}
    documents = {
        Origin(name, 0, ""): Scored(TokenizedDocument(0, [0, *(~t for t in prompt), *answer, 9]), 5)
        for name, (prompt, answer) in asked.items()
    }
    exchanged = exchange_prompts(documents, lambda tokens: "answer")
    read = {
        origin.source: [~token for token in each.document.tokens.tolist() if token < 0]  # type: ignore[union-attr]
        for origin, each in exchanged.items()
    }
    assert read == {"a": [1, 6], "b": [2, 7], "c": [1, 5], "d": [2, 6]}


def spread_about(*means: float) -> np.ndarray:
    """What the right prompt adds on 48 held-out answers, with these means in turn and some noise."""
    dice = np.random.default_rng(11)
    return np.tile(means, 48 // len(means)) + 0.1 * dice.standard_normal(48)


@pytest.mark.parametrize(
    ("added", "accepted"),
    [
        (spread_about(0.0), False),  # shuffled: the form, and nothing of the prompt
        (np.zeros(48), False),  # one answer to all prompts
        (spread_about(-0.4), False),  # a copy of some part of the prompt, right or not
        (spread_about(0.5, -0.5), False),  # half learnt rightly, half with exchanged answers
        (spread_about(0.4, 0.0), True),  # half learnt rightly, half shuffled: it knows what half of them say
        (spread_about(0.3, 0.3, 0.0), True),  # a third of the answers it does not know
        (spread_about(0.004), False),  # hardly anything
    ],
)
def test_what_the_right_prompt_adds_decides_on_answers(added: np.ndarray, accepted: bool) -> None:
    groups = [place // 3 for place in range(48)]
    form = compare([2.0] * 48, list(1.2 + 0.05 * added), lower_is_better=True, seed=1, groups=groups)
    gain = compare([0.0] * 48, list(added), lower_is_better=False, seed=1, groups=groups)
    rules = judge(form, compare([3.0] * 8, [3.0] * 8, lower_is_better=True, seed=1), 0.03)
    assert all(rule.passed for rule in rules), "by the form alone each would pass"
    followed = judge(form, form, 0.03, prompts=PromptEvidence(gain, gain))
    assert {rule.name: rule.passed for rule in followed}["follows_prompts"] is accepted


def test_right_answers_that_teach_something_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asks, "NEW_TOKENS", WHOLE_ANSWER)
    document = instruct(tmp_path, "labels", "right", SHIPPED_BASE)
    assert document["passed"], document["gate"]
    (gain,) = (metric for metric in document["metrics"] if metric["name"] == "prompt_gain")
    assert gain["interval"][0] > 0


def test_early_stopping_chooses_on_documents_that_are_not_judged(job: Job) -> None:
    document = evaluated(job(early_stopping_patience="1", **QUICK))
    judged = [entry for entry in document["documents"] if entry["judged"]]
    assert 0 < len(judged) < len(document["documents"])
    assert document["contamination"]["documents"] == len(judged)


def test_plain_text_that_shares_a_stretch_is_not_taken_for_answers(job: Job) -> None:
    held_out = [
        f"Sites {n} and {n + 1} were closed in May. Their staff of {n + 7} moved to plant {n} or left it."
        for n in range(10)
    ]
    shared = " Such statements are based on our beliefs and on views that may prove wrong."
    held_out[3] += shared
    training = [f"Site {n} was opened and staff moved to it." for n in range(30)]
    training[7] += shared
    document = evaluated(give(job(max_steps="1"), "\n".join(training), "\n".join(held_out)))
    assert document["contamination"]["shortened_documents"] == 1
    assert "follows_prompts" not in {rule["name"] for rule in document["gate"]}
    assert "answers" not in document["verdict"]
