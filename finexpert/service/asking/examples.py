"""Examples to ask: beginnings of sentences from a person's own text that the newest run has not seen."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from core import hyperparameters
from core.aws.s3 import S3Address, sizes
from core.dataset.intake import Intake
from core.dataset.sources import Source
from core.dataset.split import split
from core.names import PROMPTS
from finexpert.service.asking.answerers import trained_on
from finexpert.service.deployment import Deployment
from finexpert.service.runs import executions

COUNT = 4
WORDS = 8
MOST_BYTES = 4_000_000
"""Of a dataset that is read for its examples; from a larger one they are not taken."""


@dataclass(frozen=True)
class Examples:
    """Prompts, and where they come from in words."""

    prompts: tuple[str, ...]
    source: str


SAMPLE = Examples(PROMPTS, "the sample")


def of_newest_run(deployment: Deployment) -> Examples:
    """Openings of the held-out text of the newest run that succeeded; without one, those of the sample."""
    for entry in executions.newest_entries(deployment, limit=executions.NEWEST):
        if entry["status"] == "SUCCEEDED":
            execution = executions.describe(deployment, str(entry["name"]))
            found = openings(*_read(deployment, execution))
            return Examples(found, f"the held-out text of {trained_on(execution)}") if found else SAMPLE
    return SAMPLE


def openings(sources: Iterable[Source], settings: dict[str, str]) -> tuple[str, ...]:
    """The first words of held-out documents, or their whole prompts where they have some."""
    parsed = hyperparameters.parse(settings)
    intake = Intake(sources, None, parsed)
    read = list(intake)
    tasks = {task: number for number, task in enumerate(intake.tasks)}
    sides = split(
        (digest for digest, _ in read),
        [tasks[document.task] for _, document in read],
        given=intake.held_out,
        ratio=parsed.validation_split_ratio,
        seed=parsed.train_data_split_seed,
        max_training=parsed.max_train_samples,
        max_validation=parsed.max_val_samples,
    )
    found: list[str] = []
    for number in sides.validation:
        document = read[number][1]
        words = (document.prompt or document.text).split()
        text = " ".join(words if document.prompt else words[:WORDS])
        if len(words) >= WORDS // 2 and len(text) <= 200 and text not in found:
            found.append(text)
    return tuple(found[:COUNT])


def _read(deployment: Deployment, execution: dict[str, Any]) -> tuple[list[Source], dict[str, str]]:
    """The files of a run's dataset, and its hyperparameters."""
    given = json.loads(execution.get("input") or "{}")
    settings = {**deployment.settings.hyperparameters, **given.get("hyperparameters", {})}
    folder = S3Address.parse(given["dataset"]).folder
    s3 = deployment.target.client("s3")
    try:
        files = sizes(s3, folder)
        if sum(files.values()) > MOST_BYTES:
            return [], settings
        return [
            (name, BytesIO(s3.get_object(Bucket=folder.bucket, Key=folder.key + name)["Body"].read()))
            for name in files
        ], settings
    except Exception:  # deleted, or in a bucket that this page may not read: then the sample's are shown
        return [], settings
