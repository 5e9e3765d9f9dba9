"""State folders: two demos at once, and what a killed one left."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from finexpert.demo import folder

CLAIM_AND_DIE = """
import sys
from pathlib import Path
from finexpert.demo import folder
print(folder.claim(Path(sys.argv[1])).path)
"""


def abandoned(parent: Any) -> Any:
    """A folder whose owner is gone, without having given it up."""
    command = [sys.executable, "-c", CLAIM_AND_DIE, str(parent)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    return parent / told.stdout.strip().rsplit("/", 1)[-1]


def test_two_demos_do_not_meet(tmp_path: Path) -> None:
    one, other = folder.claim(tmp_path), folder.claim(tmp_path)
    assert one.path != other.path
    assert one.path.exists()
    one.release(remove=True)
    assert not one.path.exists()
    assert other.path.exists()
    other.release(remove=True)


def test_the_next_demo_clears_away_what_a_killed_one_left(tmp_path: Path) -> None:
    left = abandoned(tmp_path)
    assert left.exists()
    mine = folder.claim(tmp_path)
    assert not left.exists()
    mine.release(remove=True)


def test_a_link_to_another_folder_is_left_alone(tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    out.mkdir()
    (work / "lock").write_text("mine")
    (out / "demo-link").symlink_to(work)
    folder.claim(out).release(remove=True)
    assert (work / "lock").read_text() == "mine"


def test_a_failed_demos_logs_stay_until_the_next(tmp_path: Path) -> None:
    failed = folder.claim(tmp_path)
    failed.log.write_text("why")
    failed.synthesized.mkdir()
    failed.release(remove=False)
    assert failed.log.read_text() == "why"
    assert not failed.synthesized.exists()
    folder.claim(tmp_path).release(remove=True)
    assert not failed.path.exists()


def test_a_kept_demo_stays_only_while_its_cloud_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from localcloud import lifecycle

    kept = folder.claim(tmp_path)
    kept.keep()
    monkeypatch.setattr(lifecycle, "status", lambda state_dir: object())
    folder.claim(tmp_path).release(remove=True)
    assert kept.path.exists()
    monkeypatch.setattr(lifecycle, "status", lambda state_dir: None)
    folder.claim(tmp_path).release(remove=True)
    assert not kept.path.exists()
