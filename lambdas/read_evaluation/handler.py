"""Unpacks and checks the evaluation that a training job left (step 4 of the state machine)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from core.aws.calls import AwsClients, Clients, error_text, is_missing
from core.environment import Variables
from core.evaluation import model_card
from core.evaluation.archive import ArchiveError, extract
from core.evaluation.evaluation import EvaluationError, parse, sentence

TYPES = {"evaluation.json": "application/json", "report.html": "text/html; charset=utf-8"}


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Event {run, training_job: DescribeTrainingJob's answer, admission}; answer {passed, primary,
    artifact_uri, evaluation_uri, report_uri, usd, sentence, model_card}.

    Raises EvaluationError when there is no usable evaluation.
    """
    variables = Variables(os.environ)
    bucket = variables.needed("ARTIFACT_BUCKET", "the name of the artifact bucket")
    variables.check()
    return read(event, bucket=bucket, clients=AwsClients())


def read(event: Mapping[str, Any], *, bucket: str, clients: Clients) -> dict[str, Any]:
    """The handler with its settings and clients given. Repeating it writes the same files again."""
    run, job = event["run"], event["training_job"]
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
    usd = cost(job, event.get("admission") or {})
    artifact_uri = artifact or f"s3://{bucket}/runs/{run}/output/model.tar.gz"
    return {
        "passed": evaluation.passed,
        "primary": asdict(evaluation.primary) | {"interval": list(evaluation.primary.interval)},
        "artifact_uri": artifact_uri,
        "evaluation_uri": f"s3://{bucket}/runs/{run}/evaluation.json",
        "report_uri": f"s3://{bucket}/runs/{run}/report.html" if "report.html" in files else "",
        "usd": usd,
        "sentence": sentence(evaluation, usd),
        "model_card": model_card.content(
            evaluation.document, run=run, job=job, artifact_uri=artifact_uri, usd=usd
        ),
    }


def cost(job: Mapping[str, Any], admission: Mapping[str, Any]) -> float:
    """Dollars of the job: billable seconds × the admitted dollars an hour (all instances, volumes
    included)."""
    seconds = float(job.get("BillableTimeInSeconds") or job.get("TrainingTimeInSeconds") or 0)
    return round(seconds / 3600 * float(admission.get("usd_per_hour", 0)), 4)


def _output(s3: Any, bucket: str, run: str, artifact: str) -> dict[str, bytes]:
    """The wanted files of output.tar.gz, which lies beside the model.tar.gz that the job names."""
    source, key = bucket, f"runs/{run}/output/output.tar.gz"
    if artifact.startswith("s3://") and artifact.endswith("/model.tar.gz"):
        source, _, model = artifact.removeprefix("s3://").partition("/")
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
