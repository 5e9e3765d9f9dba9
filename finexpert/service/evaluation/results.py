"""Reads a finished run's evaluation (from the artifact bucket, or a file here) and its model package."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from core.names import COMPARABLE_SINCE
from finexpert.errors import UserError
from finexpert.service.deployment import Deployment
from finexpert.service.runs import executions, names


def are_files(*names: str) -> bool:
    """Whether no cloud is needed to load all of them."""
    return all(Path(name).is_file() for name in names)


def load(deployment: Deployment | None, name: str) -> dict[str, Any]:
    """The evaluation of the run `name`, or that in the file `name`.

    Args:
        deployment: may be None where `are_files`.

    Raises:
        UserError: there is none, or it is of a version that has no values of single items.
    """
    file = Path(name)
    if file.is_file() or deployment is None:
        return _current(_parsed(file), name)
    return of_run(deployment, name)


def of_run(deployment: Deployment, name: str) -> dict[str, Any]:
    """The evaluation of the run that `name` means.

    Raises:
        UserError: there is none, or it is of a version that has no values of single items.
    """
    run = names.resolve(deployment, name)
    found = required(deployment, run)
    if title := names.read(deployment).get(run):
        found["run"] = {**(found.get("run") or {}), "name": title}
    return _current(found, name)


def required(deployment: Deployment, run: str) -> dict[str, Any]:
    """The evaluation of a run, of any version.

    Raises:
        UserError: there is no such run, or it has left none.
    """
    found = executions.evaluation(deployment, run)
    if found is None:
        executions.describe(deployment, run)  # raises where there is no such run
        fix = f"See how it ended: finexpert runs show {run}"
        raise UserError("This run has left no evaluation.", where=run, fix=fix)
    return found


def _current(document: dict[str, Any], name: str) -> dict[str, Any]:
    if document.get("schema_version", 0) < COMPARABLE_SINCE:
        raise UserError(
            "This evaluation is of an older version, which has no values of single items to compare.",
            where=name,
            fix=f"Score it again: finexpert evaluate {name} --data questions.jsonl",
        )
    return document


def judged_before(deployment: Deployment, run: str, evaluation: Mapping[str, Any]) -> int:
    """The number of runs, among the newest, that were judged earlier on the same held-out documents.

    Of several tries on the same documents one looks good by chance, which no interval of one run knows.
    """
    digest = evaluation.get("data", {}).get("held_out_sha256")
    if not digest:
        return 0
    entries = executions.newest_entries(deployment, limit=executions.NEWEST)
    began = next((entry["startDate"] for entry in entries if entry["name"] == run), None)
    if began is None:
        return 0
    earlier = [e["name"] for e in entries if e["startDate"] < began and e["status"] == "SUCCEEDED"]
    found = (executions.evaluation(deployment, name) or {} for name in earlier)
    return sum(other.get("data", {}).get("held_out_sha256") == digest for other in found)


def several_tries(earlier: int) -> str:
    """Say that earlier runs were judged on the same documents, and what this means; "" where none was."""
    if not earlier:
        return ""
    runs = "1 earlier run was" if earlier == 1 else f"{earlier} earlier runs were"
    return (
        f"{runs} judged on the same held-out documents: of several tries one looks good by chance."
        " Judge the one that you keep on new documents."
    )


def noted(report: bytes, remark: str) -> bytes:
    """A report with a remark (plain text) at the end of its first section, or at its own end."""
    if not remark:
        return report
    first, mark, rest = report.partition(b"</section>")
    return first + f'<p class="note">{escape(remark)}</p>'.encode() + mark + rest


def report(deployment: Deployment, run: str) -> bytes:
    """The run's report, sealed, with the number of earlier runs that were judged on the same documents.

    Raises:
        NotFound: there is none.
    """
    html = executions.report(deployment, run)
    evaluation = executions.evaluation(deployment, run) or {}
    return noted(html, several_tries(judged_before(deployment, run, evaluation)))


def _parsed(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"This is no JSON: {error}", where=str(file), fix="Name a run or its evaluation.json."
        ) from None
    if not isinstance(document, dict):
        raise UserError("This is no evaluation.", where=str(file), fix="Name a run or its evaluation.json.")
    return document


def own_questions(evaluation: Mapping[str, Any]) -> dict[str, Any] | None:
    """A person's own questions as the report counts them: how many each model answers right, and all of them.

    None where the dataset had no such questions.
    """
    from training.report import summary

    rows_of_report = summary.own_questions(evaluation)
    rows = [
        {key: each[key] for key in ("question", "right", "base", "tuned")}
        | {f"{model}_right": each["right_by"][model] for model in ("base", "tuned")}
        for each in rows_of_report
    ]
    right = {model: sum(row[f"{model}_right"] for row in rows) for model in ("base", "tuned")}
    return {"asked": len(rows), **right, "questions": rows} if rows else None


@dataclass(frozen=True)
class Package:
    """A registered model: `name` is `GROUP/VERSION`, `approval` "Approved" or "Rejected"."""

    name: str
    approval: str


def newest_package(deployment: Deployment) -> Package:
    """The newest model package of the app's group.

    Raises:
        UserError: no run has been registered yet.
    """
    group = deployment.output("Training", "ModelPackageGroupName")
    found = deployment.target.client("sagemaker").list_model_packages(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )["ModelPackageSummaryList"]
    if not found:
        raise UserError("No model has been registered yet.", where=group, fix="finexpert train PATH")
    newest = found[0]
    version = newest.get("ModelPackageVersion", newest["ModelPackageArn"].rsplit("/", 1)[-1])
    return Package(f"{group}/{version}", newest["ModelApprovalStatus"])
