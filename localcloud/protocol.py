"""The HTTP side of the services written here: their errors, their threads, and AWS's two JSON protocols."""

import asyncio
import contextvars
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
Response = tuple[int, dict[str, str], bytes | AsyncIterator[bytes]]
logger = logging.getLogger(__name__)


class ApiError(Exception):
    """An error answer of a service.

    Args:
        code: AWS's error code, such as "ValidationException".
        message: AWS's wording where it is known.
        status: HTTP status.
        members: what the client finds in the modeled exception besides the message.
    """

    def __init__(
        self, code: str, message: str, status: int = 400, members: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members or {}


def validation(message: str) -> ApiError:
    """The control plane's error for nearly everything that is wrong, a missing endpoint included."""
    return ApiError("ValidationException", message)


def not_emulated(what: str, instead: str) -> ApiError:
    """A request that AWS may accept and this cloud cannot carry out: refused, never pretended."""
    return validation(f"The embedded cloud does not emulate {what}. {instead}")


def unknown_operation(what: str) -> ApiError:
    """A request for an operation that this cloud does not have."""
    return ApiError("UnknownOperationException", f"The embedded cloud does not emulate {what}.")


def parsed(body: bytes, code: str = "SerializationException") -> dict[str, Any]:
    """The JSON object that a request's body holds; an empty body is an empty object.

    Raises:
        ApiError: the body is something else; with this `code`.
    """
    try:
        content = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ApiError(code, "The request's body is not JSON.") from None
    if not isinstance(content, dict):
        raise ApiError(code, "The request's body must be a JSON object.")
    return content


@dataclass(frozen=True)
class Protocol:
    """One of AWS's JSON protocols.

    content_type: of every answer.
    failure: the code of an error that is this cloud's own fault.
    typed: whether an error's body has its code too, besides the header that all have.
    """

    content_type: str
    failure: str
    typed: bool

    def json(self, content: Any, headers: dict[str, str] | None = None, status: int = 200) -> Response:
        """An answer with this content."""
        return status, {"Content-Type": self.content_type} | (headers or {}), json.dumps(content).encode()

    def error(self, error: ApiError) -> Response:
        """An error as an answer."""
        content = ({"__type": error.code} if self.typed else {}) | {"message": error.message}
        return self.json(content, {"x-amzn-errortype": error.code}, error.status)

    async def answered(self, work: Callable[[], Response]) -> Response:
        """The answer that `work` gives in a separate thread, or the error that it ends with."""
        try:
            return await in_thread(work)
        except ApiError as error:
            return self.error(error)
        except Exception:
            logger.exception("A request could not be answered")
            message = "The embedded cloud failed; see cloud.log in its state folder."
            return self.error(ApiError(self.failure, message, 500))


AWS_JSON = Protocol("application/x-amz-json-1.1", "InternalFailure", typed=True)
"""The operation is in X-Amz-Target: SageMaker's control plane, Cost Explorer."""
REST_JSON = Protocol("application/json", "InternalServerException", typed=False)
"""The operation is in the path: S3 Vectors, Bedrock."""


async def in_thread(work: Callable[[], T]) -> T:
    """Await blocking work, done in a separate thread with the request's account and region.

    asyncio's own pool is bounded, and what we run calls back into this very server (S3, STS): with all of its
    threads waiting for an answer that needs one of them, nothing would move again.
    """
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        future.set_running_or_notify_cancel()
        try:
            future.set_result(context.run(work))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name="request").start()
    return await asyncio.wrap_future(future)
