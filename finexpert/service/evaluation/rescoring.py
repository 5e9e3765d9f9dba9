"""Score a run again on this machine: its adapter, base weights and dataset, with the training program.

A training job of zero steps that begins with the run's adapter measures base and tuned model as the run's own
job did, and writes the same evaluation and report. The user's questions take the place of the dataset's own.
"""

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.aws.s3 import S3Address, sizes
from core.dataset import DatasetError, Question, Reader
from core.evaluation.archive import BoundedHeaders
from finexpert import paths
from finexpert.errors import UsageError, UserError
from finexpert.service.deployment import Deployment
from finexpert.service.runs import executions
from finexpert.text import size
from training.report import render

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
#: What is fetched without being asked for; Llama 2 7B has 13.5 GB, and a laptop no GPU for it.
MOST_BYTES = 2_000_000_000
#: Of the run's own evaluation: a job of zero steps has nothing to say about them.
OF_THE_RUN = ("training", "settings", "cost", "run")
PHASES = {"train": "loading the adapter", "save": "writing the evaluation"}
"""The words for phases in which a job of zero steps does something else than a training job."""


@dataclass(frozen=True)
class Sources:
    """The places in S3 of a run's parts: the folders of its dataset and its base weights, and its adapter."""

    dataset: str
    base_model: str
    artifact: str


def sources(deployment: Deployment, run: str) -> Sources:
    """The places of a run's parts, from its training job.

    Raises:
        UserError: there is no such run, or its training job has not completed.
    """
    output = executions.output_of(executions.describe(deployment, run))
    if not output.get("job_name"):
        raise UserError(
            "This run has no result to score.", where=run, fix=f"See how it ended: finexpert runs show {run}"
        )
    job = deployment.target.client("sagemaker").describe_training_job(TrainingJobName=output["job_name"])
    channels = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
        for channel in job["InputDataConfig"]
    }
    return Sources(channels["training"], channels["model"], job["ModelArtifacts"]["S3ModelArtifacts"])


def gather(
    s3: Any,
    found: Sources,
    *,
    folder: Path,
    questions: Path,
    settings: Mapping[str, str],
    base_model: Path | None,
    download: bool,
) -> None:
    """Lay out a job's folder below `folder`, as SageMaker would.

    Args:
        settings: the run's hyperparameters.
        base_model: a folder with the base weights; None fetches those of the run.
        download: fetch them also where they are larger than `MOST_BYTES`.

    Raises:
        UserError: something is not there any more, or the weights are large and `download` is off.
    """
    channels = folder / "input" / "data"
    weights = channels / "model"
    if base_model:
        channels.mkdir(parents=True)
        weights.symlink_to(base_model.resolve(), target_is_directory=True)
    else:
        _fetch_folder(s3, found.base_model, weights, most=None if download else MOST_BYTES)
    _fetch_folder(s3, found.dataset, channels / "training", most=None)
    for own in (channels / "training").glob("questions.json*"):
        own.unlink()
    shutil.copy(questions, channels / "training" / questions_name(questions))
    archive = folder / "model.tar.gz"
    s3.download_file(*S3Address.parse(found.artifact), str(archive))
    unpack_adapter(archive, channels / "adapter")
    configuration = folder / "input" / "config" / "hyperparameters.json"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(json.dumps({**settings, "max_steps": "0"}), encoding="utf-8")


def read_questions(path: Path) -> tuple[Question, ...]:
    """The questions in a file, as a job would read them.

    Raises:
        UserError: there is no such file, it has none, or some cannot be used: a line each.
    """
    if not path.is_file():
        raise UsageError("There is no such file.", where=str(path))
    reader = Reader([(questions_name(path), lambda: path.open("rb"))])
    for _ in reader:
        pass  # a file of questions holds no documents
    problems = [replace(each, source=path.name) for each in reader.problems]
    if problems or not reader.questions:
        raise UsageError(
            f"These questions cannot be used:\n{DatasetError(problems or ['there are none'])}",
            where=str(path),
            fix='Write a record a line, such as {"question": "…", "answer": "12.5%", "context": "…"}.',
        )
    return tuple(reader.questions)


def questions_name(path: Path) -> str:
    """The name that a job gives a file of questions: JSON lines, or one array as TAT-QA's files are."""
    return "questions.json" if path.suffix.lower() == ".json" else "questions.jsonl"


def run_program(
    folder: Path, environment: Mapping[str, str], on_line: Callable[[str], None]
) -> dict[str, Any]:
    """Run the training program on a job's folder and return its evaluation.

    Raises:
        UserError: it failed; with the reason that it left.
    """
    log = folder / "log.txt"
    own = {"SAGEMAKER_BASE_DIR": str(folder), "PYTHONPATH": str(paths.ROOT)}
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "training"],
            cwd=folder,
            env={**environment, **own},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                on_line(line)
        except BaseException:
            process.terminate()  # Ctrl-C: nothing is worth keeping
            raise
    if status := process.returncode:
        failure = folder / "output" / "failure"
        reason = failure.read_text(encoding="utf-8") if failure.is_file() else log.read_text(encoding="utf-8")
        raise UserError(
            f"The evaluation failed: {reason.strip() or f'exit status {status}'}", where="python -m training"
        )
    document = json.loads((folder / "output" / "data" / "evaluation.json").read_text(encoding="utf-8"))
    return dict(document)


def same_data(measured: Mapping[str, Any], of_run: Mapping[str, Any]) -> bool:
    """Whether the documents on both sides are those that the run was trained and judged on."""
    return bool(measured["data"]["sha256"] == of_run["data"]["sha256"])


def completed(measured: Mapping[str, Any], of_run: Mapping[str, Any]) -> dict[str, Any]:
    """The new measurement, with training, settings and cost from the run's own evaluation."""
    return {**measured, **{part: of_run[part] for part in OF_THE_RUN if part in of_run}}


def write(document: Mapping[str, Any], folder: Path) -> None:
    """Put evaluation.json and report.html into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    (folder / "report.html").write_text(render(document), encoding="utf-8")


MOST_ADAPTER_BYTES = 4 << 30
"""The most bytes of an unpacked archive with an adapter: rank 512 on every layer of a 7B model is less."""


def unpack_adapter(archive: Path, folder: Path) -> None:
    """Take the adapter's two files out of a model.tar.gz, and nothing else.

    Raises:
        UserError: the archive is torn or holds no adapter.
    """
    folder.mkdir(parents=True)
    try:
        with tarfile.open(archive, "r:gz", tarinfo=BoundedHeaders) as packed:
            unpacked = 0
            for member in packed:
                unpacked += member.size
                if max(unpacked, packed.offset) > MOST_ADAPTER_BYTES:
                    raise tarfile.ReadError(f"it unpacks to more than {MOST_ADAPTER_BYTES:,} bytes")
                name = member.name.removeprefix("./")
                content = packed.extractfile(member) if name in ADAPTER_FILES and member.isreg() else None
                if content is not None:
                    (folder / name).write_bytes(content.read())
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UserError(f"The run's model.tar.gz cannot be read: {error}", where=str(archive)) from error
    if not all((folder / name).is_file() for name in ADAPTER_FILES):
        raise UserError(
            "The run's model.tar.gz holds no LoRA adapter.",
            where=str(archive),
            fix="Only adapters of `finexpert train` can be scored.",
        )


def _fetch_folder(s3: Any, uri: str, folder: Path, *, most: int | None) -> None:
    source = S3Address.parse(uri)
    found = {name: count for name, count in sizes(s3, source).items() if not name.endswith("/")}
    total = sum(found.values())
    if not found:
        raise UserError(
            "This part of the run is no longer there.", where=uri, fix="Put it back, or train again."
        )
    if most is not None and total > most:
        raise UsageError(
            f"The base weights have {size(total)}; fetching and running them here may take long.",
            where=uri,
            fix="Name a local copy: --base-model FOLDER. Fetch them all the same: --download."
            " Or ask the live endpoint: --endpoint.",
        )
    for name in found:
        file = folder / name.lstrip("/")
        if not file.resolve().is_relative_to(folder.resolve()):
            raise UserError(f"The key {source / name} leads out of its folder.", where=uri)
        file.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(*(source / name), str(file))
