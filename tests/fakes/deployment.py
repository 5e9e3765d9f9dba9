"""A deployment, and clients of AWS, that answer what a test says."""

from types import SimpleNamespace
from typing import Any

from core.names import Names


def deployment(
    client: Any = None, *, output: Any = "", local: bool = True, project: str = "FinExpert", **settings: Any
) -> Any:
    """What the service asks of a deployment.

    client: of every service, a dictionary of them by service, or a function of the service.
    output: of every stack, or a function of stack and key.
    settings: those that the code under test reads.
    """
    by_service = client.__getitem__ if isinstance(client, dict) else client
    outputs = output if callable(output) else lambda *_: output
    return SimpleNamespace(
        target=SimpleNamespace(
            client=by_service if callable(by_service) else lambda *_, **__: client, is_local=local
        ),
        names=Names(project=project, region="us-east-1"),
        settings=SimpleNamespace(**settings),
        output=outputs,
        data_bucket=outputs("Storage", "DataBucketName"),
    )


class AnsweringClient:
    """A client that answers by operation: a value, a function of the request, or an error to raise.

    A paginator gives the one page of its operation.
    """

    exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def __getattr__(self, operation: str) -> Any:
        def answer(**request: Any) -> Any:
            found = self.answers[operation]
            found = found(**request) if callable(found) else found
            if isinstance(found, Exception):
                raise found
            return found

        return answer

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **request: [getattr(self, operation)(**request)])
