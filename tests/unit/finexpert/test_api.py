"""The API of the notebooks: what is shown, how failures are reported, and that no endpoint is forgotten."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from rich.console import Console
from traitlets.config import Config

from core.endpoint.hosting import BASE, Hosting, HostingBusy, HostingError, HostingState
from core.endpoint.sleeping import Slept, Way
from core.names import Names
from finexpert import api
from finexpert.api import Answers, Expert, FineTuned
from finexpert.errors import ExitCode, UserError
from finexpert.service.asking.inference import Answer
from finexpert.service.endpoint import switch
from finexpert.service.runs import executions
from finexpert.service.runs.follow import Snapshot
from finexpert.views import endpoint
from finexpert.views import run as run_view

RUN = "finexpert-20260131-142536-9f3a"


class Cloud:
    """Hosting as a notebook's cells switch it; what it was asked stands in `asked`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails: Exception | None = None
        self.target = SimpleNamespace(is_local=True, describe=lambda: "on a stand-in", settings=settings)

    def serve(self, deployment: Any, run: str | None, *, base: bool) -> Hosting:
        self.asked.append("wake base" if base else f"wake {run}")
        if self.fails:
            raise self.fails
        return Hosting(stack="S", state=HostingState.AWAKE, artifact=BASE if base else "s3://b/m.tar.gz")

    def begin_sleep(self, deployment: Any, *, cancel: bool) -> Slept:
        assert cancel
        self.asked.append("sleep at once")
        if self.fails:
            raise self.fails
        return Slept(way=Way.STACK)

    def put_to_sleep(self, deployment: Any) -> Slept:
        self.asked.append("sleep")
        return Slept(way=Way.STACK)


def settings() -> Any:
    return SimpleNamespace(
        names=Names(project="FinExpert", region="us-east-1"),
        idle_minutes=60,
        hosting_instance_type="ml.g5.2xlarge",
        region="us-east-1",
        hosting="components",
    )


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    made = Cloud()
    monkeypatch.setattr(api.target, "from_environment", lambda on, flags: made.target)
    monkeypatch.setattr(endpoint, "wake", made.serve)
    monkeypatch.setattr(switch, "begin_sleep", made.begin_sleep)
    monkeypatch.setattr(endpoint, "sleep", made.put_to_sleep)
    never = SimpleNamespace(register=lambda function: None, unregister=lambda function: None)
    monkeypatch.setattr(api, "atexit", never)  # the end of these tests is no end of a kernel
    return made


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    made = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    yield made
    InteractiveShell.clear_instance()


def test_a_failing_cell_after_wake_puts_the_endpoint_to_sleep_once(
    cloud: Cloud, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.push({"expert": Expert()})
    shell.run_cell("1/0")
    assert cloud.asked == []
    shell.run_cell("expert.wake_base()")
    shell.run_cell("1/0")
    shell.run_cell("1/0")
    assert cloud.asked == ["wake base", "sleep at once"]
    assert "goes to sleep" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("clean_up", "cells", "asked"),
    [
        (True, [f"expert.wake('{RUN}')", "raise KeyboardInterrupt"], [f"wake {RUN}"]),
        (True, [f"expert.wake('{RUN}')", "raise left"], [f"wake {RUN}"]),
        (True, ["expert.wake(); expert.sleep()", "1/0"], ["wake None", "sleep"]),
        (False, ["expert.wake_base()", "1/0"], ["wake base"]),
    ],
    ids=["interrupted", "stopped watching", "asleep already", "wanted so"],
)
def test_a_cell_that_ends_early_leaves_the_endpoint(
    cloud: Cloud, shell: InteractiveShell, clean_up: bool, cells: list[str], asked: list[str]
) -> None:
    left = UserError("Stopped watching; the run goes on.", code=ExitCode.INTERRUPTED)
    shell.push({"expert": Expert(clean_up=clean_up), "left": left})
    for cell in cells:
        shell.run_cell(cell)
    assert cloud.asked == asked


def test_a_wake_that_fails_is_reported_in_three_lines_and_undone(
    cloud: Cloud, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.fails = HostingError("FinExpert-Hosting is broken [/x]")
    shell.push({"expert": Expert()})
    shell.run_cell("expert.wake_base()")
    out = capsys.readouterr().out
    assert "✗ FinExpert-Hosting is broken [/x]" in out and "Traceback" not in out
    assert "The endpoint was not put to sleep (FinExpert-Hosting is broken [/x])" in out
    assert cloud.asked == ["wake base", "sleep at once"]


def test_a_wake_under_way_is_cancelled(
    cloud: Cloud, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.fails = HostingBusy("The update of S is being cancelled; ask again when it has rolled back.")
    shell.push({"expert": Expert()})
    shell.run_cell("expert.wake_base()")
    assert "rolled back. Then: finexpert sleep" in capsys.readouterr().out


def test_a_cloud_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UserError, match="moon") as told:
        Expert(on="moon")
    assert told.value.fix == "Write one of: local, aws, auto."


def test_a_kernel_that_ends_puts_the_endpoint_to_sleep() -> None:
    program = """
from finexpert.api import _Guard
guard = _Guard(lambda: print("slept"))
guard.arm()
"""
    for more, told in (("", "slept"), ("guard.disarm()", "")):
        done = subprocess.run([sys.executable, "-c", program + more], capture_output=True, text=True)
        assert (done.stdout.strip(), done.stderr) == (told, "")


def test_an_expected_failure_shows_no_trace_and_a_defect_does(shell: InteractiveShell) -> None:
    problem = UserError("No.", where="here", fix="Do it.")
    assert problem._render_traceback_() == ["✗ No.", "  where  here", "  do     Do it."]
    assert UserError("No.")._render_traceback_() == ["✗ No."]
    with pytest.raises(UserError, match=r"gone\.txt|No such file"), api._explained():
        Path("/nowhere/gone.txt").read_text()
    with pytest.raises(ZeroDivisionError), api._explained():
        _ = 1 / 0


def test_a_remedy_names_the_arguments_of_the_methods() -> None:
    with pytest.raises(UserError) as told, api._explained():
        raise UserError("No.", fix="Hold out more (-p validation_split_ratio=0.4). All the same: --again")
    assert told.value.fix == "Hold out more (validation_split_ratio=0.4). All the same: again=True"


def test_answers_stand_side_by_side_prompt_by_prompt() -> None:
    answers = Answers(
        Answer(model, prompt, f"{model} of {prompt} [x]", 1.0)
        for prompt in ("first", "second")
        for model in ("base", "tuned")
    )
    out = Console(width=100, file=io.StringIO())
    out.print(answers)
    lines = out.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line.strip() for line in lines if "…" in line] == ["first …", "second …"]
    assert any("base of second [x]" in line and "tuned of second [x]" in line for line in lines)
    assert answers._repr_mimebundle_((), ())["text/html"].count("<pre") == 1  # type: ignore[misc]


def test_a_fine_tune_is_started_watched_and_shown(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    snapshot = Snapshot("run-1", "SUCCEEDED", output={"outcome": "rejected"}, usd=0.5, seconds=120.0)
    primary = {"metric": "held_out_bits_per_byte", "base": 2.0, "tuned": 1.5, "difference": -0.5}
    evaluation = {"primary": {**primary, "interval": [-0.6, -0.4]}, "verdict": "Better."}
    monkeypatch.setattr(
        run_view,
        "start",
        lambda *given, wake, again, title, unjudged: started.append((*given[1:], wake)) or "run-1",
    )
    monkeypatch.setattr(run_view, "watch", lambda deployment, run: snapshot)
    monkeypatch.setattr(executions, "evaluation", lambda deployment, run: evaluation)

    tuned = Expert().fine_tune(Path("texts"), epoch=3)

    assert started == [("texts", {"epoch": "3"}, False)]
    assert (tuned.run, tuned.accepted, tuned.usd) == ("run-1", False, 0.5)
    assert repr(tuned) == "FineTuned(run='run-1', accepted=False, usd=0.5)"
    shown = FineTuned._repr_mimebundle_(tuned, (), ())["text/plain"]  # type: ignore[arg-type]
    assert "refused by the quality gate" in shown and "2.000 → 1.500" in shown and "Better." in shown
