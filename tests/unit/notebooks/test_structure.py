"""The notebooks as they lie in the repository: whole, with what they showed, short, and cleaned up."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from finexpert import api
from tools import notebooks
from tools.notebooks import FOLDER, NAMES

MOST_LINES = 10
"""Of code in one notebook; the course's have 30 to 40."""

Notebook = Any


@pytest.fixture(params=NAMES)
def notebook(request: pytest.FixtureRequest) -> Notebook:
    return nbformat.read(FOLDER / request.param, as_version=4)


def code(notebook: Notebook) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_they_are_the_two_of_the_course() -> None:
    assert {path.name for path in FOLDER.glob("*.ipynb")} == set(NAMES)


def test_they_are_stored_with_what_their_cells_showed(notebook: Notebook) -> None:
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"finexpert", "kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert notebook.metadata.finexpert.ran == notebooks.digest(notebook), "python -m tools.notebooks"
    shown = "\n".join(text for cell in cells for text in texts(cell))
    assert "on the embedded cloud" in shown and "asleep, nothing of it bills" in shown
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)


def texts(cell: Any) -> Iterator[str]:
    """All that the outputs of a cell show, in each form."""
    for output in cell.outputs:
        yield from [output["text"]] if "text" in output else map(str, output["data"].values())


def test_what_is_stored_names_no_machine_account_or_time(notebook: Notebook) -> None:
    shown = "\n".join(text for cell in notebook.cells if cell.cell_type == "code" for text in texts(cell))
    assert re.findall(r"https?://|127\.0\.0\.1|localhost|/(?:home|work|tmp|root|Users)/", shown) == []
    assert set(re.findall(r"\b\d{12}\b", shown)) <= {"000000000000"}
    assert re.findall(r"\d(?:\.\d+)? (?:s|min)\b", shown) == []
    assert set(re.findall(r"finexpert-\d{8}-\d{6}-\w{4}", shown)) <= {notebooks.RUN}
    assert shown == notebooks.scrubbed(shown)


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ("on the embedded cloud http://127.0.0.1:4566", "on the embedded cloud"),
        ("base (0.8 s) took 12 min", "base (… s) took … min"),
        ("8,254 tokens/s · 912 tokens/s", "… tokens/s · … tokens/s"),
        ("Answer('base', seconds=0.8039, cut=True)", "Answer('base', seconds=…, cut=True)"),
        ("12 s, $0.0050 at AWS's price", "… s, $… at AWS's price"),
        (
            "started finexpert-20261129-155512-4d6a on s3://data-000000000000/x/",
            f"started {notebooks.RUN} on s3://data-000000000000/x/",
        ),
        ("read /home/ana/expert/finexpert/sample/a.txt", "read finexpert/sample/a.txt"),
        ("held-out bits per byte: 2.797 → 2.354", "held-out bits per byte: 2.797 → 2.354"),
    ],
)
def test_what_changes_each_time_is_not_stored(shown: str, kept: str) -> None:
    assert notebooks.scrubbed(shown) == kept


def test_their_code_is_short_and_ends_with_putting_the_endpoint_to_sleep(notebook: Notebook) -> None:
    lines = [line for source in code(notebook) for line in source.splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES
    assert notebook.cells[-1].source == lines[-1] == "expert.sleep()"
    (waking,) = [number for number, line in enumerate(lines) if line.startswith("expert.wake")]
    assert waking < len(lines) - 1


def test_they_use_the_api_as_it_is(notebook: Notebook) -> None:
    tree = ast.parse("\n".join(code(notebook)))
    imported = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert {node.module for node in imported if isinstance(node, ast.ImportFrom)} == {"finexpert.api"}
    assert {alias.name for node in imported for alias in node.names} <= set(api.__all__)
    called = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "expert"
    }
    assert {"ask", "sleep"} < called
    assert all(callable(getattr(api.Expert, name)) for name in called)


def test_what_they_link_to_is_there(notebook: Notebook) -> None:
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)#]+)", text)
    assert links
    missing = [link for link in links if not (FOLDER / Path(link)).resolve().exists()]
    assert missing == []
