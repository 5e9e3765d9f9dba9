"""Failures as what, where, what to do."""

import inspect
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from botocore import exceptions as b
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.retries.standard import ThrottledRetryableChecker

from core.aws.errors import Cause, cause_of
from core.endpoint.hosting import HostingError
from finexpert.cli import main as cli
from finexpert.errors import ExitCode, UserError, explain
from finexpert.service import target
from finexpert.service.runs import follow
from infra.settings import SettingsError


def test_an_aws_error_keeps_its_code_and_names_the_call_and_a_remedy() -> None:
    answer = {"Error": {"Code": "AccessDenied", "Message": "no"}}
    told = explain(ClientError(answer, "ListBuckets"))
    assert told is not None
    assert (told.what, told.where) == ("AccessDenied: no", "AWS call ListBuckets")
    assert "credentials" in told.fix


def test_missing_credentials_point_to_both_clouds() -> None:
    told = explain(NoCredentialsError())
    assert told is not None
    assert "AWS_PROFILE" in told.fix
    assert "--on local" in told.fix


REFUSED = {
    "ExpiredToken": "aws sso login",
    "ExpiredTokenException": "aws sso login",
    "SignatureDoesNotMatch": "clock",
    "InvalidSignatureException": "clock",
    "RequestExpired": "clock",
    "RequestTimeTooSkewed": "clock",
    "ThrottlingException": "half a minute",
    "InvalidClientTokenId": "AWS_PROFILE",
    "UnrecognizedClientException": "AWS_PROFILE",
    "AccessDeniedException": "administrator",
    "OptInRequired": "Enable",
    "InvalidToken": "AWS_PROFILE",  # S3's word for a wrong session token
    "MissingAuthenticationTokenException": "AWS_PROFILE",
    "AuthorizationErrorException": "administrator",
    "ForbiddenException": "administrator",
    "403": "administrator",  # S3's answer to HEAD has no body
    "RequestTimeout": "network",
    "InternalServerException": "wait a minute",
    "ServiceUnavailable": "wait a minute",
    "ResourceLimitExceeded": "finexpert doctor",
    "ServiceQuotaExceededException": "finexpert doctor",
    **dict.fromkeys(ThrottledRetryableChecker._THROTTLED_ERROR_CODES, "half a minute"),
}
DEFECTS = """
DataNotFoundError UnknownServiceError ApiVersionNotFoundError UnknownSignatureVersionError
MissingParametersError ValidationError ParamValidationError UnknownKeyError RangeError
UnknownParameterError AliasConflictParameterError UnknownServiceStyle PaginationError
OperationNotPageableError ChecksumError UnseekableStreamError WaiterError InvalidExpressionError
WaiterConfigError UnknownClientMethodError UnsupportedSignatureVersionError InvalidDNSNameError
UnsupportedS3ArnError UnsupportedS3ControlArnError InvalidHostLabelError UnsupportedOutpostResourceError
UnsupportedS3AccesspointConfigurationError UnsupportedS3ControlConfigurationError StubResponseError
StubAssertionError UnStubbedResponseError MD5UnavailableError CapacityNotAvailableError
AwsChunkedWrapperError UnsupportedServiceProtocolsError
"""
"""botocore's errors that only a wrong call of ours can raise: nothing general can be advised."""
NOT_REACHED: dict[str, tuple[Exception, str]] = {
    "an SSO session that was never begun": (b.SSOTokenLoadError(error_msg="none"), "aws sso login"),
    "an SSO session that ended": (b.TokenRetrievalError(provider="sso", error_msg="x"), "aws sso login"),
    "an SSO token that is refused": (b.UnauthorizedSSOTokenError(), "aws sso login"),
    "half of the credentials": (b.PartialCredentialsError(provider="env", cred_var="x"), "AWS_PROFILE"),
    "a program for credentials that fails": (
        b.CredentialRetrievalError(provider="p", error_msg="x"),
        "AWS_PROFILE",
    ),
    "an unknown profile": (b.ProfileNotFound(profile="x"), "AWS_PROFILE"),
    "a proxy": (b.ProxyConnectionError(proxy_url="http://x", error="e"), "HTTPS_PROXY"),
    "a proxy that opens TLS": (b.SSLError(endpoint_url="https://x", error="e"), "AWS_CA_BUNDLE"),
    "no region": (b.NoRegionError(), "AWS_REGION"),
    "a region that is none": (b.EndpointProviderError(msg="x"), "AWS_REGION"),
    "a machine's role that does not answer": (b.MetadataRetrievalError(error_msg="x"), "AWS_PROFILE"),
    "a setting that is none": (
        b.InvalidRetryModeError(provided_retry_mode="x", valid_modes="y"),
        "~/.aws/config",
    ),
    "a package that a sign-in needs": (b.MissingDependencyException(msg="x"), "botocore[crt]"),
    "an answer cut off": (b.IncompleteReadError(actual_bytes=1, expected_bytes=2), "network"),
    "no answer": (b.ReadTimeoutError(endpoint_url="https://x", error="e"), "network"),
    "a closed connection": (b.ConnectionClosedError(endpoint_url="https://x", error="e"), "network"),
    "no terminal for an MFA code": (EOFError(), "in a terminal"),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_aws_refuses_comes_with_a_remedy(code: str) -> None:
    told = explain(ClientError({"Error": {"Code": code, "Message": "m"}}, "Op"))
    assert told is not None and REFUSED[code] in told.fix
    assert told.fix.endswith("repeat the command.")


@pytest.mark.parametrize("case", NOT_REACHED)
def test_each_way_not_to_reach_aws_has_its_remedy(case: str) -> None:
    error, remedy = NOT_REACHED[case]
    told = explain(error)
    assert told is not None and remedy in told.fix


def test_every_error_of_the_client_has_its_remedy_or_is_a_defect() -> None:
    kinds: list[Any] = [kind for kind in vars(b).values() if inspect.isclass(kind)]
    theirs = (kind for kind in kinds if issubclass(kind, b.BotoCoreError))
    unknown = {kind.__name__ for kind in theirs if cause_of(kind.__new__(kind)) is None}
    assert unknown == {"BotoCoreError", *DEFECTS.split()}


def test_a_class_that_inherits_is_as_its_base() -> None:
    class SpecialSsoError(b.SSOError):  # type: ignore[misc]
        fmt = "special"

    assert cause_of(SpecialSsoError()) is Cause.SIGNED_OUT
    assert cause_of(KeyError("x")) is None


def test_settings_are_wrong_usage_with_all_problems() -> None:
    told = explain(SettingsError(["a is 1: write 2", "b is missing"]))
    assert told is not None
    assert told.code is ExitCode.USAGE
    assert told.what.splitlines() == ["a is 1: write 2", "b is missing"]


def test_our_own_complete_messages_pass_as_they_are() -> None:
    told = explain(HostingError("it is broken: do this"))
    assert told is not None
    assert told.what == "it is broken: do this"


REASONS = {
    "CapacityError: Unable to provision requested ML compute capacity.": "another type",
    "Endpoint: Unable to provision requested ML compute capacity": "later",
    'ClientError: No S3 objects found under S3 URL "s3://cdk-a/fa1e.zip" given': "cdk deploy",
    "ComponentsBaseModel1: Could not find model data at s3://finexpert-data-1/base-model/.": "data weights",
    'No S3 objects found under S3 URL "s3://finexpert-data-1/base-model/" given': "data weights",
    "ResourceLimitExceeded: The account-level service limit is 0 Instances": "Service Quotas",
}


@pytest.mark.parametrize("reason", REASONS)
def test_what_aws_ended_a_run_or_a_wake_with_comes_with_advice(reason: str) -> None:
    woken = explain(HostingError(f"FinExpert-Hosting is asleep and not awake: {reason}"))
    assert woken is not None and REASONS[reason] in woken.fix
    with pytest.raises(UserError) as ended:
        follow.require_success(follow.Snapshot(run="run-1", status="FAILED", cause=reason))
    assert REASONS[reason] in ended.value.fix


def test_a_reason_that_is_not_known_leads_to_the_run() -> None:
    with pytest.raises(UserError) as ended:
        follow.require_success(follow.Snapshot(run="run-1", status="FAILED", cause="AlgorithmError: oops"))
    assert ended.value.fix == "finexpert runs show run-1"


def test_a_defect_is_not_explained_away() -> None:
    assert explain(KeyError("x")) is None


@pytest.fixture
def finexpert(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command in this process: the exit code, and what stood on stdout and stderr."""

    def run(*arguments: str) -> Any:
        monkeypatch.setattr(os, "umask", lambda mask: 0)  # it would stay for the tests after this one
        monkeypatch.setattr(sys, "argv", ["finexpert", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def ended_by(finexpert: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `finexpert runs list …` into a failure."""

    def run(error: Exception, *arguments: str) -> Any:
        def broken(*given: Any) -> None:
            raise error

        monkeypatch.setattr(target, "from_environment", broken)
        return finexpert("runs", "list", *arguments)

    return run


def test_a_user_sees_no_stack_trace(ended_by: Any) -> None:
    code, out, told = ended_by(UserError("it broke", where="here", fix="mend it", code=ExitCode.GATE))
    assert (code, out) == (3, "")
    words = [line.split()[-2:] for line in told.splitlines()]
    assert words == [["it", "broke"], ["where", "here"], ["mend", "it"]]


def test_even_a_defect_ends_in_plain_words(ended_by: Any) -> None:
    code, _, told = ended_by(KeyError("oops"))
    assert code == 1
    assert "oops" in told
    assert "Traceback" not in told
    assert "--debug" in told


def test_markup_in_a_message_is_text(ended_by: Any) -> None:
    assert "what [bold]is[/] s3://[x]" in ended_by(UserError("what [bold]is[/] s3://[x]"))[2]


def test_programs_get_a_failure_as_one_json_document(ended_by: Any) -> None:
    code, out, told = ended_by(UserError("it broke", where="here", fix="mend it"), "--json")
    assert (code, told) == (1, "")
    error = {"what": "it broke", "where": "here", "fix": "mend it"}
    assert json.loads(out) == {"error": error, "exit_code": 1}


def test_wrong_usage_is_json_for_programs_too(ended_by: Any) -> None:
    code, out, _ = ended_by(UserError("not reached"), "--json", "--limit", "many")
    document = json.loads(out)
    assert code == document["exit_code"] == 2
    assert "--limit" in document["error"]["what"]


def test_debug_lets_the_trace_through(ended_by: Any) -> None:
    with pytest.raises(KeyError):
        ended_by(KeyError("oops"), "--debug")


@pytest.mark.parametrize("wrong", ["train", "reap", "data check /no/such/file", "--on moon runs"])
def test_wrong_usage_is_exit_code_two(finexpert: Any, wrong: str) -> None:
    assert finexpert(*wrong.split())[0] == 2


@pytest.fixture(scope="module")
def helped() -> Any:
    """The whole program, asked for its help: what it printed, and on stderr the modules that it loaded."""
    command = [sys.executable, "-X", "importtime", "-m", "finexpert", "--help"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def test_help_names_every_verb_and_the_exit_codes(helped: Any) -> None:
    for verb in ("demo", "local", "data", "train", "runs", "ask", "wake", "sleep", "costs", "reap"):
        assert f"│ {verb} " in helped.stdout
    assert "130 interrupted" in " ".join(helped.stdout.split())


def test_help_loads_nothing_heavy(helped: Any) -> None:
    loaded = {line.rpartition("|")[2].strip() for line in helped.stderr.splitlines()}
    heavy = {"boto3", "botocore", "torch", "transformers", "aws_cdk"}
    heavy |= {"rich.live", "localcloud", "lambdas", "infra"}
    assert "finexpert.cli.main" in loaded
    assert loaded & heavy == set()
