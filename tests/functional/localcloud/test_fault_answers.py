"""Faults over HTTP: each service's clients see them as its own errors, and recover as they do on AWS."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.lifecycle import Cloud, CloudError
from tests.functional.cloud_session import client_of


@pytest.fixture
def fault(cloud: Cloud) -> Iterator[Callable[..., Any]]:
    """`fault(service=…, operation=…, error=…)`; none outlives its test."""
    yield lambda **asked: cloud.ask("POST", "faults", asked)
    cloud.ask("DELETE", "faults")


@pytest.fixture
def fresh(cloud: Cloud) -> Callable[..., Any]:
    """A client that sends each request once, or as often as asked."""
    return partial(client_of, cloud)


@pytest.mark.parametrize(
    ("service", "operation", "method", "arguments", "code"),
    [
        ("sagemaker", "ListEndpoints", "list_endpoints", {}, "ThrottlingException"),
        ("s3", "ListAllMyBuckets", "list_buckets", {}, "SlowDown"),
        ("cloudformation", "DescribeStacks", "describe_stacks", {}, "Throttling"),
        ("sns", "ListTopics", "list_topics", {}, "Throttled"),
        ("ssm", "GetParameter", "get_parameter", {"Name": "/x"}, "InternalServerError"),
        ("lambda", "ListFunctions", "list_functions", {}, "TooManyRequestsException"),
        ("cloudwatch", "ListMetrics", "list_metrics", {}, "InternalServiceFault"),
        ("tag", "GetResources", "get_resources", {}, "ThrottledException"),
    ],
)
def test_each_service_answers_with_the_fault_and_then_as_usual(
    fault: Callable[..., Any],
    fresh: Callable[..., Any],
    service: str,
    operation: str,
    method: str,
    arguments: dict[str, Any],
    code: str,
) -> None:
    client = fresh({"tag": "resourcegroupstaggingapi"}.get(service, service))
    fault(service=service, operation=operation, error=code, message="as asked")
    with pytest.raises(ClientError) as caught:
        getattr(client, method)(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["Error"]["Message"] == "as asked"
    if service == "ssm":
        with pytest.raises(client.exceptions.ParameterNotFound):
            client.get_parameter(**arguments)
    else:
        getattr(client, method)(**arguments)


def test_an_sdk_repeats_a_throttled_request(fault: Callable[..., Any], fresh: Callable[..., Any]) -> None:
    fault(service="sagemaker", operation="ListModels", error="ThrottlingException", times=1)
    answer = fresh("sagemaker", attempts=2).list_models()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1


def test_a_fault_may_only_delay(fault: Callable[..., Any], fresh: Callable[..., Any]) -> None:
    fault(service="s3", operation="ListAllMyBuckets", delay_seconds=0.5)
    client, began = fresh("s3"), time.monotonic()
    client.list_buckets()
    assert time.monotonic() - began >= 0.5


def test_what_is_no_fault_is_refused(cloud: Cloud) -> None:
    with pytest.raises(CloudError, match="has an error, a delay_seconds, or both"):
        cloud.ask("POST", "faults", {"service": "s3", "operation": "*"})
    assert cloud.ask("GET", "faults") == {"faults": []}
