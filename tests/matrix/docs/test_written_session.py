"""The README's session on one's own machine, typed into a shell from first line to last."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finexpert import paths
from tests.unit.docs import docs_pages
from tests.unit.docs.docs_output import prints
from tests.unit.docs.docs_table import STEP_BY_STEP, TRAINED

MARK = "== "
GATE = 3
"""Exit code of a training that the gate refused."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What git tracks, in a folder of its own: its embedded cloud meets no other."""
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


@pytest.mark.timeout(900)
def test_the_session_goes_through(checkout: Any, environment: Any) -> None:
    pages = docs_pages.blocks(docs_pages.ROOT / "README.md")
    lines = next(lines for _, lines in pages if lines and STEP_BY_STEP[-1] in lines[-1])
    assert lines[0].startswith("make setup &&")  # which these tests run in
    done = subprocess.run(
        ["bash", "-c", typed(lines[1:])],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=880,
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
