"""Errors as a user sees them: what is wrong, where, what to do; and the exit codes of the commands."""

import re
import sys
from enum import IntEnum

from core import Explained
from core.aws.errors import Cause, cause_of, error_code


class ExitCode(IntEnum):
    """The exit codes of the commands. Documented in `finexpert --help`; scripts rely on the numbers."""

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
        cure: of `fix` what to do before the command can work at all, such as to sign in.
    """

    def __init__(
        self, what: str, *, where: str = "", fix: str = "", code: ExitCode = ExitCode.FAILED, cure: str = ""
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix
        self.code = code
        self.cure = cure

    def _render_traceback_(self) -> list[str]:
        """The lines that IPython shows instead of a stack trace."""
        shown = {"✗": self.what, "  where ": self.where, "  do    ": self.fix}
        return [f"{label} {text}" for label, text in shown.items() if text]


class UsageError(UserError):
    """What the command was given cannot be used as it is written."""

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what, where=where, fix=fix, code=ExitCode.USAGE)


class NotFound(UserError):
    """The named thing does not exist."""


class NotDeployed(UserError):
    """A stack of the app is not there."""


class Asleep(UserError):
    """There is no endpoint at the moment; waking it helps."""


class NothingToServe(UserError):
    """No run has passed the quality gate yet, so there is nothing to wake."""


_CLOCK = "Set this machine's clock: AWS refuses a signature that is more than five minutes off"
_PROXY = "Check HTTPS_PROXY and NO_PROXY: the proxy must let *.amazonaws.com through"
_CURES = {
    Cause.SIGNED_OUT: "Sign in again (for example: aws sso login)",
    Cause.CREDENTIALS: f"Check AWS_PROFILE or the AWS_… credentials. If they are right: {_CLOCK}",
    Cause.NONE_GIVEN: "Set AWS_PROFILE or sign in (aws sso login, aws configure), or act on the embedded"
    " cloud (finexpert --on local …)",
    Cause.DENIED: "Use credentials that may do this, or ask the account's administrator",
    Cause.CLOCK: _CLOCK,
    Cause.THROTTLED: "AWS receives too many requests of this account: wait half a minute",
    Cause.PROXY: _PROXY,
    Cause.TLS: f"{_PROXY}. If it opens TLS, name its certificates: export AWS_CA_BUNDLE=FILE",
    Cause.UNREACHED: "Is it running? The embedded cloud: finexpert local status. AWS: check the network",
    Cause.REGION: "Set AWS_REGION, or `region` in cdk.json",
    Cause.NOT_ENABLED: "Enable the service or region in the AWS console, or use another region",
    Cause.QUOTA: "finexpert doctor says which quota is too low: ask AWS for a higher one (Service Quotas)",
    Cause.FAULT: "AWS has a fault at the moment: wait a minute",
    Cause.MISSING_PART: "This sign-in needs one more package: pip install 'botocore[crt]'",
    Cause.SETTING: "Correct this setting in ~/.aws/config or the AWS_… variables",
}


_REASONS = (
    (
        re.compile(r"capacity", re.IGNORECASE),
        "AWS has no free instance of this type at the moment: repeat the command later, or deploy with"
        " another type (training_instance_type, hosting_instance_type) or region.",
    ),
    (
        re.compile(r"No S3 objects found under S3 URL \S+\.zip"),
        "Somebody emptied CDK's asset bucket, which holds the training program: cdk deploy --all, then start"
        " the run again.",
    ),
    (
        re.compile(r"(No S3 objects found|Could not find model data).*/base-model/"),
        "The base weights are not uploaded yet: finexpert data weights FOLDER (base_model/ is the practice"
        " model), then repeat the command.",
    ),
    (re.compile(r"ResourceLimitExceeded|ServiceQuotaExceeded"), f"{_CURES[Cause.QUOTA]}."),
)
"""What to do where a run or a wake ended with such a reason of AWS."""


def advice_on(reason: str) -> str:
    """What to do about the reason that AWS gave for the end of a run or a wake; "" if nothing is known."""
    return next((advice for pattern, advice in _REASONS if pattern.search(reason)), "")


def explain(error: BaseException) -> UserError | None:
    """Turn an expected failure (settings, AWS, files) into a `UserError`; None for a defect of ours."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, Explained) or _is(error, "localcloud.lifecycle", "CloudError"):
        return UserError(str(error), fix=advice_on(str(error)))
    if _is(error, "infra.settings", "SettingsError"):
        fix = "Correct the lines above and repeat."
        return UsageError(str(error), where="settings", fix=fix)
    if is_aws(error):
        return _aws_problem(error)
    if _is(error, "typer.exceptions", "TyperException"):
        return UsageError(
            error.format_message(),  # type: ignore[attr-defined]
            fix="Add --help to see the usage.",
        )
    if isinstance(error, EOFError):
        return UserError(
            "A code (MFA) is asked for, and there is no terminal to type it.",
            where="AWS_PROFILE",
            fix="Run a command in a terminal first: the credentials are kept until they expire.",
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
    operation = str(getattr(error, "operation_name", ""))
    cause = cause_of(error)
    cure = _CURES.get(cause) if cause else None
    return UserError(
        f"{error_code(error)}: {detail.get('Message') or error}",
        where=f"AWS call {operation}" if operation else "",
        fix=f"{cure}, then repeat the command." if cure else "",
        cure=f"{cure}." if cure else "",
    )
