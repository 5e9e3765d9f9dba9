"""The demo's pure parts, and its order at the end."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.hyperparameters import parse
from core.names import PROMPTS
from finexpert import paths
from finexpert.demo import bases, folder, program, reaping, summary
from finexpert.demo.children import Children
from finexpert.demo.interrupts import Interrupts
from finexpert.demo.stage import Stage
from finexpert.demo.steps import STEPS, Step, ask, start_cloud
from finexpert.errors import ExitCode, UserError
from finexpert.service.asking import chat, inference
from finexpert.service.asking.inference import Answer
from finexpert.service.endpoint import reaper
from finexpert.service.runs.follow import Snapshot
from finexpert.views import display
from infra.settings import Settings
from localcloud import lifecycle
from tests.fakes.evaluations import compared

NOW = datetime(2026, 1, 31, 14, 0, tzinfo=UTC)


def test_the_countdown_follows_the_settings() -> None:
    settings = Settings.load(environ={"FINEXPERT_SETTINGS": str(paths.LOCAL_SETTINGS)})
    settings = replace(settings, idle_minutes=2, metric_delay_minutes=1, reaper_period_minutes=5)
    expected = reaper.expect(settings, asked=NOW + timedelta(seconds=20))
    assert expected.earliest == NOW + timedelta(minutes=4), "counted from the end of the minute"
    assert expected.latest == NOW + timedelta(minutes=9)


def test_the_countdown_in_words() -> None:
    expected = reaper.Expectation(NOW + timedelta(seconds=60), NOW + timedelta(seconds=120))
    assert expected.countdown(NOW) == "in 1 min 00 s to 2 min 00 s"
    assert expected.countdown(NOW + timedelta(seconds=90)) == "within 30 s"
    assert expected.countdown(NOW + timedelta(seconds=200)) == "any moment"


def test_decisions_are_found_in_a_lambdas_log() -> None:
    lines = [
        "START RequestId: 1",
        '[INFO] {"event": "decision", "endpoint": "finexpert", "action": "keep", "reason": "called 3 s ago"}',
        '{"event": "run", "api_calls": 4}',
        "{torn",
    ]
    (decision,) = reaper.decisions_in(lines)
    assert reaping.sentence(decision).endswith("[bold]keep[/] finexpert, because called 3 s ago")


@pytest.mark.parametrize("keep", [False, True])
def test_the_demos_cloud_is_as_strict_as_aws(monkeypatch: pytest.MonkeyPatch, keep: bool) -> None:
    started: list[lifecycle.CloudOptions] = []

    def up(state: Path, *, options: lifecycle.CloudOptions) -> Any:
        started.append(options)
        return SimpleNamespace(endpoint_url="", pid=2, health=lambda: {"memory_mb": 1.0})

    monkeypatch.setattr(lifecycle, "up", up)
    stage: Any = SimpleNamespace(
        keep=keep, folder=SimpleNamespace(cloud=Path()), background=SimpleNamespace(submit=lambda *_: None)
    )
    start_cloud(stage, display.Live(display.console()))
    assert (started[0].auth, started[0].tls, started[0].owner_pid == 0) == (True, True, keep)


def test_signals_interrupt_except_while_things_are_put_in_order() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        with interrupts.shielded():
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture
def perform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs the demo's program with other steps, in a separate folder; returns exit code and what ran."""

    def run(*steps: Any, **changes: Any) -> Any:
        done = []

        def noting(step: Any) -> Any:
            def do(stage: Any, live: Any) -> Any:
                done.append(step.title)
                return step.do(stage, live)

            return replace(step, do=do)

        monkeypatch.setattr(program, "STEPS", tuple(noting(step) for step in steps))
        monkeypatch.setattr(program, "_finish", lambda stage: finish(stage))
        monkeypatch.setattr(paths, "OUT", tmp_path / "out")
        return program.run(None, keep=changes.get("keep", False)), done

    def finish(stage: Any) -> Any:
        stage.folder.release(remove=True)
        return ExitCode.GATE if stage.rejected else ExitCode.OK

    return run


def works(stage: Any, live: Any) -> Any:
    return "fine"


def refuses(stage: Any, live: Any) -> Any:
    stage.snapshot = Snapshot("r", "SUCCEEDED", output={"outcome": "rejected"})
    return "refused"


def breaks(stage: Any, live: Any) -> None:
    raise UserError("it broke", where="there")


def fails(stage: Any, live: Any) -> None:
    raise ValueError("unforeseen")


def interrupts(stage: Any, live: Any) -> Any:
    os.kill(os.getpid(), signal.SIGINT)
    return "never reached"


def test_a_refused_model_is_not_asked_but_everything_is_removed(perform: Any) -> None:
    asks = Step("ask", works, needs_model=True)
    code, done = perform(Step("gate", refuses), asks, Step("destroy", works, needs_end=True))
    assert code is ExitCode.GATE
    assert done == ["gate", "destroy"]


def test_keep_leaves_out_the_end(perform: Any) -> None:
    code, done = perform(Step("a", works), Step("destroy", works, needs_end=True), keep=True)
    assert code is ExitCode.OK
    assert done == ["a"]


def test_a_failing_step_ends_it(perform: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, done = perform(Step("a", works), Step("b", fails), Step("c", works))  # type: ignore[arg-type]
    assert code is ExitCode.FAILED
    assert done == ["a", "b"]
    told = capsys.readouterr()
    assert "ValueError: unforeseen" in told.err
    assert "nothing is left running" in told.out
    (log,) = (tmp_path / "out").glob("demo-*/demo.log")
    assert "Traceback" in log.read_text()
    assert str(log) in told.out


def test_before_anything_was_started_a_problem_leaves_nothing_at_all(
    perform: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _ = perform(Step("check", breaks), Step("start", works))  # type: ignore[arg-type]
    assert code is ExitCode.FAILED
    told = capsys.readouterr()
    assert "it broke" in told.err
    assert "Removing" not in told.out
    assert list((tmp_path / "out").glob("demo-*")) == []


def test_an_interrupt_ends_it_clean(perform: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, done = perform(Step("a", interrupts), Step("b", works))
    assert code is ExitCode.INTERRUPTED
    assert done == ["a"]
    assert list((tmp_path / "out").glob("demo-*")) == []
    assert "nothing is left running" in capsys.readouterr().out


def test_the_real_steps_end_with_destruction_and_proof() -> None:
    titles = [step.title for step in STEPS if step.needs_end]
    assert titles[-2:] == ["Destroy everything", "Prove that nothing is left"]
    assert all(step.needs_end for step in STEPS[-2:])
    assert not any(step.needs_model for step in STEPS[-2:])


def test_each_base_brings_settings_that_a_run_takes_and_another_is_named() -> None:
    for base in bases.BASES.values():
        parse(base.hyperparameters)
    with pytest.raises(UserError, match="no base 'llama'") as told:
        bases.find("llama")
    assert "tiny, smollm2" in told.value.fix


@pytest.mark.parametrize("name", bases.BASES)
def test_a_base_that_writes_english_gets_a_turn_of_chat(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []

    def answered(deployment: Any, prompt: Any, parameters: Any) -> list[Answer]:
        said.append((prompt, parameters["max_new_tokens"]))
        return [Answer("base", prompt, "B", 0.1), Answer("tuned", prompt, "T", 0.1)]

    monkeypatch.setattr(inference, "require_awake", lambda deployment: None)
    monkeypatch.setattr(inference, "ask", answered)
    monkeypatch.setattr(chat, "begin", lambda deployment: "a conversation")
    monkeypatch.setattr(chat, "say", lambda deployment, talk, text, given: answered(deployment, text, given))
    base = bases.find(name)
    stage: Any = SimpleNamespace(base=base, deployment=None, answers=[], said=[])
    ask(stage, SimpleNamespace(line=lambda text: None))  # type: ignore[arg-type]
    asked = [*PROMPTS, *([base.question] if base.question else [])]
    assert said == [(prompt, base.answer_tokens) for prompt in asked]
    assert [answer.text for answer in stage.said] == (["B", "T"] if base.question else [])


def test_summary_figures_come_from_the_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(
        data=tmp_path,
        folder=folder.claim(tmp_path),
        out=display.console(),
        children=Children(),
        background=ThreadPoolExecutor(1),
    )
    stage.snapshot = Snapshot("run-1", "SUCCEEDED", output={"outcome": "accepted"})
    stage.snapshot = replace(stage.snapshot, progress=replace(stage.snapshot.progress, tokens_seen=91_200))
    primary = compared(3.0, 2.5, [-0.6, -0.4], metric="bits_per_byte")
    stage.evaluation = {"primary": primary}
    stage.awake_seconds = 3600.0
    settings = Settings.load(environ={"FINEXPERT_SETTINGS": str(paths.LOCAL_SETTINGS)})
    monkeypatch.setattr(Stage, "deployment", type("D", (), {"settings": settings})())
    training, hosting, together = summary.sums(stage)
    assert training.usd == pytest.approx((340 + 100) / 3600 * 1.515, rel=1e-6)
    assert hosting.usd == pytest.approx(1.515)
    assert together.usd == pytest.approx(training.usd + hosting.usd)
    told = summary.document(stage)
    assert told["primary"] == primary
    assert told["cost"]["here_usd"] == 0.0
    assert "3.000 → 2.500" in summary.section(stage)
    stage.folder.release(remove=True)
