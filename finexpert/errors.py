"""What a user sees when something is wrong: what, where, what to do; and the exit codes of the commands."""

from __future__ import annotations

import sys
from enum import IntEnum

from core import Explained


class ExitCode(IntEnum):
    """How a command ended. Documented in `finexpert --help`; scripts rely on the numbers."""

    OK = 0
    FAILED = 1
    USAGE = 2
    GATE = 3
    FOUND = 4
    INTERRUPTED = 130


class UserError(Exception):
    """A problem with its place and its remedy. Commands raise it; only the command line prints it.

    Args:
        what: one sentence, or several problems, a line each.
        where: file, stack, run or address the sentence is about ("" if `what` says it).
        fix: what to do next ("" if nothing can be advised).
        code: exit code of the command.
    """

    def __init__(
        self, what: str, *, where: str = "", fix: str = "", code: ExitCode = ExitCode.FAILED
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix
        self.code = code

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it instead of a stack trace, a line each."""
        told = {"✗": self.what, "  where ": self.where, "  do    ": self.fix}
        return [f"{label} {text}" for label, text in told.items() if text]


class NotFound(UserError):
    """What was named does not exist."""


class NotDeployed(UserError):
    """A stack of the app is not there."""


class Asleep(UserError):
    """There is no endpoint at the moment; waking it helps."""


class NothingToServe(UserError):
    """No run has passed the quality gate yet, so there is nothing to wake."""


_SIGN_IN = "Sign in again (for example: aws sso login), then repeat the command."
_CHECK = "Check AWS_PROFILE or the AWS_… credentials, then repeat the command."
_DENIED = "Use credentials that may do this, or ask the account's administrator."
_UNREACHED = "Is it running? The embedded cloud: finexpert local status. AWS: check the network."
_FIXES = {
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "InvalidClientTokenId": _CHECK,
    "UnrecognizedClientException": _CHECK,
    "ProfileNotFound": _CHECK,
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "NoCredentialsError": "Set AWS_PROFILE or sign in (aws configure), or act on the embedded cloud: "
    "finexpert --on local …",
    "NoRegionError": "Set AWS_REGION, or `region` in cdk.json.",
    "EndpointConnectionError": _UNREACHED,
    "ConnectTimeoutError": _UNREACHED,
}


def explain(error: BaseException) -> UserError | None:
    """Turn an expected failure (settings, AWS, files) into a `UserError`; None for a defect of ours."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, Explained) or _is(error, "localcloud.lifecycle", "CloudError"):
        return UserError(str(error))
    if _is(error, "infra.settings", "SettingsError"):
        fix = "Correct the lines above and repeat."
        return UserError(str(error), where="settings", fix=fix, code=ExitCode.USAGE)
    if is_aws(error):
        return _aws_problem(error)
    if _is(error, "typer.exceptions", "TyperException"):
        return UserError(
            error.format_message(),  # type: ignore[attr-defined]
            fix="Add --help to see the usage.",
            code=ExitCode.USAGE,
        )
    if isinstance(error, OSError):
        return UserError(error.strerror or str(error), where=str(error.filename or ""))
    return None


def is_aws(error: BaseException) -> bool:
    """Whether boto3 raised it: AWS refused, or was not reached."""
    return _is(error, "botocore.exceptions", "ClientError", "BotoCoreError")


def _is(error: BaseException, module: str, *classes: str) -> bool:
    """Whether the error is of one of the module's classes. A module that is not loaded raised none."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(error, tuple(getattr(loaded, name) for name in classes))


def _aws_problem(error: BaseException) -> UserError:
    response = getattr(error, "response", None)
    detail = response.get("Error", {}) if isinstance(response, dict) else {}
    code = str(detail.get("Code") or type(error).__name__)
    message = str(detail.get("Message") or error)
    operation = str(getattr(error, "operation_name", ""))
    return UserError(
        f"{code}: {message}", where=f"AWS call {operation}" if operation else "", fix=_FIXES.get(code, "")
    )
