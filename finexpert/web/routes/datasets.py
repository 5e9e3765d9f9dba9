"""Data for a run: files are checked and stored, and the run is planned with its price."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from core.dataset import DatasetReport
from core.dataset.sources import CONVERTIBLE, READABLE, REMEDIES
from finexpert import paths
from finexpert.errors import UserError
from finexpert.service.asking import history
from finexpert.service.evaluation import own_questions
from finexpert.service.money import plan
from finexpert.service.runs import datasets
from finexpert.web.context import Context
from finexpert.web.http import Request, Response, answer, bad_input
from finexpert.web.routes.runs import overrides

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
MOST_FILES = 1000
QUESTIONS = "questions.jsonl"
_TAKEN = (*READABLE, *CONVERTIBLE)


def check(request: Request, context: Context) -> Response:
    """Check the files in the body; store them as a dataset if they can be used, and say what a run costs.

    The body begins with a line of JSON, `{"files": [{"name", "bytes"}], "hyperparameters": {}}`, after which
    the files follow. A person's own questions go with them.
    """
    head, files = _unpacked(request.body)
    settings = overrides(head.get("hyperparameters", {}), context.deployment.settings)
    read = {name: content for name, content in files.items() if PurePosixPath(name).suffix.lower() in _TAKEN}
    left_out = [_why(name) for name in files if name not in read]
    if not read:
        raise bad_input("No text can be read from this.", problems=tuple(left_out), fix=_HOW)
    own = history.questions(context.history(request.user))
    if own and QUESTIONS not in read:
        read[QUESTIONS] = own_questions.as_file(own)
    with TemporaryDirectory(prefix="finexpert-upload-") as folder:
        return answer(_checked(context, _laid_out(Path(folder), read), settings, left_out, tuple(files)))


def example(request: Request, context: Context) -> Response:
    """Check and store the shipped texts about an invented company, as `check` does."""
    return answer(_checked(context, paths.SAMPLE, {}, [], ("the example company",)))


_HOW = f"Choose files of {', '.join(_TAKEN)}."


def _unpacked(body: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The head, and the files by their names.

    Raises:
        Problem: the body has another form.
    """
    line, _, rest = body.partition(b"\n")
    try:
        head = json.loads(line)
        entries = [(str(entry["name"]), int(entry["bytes"])) for entry in head["files"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise bad_input("The files cannot be read.", where="the first line", fix=_HOW) from None
    if not 0 < len(entries) <= MOST_FILES or sum(count for _, count in entries) != len(rest):
        raise bad_input(f"Between 1 and {MOST_FILES:,} whole files are taken at once.", fix=_HOW)
    files: dict[str, bytes] = {}
    for name, count in entries:
        if count < 0:
            raise bad_input("The files cannot be read.", where=name[:100], fix=_HOW)
        files[_safe(name)], rest = rest[:count], rest[count:]
    return head, files


def _safe(name: str) -> str:
    """A relative path without anything that leads elsewhere or is hidden.

    Raises:
        Problem: nothing of it is left.
    """
    parts = [
        re.sub(r"[^\w.,() &+-]", "_", part).strip()[-100:]
        for part in PurePosixPath(name.replace("\\", "/")).parts
    ]
    kept = [part for part in parts if part.strip("._")]
    if not kept:
        raise bad_input("A file has no name.", where=name[:100], fix=_HOW)
    return "/".join(part.lstrip(".") for part in kept[-4:])


def _why(name: str) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    remedy = REMEDIES.get(suffix, f"choose a file of {', '.join(_TAKEN)}")
    return f"{name}: {suffix or 'a file without an ending'} cannot be read; {remedy}"


def _laid_out(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The files below `folder`: one file, or a folder that has the name of the first."""
    first = PurePosixPath(next(iter(files)))
    slug = datasets.slug(first.parts[0] if len(first.parts) > 1 else first.stem)
    if len(files) == 1:
        path = folder / f"{slug}{first.suffix.lower()}"
        path.write_bytes(next(iter(files.values())))
        return path
    for name, content in files.items():
        file = folder / slug / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder / slug


def _checked(
    context: Context,
    path: Path,
    settings: Mapping[str, str],
    left_out: Sequence[str],
    names: Sequence[str],
) -> dict[str, Any]:
    """The report, where the dataset is stored, and what a run on it costs.

    Raises:
        Problem: the data cannot be used.
    """
    deployment = context.deployment
    report = datasets.check(
        path,
        {**deployment.settings.hyperparameters, **settings},
        counter=datasets.counter_for(deployment.target),
    )
    if not report.ok:
        raise bad_input(
            "This cannot be trained on as it is.",
            where=", ".join(names)[:100],
            fix="Correct the file and drop it again.",
            problems=tuple(report.errors),
        )
    uri = datasets.upload(deployment.target.client("s3"), bucket=deployment.data_bucket, path=path)
    found = report.to_dict()
    shown = {key: found[key] for key in _SHOWN} | {"left_out": list(left_out), "unjudged": _unjudged(report)}
    understood = {"understood": [str(each) for each in report.understood], "first": report.first}
    return {"dataset": uri, "report": shown | understood, "plan": _plan(context, report)}


def _unjudged(report: DatasetReport) -> str:
    """Why the quality gate would refuse every run on this data; "" where it would not."""
    try:
        datasets.require_judgeable(report)
    except UserError as problem:
        return problem.what
    return ""


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
        "available_usd": made.available_usd,
        "cheaper": [asdict(option) for option in made.cheaper],
    }
