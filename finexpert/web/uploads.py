"""Start a run: a file is checked and stored, the run is planned with its price, and then begun."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from finexpert.service.runs import datasets, planning, runs
from finexpert.web.context import Context
from finexpert.web.http import Problem, Request, Response, answer, bad_input

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
    if suffix not in datasets.UPLOADED:
        raise bad_input(
            f"Files of this kind cannot be trained on: {suffix or 'no ending'}.",
            where=file.name[:100],
            fix=f"Choose a file of {', '.join(datasets.UPLOADED)}.",
        )
    with TemporaryDirectory(prefix="finexpert-upload-") as folder:
        path = Path(folder, f"{datasets.slug(file.stem)}{suffix}")
        path.write_bytes(request.body)
        report = datasets.check(path, deployment.settings.hyperparameters)
        if not report.ok:
            raise bad_input(
                "This file cannot be trained on.",
                where=file.name[:100],
                fix="Mend the file and drop it again.",
                problems=tuple(report.errors),
            )
        bucket = deployment.output("Storage", "DataBucketName")
        uri = datasets.upload(deployment.target.client("s3"), bucket=bucket, path=path)
    told = report.to_dict()
    return answer(
        {
            "dataset": uri,
            "report": {key: told[key] for key in _SHOWN},
            "plan": _plan(context, report),
        }
    )


def _plan(context: Context, report: DatasetReport) -> dict[str, Any]:
    deployment = context.deployment
    made = planning.plan(deployment, training_tokens=max(report.trained_tokens), now=context.now())
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


def start(request: Request, context: Context) -> Response:
    """Begin a run on a dataset of the app's own bucket."""
    document, deployment = request.document(), context.deployment
    dataset, wake = document.get("dataset"), document.get("wake", False)
    bucket = re.escape(deployment.output("Storage", "DataBucketName"))
    if not isinstance(dataset, str) or not re.fullmatch(rf"s3://{bucket}/datasets/[a-z0-9-]+/", dataset):
        raise bad_input("This is no dataset of this project.", where="dataset", fix="Drop a file first.")
    if not isinstance(wake, bool):
        raise bad_input("wake must be true or false.", where="wake")
    overrides = _overrides(document.get("hyperparameters", {}), deployment.settings.hyperparameters)
    plan = planning.plan(deployment, training_tokens=0, now=context.now())
    if plan.admission is None:
        raise Problem(
            HTTPStatus.CONFLICT,
            "budget_reached",
            plan.refusal,
            fix="Wait for the next month, or have budget_usd raised.",
        )
    run = runs.start(deployment, dataset=dataset, hyperparameters=overrides, wake=wake, now=context.now())
    context.looks.forget()
    return answer({"run": run}, HTTPStatus.CREATED)


def _overrides(given: Any, recipe: Mapping[str, str]) -> dict[str, str]:
    """The hyperparameters that were sent, as strings.

    Raises:
        Problem: one cannot be used; each is told.
    """
    from core import hyperparameters

    if not isinstance(given, Mapping) or not all(
        isinstance(value, (str, int, float)) for value in given.values()
    ):
        raise bad_input("hyperparameters must be an object of texts and numbers.", where="hyperparameters")
    overrides = {str(name): str(value) for name, value in given.items()}
    try:
        hyperparameters.parse({**recipe, **overrides})
    except hyperparameters.HyperparameterError as error:
        raise bad_input(
            "The hyperparameters cannot be used.", where="hyperparameters", problems=tuple(error.problems)
        ) from None
    return overrides
