"""Programs of a command: logged, watched line by line, and never left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from finexpert.demo import cdk
from finexpert.demo import children as processes
from finexpert.demo.children import Children
from finexpert.errors import UserError
from localcloud.processes import of_folder

FOREVER = (
    "import subprocess, time; subprocess.Popen(['sleep', '60']); print('up', flush=True); time.sleep(60)"
)


def run(children: Any, program: Any, tmp_path: Path, on_line: Any = lambda line: None) -> Any:
    return children.run(
        [sys.executable, "-c", program],
        environment={**os.environ, "MARK_OF_TEST": str(tmp_path)},
        cwd=tmp_path,
        log_path=tmp_path / "log",
        on_line=on_line,
    )


def test_output_goes_to_the_log_and_to_the_listener(tmp_path: Path) -> None:
    heard: list[str] = []
    program = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"
    status = run(Children(), program, tmp_path, heard.append)
    assert status == 3
    assert sorted(heard) == ["one", "two"]
    log = (tmp_path / "log").read_text()
    assert log.lstrip().startswith("$ ")
    assert "two\n" in log


def test_stop_ends_the_program_and_what_it_started_and_lets_none_begin(tmp_path: Path) -> None:
    children, up = Children(), threading.Event()
    statuses = []
    runner = threading.Thread(
        target=lambda: statuses.append(run(children, FOREVER, tmp_path, lambda line: up.set()))
    )
    runner.start()
    assert up.wait(60)
    assert len(of_folder(tmp_path)) == 2
    children.stop()
    runner.join(60)
    assert statuses == [-signal.SIGTERM]
    assert of_folder(tmp_path) == []
    assert run(children, "print()", tmp_path) == 130


def test_an_interrupted_listener_leaves_no_process(tmp_path: Path) -> None:
    def interrupt(line: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Children(), FOREVER, tmp_path, interrupt)
    assert processes.left_of_folder(tmp_path, patience_seconds=60) == []


def test_processes_of_a_folder_are_found_by_environment_only_as_well(tmp_path: Path) -> None:
    before = of_folder(tmp_path)
    environment = {"PATH": os.environ["PATH"], "X": str(tmp_path / "deep")}
    with subprocess.Popen(["sleep", "60"], env=environment) as sleeper:
        deadline = time.monotonic() + 60
        found: list[str] = []
        while not any("sleep" in entry for entry in found) and time.monotonic() < deadline:
            time.sleep(0.02)
            found = of_folder(tmp_path)
        sleeper.kill()
    assert before == []
    assert [entry.strip() for entry in found] == [f"{sleeper.pid} sleep 60"]


EVENTS = [
    (
        "FinExpert-Storage |  3/12 | 9:27:01 PM | CREATE_COMPLETE      | AWS::S3::Bucket | Data (Data1A2B)",
        [("  FinExpert-Storage  3/12  CREATE_COMPLETE  AWS::S3::Bucket  Data", "")],
    ),
    (
        "CDKToolkit | 0 | 9:27:01 PM | DELETE_IN_PROGRESS   | AWS::CloudFormation::Stack | CDKToolkit",
        [
            (
                "  CDKToolkit  0  DELETE_IN_PROGRESS  AWS::CloudFormation::Stack  CDKToolkit",
                "  CDKToolkit DELETE_IN_PROGRESS",
            )
        ],
    ),
    (" ✅  FinExpert-Storage", []),
    ("", []),
]


@pytest.mark.parametrize(("line", "shown"), EVENTS)
def test_events_of_the_cdk_command_line(line: str, shown: list[tuple[str, str]]) -> None:
    updates: list[tuple[str, str]] = []
    live: Any = SimpleNamespace(update=lambda region, line: updates.append((region, line)))
    cdk.show_events(live)(line)
    assert updates == shown


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a program that is run in place of the CDK CLI."""
    file = tmp_path / "cdk"
    file.touch(0o755)
    monkeypatch.setattr(cdk, "_program", lambda: file)
    return file


def test_a_failing_cdk_command_tells_its_end_and_log(tmp_path: Path, program: Path) -> None:
    program.write_text('#!/bin/sh\necho "❌ $1 of $2 went wrong" >&2\nexit 7\n')
    heard: list[str] = []
    cli = cdk.Cdk(dict(os.environ), tmp_path / "cdk.out", tmp_path / "demo.log", Children())
    last = r"cdk deploy failed with exit status 7:\n❌ deploy of --all went wrong"
    with pytest.raises(UserError, match=last) as failed:
        cli.deploy(heard.append)
    assert failed.value.where == str(tmp_path / "demo.log")
    assert heard == ["❌ deploy of --all went wrong"]


def test_the_environments_python_and_node_come_first(tmp_path: Path, program: Path) -> None:
    program.write_text('#!/bin/sh\necho "$PATH"\n')
    heard: list[str] = []
    cdk.Cdk({"PATH": "/usr/bin:/bin"}, tmp_path, tmp_path / "log", Children()).synth(heard.append)
    assert heard == [f"{Path(sys.executable).parent}:/usr/bin:/bin"]


def test_of_many_last_words_those_that_tell_the_reason_are_shown_once() -> None:
    words = ["S | 1 | CREATE_COMPLETE | a", " S | 2 | CREATE_FAILED | b: no", *["❌  S failed"] * 2, "bye"]
    assert cdk.reasons_in(words) == ["S | 2 | CREATE_FAILED | b: no", "❌  S failed"]
    assert cdk.reasons_in(["one", "two"]) == ["one", "two"]


def test_what_has_just_been_killed_gets_a_moment_to_end_and_what_stays_is_reported(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], env={"PATH": os.environ["PATH"], "X": str(tmp_path)}) as sleeper:
        stays = processes.left_of_folder(tmp_path, patience_seconds=0.2)
        threading.Timer(0.3, sleeper.kill).start()
        reaper = threading.Thread(target=sleeper.wait)
        reaper.start()
        gone = processes.left_of_folder(tmp_path, patience_seconds=60)
        reaper.join()
    assert len(stays) == 1
    assert gone == []
