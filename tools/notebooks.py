"""Runs the notebooks and stores what they show: `python -m tools.notebooks`.

They run against the app on the embedded cloud (after `eval "$(finexpert local up)"` and a deploy, or
`finexpert demo --keep`). Addresses, times, sums and names of runs change each time, so they are written as
dots or as one fixed name; nothing of this machine is stored.
"""

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from finexpert import paths

FOLDER = paths.ROOT / "notebooks"
NAMES = ("Model_Evaluation.ipynb", "Model_FineTuning.ipynb")
RUN = "finexpert-20260131-142536-9f3a"
PATIENCE_SECONDS = 900
_CHANGING = (
    (re.compile(r" at? ?https?://[\w.:-]+| https?://[\w.:-]+"), ""),
    (re.compile(r"\x1b\[[\d;?]*[A-Za-z]"), ""),
    (re.compile(r"finexpert-\d{8}-\d{6}-[0-9a-f]{4}"), RUN),
    (re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)? (s|min|h|tokens/s)\b"), r"… \1"),
    (re.compile(r"seconds=\d[\d.]*"), "seconds=…"),
    (re.compile(r"\$\d[\d.,]*\d"), "$…"),
    (re.compile(r"(?:\.\./|/)[\w./-]*/(?=finexpert/|notebooks/|out/)"), ""),
)


def scrubbed(text: str) -> str:
    """The text without what another run, machine or account would show differently."""
    for pattern, instead in _CHANGING:
        text = pattern.sub(instead, text)
    return text


def digest(notebook: Any) -> str:
    """Of the code that was run, so that a test sees when outputs belong to other code."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def stored(notebook: Any) -> Any:
    """The notebook with what its cells show, whole lines once each, and nothing that names its place."""
    NotebookClient(notebook, timeout=PATIENCE_SECONDS, resources={"metadata": {"path": str(FOLDER)}}).execute(
        env=dict(os.environ)
    )
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            if "text" in output:
                lines = dict.fromkeys(scrubbed(output["text"]).splitlines())
                output["text"] = "\n".join(lines) + "\n"
            for kind, shown in output.get("data", {}).items():
                output["data"][kind] = scrubbed(shown)
    notebook.metadata = {
        "kernelspec": notebook.metadata.kernelspec,
        "language_info": {"name": "python"},
        "finexpert": {"ran": digest(notebook)},
    }
    return notebook


def main(names: list[str]) -> None:
    """Run and store the notebooks of these names, or both."""
    files: Any = nbformat  # its functions have no types
    for name in names or NAMES:
        file = Path(FOLDER, name)
        files.write(stored(files.read(file, as_version=4)), file)
        print(f"stored {file.relative_to(paths.ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
