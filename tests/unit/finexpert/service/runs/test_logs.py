"""The training job's log lines, folded into progress."""

import json
from typing import Any

import pytest

from finexpert.service.runs import logs


def step(number: Any, **more: Any) -> Any:
    return json.dumps({"event": "step", "step": number, "steps": 4, "loss": 5.0 - number, **more})


def test_steps_and_phases_add_up() -> None:
    lines = [
        json.dumps({"event": "phase", "phase": "train", "seconds": 0.1}),
        step(1, tokens_per_second=900.5, tokens_seen=1024, eta_seconds=9),
        step(2, tokens_seen=2048),
    ]
    progress = logs.fold(logs.Progress(), lines)
    assert progress.phase == "train"
    assert (progress.step, progress.steps) == (2, 4)
    assert progress.losses == (4.0, 3.0)
    assert progress.loss == 3.0
    assert progress.tokens_per_second == 900.5
    assert progress.tokens_seen == 2048
    assert progress.eta_seconds is None


def test_folding_piece_by_piece_is_folding_at_once() -> None:
    lines = [step(1), json.dumps({"event": "log", "message": "hello"}), step(2)]
    whole = logs.fold(logs.Progress(), lines)
    assert logs.fold(logs.fold(logs.Progress(), lines[:1]), lines[1:]) == whole
    assert whole.step == 2


def test_foreign_lines_are_skipped() -> None:
    foreign = ["", "Downloading …", "{not json", '{"level": "INFO"}', "[1, 2]", '{"event": "new", "x": 1}']
    assert logs.fold(logs.Progress(), foreign) == logs.Progress()


@pytest.mark.parametrize(
    "line",
    [
        '{"a":' * 100_000,
        '{"event": "step"}',
        '{"event": ["step"]}',
        '{"event": "step", "step": "x", "steps": 4}',
        '{"event": "step", "step": 1e999, "steps": 4}',
        '{"event": "step", "step": 1, "steps": {}}',
        '{"event": "step", "step": 1, "steps": 4, "loss": Infinity}',
        '{"event": "step", "step": 1, "steps": 4, "loss": NaN}',
        '{"event": "step", "step": 1, "steps": 4, "loss": "low"}',
        '{"event": "step", "step": 1, "steps": 4, "eta_seconds": 1e999}',
        '{"event": "step", "step": 1, "steps": 4, "tokens_per_second": [1]}',
        '{"event": "phase"}',
    ],
    ids=lambda line: line[:60],
)
def test_lines_that_are_nearly_events_are_skipped(line: str) -> None:
    assert logs.fold(logs.Progress(), [line]) == logs.Progress()


def test_before_the_first_step_there_is_no_loss() -> None:
    assert logs.Progress().loss is None


def test_a_loss_that_is_no_number_leaves_the_last_one_standing() -> None:
    lines = [
        step(1),
        json.dumps({"event": "step", "step": 2, "steps": 4, "loss": None, "tokens_per_second": None}),
    ]
    progress = logs.fold(logs.Progress(), lines)
    assert progress.step == 2
    assert progress.losses == (4.0,)
