"""Two runs side by side: in pairs where they measured the same, and without a claim where they did not."""

import io
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from finexpert.cli.main import app
from finexpert.service.evaluation import comparison
from finexpert.views.comparison import tables

METRICS = {
    "held_out_bits_per_byte": ("Held-out text", "bits a byte", "lower", "primary"),
    "multiple_choice_accuracy": ("Multiple choice", "share right", "higher", "secondary"),
    "sentiment_accuracy": ("Sentiment", "share right", "higher", "secondary"),
}


def evaluation(
    *, gain: float = 0.3, right: float = 0.5, documents: int = 40, data: str = "data", seed: int = 1
) -> dict[str, Any]:
    """An evaluation.json with `documents` held out, on average better by `gain`, and 200 questions each."""
    base, noise, questions = random.Random(data), random.Random(seed), random.Random(f"{seed} questions")
    before = [base.uniform(2, 3) for _ in range(documents)]
    answers = [float(base.random() < 0.4) for _ in range(200)]
    items = {
        "held_out_bits_per_byte": {
            "ids": [f"reports.txt:{n}" for n in range(documents)],
            "base": before,
            "tuned": [value - gain + noise.gauss(0, 0.05) for value in before],
            "sizes": [base.randrange(100, 900) for _ in before],
        }
    }
    for name in list(METRICS)[1:]:
        tuned = [float(questions.random() < right) for _ in answers]
        items[name] = {"ids": [f"{name}:{n}" for n in range(200)], "base": answers, "tuned": tuned}
    metrics = [
        dict(zip(("title", "unit", "better", "role"), words, strict=True))
        | {"name": name, "tuned": sum(items[name]["tuned"]) / len(items[name]["tuned"])}  # type: ignore[arg-type, call-overload, misc]
        for name, words in METRICS.items()
    ]
    return {
        "schema_version": 3,
        "passed": gain > 0,
        "metrics": metrics,
        "items": items,
        "data": {"sha256": data},
        "settings": {"epoch": "5", "lora_r": "8"},
        "versions": {"torch": "2.13.0"},
        "cost": {"usd": 0.34},
    }


def pair(a: dict[str, Any], b: dict[str, Any]) -> comparison.RunPair:
    return comparison.compare(("first", "second"), (a, b))


def metric(found: comparison.RunPair, name: str = "held_out_bits_per_byte") -> comparison.MetricPair:
    (one,) = [each for each in found.metrics if each.name == name]
    return one


def test_the_better_run_is_found_whichever_side_it_is_on() -> None:
    good, poor = evaluation(gain=0.5), evaluation(gain=0.3, seed=2)
    for a, b, words in ((poor, good, "B better"), (good, poor, "A better")):
        found = metric(pair(a, b))
        assert found.finding == words
        assert found.shared == found.of_a == 40
        assert found.difference == pytest.approx(found.b - found.a)
        assert abs(found.difference or 0) == pytest.approx(0.2, abs=0.03)
        assert found.interval is not None and found.interval[0] < (found.difference or 0) < found.interval[1]


def test_a_sentence_says_which_run_to_prefer() -> None:
    good, poor = evaluation(gain=0.5), evaluation(gain=0.3, seed=2)
    assert pair(poor, good).sentence == "Prefer B: it is shown to be better on unseen text."
    assert pair(good, good).sentence == "Neither is shown to be better."
    refused = pair(good | {"passed": False}, poor).sentence
    assert refused == "A is better on unseen text, but the quality gate did not accept it."
    others = pair(good, evaluation(data="other reports")).sentence
    assert others.startswith("They share no unseen text, so neither can be preferred.")
    assert others.endswith("They were trained on different data.")
    assert pair(poor, good).as_json()["sentence"] == pair(poor, good).sentence


def test_what_is_equal_is_not_listed_as_a_difference() -> None:
    shown = Console(width=100, record=True, file=io.StringIO())
    for part in tables(pair(evaluation(), evaluation())):
        shown.print(part)
    text = shown.export_text()
    assert "Neither is shown to be better." in text and "differs" not in text and "cost" not in text


def test_higher_is_better_where_the_metric_says_so() -> None:
    found = metric(pair(evaluation(right=0.3), evaluation(right=0.8, seed=2)), "sentiment_accuracy")
    assert found.finding == "B better" and (found.difference or 0) > 0


def test_equal_runs_differ_in_nothing() -> None:
    found = pair(evaluation(), evaluation())
    assert {each.finding for each in found.metrics} == {"no difference shown"}
    assert (found.settings, found.versions, found.warnings) == ({}, {}, ())


def test_several_metrics_are_corrected_for() -> None:
    found = metric(pair(evaluation(), evaluation(right=0.61, seed=5)), "multiple_choice_accuracy")
    assert found.interval is not None and found.p_adjusted is not None
    assert (found.finding == "B better") == (found.p_adjusted < 0.05 and found.interval[0] > 0)
    assert metric(pair(evaluation(), evaluation())).p_adjusted is None, "the primary stands alone"


def test_where_the_held_out_sides_overlap_only_what_both_have_counts() -> None:
    first, second = evaluation(gain=0.5), evaluation(gain=0.3, seed=2)
    second["data"]["sha256"] = "another split"
    values = second["items"]["held_out_bits_per_byte"]
    for name in values:
        values[name] = values[name][10:]
    found = pair(first, second)
    held_out = metric(found)
    assert (held_out.shared, held_out.of_a, held_out.of_b) == (30, 40, 30)
    assert held_out.finding == "A better"
    assert any("30 items that both runs measured" in warning for warning in found.warnings)


def test_documents_that_only_share_a_name_are_not_compared_in_pairs() -> None:
    found = pair(evaluation(gain=0.5), evaluation(gain=0.3, data="other reports"))
    held_out = metric(found)
    unpaired = (held_out.difference, held_out.interval, held_out.finding)
    assert held_out.shared == 0 and unpaired == (None, None, None)
    assert held_out.a != held_out.b
    assert any("no difference is claimed" in warning for warning in found.warnings)


def test_few_shared_documents_cannot_show_a_difference() -> None:
    few = [evaluation(gain=gain, documents=5, seed=int(gain * 10)) for gain in (0.9, 0.1)]
    assert metric(pair(*few)).finding == "no difference shown"
    one = [evaluation(gain=gain, documents=1) for gain in (0.9, 0.1)]
    assert metric(pair(*one)).interval is None
    json.dumps(pair(*one).as_json(), allow_nan=False)


def test_settings_that_differ_are_named() -> None:
    other = evaluation()
    other["settings"] = {"epoch": "3", "lora_r": "8", "packing": "True"}
    found = pair(evaluation(), other)
    assert found.settings == {"epoch": ("5", "3"), "packing": (None, "True")}


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    paths = (tmp_path / "a.json", tmp_path / "b.json")
    dearer = evaluation(gain=0.3, seed=2) | {"cost": {"usd": 0.36}}
    for path, content in zip(paths, (evaluation(gain=0.5), dearer), strict=True):
        path.write_text(json.dumps(content))
    return str(paths[0]), str(paths[1])


def test_the_command_shows_a_table_and_gives_programs_json(files: tuple[str, str]) -> None:
    shown = CliRunner().invoke(app, ["runs", "compare", *files])
    assert shown.exit_code == 0, shown.output
    for words in ("Held-out text", "A better", "95 % interval", "cost of the job", "$0.34", "$0.36"):
        assert words in shown.stdout
    answer = CliRunner().invoke(app, ["runs", "compare", *files, "--json"])
    document = json.loads(answer.stdout)
    assert document["metrics"][0]["finding"] == "A better"
    assert document["same_data"] is True


def test_an_evaluation_without_items_says_how_to_get_them(tmp_path: Path, files: tuple[str, str]) -> None:
    old = tmp_path / "old.json"
    old.write_text(json.dumps({"schema_version": 1, "passed": True}))
    result = CliRunner().invoke(app, ["runs", "compare", files[0], str(old)])
    assert "older version" in str(result.exception)


def test_comparing_does_not_load_a_training_library(files: tuple[str, str]) -> None:
    code = (
        "import sys; from finexpert.service.evaluation import comparison, results;"
        f"comparison.compare(('a', 'b'), tuple(results.load(None, f) for f in {files!r}));"
        "print([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
