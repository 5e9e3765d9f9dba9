"""The notebooks as they lie in the repository: whole, without outputs, short, and ending with clean-up."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from finexpert import api, paths

FOLDER = paths.ROOT / "notebooks"
NAMES = ("Model_Evaluation.ipynb", "Model_FineTuning.ipynb")
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


def test_they_are_stored_without_outputs(notebook: Notebook) -> None:
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


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
