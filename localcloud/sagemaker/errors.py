"""SageMaker's errors: the code a client catches, the message it shows, the HTTP status it arrives with."""

from __future__ import annotations


class ApiError(Exception):
    """An error answer of the service.

    Args:
        code: AWS's error code, such as "ValidationException".
        message: AWS's wording where it is known.
        status: HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def validation(message: str) -> ApiError:
    """The control plane's error for nearly everything that is wrong, a missing endpoint included."""
    return ApiError("ValidationException", message)


def not_emulated(what: str, instead: str) -> ApiError:
    """A request that AWS may accept and this cloud cannot carry out: refused, never pretended."""
    return validation(f"The embedded cloud does not emulate {what}. {instead}")
