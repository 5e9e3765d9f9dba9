"""Takes the evaluation out of a finished training job's output, checks it, and keeps it with the run."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from core.aws.calls import Clients
from core.aws.errors import error_text, is_missing
from core.aws.notify import log
from core.aws.s3 import S3Address, version_of
from core.evaluation import model_card
from core.evaluation.adoption import differences
from core.evaluation.archive import ArchiveError, extract
from core.evaluation.evaluation import EvaluationError, parse, sentence
from core.money.training_job import TrainingJob, run_usd

TYPES = {"evaluation.json": "application/json", "report.html": "text/html; charset=utf-8"}


def read(event: Mapping[str, Any], *, bucket: str, region: str, clients: Clients) -> dict[str, Any]:
    """Answer as `lambdas.read_evaluation.handler` says. Repeating it writes the same files again.

    Raises:
        EvaluationError: the job left no usable evaluation, or is not the run's own.
    """
    run, job = event["run"], event["training_job"]
    if event.get("adopted"):  # CreateTrainingJob was refused: there was a job of this name
        _require_own(event)
    artifact = job.get("ModelArtifacts", {}).get("S3ModelArtifacts", "")
    files = _output(clients("s3"), bucket, run, artifact)
    if "evaluation.json" not in files:
        raise EvaluationError(
            f"The output of {run} holds no evaluation.json: its trainer did not finish, see the job's log."
        )
    evaluation = parse(files["evaluation.json"])
    for name, content in files.items():
        clients("s3").put_object(
            Bucket=bucket, Key=f"runs/{run}/{name}", Body=content, ContentType=TYPES[name]
        )
    jobs = [TrainingJob.of(each) for each in [*event.get("earlier_jobs", []), job]]
    usd = round(run_usd(jobs, region, datetime.now(UTC)), 4)
    artifact_uri = artifact or f"s3://{bucket}/runs/{run}/output/model.tar.gz"
    return {
        "passed": evaluation.passed,
        "primary": asdict(evaluation.primary) | {"interval": list(evaluation.primary.interval)},
        "artifact_uri": artifact_uri,
        "artifact_version": _version(clients("s3"), S3Address.parse(artifact_uri)),
        "evaluation_uri": f"s3://{bucket}/runs/{run}/evaluation.json",
        "report_uri": f"s3://{bucket}/runs/{run}/report.html" if "report.html" in files else "",
        "usd": usd,
        "sentence": sentence(evaluation, usd),
        "model_card": model_card.content(
            evaluation.document,
            run=run,
            labels=event.get("labels", {}),
            job=job,
            artifact_uri=artifact_uri,
            usd=usd,
        ),
    }


def _require_own(event: Mapping[str, Any]) -> None:
    job = event["training_job"]
    foreign = differences(event["asked"], job, began=datetime.fromisoformat(event["began"]))
    if foreign:
        raise EvaluationError(
            f"The training job {job['TrainingJobName']} is not the one that this run asked for: it differs in"
            f" {', '.join(foreign)}. Its verdict is not believed. See in CloudTrail who made it, and start"
            " another run."
        )


def _version(s3: Any, artifact: S3Address) -> str:
    """S3's name for the version that was judged: what is put in its place later is another one.

    "" where S3 does not say: a run that was paid for is published all the same.
    """
    try:
        return version_of(s3, artifact)
    except Exception as error:
        log("version-unread", artifact=str(artifact), error=error_text(error))
        return ""


def _output(s3: Any, bucket: str, run: str, artifact: str) -> dict[str, bytes]:
    """The wanted files of output.tar.gz, which lies beside the model.tar.gz that the job names."""
    source, key = bucket, f"runs/{run}/output/output.tar.gz"
    if artifact.startswith("s3://") and artifact.endswith("/model.tar.gz"):
        source, model = S3Address.parse(artifact)
        key = f"{model.removesuffix('model.tar.gz')}output.tar.gz"
    try:
        return extract(s3.get_object(Bucket=source, Key=key)["Body"])
    except ArchiveError as error:
        raise EvaluationError(f"s3://{source}/{key} cannot be used: {error}.") from error
    except Exception as error:
        if is_missing(error):
            raise EvaluationError(
                f"The job {run} left no output at s3://{source}/{key}: its trainer did not finish,"
                " see its log."
            ) from error
        raise EvaluationError(f"s3://{source}/{key} cannot be read: {error_text(error)}") from error
