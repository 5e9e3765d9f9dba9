"""What must not get out does not: secrets of the person's shell."""

import re
from pathlib import Path

from finexpert.service.runs import executions
from tests.functional.guardrails.guarded_app import CANARY, App


def test_a_secret_of_the_shell_is_in_no_log_report_template_or_error(app: App) -> None:
    """Every variable of the caller's that holds a secret has the canary in it (see guarded_app)."""
    run = app.start(max_steps="2")
    ended = app.ended(run)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    failed = app.invoke("validate-dataset", {"dataset": "s3://nowhere/", "hyperparameters": {}})
    texts = {
        "execution": str(ended),
        "exception": str(failed),
        "report": str(executions.artifact(app.deployment, run, "report.html")),
        "evaluation": str(executions.evaluation(app.deployment, run)),
        **app.cloud.ask("GET", "logs"),
    }
    assert "errorMessage" in failed
    kept = [app.cdk.output, app.cdk.log_path, app.cloud.log_path, app.cloud.state_dir / "training-jobs"]
    for path in (file for place in kept for file in files_below(place)):
        texts[str(path)] = path.read_bytes().decode(errors="replace")
    assert any(name.endswith(".template.json") for name in texts)
    assert any("finexpert-validate-dataset" in name for name in texts)
    found = [name for name, text in texts.items() if CANARY in text]
    assert not found, found


def files_below(place: Path) -> list[Path]:
    """The texts at or below a path; archives and weights hold no text."""
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return [file for file in files if not re.search(r"\.(zip|gz|safetensors|whl)$", file.name)]
