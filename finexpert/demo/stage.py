"""State that the steps of a demo share: where things are, and the results so far."""

import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console

from finexpert import paths
from finexpert.demo.bases import BASES, DemoBase
from finexpert.demo.cdk import Cdk
from finexpert.demo.children import Children
from finexpert.demo.folder import Folder
from finexpert.service import target
from finexpert.service.asking.inference import Answer
from finexpert.service.deployment import Deployment
from finexpert.service.runs.follow import Snapshot
from localcloud.lifecycle import Cloud


@dataclass(frozen=True)
class Timing:
    """A step's duration in seconds, and its result in a sentence."""

    title: str
    seconds: float
    result: str


@dataclass
class Stage:
    """A demo under way. Facts are filled in by the step that finds them out."""

    data: Path
    folder: Folder
    out: Console
    children: Children
    background: ThreadPoolExecutor
    base: DemoBase = BASES["tiny"]
    base_folder: Path = paths.BASE_MODEL
    keep: bool = False
    json: bool = False
    timings: list[Timing] = field(default_factory=list)
    cloud: Cloud | None = None
    synthesis: Future[float] | None = None
    dataset: str = ""
    snapshot: Snapshot | None = None
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    answers: list[list[Answer]] = field(default_factory=list)
    said: list[Answer] = field(default_factory=list)
    awake_seconds: float = 0.0
    leftovers: dict[str, list[str]] = field(default_factory=dict)

    @property
    def rejected(self) -> bool:
        """Whether the quality gate refused the result."""
        return self.snapshot is not None and self.snapshot.output.get("outcome") == "rejected"

    @cached_property
    def deployment(self) -> Deployment:
        """The app on the demo's own cloud (which must have been started)."""
        assert self.cloud is not None
        own = target.of_cloud(self.cloud, {k: v for k, v in os.environ.items() if k != "FINEXPERT_SETTINGS"})
        return Deployment(own, own.settings())

    @cached_property
    def cdk(self) -> Cdk:
        """The CDK CLI against the demo's own cloud."""
        return Cdk(
            environment=self.deployment.target.environment,
            output=self.folder.synthesized,
            log_path=self.folder.log,
            children=self.children,
        )
