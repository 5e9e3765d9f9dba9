"""The gate says no where nothing was learnt: real trainings, and simulated runs without any effect."""

import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.evaluation_honesty import (
    DEFAULT_DOCUMENTS,
    GENERAL,
    HELD_OUT,
    RESULT,
    Differences,
    documentation,
    exchangeable,
    passes,
)
from tools.base_model.pretrain import Recipe, build_model, pretrain, save, token_stream, train_tokenizer
from training.host.events import Events
from training.host.processes import StopSignal
from training.job.channels import Channels
from training.job.pipeline import run

Job = Callable[..., Path]
SIMULATED = 200
QUICK = {"evaluation_items": "0"}


def evaluation(base: Path) -> dict[str, Any]:
    channels = Channels(base)
    run(channels, Events(stream=io.StringIO()), StopSignal())
    document: dict[str, Any] = json.loads((channels.data_output / "evaluation.json").read_text())
    return document


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


@pytest.mark.parametrize("documents", [6, DEFAULT_DOCUMENTS])
def test_of_two_hundred_runs_without_effect_hardly_one_passes(documents: int) -> None:
    """With a real run's document differences, long tails and all; 2.5 % is what an honest gate lets by."""
    recorded = json.loads(RESULT.read_text())
    held_out, general = (Differences.of(recorded, name) for name in (HELD_OUT, GENERAL))
    _, passed = passes(held_out, general, documents=documents, draw=exchangeable, runs=SIMULATED)
    assert passed <= 0.025 * SIMULATED


def test_an_adapter_of_zero_steps_changes_nothing(job: Job) -> None:
    document = evaluation(job(max_steps="0", **QUICK))
    assert "held_out_text" in failed(document)
    assert document["primary"]["difference"] == 0


def test_held_out_text_that_leaked_into_training_proves_nothing(job: Job) -> None:
    base = job(**QUICK)
    held_out = (base / "input" / "data" / "training" / "reports.txt").read_text()
    copies = "\n\n".join(f"Once more: {text}" for text in held_out.split("\n\n"))
    document = evaluation(give(base, copies, held_out))
    assert document["contamination"]["all_documents"]["interval"][1] < 0, "it would have passed"
    assert "enough_documents" in failed(document)
    assert document["contamination"]["overlapping_documents"] == document["contamination"]["documents"]


def test_other_text_that_helps_everywhere_is_no_expertise(job: Job) -> None:
    base = job(**QUICK)
    reports = (base / "input" / "data" / "training" / "reports.txt").read_text()
    document = evaluation(give(base, "\n\n".join(documentation(40)), reports))
    assert document["primary"]["interval"][1] < 0, "any English helps a random model"
    assert "beyond_general_text" in failed(document)


WORDS = {"rose": " +", "fell": " -"}


def records(count: int, shuffled: bool, seed: int) -> list[dict[str, str]]:
    """Sentences with the word that follows from them, or with any."""
    dice = random.Random(seed)
    found = []
    for number in range(count):
        verb = dice.choice(list(WORDS))
        label = dice.choice(list(WORDS.values())) if shuffled else WORDS[verb]
        found.append({"prompt": f"In year {number + seed} profit {verb}", "completion": label})
    return found


@pytest.fixture(scope="module")
def knows_the_form(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base that has seen such sentences with words that do not follow from them."""
    texts = [record["prompt"] + record["completion"] for record in records(1500, True, 5000)]
    texts += documentation(40)
    recipe = Recipe(
        vocabulary=320,
        hidden=32,
        feed_forward=64,
        layers=2,
        heads=2,
        context=64,
        tokens_per_step=1024,
        steps=300,
        warmup_steps=10,
    )
    tokenizer = train_tokenizer(texts, recipe)
    model = build_model(recipe, tokenizer)
    pretrain(model, token_stream(texts, tokenizer), recipe)
    folder = tmp_path_factory.mktemp("knows-the-form")
    save(model, tokenizer, folder)
    return folder


@pytest.mark.parametrize(("shuffled", "accepted"), [(True, False), (False, True)])
def test_shuffled_labels_teach_nothing_and_right_ones_do(
    tmp_path: Path, knows_the_form: Path, shuffled: bool, accepted: bool
) -> None:
    channels = tmp_path / "input" / "data"
    for channel, side in (
        ("training", records(160, shuffled, 1000)),
        ("validation", records(40, False, 3000)),
    ):
        (channels / channel).mkdir(parents=True)
        lines = "".join(json.dumps(record) + "\n" for record in side)
        (channels / channel / "records.jsonl").write_text(lines)
        (channels / channel / "template.json").write_text(
            '{"prompt": "{prompt}", "completion": "{completion}"}'
        )
    (channels / "model").symlink_to(knows_the_form)
    settings = QUICK | {
        "instruction_tuned": "True",
        "add_input_output_demarcation_key": "False",
        "target_modules": "all-linear",
        "learning_rate": "0.01",
        "epoch": "8",
        "max_forgetting": "10",  # so small a base forgets everything; the labels are what counts here
        "max_input_length": "64",
        "precision": "fp32",
    }
    (tmp_path / "input" / "config").mkdir()
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text(json.dumps(settings))
    document = evaluation(tmp_path)
    assert document["passed"] is accepted, document["gate"]
    if not accepted:
        assert "held_out_text" in failed(document)
