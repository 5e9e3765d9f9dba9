"""Start a run: a file is checked and stored, the run is planned with its price, and then begun."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from core.dataset.sources import CONVERTIBLE, READABLE
from finexpert.service.money import plan
from finexpert.service.runs import datasets
from finexpert.web.context import Context
from finexpert.web.http import Request, Response, answer, bad_input

if TYPE_CHECKING:
    from core.dataset import DatasetReport

_SHOWN = (
    "documents",
    "bytes",
    "tokens_estimated",
    "training_documents",
    "validation_documents",
    "duplicates",
    "optimizer_steps",
    "private",
    "warnings",
    "sentence",
)


def check(request: Request, context: Context) -> Response:
    """Check the file in the body; store it as a dataset if it can be used, and say what a run would cost."""
    deployment = context.deployment
    file = PurePosixPath(request.require("name").replace("\\", "/"))
    suffix = file.suffix.lower()
    if suffix not in (*READABLE, *CONVERTIBLE):
        raise bad_input(
            f"Files of this kind cannot be trained on: {suffix or 'no ending'}.",
            where=file.name[:100],
            fix=f"Choose a file of {', '.join((*READABLE, *CONVERTIBLE))}.",
        )
    with TemporaryDirectory(prefix="finexpert-upload-") as folder:
        path = Path(folder, f"{datasets.slug(file.stem)}{suffix}")
        path.write_bytes(request.body)
        report = datasets.check(path, deployment.settings.hyperparameters)
        if not report.ok:
            raise bad_input(
                "This file cannot be trained on.",
                where=file.name[:100],
                fix="Correct the file and drop it again.",
                problems=tuple(report.errors),
            )
        bucket = deployment.output("Storage", "DataBucketName")
        uri = datasets.upload(deployment.target.client("s3"), bucket=bucket, path=path)
    told = report.to_dict()
    return answer(
        {
            "dataset": uri,
            "report": {key: told[key] for key in _SHOWN}
            | {"understood": [str(each) for each in report.understood], "first": report.first},
            "plan": _plan(context, report),
        }
    )


def _plan(context: Context, report: DatasetReport) -> dict[str, Any]:
    deployment = context.deployment
    made = plan.plan(deployment, training_tokens=max(report.trained_tokens), now=context.now())
    admission = made.admission
    return {
        "fits": admission is not None,
        "sentence": admission.sentence if admission else made.refusal,
        "takes": datasets.expected(report, deployment.settings),
        "expected_usd": admission.expected_usd if admission else None,
        "worst_case_usd": admission.worst_case_usd if admission else made.worst_case_usd,
        "remaining_usd": admission.remaining_usd if admission else None,
        "cheaper": [asdict(option) for option in made.cheaper],
    }
