"""The folders of SageMaker's training contract: /opt/ml, or SAGEMAKER_BASE_DIR."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.dataset import Source, local_sources
from core.failures import TrainingFailure

DEFAULT_BASE = "/opt/ml"
PRICE_VARIABLE = "FINEXPERT_USD_PER_HOUR"
LABELS = {
    "id": "FINEXPERT_RUN",
    "name": "FINEXPERT_NAME",
    "by": "FINEXPERT_BY",
    "data": "FINEXPERT_DATA",
    "base": "FINEXPERT_BASE",
}
"""Where the environment says what people call the run, its data and its base model, and who started it."""


@dataclass(frozen=True, slots=True)
class Channels:
    """The folders of one job; all below ``base``."""

    base: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Channels":
        """The job's folders below SAGEMAKER_BASE_DIR, or /opt/ml."""
        return cls(Path(environ.get("SAGEMAKER_BASE_DIR") or DEFAULT_BASE))

    @property
    def model_output(self) -> Path:
        """Its content becomes model.tar.gz: the adapter."""
        return self.base / "model"

    @property
    def data_output(self) -> Path:
        """Its content becomes output.tar.gz: evaluation and report."""
        return self.base / "output" / "data"

    @property
    def failure(self) -> Path:
        """The file whose first kilobyte becomes the job's FailureReason."""
        return self.base / "output" / "failure"

    @property
    def checkpoints(self) -> Path:
        """SageMaker copies this folder to S3 while the job runs, and back for a restarted job."""
        return self.base / "checkpoints"

    @property
    def merged(self) -> Path:
        """The merged model, if the job asks for it; the folder goes to S3 uncompressed."""
        return self.checkpoints / "merged"

    @property
    def scratch(self) -> Path:
        """Files that only this job needs, such as the dataset's tokens; they are not kept."""
        return self.base / "scratch"

    def channel(self, name: str) -> Path | None:
        """An input channel's folder; None if the job has no such channel or it is empty."""
        folder = self.base / "input" / "data" / name
        return folder if folder.is_dir() and any(folder.iterdir()) else None

    def dataset(self, name: str) -> list[Source]:
        """The files of a channel, and of the channels ``name-TASK``, which are folders of the dataset."""
        folder = self.base / "input" / "data"
        sources = local_sources(folder / name) if self.channel(name) else []
        for other in sorted(folder.glob(f"{name}-*")):
            sources += local_sources(other, below=f"{other.name.removeprefix(f'{name}-')}/")
        return sources

    def required(self, name: str, holds: str) -> Path:
        """A channel that the job must have. Raises TrainingFailure saying what it ``holds``."""
        folder = self.channel(name)
        if folder is None:
            where = str(self.base / "input" / "data" / name)
            remedy = f"Give the training job a channel named {name} with {holds}"
            raise TrainingFailure("the channel is missing or empty", where=where, remedy=remedy)
        return folder

    def hyperparameters(self) -> dict[str, Any]:
        """The job's settings as they came; empty if there are none."""
        return self._configuration("hyperparameters.json")

    def resources(self) -> dict[str, Any]:
        """The hosts of the job, and which of them this is, as SageMaker says; empty elsewhere."""
        return self._configuration("resourceconfig.json")

    def usd_per_hour(self, environ: Mapping[str, str] = os.environ) -> float | None:
        """Dollars an hour of all instances together; None if no price is given, since unknown is not free."""
        try:
            price = float(environ[PRICE_VARIABLE])
        except (KeyError, ValueError):
            return None
        hosts = self.resources().get("hosts")
        return price * (len(hosts) if isinstance(hosts, list) and hosts else 1)

    def _configuration(self, name: str) -> dict[str, Any]:
        file = self.base / "input" / "config" / name
        if not file.is_file():
            return {}
        try:
            content, problem = json.loads(file.read_text(encoding="utf-8")), "not a JSON object"
        except (ValueError, RecursionError) as error:
            content, problem = None, f"not valid JSON ({error})"
        if not isinstance(content, dict):
            raise TrainingFailure(problem, where=str(file), remedy="Write a JSON object")
        return content


def labels(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The names of the run, its data and its base model, and who started it; "" where they are not given."""
    return {label: environ.get(variable, "") for label, variable in LABELS.items()}


def write_atomically(file: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
