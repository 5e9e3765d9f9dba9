"""The templates are the stored ones. After a wanted change: `make snapshots`, and read the difference."""

import difflib
from pathlib import Path

import pytest

from tests.snapshot.snapshot_synth import STACKS, Templates, compared, readable, synthesize


@pytest.mark.parametrize("stack", STACKS)
def test_the_templates_are_those_stored(stack: str, aws: Templates, request: pytest.FixtureRequest) -> None:
    compared(request, f"{stack.lower()}.yaml", readable(aws[stack]))


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
    compared(request, "embedded.diff", "\n".join(differences) + "\n")


def test_two_synths_are_byte_identical(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    synthesize(first)
    synthesize(second)
    assert len(_contents(first)) > len(STACKS)
    assert _contents(first) == _contents(second)


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
