"""Decides which requests the page's server on this machine answers: those of its own page, with the token."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from finexpert.web.http import Problem

NAMES = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Door:
    """Checks host, origin and token of each request.

    Any page in any browser tab can send requests to 127.0.0.1, and so can any program on this machine.

    The host's name keeps out pages whose own name was made to point here (DNS rebinding), the origin other
    sites and ports, the token everyone else.
    """

    port: int
    token: str

    def check(self, path: str, headers: Mapping[str, str]) -> None:
        """Raise unless the request may pass; `headers` have names in lower case.

        Raises:
            Problem: 403 for another name or origin, 401 for an API request without the token.
        """
        if headers.get("host", "") not in self._hosts:
            raise _forbidden("This server answers to its own name only.")
        origin = headers.get("origin")
        if origin is not None and origin not in {f"http://{host}" for host in self._hosts}:
            raise _forbidden("This server answers its own page only.")
        if not path.startswith("/api/"):
            return
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise _forbidden("This server answers its own page only.")
        sent = headers.get("authorization", "").encode()
        if not hmac.compare_digest(sent, f"Bearer {self.token}".encode()):
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "unauthorized",
                "This page does not know the key that was printed when the server started.",
                fix="Open the address that `finexpert web` printed.",
            )

    @property
    def _hosts(self) -> set[str]:
        return {f"{name}:{self.port}" for name in NAMES}


def _forbidden(message: str) -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, "forbidden", message, fix="Open the address that was printed.")
