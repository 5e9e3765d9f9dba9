"""Stores the results of a training job: its model and output in S3, or its reason for failing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localcloud.sagemaker import archive, s3_files
from localcloud.sagemaker.opt_ml import OptMl


def store(s3: Any, files: OptMl, job: Mapping[str, Any], say: Callable[[str], None]) -> dict[str, str]:
    """Upload to OutputDataConfig.S3OutputPath/NAME/output: model.tar.gz always, output.tar.gz when there is
    something in it, or both as plain files with CompressionType NONE.

    Args:
        say: writes to the job's log what was left out.

    Returns:
        the job's ModelArtifacts.
    """
    output = job["OutputDataConfig"]
    key = output.get("KmsKeyId")
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
    base = f"{output['S3OutputPath'].rstrip('/')}/{job['TrainingJobName']}/output"
    if output.get("CompressionType") == "NONE":
        s3_files.upload_folder(s3, files.model, f"{base}/model", kms)
        s3_files.upload_folder(s3, files.output_data, f"{base}/data", kms)
        return {"S3ModelArtifacts": f"{base}/model/"}
    packed = [(files.model, f"{base}/model.tar.gz")]
    if any(files.output_data.iterdir()):
        packed.append((files.output_data, f"{base}/output.tar.gz"))
    for folder, uri in packed:
        _upload_archive(s3, folder, uri, files.root / "tmp", kms, say)
    return {"S3ModelArtifacts": packed[0][1]}


def algorithm_error(files: OptMl, exit_code: int, limit: int) -> str:
    """SageMaker's FailureReason: the program's output/failure, cut so that the exit code stays visible.

    Args:
        limit: characters at most.
    """
    ending = f", exit code: {exit_code}"
    try:
        reason = files.failure.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        reason = ""
    return f"AlgorithmError: {reason}"[: limit - len(ending)] + ending


def _upload_archive(
    s3: Any, folder: Path, uri: str, scratch: Path, kms: dict[str, str], say: Callable[[str], None]
) -> None:
    bucket, key = s3_files.split_uri(uri)
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / Path(key).name
    for link in archive.pack(folder, target):
        say(f"{link} was not stored: it is a link that leads out of {folder.name}/.")
    s3.upload_file(str(target), bucket, key, ExtraArgs=kms or None)
    target.unlink()
