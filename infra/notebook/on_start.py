"""The script that prepares the notebook instance at each start, filled in for one deployment."""

import json
from pathlib import Path

from infra.settings import Settings

HERE = Path(__file__).resolve().parent

_READ_THERE = (
    *("prefix", "region", "hyperparameters", "hosting", "hosting_instance_type"),
    *("training_instance_type", "training_instance_count", "idle_minutes"),
)
"""The settings that finexpert/api.py goes by; the repository's cdk.json may differ from what is deployed."""


def on_start(settings: Settings) -> str:
    """The shell script: stop when idle, and a kernel with the product.

    Source of the limits: SageMaker's NotebookInstanceLifecycleHook, 16,384 characters, five minutes.
    """
    deployed = {name: getattr(settings, name) for name in _READ_THERE}
    parts = {
        "IDLE_STOP": (HERE / "idle_stop.py").read_text(encoding="utf-8").rstrip(),
        "IDLE_MINUTES": str(settings.idle_minutes),
        "SETTINGS": json.dumps(deployed, default=dict, sort_keys=True),
        "FOLDER": folder(settings.notebook_repository),
    }
    script = (HERE / "on_start.sh").read_text(encoding="utf-8")
    for name, text in parts.items():
        script = script.replace(f"@{name}@", text)
    return script


def folder(repository: str) -> str:
    """The folder that SageMaker clones a repository into: `https://host/someone/name.git` into `name`."""
    return repository.rstrip("/").rpartition("/")[2].removesuffix(".git")
