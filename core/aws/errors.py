"""Errors of AWS: their codes in one table by what caused them, and their text in one line."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Cause(StrEnum):
    """Why AWS refused or was not reached, as far as that decides what to do."""

    MISSING = "missing"
    LOST_RACE = "changed in between"
    IN_USE = "in use"
    SIGNED_OUT = "signed out"
    CREDENTIALS = "credentials"
    NONE_GIVEN = "no credentials"
    DENIED = "denied"
    CLOCK = "clock"
    THROTTLED = "throttled"
    UNREACHED = "unreached"
    PROXY = "proxy"
    TLS = "tls"
    REGION = "region"
    NOT_ENABLED = "not enabled"
    QUOTA = "quota"
    FAULT = "a fault of AWS"
    MISSING_PART = "a missing part"
    SETTING = "setting"


_CODES = {
    Cause.MISSING: "ResourceNotFound ParameterNotFound NoSuchBucket NoSuchKey 404",
    Cause.LOST_RACE: "PreconditionFailed ConditionalRequestConflict 412 409",
    Cause.IN_USE: "ResourceInUse",
    Cause.SIGNED_OUT: "ExpiredToken TokenRefreshRequired SSOError LoginError LoginRefreshRequired"
    " LoginTokenLoadError TokenRetrievalError Unauthorized",
    Cause.CREDENTIALS: "InvalidClientTokenId UnrecognizedClient InvalidAccessKeyId AuthFailure InvalidToken"
    " MissingAuthenticationToken IncompleteSignature SignatureDoesNotMatch InvalidSignature ProfileNotFound"
    " PartialCredentialsError CredentialRetrievalError ConfigParseError ConfigNotFound InvalidConfigError"
    " UnknownCredentialError UnknownTokenProviderError MetadataRetrievalError RefreshWithMFAUnsupportedError"
    " InvalidIMDSEndpointError InvalidIMDSEndpointModeError",
    Cause.NONE_GIVEN: "NoCredentialsError NoAuthTokenError",
    Cause.DENIED: "AccessDenied UnauthorizedOperation AuthorizationError NotAuthorized Forbidden"
    " AllAccessDisabled KMSAccessDenied UnauthorizedAccess 403",
    Cause.CLOCK: "RequestExpired RequestTimeTooSkewed",
    Cause.THROTTLED: "Throttling Throttled RequestThrottled EC2Throttled TooManyRequests LimitExceeded"
    " RequestLimitExceeded ProvisionedThroughputExceeded TransactionInProgress BandwidthLimitExceeded"
    " SlowDown PriorRequestNotComplete",
    Cause.PROXY: "ProxyConnectionError InvalidProxiesConfigError",
    Cause.TLS: "SSLError",
    Cause.UNREACHED: "EndpointConnectionError ConnectTimeoutError ReadTimeoutError ConnectionClosedError"
    " HTTPClientError ConnectionError IncompleteReadError FlexibleChecksumError RequestTimeout",
    Cause.REGION: "NoRegionError UnknownRegionError InvalidRegionError EndpointProviderError"
    " BaseEndpointResolverError ServiceNotInRegionError",
    Cause.NOT_ENABLED: "OptInRequired SubscriptionRequired NotSignedUp AccountProblem PendingVerification",
    Cause.QUOTA: "ResourceLimitExceeded ServiceQuotaExceeded",
    Cause.FAULT: "InternalFailure InternalError InternalServer InternalServerError InternalService"
    " ServiceUnavailable ServiceException 500 502 503 504",
    Cause.MISSING_PART: "MissingDependencyException",
    Cause.SETTING: "InvalidRetryConfigurationError InvalidRetryModeError InvalidDefaultsMode"
    " InvalidS3AddressingStyleError InvalidS3UsEast1RegionalEndpointConfigError"
    " InvalidSTSRegionalEndpointsConfigError InvalidEndpointConfigurationError InvalidChecksumConfigError"
    " InvalidEndpointDiscoveryConfigurationError UnsupportedS3ConfigurationError",
}
"""Codes of AWS's answers without `Exception` at their end, and botocore's errors by their name (those that
inherit from one count too)."""
_CAUSES = {code: cause for cause, codes in _CODES.items() for code in codes.split()}


def error_code(error: BaseException) -> str:
    """The code of a botocore ClientError, else the name of the exception's class."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(code or type(error).__name__)


def error_text(error: BaseException) -> str:
    """`Code: message` of any error, in one line, short enough for a log line or a tag of a report."""
    response = getattr(error, "response", None)
    message = response.get("Error", {}).get("Message") if isinstance(response, dict) else None
    return " ".join(f"{error_code(error)}: {message or error}".split())[:400]


def cause_of(error: BaseException) -> Cause | None:
    """Why AWS refused or was not reached; None where nothing general can be advised."""
    code = error_code(error)
    names = [code, code.removesuffix("Exception"), *(kind.__name__ for kind in type(error).__mro__)]
    return next((_CAUSES[name] for name in names if name in _CAUSES), None)


def is_missing(error: BaseException) -> bool:
    """Whether an error says that the thing is not there.

    SageMaker answers ValidationException, CloudFormation ValidationError, with one of several sentences.
    """
    if cause_of(error) is Cause.MISSING:
        return True
    text = error_text(error).lower()
    signs = ("could not find", "not found", "does not exist", "cannot find")
    return error_code(error) in ("ValidationException", "ValidationError") and any(s in text for s in signs)


def if_there(read: Callable[[], T]) -> T | None:
    """Return what `read` returns, or None where the thing is not there; other errors pass through."""
    try:
        return read()
    except Exception as error:
        if is_missing(error):
            return None
        raise
