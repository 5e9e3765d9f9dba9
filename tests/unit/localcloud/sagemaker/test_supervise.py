"""The small parent of every container program."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.sagemaker import supervise
from tests.fakes.waiting import eventually


def start(tmp_path: Path, program: str, *, cloud: int | None = None) -> subprocess.Popen[bytes]:
    """A supervisor as the cloud starts it, with a Python program under it; output in `out`."""
    alone = [sys.executable, "-I", "-S", supervise.__file__]
    command = [*alone, str(cloud or os.getpid()), sys.executable, "-c", program]
    with (tmp_path / "out").open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, process_group=0, cwd=tmp_path)


def wait_for(tmp_path: Path, text: str) -> str:
    eventually(lambda: text in (tmp_path / "out").read_text(), why=f"it did not print {text}")
    return (tmp_path / "out").read_text()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize(("program", "code"), [("", 0), ("raise SystemExit(7)", 7)])
def test_the_programs_exit_status_is_its_own(tmp_path: Path, program: str, code: int) -> None:
    assert start(tmp_path, program).wait(60) == code


def test_a_signals_death_is_reported_as_a_container_runtime_does(tmp_path: Path) -> None:
    assert start(tmp_path, "import os; os.kill(os.getpid(), 9)").wait(60) == 137


def test_sigterm_goes_to_the_program_alone(tmp_path: Path) -> None:
    supervisor = start(
        tmp_path,
        "import signal, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)'])\n"
        "def stop(*_):\n    print('child', child.poll(), flush=True); child.kill(); sys.exit(5)\n"
        "signal.signal(signal.SIGTERM, stop); print('ready', flush=True); time.sleep(30)",
    )
    wait_for(tmp_path, "ready")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(60) == 5
    assert "child None" in (tmp_path / "out").read_text(), "the program's own child was not signalled"


def test_everything_dies_with_the_cloud(tmp_path: Path) -> None:
    cloud = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, subprocess, sys, time\n"
            "program = 'import os, time; print(\"program\", os.getpid(), flush=True); time.sleep(60)'\n"
            f"command = [sys.executable, '-I', '-S', {supervise.__file__!r}, str(os.getpid()), "
            f"sys.executable, '-c']\n"
            "subprocess.Popen([*command, program], stdout=open('out', 'wb'), process_group=0)\n"
            "time.sleep(60)",
        ],
        cwd=tmp_path,
    )
    (tmp_path / "out").touch()
    program = int(wait_for(tmp_path, "program ").split()[1])
    assert alive(program)
    cloud.kill()
    cloud.wait()
    eventually(lambda: not alive(program), why="the program outlived the cloud")


def test_a_cloud_that_is_gone_already_ends_it_at_once(tmp_path: Path) -> None:
    assert start(tmp_path, "import time; time.sleep(60)", cloud=2**22 + 1).wait(60) == -signal.SIGKILL


@pytest.mark.parametrize(("program", "code"), [("/no/such", 127), ("/", 126)])
def test_a_program_that_cannot_be_started_is_said(
    program: str, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert supervise.main([str(os.getppid()), program]) == code
    assert f'exec: "{program}": ' in capsys.readouterr().out
