"""The README's sessions, on one's own machine and on AWS, typed into a shell from first line to last."""

import json
import os
import pty
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finexpert import paths
from tests.unit.docs import docs_pages
from tests.unit.docs.docs_output import prints
from tests.unit.docs.docs_table import STEP_BY_STEP, TRAINED

MARK = "== "
ON_AWS = "cdk deploy --all -c accept_eula=true -c alert_email=you@example.com"
QUICK = {
    "FINEXPERT_SETTINGS": "",  # no settings file
    # The shipped base is tiny: it learns at another rate, and a run does not wait half a minute for itself.
    "FINEXPERT_HYPERPARAMETERS": json.dumps(
        {"learning_rate": "0.01", "epoch": "2", "per_device_train_batch_size": "2", "max_input_length": "256"}
        | {"evaluation_items": "40"}
    ),
    "FINEXPERT_POLL_SECONDS": "1",
}
ASKED = b"(y/n)"
WEIGHTS = Path(__file__).with_name("jumpstart.py")
GATE = 3
"""Exit code of a training that the gate refused."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that git tracks, in a separate folder: its embedded cloud meets no other."""
    copy = tmp_path / "checkout"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=paths.ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        source = paths.ROOT / name
        if name and source.is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy / name)
    (copy / "node_modules").symlink_to(paths.ROOT / "node_modules")
    shutil.copytree(paths.SAMPLE, copy / "my-texts")
    return copy


@pytest.fixture
def environment(checkout: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A shell as `make setup` and the first line leave it, its home empty; the cloud goes with it."""
    programs = [Path(sys.executable).parent, checkout / "node_modules" / ".bin"]
    shell = {
        "HOME": str(tmp_path),
        "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
        "PYTHONPATH": str(checkout),
        "PYTHONDONTWRITEBYTECODE": "1",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }
    yield shell
    subprocess.run([sys.executable, "-m", "finexpert", "local", "down"], env=shell, cwd=checkout, check=True)


def typed(lines: list[str]) -> str:
    """The lines as a script that ends at the first failure, with a mark before each command's output."""
    script = ["set -eu"]
    for part in (part for line in lines for part in line.split(" && ")):
        script += [f"echo {shlex.quote(MARK + part)}", part]
        if part == "finexpert costs":
            for command in TRAINED:
                script += [f"echo {shlex.quote(MARK + command)}", f"{command} || test $? = {GATE}"]
    return "\n".join(script)


def outputs(printed: str) -> dict[str, str]:
    """What each command printed."""
    parts = (part.partition("\n") for part in printed.split(f"\n{MARK}"))
    return {line: output for line, _, output in parts}


def block(last: str) -> list[str]:
    """The README's block whose last line holds `last`, without its first line, which the tests run in."""
    pages = docs_pages.blocks(docs_pages.ROOT / "README.md")
    lines = next(lines for _, lines in pages if lines and lines[-1].endswith(last))
    assert lines[0].startswith("make setup &&")
    return lines[1:]


def at_a_terminal(script: str, *, cwd: Path, environment: dict[str, str], seconds: float) -> tuple[int, str]:
    """Run a script at a terminal whose person says yes to each question; exit status, all that was shown."""
    main, terminal = pty.openpty()
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=cwd,
        env=environment,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        shown, answered, deadline = b"", 0, time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not select.select([main], [], [], 1)[0]:
                continue
            try:
                shown += os.read(main, 65536)
            except OSError:  # Linux tells the end so
                break
            if shown.count(ASKED) > answered:
                answered = shown.count(ASKED)
                os.write(main, b"y\n")
        else:
            os.killpg(process.pid, signal.SIGTERM)
        status = process.wait()
    os.close(main)
    return status, shown.decode(errors="replace").replace("\r\n", "\n")


@pytest.mark.timeout(1800)
def test_the_part_on_aws_goes_through_without_a_settings_file(checkout: Any, environment: Any) -> None:
    """The embedded cloud stands in for AWS, and the hub's weights are the shipped ones."""
    lines = block("cdk destroy --all")
    assert lines[0] == "cdk bootstrap" and lines[1] == ON_AWS
    before = 'eval "$(finexpert local up)"'
    weights = f"python {shlex.quote(str(WEIGHTS))}"
    told = {"finexpert doctor": "|| test $? = 4"}  # billing alerts were not switched on here
    script = ["set -eu", before, *(f"export {name}={shlex.quote(value)}" for name, value in QUICK.items())]
    script.append(weights)
    for line in lines:
        script += [f"echo {shlex.quote(MARK + line)}", f"{line} {told.get(line, '')}"]
    script += [f"echo {shlex.quote(MARK)}leftovers", "finexpert leftovers"]
    plain = environment | {"TERM": "dumb"}  # without colours between the words
    status, shown = at_a_terminal("\n".join(script), cwd=checkout, environment=plain, seconds=1700)
    assert status == 0, shown[-6000:]
    said = outputs(shown)
    place = "s3://jumpstart-private-cache-prod-us-east-1/meta-textgeneration/meta-textgeneration-llama-2-7b/"
    assert "meta-textgeneration-llama-2-7b 4.19.0 of SageMakerPublicHub" in said[ON_AWS]
    assert place in said[ON_AWS]
    doctor = said["finexpert doctor"]
    assert "you have accepted the licence of meta-textgeneration-llama-2-7b" in doctor
    assert "1 safetensors file at s3://jumpstart" in doctor
    assert "accepted by the quality gate" in said["finexpert train my-texts/ --wake"]
    assert "asleep, nothing of it bills" in said["finexpert sleep"]
    assert "nothing of FinExpert is seen" in said["leftovers"]


@pytest.mark.timeout(1800)
def test_the_session_goes_through(checkout: Any, environment: Any) -> None:
    done = subprocess.run(
        ["bash", "-c", typed(block(STEP_BY_STEP[-1]))],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1700,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    said = outputs(done.stdout)
    assert "accepted by the quality gate" in said["finexpert train my-texts/ --wake"]
    assert "stopped" in said["finexpert local down"]
    documented = [command for page in docs_pages.pages() for command in docs_pages.commands(page)]
    compared = [command for command in documented if command.printed and command.text in said]
    assert {command.text for command in compared} >= {*TRAINED, "finexpert leftovers"}
    for command in compared:
        assert prints(command.printed, said[command.text]), said[command.text]
