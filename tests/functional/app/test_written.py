"""The commands of the docs, run as they are written, with the model that test_app_runs made.

They print what the page says that they print.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from finexpert import paths
from finexpert.service.deployment import Deployment
from tests.unit.docs import docs_pages
from tests.unit.docs.docs_output import prints
from tests.unit.docs.docs_table import ON_THE_APP

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("awake")]

WRITTEN = sorted(
    (
        command
        for page in docs_pages.pages()
        for command in docs_pages.commands(page)
        if command.text in ON_THE_APP
    ),
    key=lambda command: ON_THE_APP.index(command.text),
)
"""With repetitions: a command may stand on several pages, with different words below it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the docs name, so that `out/` of the checkout stays the user's."""
    made = tmp_path_factory.mktemp("checkout")
    for name in ("docs/examples", "finexpert/sample", "base_model"):
        shutil.copytree(paths.ROOT / name, made / name)
    return made


@pytest.fixture(scope="module")
def printed(deployed: Deployment, run: str, folder: Path) -> Callable[[str, list[str]], str]:
    """What a command of the docs prints on a terminal; each is run once."""
    outputs: dict[str, str] = {}

    def output(text: str, words: list[str]) -> str:
        if text not in outputs:
            outputs[text] = _run(text, [run if word == "RUN" else word for word in words], deployed, folder)
        return outputs[text]

    return output


def _run(text: str, words: list[str], deployed: Deployment, folder: Path) -> str:
    variables = dict(word.split("=", 1) for word in text.split() if word.startswith("FINEXPERT_"))
    done = subprocess.run(
        [sys.executable, "-P", "-m", *words],  # -P: the package, not the folder of that name here
        cwd=folder,
        env={**deployed.target.environment, **variables, "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def no_report_left(run: str) -> Any:
    """`runs report RUN` writes into the checkout."""
    file = paths.OUT / f"report-{run}.html"
    yield
    file.unlink(missing_ok=True)


@pytest.mark.parametrize("command", WRITTEN, ids=lambda command: f"{command.page}: {command.text}")
def test_a_documented_command_does_what_the_page_says(command: Any, printed: Any) -> None:
    output = printed(command.text, command.words)
    assert "Traceback" not in output
    if command.printed:
        assert prints(command.printed, output), output
