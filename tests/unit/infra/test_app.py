"""`python app.py` with wrong settings: the problems, exit status 1, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

from infra.settings import flags_of

ROOT = Path(__file__).resolve().parents[3]


def run_app(out: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """The app as the CDK CLI runs it, with settings as variables."""
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("FINEXPERT_", "CDK_"))
    }
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        cwd=ROOT,
        env={**environ, **settings, "CDK_OUTDIR": str(out)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_wrong_settings_are_told_without_a_trace_and_make_nothing(tmp_path: Path) -> None:
    ran = run_app(tmp_path / "cdk.out", FINEXPERT_BUDGET_USD="abc")
    assert ran.returncode == 1
    lines = ran.stderr.strip().splitlines()
    assert [line.split(" ")[0] for line in lines] == ["budget_usd", "alert_email", "accept_eula"]
    assert ran.stdout == ""
    assert list(tmp_path.rglob("*.json")) == []  # no manifest, no template


def test_whoever_synthesizes_is_told_what_will_be_kept(tmp_path: Path) -> None:
    settings = {"RETAIN_DATA": "true", "ACCEPT_EULA": "true", "ALERT_EMAIL": "you@example.com"}
    ran = run_app(tmp_path / "cdk.out", **{f"FINEXPERT_{name}": value for name, value in settings.items()})
    assert ran.returncode == 0, ran.stderr
    assert "retain_data is true: cdk destroy keeps the buckets finexpert-data-…" in ran.stderr
    assert "the key" not in ran.stderr, "there is none of one's own"


def test_only_settings_are_taken_from_cdks_context() -> None:
    context = {
        "budget_usd": "30",
        "finexpert": {"prefix": "x"},
        "@aws-cdk/core:checkSecretUsage": True,
        "availability-zones:account=1:region=us-east-1": [],
        "acknowledged-issue-numbers": [1],
        "bugdet_usd": "1",
    }
    assert flags_of(context) == {"budget_usd": "30", "bugdet_usd": "1"}
