"""Files that commands write belong to their user alone, under any umask; no key is in program arguments."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def modes(folder: Path) -> dict[str, int]:
    found = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in found}


def test_what_a_command_writes_is_readable_by_its_user_only(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("Revenue was $12.4 million in 2024, up from $11.9 million.\n" * 40)
    index = tmp_path / "index"
    subprocess.run(
        [sys.executable, "-m", "finexpert", "docs", "add", "report.txt", "--index", str(index)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        umask=0o002,
    )
    found = modes(index)
    assert len(found) > 1
    assert not {name: oct(mode) for name, mode in found.items() if mode & 0o077}


def test_no_program_is_started_with_a_key_among_its_arguments() -> None:
    """Every user of a machine can read the arguments of every program on it."""
    started = re.compile(r"(?:Popen|subprocess\.run|webbrowser\.open|processes\.start|os\.exec\w+)\(([^)]*)")
    suspects = []
    for part in ("finexpert", "localcloud", "serving", "training", "tools"):
        for file in (ROOT / part).rglob("*.py"):
            for call in started.findall(file.read_text(encoding="utf-8")):
                if re.search(r"token|secret|password|credential|\bkey\b", call, re.IGNORECASE):
                    suspects.append(f"{file.relative_to(ROOT)}: {call.strip()}")
    assert not suspects
