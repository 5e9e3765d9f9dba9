"""A deployment whose clients answer from a dictionary."""

from typing import Any

from finexpert.service.deployment import Deployment
from finexpert.service.target import Target
from infra.settings import Settings
from tests.fakes.deployment import AnsweringClient


class Cloud(Target):
    """A target whose clients answer from a dictionary."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(None, {"AWS_REGION": "us-east-1"})
        self._clients["answers"] = answers

    def client(self, service: str, region: str | None = None, *, read_seconds: int = 60) -> Any:
        return AnsweringClient(self._clients["answers"])


def deployment(answers: dict[str, Any] | None = None, **settings: Any) -> Deployment:
    return Deployment(Cloud(answers or {}), Settings.load(settings, {}))
