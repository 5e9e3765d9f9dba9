"""S3 Vectors' HTTP side: requests held to botocore's model, answers and errors in AWS's shapes."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from localcloud.protocol import REST_JSON, Response, not_emulated, parsed, validation
from localcloud.s3vectors import service
from localcloud.sagemaker.validation import check, service_model

MOST_BODY = 20 * 2**20
TAGS = "/tags/"
TAG_OPERATIONS = {"GET": "ListTagsForResource", "POST": "TagResource", "DELETE": "UntagResource"}
Params = dict[str, Any]
tagged_resources = service.tagged


async def handle_request(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Response:
    """The answer to one request of a client."""
    return await REST_JSON.answered(
        lambda: REST_JSON.json(call(*_asked(method, path, body, query), by_client=True))
    )


def _asked(method: str, path: str, body: bytes, query: Mapping[str, list[str]]) -> tuple[str, Params]:
    """The operation of a request, and its parameters."""
    if len(body) > MOST_BODY:
        raise validation(f"The request's body must have at most {MOST_BODY} bytes")
    params = parsed(body, "ValidationException")
    if path.startswith(TAGS) and method in TAG_OPERATIONS:
        keys = {"tagKeys": query.get("tagKeys", [])} if method == "DELETE" else {}
        return TAG_OPERATIONS[method], {**params, **keys, "resourceArn": unquote(path.removeprefix(TAGS))}
    return path.strip("/"), params


def call(operation: str, params: Params, *, by_client: bool = False) -> Params:
    """Carry out one operation in the account and region of the request.

    Args:
        by_client: a client asks, who may not set tags of AWS itself.

    Raises:
        ApiError: with AWS's code and message.
    """
    if operation not in service.OPERATIONS:
        raise not_emulated(operation or "this request", "Use another operation of S3 Vectors.")
    check(params, service_model("s3vectors").operation_model(operation).input_shape)
    named = [*(params.get("tags") or {}), *(params.get("tagKeys") or [])]
    if by_client and any(key.lower().startswith("aws:") for key in named):
        raise validation("aws: prefixed tag key names are not allowed for external use.")
    return service.carry_out(operation, {key: value for key, value in params.items() if value is not None})
