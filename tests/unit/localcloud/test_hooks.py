"""The contract with ministack: after an upgrade, the failing test's name says which hook broke."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
from typing import Any

import pytest
from ministack.core import responses
from ministack.services import apigateway, cloudwatch, cognito, eventbridge, lambda_svc, stepfunctions
from ministack.services.cloudformation import provisioners, stacks

from localcloud import hooks

PINNED = "1.5.33"


def named(entry: tuple[str, str, str]) -> str:
    return f"{entry[0]}.{entry[1]}"


def test_the_contract_was_checked_against_the_installed_version() -> None:
    installed = importlib.metadata.version("ministack")
    assert installed == PINNED, (
        f"ministack {installed} is installed, hooks.py was written for {PINNED}: run these tests, read what "
        "changed around the names in hooks.CONTRACT, then move this number."
    )


@pytest.mark.parametrize("entry", hooks.CONTRACT, ids=named)
def test_hook_exists_with_its_kind(entry: tuple[str, str, str]) -> None:
    module, name, kind = entry
    found = getattr(importlib.import_module(f"ministack.{module}"), name, None)
    assert found is not None, f"{named(entry)} is gone from ministack"
    if kind == "call":
        assert callable(found), f"{named(entry)} is no longer callable"
    elif kind == "text":
        assert isinstance(found, str), f"{named(entry)} is no longer text"
    elif kind == "dict":
        assert isinstance(found, dict), f"{named(entry)} is no longer a dict"
    else:
        for method in ("get", "items", "values", "to_dict"):
            assert hasattr(found, method), f"{named(entry)} is no longer a scoped table: no {method}()"


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (stepfunctions._fail_execution, ["execution", "error", "cause"]),
        (stepfunctions._run_execution, ["exec_arn"]),
        (stepfunctions._ExecutionError, ["error", "cause"]),
        (stepfunctions._add_event, ["execution", "event_type", "details"]),
        (lambda_svc._execute_function_warm, ["func", "event", "request_id"]),
        (lambda_svc._execute_function_dispatch, ["func", "config", "event", "request_id", "started"]),
        (lambda_svc._emit_lambda_metrics, ["function_name", "duration_ms", "error", "throttle"]),
        (lambda_svc.invoke_async_with_retry, ["func", "event"]),
        (eventbridge._dispatch_to_lambda, ["arn", "payload"]),
        (apigateway._fetch_jwks, ["url"]),
        (cognito.well_known_jwks, ["pool_id"]),
        (cloudwatch._evaluate_alarm, ["alarm"]),
        (cloudwatch._stat_value, ["stats", "stat_name", "points"]),
        (cloudwatch._dispatch_alarm_actions, ["alarm", "old_state", "new_state", "reason"]),
        (eventbridge._put_events, ["data", "allow_aws_source"]),
        (stacks._runs_on_worker_thread, ["resource_type"]),
        (responses.request_scope, ["account_id", "region"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_hook_takes_the_same_parameters(function: Any, parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters


def test_dimensions_make_one_key_in_any_order() -> None:
    assert cloudwatch._dims_key({"a": "1", "b": "2"}) == cloudwatch._dims_key({"b": "2", "a": "1"})


def test_resource_handlers_have_the_shape_that_wrapping_relies_on() -> None:
    bucket = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    assert {"create", "update", "delete"} <= set(bucket)
    assert list(inspect.signature(bucket["create"]).parameters) == ["logical_id", "props", "stack_name"]
    assert list(inspect.signature(bucket["delete"]).parameters) == ["physical_id", "props"]
