"""The adapter that the endpoint is to serve: the newest that the quality gate accepted, or a run's."""

import re

from core.aws.errors import if_there
from core.aws.s3 import S3Address, version_of
from finexpert.errors import NotFound, NothingToServe, UserError
from finexpert.service.deployment import Deployment
from finexpert.service.runs import executions


def newest(deployment: Deployment) -> str:
    """S3 URI of the newest adapter that passed the quality gate.

    Raises:
        NothingToServe: none has yet.
    """
    client = deployment.target.client("ssm")
    name = deployment.names.artifact_parameter
    value = if_there(lambda: str(client.get_parameter(Name=name)["Parameter"]["Value"]))
    if value is None or not value.startswith("s3://"):
        raise NothingToServe(
            "No run has passed the quality gate yet, so there is nothing to serve.",
            where=name,
            fix="Train one: finexpert train PATH. Or serve one that the gate refused: finexpert wake RUN"
            " --refused. Or serve the base model alone: finexpert wake --base.",
        )
    return value


def wanted(deployment: Deployment, run: str | None, *, refused: bool = False) -> str:
    """S3 URI of the adapter to serve, which must be the one that was judged."""
    artifact = newest(deployment) if run is None else None
    name = run or run_of(artifact or "")
    if artifact and not name:  # the parameter was set by hand
        return artifact
    try:
        execution = executions.describe(deployment, name)
    except NotFound:  # Step Functions keeps a run for 90 days; its adapter lasts
        if artifact is None:
            raise
        return artifact
    output = executions.output_of(execution)
    evaluation = output.get("evaluation") or {}
    artifact = artifact or evaluation.get("artifact_uri") or _left_by(deployment, name)
    if output.get("outcome") != "accepted" and not refused:
        raise UserError(
            f"The quality gate has not accepted {name}: it is not shown to be better than the base model.",
            where=name,
            fix=f"Choose an accepted one: finexpert runs. To serve this one: finexpert wake {name} --refused",
        )
    judged = evaluation.get("artifact_version")
    address = S3Address.parse(artifact)
    if judged and not refused and version_of(deployment.target.client("s3"), address) != judged:
        raise UserError(
            f"The adapter of {name} was replaced after the quality gate had judged it.",
            where=artifact,
            fix="Bring the judged version back (aws s3api list-object-versions), or serve what is there now:"
            f" finexpert wake {name} --refused",
        )
    return artifact


def _left_by(deployment: Deployment, run: str) -> str:
    """S3 URI of the adapter of a run that did not end with a verdict."""
    bucket, key = deployment.output("Storage", "ArtifactBucketName"), f"runs/{run}/output/model.tar.gz"
    found = deployment.target.client("s3").list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    if key not in [entry["Key"] for entry in found.get("Contents", [])]:
        raise NotFound(
            f"The run {run} has no adapter.", where=f"s3://{bucket}/{key}", fix=f"finexpert runs show {run}"
        )
    return f"s3://{bucket}/{key}"


def run_of(artifact: str) -> str:
    """The run that an artifact's S3 URI is of; "" for one that names none."""
    found = re.search(r"/runs/([^/]+?)(-od)?/", artifact)
    return found[1] if found else ""
