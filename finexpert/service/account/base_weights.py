"""Base weights of one's own: looked at as the training job will, then uploaded to where it reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finexpert.errors import ExitCode, UserError

if TYPE_CHECKING:
    from finexpert.deployment import Deployment

PREFIX = "base-model/"
"""Where they go in the data bucket, unless the setting `base_model_uri` names another place."""
SETTING = f"base_model_uri='s3://${{DataBucket}}/{PREFIX}'"
"""The flag for the CDK CLI that makes the app use them."""


def require_usable(folder: Path) -> None:
    """Raises:
    UserError: the folder is no whole Llama in Hugging Face layout.
    """
    from core.failures import TrainingFailure
    from training.model.weights import inspect_weights

    try:
        inspect_weights(folder)
    except TrainingFailure as failure:
        raise UserError(
            f"These weights cannot be used: {failure.what}.",
            where=str(folder),
            fix=f"{failure.remedy}.",
            code=ExitCode.USAGE,
        ) from failure


def location(deployment: Deployment) -> str:
    """Where the job reads base weights of one's own: `s3://bucket/prefix/`."""
    bucket = deployment.output("Storage", "DataBucketName")
    if deployment.settings.gated:
        return f"s3://{bucket}/{PREFIX}"
    return deployment.settings.base_model_location(bucket)


def upload(s3: Any, *, folder: Path, location: str, told: Callable[[str, int], None]) -> int:
    """Upload the files of `folder` (not of folders in it) to `location`, `s3://bucket/prefix/`.

    Args:
        s3: boto3 client.
        told: called before each file with its name and its size in bytes.

    Returns:
        The bytes of all of them.
    """
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    for file in files:
        told(file.name, file.stat().st_size)
        s3.upload_file(str(file), bucket, prefix + file.name)
    return sum(file.stat().st_size for file in files)
