"""`python -m training` from outside, as SageMaker starts it: from a zip, stopped, failing, under torchrun."""

import io
import json
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.training_jobs import ROOT, finish, read_events, start
from training.host.events import Events
from training.host.processes import StopSignal
from training.job.channels import Channels
from training.job.pipeline import run

Job = Callable[..., Path]
PRICE = {"FINEXPERT_USD_PER_HOUR": "1.515"}


def zipped(folder: Path) -> Path:
    """The package as the CDK asset holds it."""
    archive = folder / "code.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for file in sorted(file for part in ("core", "training") for file in (ROOT / part).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                target.write(file, file.relative_to(ROOT))
    return archive


def test_sigterm_leaves_a_checkpoint_and_no_failure(job: Job) -> None:
    base = job(epoch="1000", save_steps="1000000")
    process = start(base)
    assert process.stdout is not None
    next(event for event in read_events(process.stdout) if event["event"] == "step")
    process.send_signal(signal.SIGTERM)
    code, events, err = finish(process)
    assert code == 143, err
    assert "its checkpoint is kept" in err
    (checkpoint,) = (base / "checkpoints").iterdir()
    last = max((event["step"] for event in events if event["event"] == "step"), default=1)
    assert checkpoint.name.startswith(f"step-{last:08d}-")
    assert not (base / "output" / "failure").exists()
    assert not (base / "model").exists()


@pytest.mark.parametrize(
    ("settings", "remove", "reason"),
    [
        (
            {"lora_r": "none at all", "epocs": "3"},
            None,
            ["Hyperparameters: lora_r is 'none at all'", "epoch?"],
        ),
        ({}, "model", ["input/data/model: the channel is missing or empty"]),
    ],
)
def test_a_failure_leaves_its_reason_and_no_stack_trace(
    job: Job, settings: dict[str, str], remove: str | None, reason: list[str]
) -> None:
    base = job(**settings)
    if remove:
        (base / "input" / "data" / remove).rename(base / "elsewhere")
    code, _, err = finish(start(base))
    written = (base / "output" / "failure").read_text()
    assert code == 1
    for words in reason:
        assert words in written
    assert written in err
    assert "Traceback" not in err


def test_two_processes_from_a_zip_give_the_losses_of_one(job: Job, tmp_path: Path) -> None:
    same = {"lora_dropout": "0", "evaluation_items": "2"}
    together = job("together", per_device_train_batch_size="2", **same)
    alone = job("alone", per_device_train_batch_size="4", **same)
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "training")
    code, events, err = finish(start(together, *torchrun, PYTHONPATH=str(zipped(tmp_path)), **PRICE))
    assert code == 0, err
    assert [events[0]["phase"], events[-1]["phase"]] == ["start", "done"]
    channels, stream = Channels(alone), io.StringIO()
    run(channels, Events(stream=stream), StopSignal())
    single = [json.loads(line) for line in stream.getvalue().splitlines()]
    losses = [[event["loss"] for event in source if event["event"] == "step"] for source in (events, single)]
    assert len(losses[0]) == len(losses[1]) > 1
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    pair, one = (json.loads((base / "output/data/evaluation.json").read_text()) for base in (together, alone))
    assert pair["training"]["processes"] == 2
    assert pair["primary"]["tuned"] == pytest.approx(one["primary"]["tuned"], abs=1e-4)
    assert pair["cost"]["usd_per_hour"] == 1.515
    assert pair["verdict"] in (together / "output" / "data" / "report.html").read_text()
    assert len(list((together / "model").iterdir())) == 2
    assert not (together / "output" / "failure").exists()
