"""A followed run on the screen."""

import io
from dataclasses import replace
from typing import Any

import pytest

from finexpert.service.runs.follow import Snapshot
from finexpert.service.runs.logs import Progress
from finexpert.views import run as run_view
from tests.fakes.evaluations import compared

TRAINING = Snapshot(
    "r",
    "RUNNING",
    job_status="Training",
    seconds=90,
    usd=0.0379,
    progress=Progress(
        phase="train", step=10, steps=40, losses=(4.0, 3.5), tokens_per_second=2310.4, eta_seconds=30
    ),
)
EVALUATION = {
    "verdict": "It is better.",
    "primary": compared(3.4, 2.9, [-0.6, -0.4]),
}


def at_step(number: Any) -> Any:
    return replace(TRAINING, progress=replace(TRAINING.progress, step=number))


def test_a_line_for_a_pipe_has_steps_loss_speed_and_money() -> None:
    line, _ = run_view.milestone(TRAINING, is_local=True)
    assert "step 10/40 · loss 3.500 · 2,310 tokens/s · 30 s left" in line
    assert "1 min 30 s, $0.0379 at AWS's price so far" in line


def test_a_pipe_gets_one_line_a_tenth() -> None:
    keys = [run_view.milestone(at_step(number), is_local=True)[1] for number in range(1, 41)]
    assert len(set(keys)) == 11
    assert keys == sorted(keys, key=lambda key: int(key.split()[1]))


def test_on_aws_the_money_is_real() -> None:
    assert run_view.money(TRAINING, is_local=False) == "1 min 30 s, $0.0379 so far"
    assert run_view.money(replace(TRAINING, seconds=0), is_local=False) == ""


def test_a_run_that_has_ended_costs_no_more() -> None:
    ended = replace(TRAINING, status="SUCCEEDED")
    assert run_view.money(ended, is_local=False) == "1 min 30 s, $0.0379"
    assert run_view.money(ended, is_local=True) == "1 min 30 s, $0.0379 at AWS's price"


@pytest.mark.parametrize(
    ("snapshot", "doing"),
    [
        (Snapshot("r", "RUNNING"), "starting"),
        (Snapshot("r", "RUNNING", state="Admit"), "admitting against the budget"),
        (Snapshot("r", "RUNNING", state="SomethingNew"), "SomethingNew"),
        (
            Snapshot("r", "RUNNING", state="WaitForTraining", job_status="Downloading"),
            "training job: downloading",
        ),
        (TRAINING, "training"),
        (Snapshot("r", "TIMED_OUT", state="Admit"), "timed out"),
    ],
)
def test_what_is_going_on_in_words(snapshot: Any, doing: Any) -> None:
    assert snapshot.doing == doing


def test_before_and_after_in_one_line() -> None:
    expected = "held-out bits per byte: 3.400 → 2.900, difference −0.500, interval [−0.600, −0.400]"
    assert run_view.before_after(EVALUATION) == expected


def test_the_ending_tells_the_gates_word() -> None:
    accepted = replace(TRAINING, status="SUCCEEDED", output={"outcome": "accepted"})
    refused = replace(TRAINING, status="SUCCEEDED", output={"outcome": "rejected"})
    assert "It is better." in run_view.ending(accepted, EVALUATION, is_local=True)
    assert "accepted by the quality gate" in run_view.ending(accepted, EVALUATION, is_local=True)
    assert "refused by the quality gate" in run_view.ending(refused, EVALUATION, is_local=True)


def test_the_region_draws_with_and_without_steps() -> None:
    from rich.console import Console

    out = Console(width=120, record=True, file=io.StringIO())
    out.print(run_view.region(TRAINING, is_local=True))
    out.print(run_view.region(Snapshot("r", "RUNNING", state="Admit"), is_local=True))
    drawn = out.export_text()
    assert "step 10/40" in drawn
    assert "admitting against the budget" in drawn
