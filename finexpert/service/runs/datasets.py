"""Checks a dataset on this machine and uploads it as one folder `datasets/NAME/`."""

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core import hyperparameters as recipe
from core.aws.s3 import S3Address, sizes
from core.dataset import DatasetError, DatasetReport, Document, TokenCounter, local_sources
from core.dataset import check as check_sources
from core.dataset.sources import CONVERTIBLE, READABLE
from core.endpoint.adapters import parse_servable
from core.failures import TrainingFailure
from core.hyperparameters import HyperparameterError
from core.money import training_time
from finexpert import paths
from finexpert.errors import UsageError, UserError
from finexpert.service.deployment import Deployment
from finexpert.service.runs import conversion
from finexpert.service.target import Target
from infra.settings import Settings

S3_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)")


def check(
    path: Path, hyperparameters: Mapping[str, str], *, counter: TokenCounter | None = None
) -> DatasetReport:
    """Read the dataset at `path` (a file or folder) as the state machine will, and report on it.

    `counter`: the base model's tokenizer, where it is at hand; without it tokens are estimated.

    Raises:
        UserError: nothing is there, or a hyperparameter cannot be used.
    """
    if not path.exists():
        raise UsageError(
            "There is no such file or folder.",
            where=str(path),
            fix=f"Name a file, or a folder of them: {', '.join((*READABLE, *CONVERTIBLE))}.",
        )
    with _correctable():
        parsed = recipe.parse(hyperparameters)
    with conversion.readable(path) as files:
        return check_sources(local_sources(files), parsed, counter=counter)


def expected(report: DatasetReport, settings: Settings) -> str:
    """The time and cost of training on it on AWS, in a sentence."""
    return training_time.expected(
        report.trained_tokens,
        report.evaluated_tokens,
        instance_type=settings.training_instance_type,
        instances=settings.training_instance_count,
        region=settings.region,
    )


def token_counter(base_model: Path) -> TokenCounter:
    """The tokenizer of a base model on this machine.

    Raises:
        UserError: there is none that can be read.
    """
    from training.data.tokenizer import encode, load_tokenizer

    try:
        tokenizer = load_tokenizer(base_model)
    except TrainingFailure as error:
        raise UsageError(
            f"There is no tokenizer that can be read ({error}).",
            where=str(base_model),
            fix="Name a folder with the base model's tokenizer.json, or leave --base-model out.",
        ) from error
    config = base_model / "config.json"
    known = json.loads(config.read_text(encoding="utf-8")) if config.is_file() else {}
    document = encode([Document("a", None, "", 0)], tokenizer)[0]

    def dialog(messages: Sequence[tuple[str, str]]) -> list[tuple[int, int]] | None:
        exchanges = tokenizer.encode_dialog(messages)
        return None if exchanges is None else [(len(read), len(learned)) for read, learned in exchanges]

    return TokenCounter(
        base_model.name,
        lambda texts: [len(tokens) for tokens in tokenizer.encode(texts)],
        longest=known.get("max_position_embeddings"),
        marks=len(document) - len(tokenizer.encode(["a"])[0]),
        dialog=dialog,
    )


def counter_for(target: Target) -> TokenCounter | None:
    """The tokenizer that check, plan, train and page count with; None where tokens are estimated.

    The embedded cloud's base model lies beside the program. AWS opens its weights for jobs only.
    """
    return token_counter(paths.BASE_MODEL) if target.is_local else None


def require_judgeable(report: DatasetReport) -> None:
    """Refuse a dataset on which the quality gate refuses every model, before the run is paid for.

    Raises:
        UserError: too few documents are held out.
    """
    if not report.unjudged:
        return
    raise UserError(
        f"This run would be paid for in vain: {report.unjudged}.",
        where=f"{report.documents} documents, {report.validation_documents} of them held out",
        fix="Add documents, or hold out more of them (-p validation_split_ratio=0.4), or give a folder"
        " separate folder validation/. To train all the same: --unjudged",
    )


def require_usable(report: DatasetReport, path: Path) -> None:
    """Refuse a dataset that cannot be trained on.

    Raises:
        UserError: with every problem found, a line each.
    """
    try:
        report.raise_for_errors()
    except DatasetError as error:
        problems = "\n".join(f"· {line}" for line in str(error).splitlines())
        raise UserError(
            f"This dataset cannot be used:\n{problems}",
            where=str(path),
            fix=f"Correct the data, then: finexpert data check {shlex.quote(str(path))}",
        ) from error


@contextmanager
def _correctable() -> Iterator[None]:
    """Turn hyperparameters that cannot be used into a UserError with all their problems."""
    try:
        yield
    except HyperparameterError as error:
        raise UsageError(str(error), where="hyperparameters", fix="Correct them and repeat.") from error


def ready(
    deployment: Deployment, data: str, overrides: Mapping[str, str], *, unjudged: bool = False
) -> tuple[str, DatasetReport | None]:
    """Check the file or folder `data` and upload it: its S3 URI, and the report.

    An S3 URI is passed on as it is, without a report: the state machine checks what lies there.

    Args:
        unjudged: also where the quality gate could not judge the result.

    Raises:
        UserError: the data or a hyperparameter cannot be used.
    """
    hyperparameters = {**deployment.settings.hyperparameters, **overrides}
    with _correctable():
        parse_servable(hyperparameters, deployment.settings.served_rank)
    if is_s3_uri(data):
        return (data if data.endswith("/") else data + "/"), None
    path = Path(data)
    report = check(path, hyperparameters, counter=counter_for(deployment.target))
    require_usable(report, path)
    if not unjudged:
        require_judgeable(report)
    return upload(deployment.target.client("s3"), bucket=deployment.data_bucket, path=path), report


def upload(s3: Any, *, bucket: str, path: Path, name: str | None = None) -> str:
    """Make `s3://bucket/datasets/NAME/` hold exactly the files of `path` and return that URI.

    Args:
        s3: boto3 client.
        name: of the dataset; by default file name and content decide, so the same data is uploaded once.
    """
    with conversion.readable(path) as folder:
        files = _files(folder)
        prefix = f"datasets/{slug(name) if name else default_name(folder)}/"
        present = sizes(s3, S3Address(bucket, prefix))
        for relative, file in files.items():
            if name or present.get(relative) != file.stat().st_size:
                s3.upload_file(str(file), bucket, prefix + relative)
    for stale in present.keys() - files.keys():
        s3.delete_object(Bucket=bucket, Key=prefix + stale)
    return f"s3://{bucket}/{prefix}"


def is_s3_uri(text: str) -> bool:
    """Whether the argument names a dataset that is in S3 already.

    Raises:
        UserError: it starts like an S3 URI but is none.
    """
    if not text.startswith("s3:"):
        return False
    if not S3_URI.fullmatch(text):
        raise UsageError(f"{text!r} is not an S3 URI of a folder.", fix="Write s3://bucket/folder/")
    return True


def default_name(path: Path) -> str:
    """`reports-1a2b3c4d`: the file's or folder's name and eight digits of its content's SHA-256."""
    digest = hashlib.sha256()
    for relative, file in _files(path).items():
        digest.update(relative.encode() + b"\0" + file.stat().st_size.to_bytes(8, "big"))
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return f"{slug(path.resolve().stem)}-{digest.hexdigest()[:8]}"


def slug(text: str) -> str:
    """Lower-case letters, digits and dashes; "dataset" if nothing of the text is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48].rstrip("-") or "dataset"


def _files(path: Path) -> dict[str, Path]:
    """The files that training reads by their name below `path`, sorted, hidden ones left out."""
    return {name: file for name, file in paths.visible(path).items() if file.suffix.lower() in READABLE}
