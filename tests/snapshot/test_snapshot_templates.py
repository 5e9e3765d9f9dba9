"""The templates are the stored ones. After a wanted change: `make snapshots`, and read the difference."""

import difflib
from pathlib import Path

import pytest
from snapshot_synth import STACKS, STORED, Templates, readable, synthesize


def _compare(request: pytest.FixtureRequest, name: str, text: str) -> None:
    file = STORED / name
    if request.config.getoption("--snapshot-update", default=False):
        file.write_text(text, encoding="utf-8")
    stored = file.read_text(encoding="utf-8") if file.exists() else ""
    changes = list(
        difflib.unified_diff(stored.splitlines(), text.splitlines(), "stored", "now", lineterm="", n=2)
    )
    assert not changes, f"{name} changed; if that is wanted: make snapshots\n" + "\n".join(changes)


@pytest.mark.parametrize("stack", STACKS)
def test_the_templates_for_aws_are_the_stored_ones(
    stack: str, aws: Templates, request: pytest.FixtureRequest
) -> None:
    _compare(request, f"{stack.lower()}.yaml", readable(aws[stack]))


def test_the_embedded_cloud_differs_by_these_lines_only(
    aws: Templates, embedded: Templates, request: pytest.FixtureRequest
) -> None:
    differences = [
        line
        for stack in STACKS
        for line in difflib.unified_diff(
            readable(aws[stack]).splitlines(),
            readable(embedded[stack]).splitlines(),
            stack,
            stack,
            lineterm="",
            n=0,
        )
        if not line.startswith("@@")
    ]
    _compare(request, "embedded.diff", "\n".join(differences) + "\n")


def test_two_synths_are_byte_identical(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    synthesize(first)
    synthesize(second)
    assert len(_contents(first)) > len(STACKS)
    assert _contents(first) == _contents(second)


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
