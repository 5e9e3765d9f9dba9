"""Words for Amazon States Language, so that the definition reads as the flow it is."""

from typing import Any

State = dict[str, Any]
Definition = dict[str, Any]

FAILED = "NotifyFailure"
"""The state that every failure ends in."""

REFUSALS = [
    "DatasetError",
    "HyperparameterError",
    "ConfigurationError",
    "BudgetExceeded",
    "UnknownPrice",
    "SpendUnknown",
    "ArchiveError",
    "EvaluationError",
    "ModelUnanswered",
]
"""Exceptions of the functions whose message is meant for the user."""

# Failures of Lambda itself, not of the function. Source: Step Functions developer guide, "Handling errors".
LAMBDA_SERVICE_ERRORS = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]


def pass_(parameters: dict[str, Any], *, next_: str, result: str = "$") -> State:
    """Set `result` to `parameters`; without `result` they become the whole state."""
    return {"Type": "Pass", "Parameters": parameters, "ResultPath": result, "Next": next_}


def wait(seconds: int, *, next_: str) -> State:
    """Wait, then go on."""
    return {"Type": "Wait", "Seconds": seconds, "Next": next_}


def invoke(function_arn: str, payload: dict[str, Any], *, result: str, next_: str) -> State:
    """Call a Lambda function; its answer goes to `result`.answer, what it refuses to the state `Refused`."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function_arn, "Payload": payload},
        "ResultSelector": {"answer.$": "$.Payload"},
        "ResultPath": result,
        "Retry": [backoff(LAMBDA_SERVICE_ERRORS)],
        "Catch": [{"ErrorEquals": REFUSALS, "ResultPath": "$.error", "Next": "Refused"}, catch_all(FAILED)],
        "Next": next_,
    }


def sdk(
    action: str,
    parameters: dict[str, Any],
    *,
    result: str,
    catch: list[dict[str, Any]],
    next_: str,
    retry_on: str | None = None,
    selector: dict[str, Any] | None = None,
) -> State:
    """Call an AWS API as it is, such as `sagemaker:createTrainingJob`.

    `retry_on` is the service's catch-all error: Step Functions' SDK has no separate class for throttling.
    """
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::aws-sdk:{action}",
        "Parameters": parameters,
        **({"ResultSelector": selector} if selector else {}),
        "ResultPath": result,
        **({"Retry": [backoff([retry_on])]} if retry_on else {}),
        "Catch": catch,
        "Next": next_,
    }


def choice(rules: list[dict[str, Any]], *, default: str) -> State:
    """Go where the first rule that holds points to."""
    return {"Type": "Choice", "Choices": rules, "Default": default}


def equals(variable: str, value: str | bool, *, next_: str | None = None) -> dict[str, Any]:
    """Rule: the text or flag at `variable` is `value`."""
    kind = "BooleanEquals" if isinstance(value, bool) else "StringEquals"
    return _rule({"Variable": variable, kind: value}, next_)


def matches(variable: str, pattern: str, *, next_: str | None = None) -> dict[str, Any]:
    """Rule: the text at `variable` matches `pattern`, in which `*` is any text."""
    return _rule({"Variable": variable, "StringMatches": pattern}, next_)


def present(variable: str, *, next_: str | None = None) -> dict[str, Any]:
    """Rule: there is a value at `variable`."""
    return _rule({"Variable": variable, "IsPresent": True}, next_)


def catch(error: str, next_: str, *, result: str = "$.error") -> dict[str, Any]:
    """One kind of error goes to `next_`."""
    return {"ErrorEquals": [error], "ResultPath": result, "Next": next_}


def catch_all(next_: str) -> dict[str, Any]:
    """A catch of every error: it goes to `next_`, with the reason at `$.error`."""
    return catch("States.ALL", next_)


def backoff(errors: list[str]) -> dict[str, Any]:
    """Retry: these errors are waited out, up to 2, 4, 8 and 16 seconds."""
    return {
        "ErrorEquals": errors,
        "IntervalSeconds": 2,
        "MaxAttempts": 4,
        "BackoffRate": 2,
        "JitterStrategy": "FULL",
    }


def _rule(test: dict[str, Any], next_: str | None) -> dict[str, Any]:
    return {**test, "Next": next_} if next_ else test
