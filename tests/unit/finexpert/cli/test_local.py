"""`finexpert local`: what it says of the shell that it was called from."""

from pathlib import Path
from typing import Any

import pytest

from finexpert.cli.commands import local


@pytest.mark.parametrize(
    ("variables", "said"), [({}, ""), ({local.ENDPOINT: "http://127.0.0.1:1"}, "another")]
)
def test_down_tells_a_shell_that_still_points_at_the_cloud(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: Any,
    said: Any,
) -> None:
    monkeypatch.delenv(local.ENDPOINT, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    local.down(state=tmp_path)
    printed = capsys.readouterr()
    assert printed.out == "No embedded cloud ran here.\n"
    assert said in printed.err
    assert bool(printed.err) == bool(said)
