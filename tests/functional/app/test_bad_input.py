"""Bad input that only a deployed app can refuse; tests/unit/bad_input has all the rest.

In this process, since a second for each would add up; the commands are the same.
"""

import os
import sys
from pathlib import Path
from unittest import mock

import pytest

from finexpert.cli import main as cli
from finexpert.service.deployment import Deployment

ROWS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "a hyperparameter in words": (("train", "a.txt", "-p", "epoch=many"), ("epoch is 'many'", "1 to 1000")),
    "a hyperparameter without a value": (("train", "a.txt", "-p", "epoch"), ("'epoch' is not of the form",)),
    "nothing to train on": (("train", "empty.txt"), ("there is no text in the files",)),
    "an address that is none": (("train", "s3:/a"), ("is not an S3 URI of a folder", "s3://bucket/folder/")),
    "a path for a run": (("runs", "show", "../../x"), ("There is no run ../../x",)),
    "a run that there is not": (("runs", "log", "nobody"), ("There is no run nobody",)),
    "a report that there is not": (("runs", "report", "nobody"), ("There is no run nobody",)),
    "to watch nobody": (("train", "--attach", "nobody"), ("There is no run nobody",)),
    "to stop nobody": (("train", "--stop", "nobody"), ("There is no run nobody",)),
    "to compare nobody": (("compare", "nobody"), ("There is no run nobody",)),
    "to score nobody": (("evaluate", "nobody", "--data", "q.jsonl"), ("There is no run nobody",)),
    "to keep nobody": (("snooze", "nobody"), ("There is no endpoint nobody",)),
    "a path for an endpoint": (("restore", "../x"), ("../x",)),
    "to restore nobody": (("restore", "nobody"), ("nobody",)),
    "nothing to upload": (("data", "upload", "empty.txt"), ("there is no text in the files",)),
}


def held(app: Deployment) -> tuple[list[str], ...]:
    """What bad input might leave: objects, runs, jobs, endpoints."""
    s3, machine = app.target.client("s3"), app.output("Training", "StateMachineArn")
    buckets = [app.output("Storage", f"{kind}BucketName") for kind in ("Data", "Artifact")]
    objects = [entry["Key"] for b in buckets for entry in s3.list_objects_v2(Bucket=b).get("Contents", [])]
    runs = app.target.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    sagemaker = app.target.client("sagemaker")
    jobs = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    endpoints = sagemaker.list_endpoints()["Endpoints"]
    return (
        objects,
        [run["name"] for run in runs],
        [job["TrainingJobName"] for job in jobs],
        [endpoint["EndpointName"] for endpoint in endpoints],
    )


@pytest.mark.parametrize("what", ROWS)
def test_a_bad_input_is_a_clear_error(
    deployed: Deployment, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, says = ROWS[what]
    (tmp_path / "a.txt").write_text("Revenue rose.\n\nCosts fell.\n\nCash grew.\n\nDebt shrank.\n")
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "q.jsonl").write_text('{"question": "By how much?", "answer": "12"}\n')
    before = held(deployed)
    with (
        mock.patch.dict(os.environ, {**deployed.target.environment, "COLUMNS": "300"}, clear=True),
        mock.patch.object(sys, "argv", ["finexpert", *arguments]),
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(SystemExit) as ended,
    ):
        patch.chdir(tmp_path)
        cli.main()
    told = "".join(capsys.readouterr())
    assert ended.value.code in (1, 2), told
    assert all(words in told for words in says), told
    assert "Traceback" not in told and "should not happen" not in told, told
    assert held(deployed) == before
