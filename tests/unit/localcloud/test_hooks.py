"""The contract with ministack: after an upgrade, the failing test's name says which hook broke."""

import ast
import importlib
import importlib.metadata
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.core import responses
from ministack.services import apigateway, cloudwatch, cognito, eventbridge, lambda_svc, stepfunctions
from ministack.services.cloudformation import provisioners, stacks

from localcloud import hooks

PINNED = "1.5.33"
HOOKS = Path(hooks.__file__).parent
# What of ministack is no function: tables, tables by account and region, and a setting's text.
DICTS = (
    *("app.SERVICE_REGISTRY", "app.SERVICE_HANDLERS", "core.router.SERVICE_PATTERNS"),
    *("core.iam_actions.SERVICE_TO_IAM_NAMESPACE", "core.iam_actions._BOTOCORE_SERVICE_MAP"),
    *("services.sts._sessions", "services.ec2._ACTION_MAP", "services.stepfunctions._SERVICE_DISPATCH"),
    *("services.tagging._COLLECTORS", "services.tagging._RESOURCE_TAG_COLLECTORS"),
    "services.cloudformation.handlers._ACTION_HANDLERS",
    *(
        f"services.cloudformation.provisioners.{name}"
        for name in (
            *("_RESOURCE_HANDLERS", "_STACK_TAG_PROPERTY", "_REPLACING_PROPERTIES"),
            "_CUSTOM_NAME_REPLACEMENT",
        )
    ),
)
STORES = (
    *("services.ec2._network_interfaces", "services.cloudwatch._metrics"),
    *("services.cloudwatch._alarms", "services.cloudwatch_logs._log_groups", "services.budgets._budgets"),
    *("services.budgets._notification_store", "services.stepfunctions._executions"),
    *("services.stepfunctions._state_machines", "services.cloudformation._stack_events"),
    "services.cloudformation._stacks",
)
SETTINGS = {"services.apigateway._PORT": str, "app.AUTH": bool}


def used_of_ministack() -> Iterator[str]:
    """`MODULE.NAME` of everything that the hooks read or replace in a module of ministack."""
    for file in HOOKS.glob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
        modules = {
            alias.name: f"{node.module}.{alias.name}".removeprefix("ministack.")
            for node in nodes
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack")
            for alias in node.names
        }
        for node in nodes:
            if isinstance(node, ast.Attribute) and (module := modules.get(getattr(node.value, "id", ""))):
                yield f"{module}.{node.attr}"


USED = sorted(set(used_of_ministack()))


def test_the_hooks_were_checked_against_the_installed_version() -> None:
    installed = importlib.metadata.version("ministack")
    assert installed == PINNED, (
        f"ministack {installed} is installed, localcloud/hooks was written for {PINNED}: run these tests, "
        "read what changed around the names that they show, then move this number."
    )


def test_every_table_that_is_listed_is_used() -> None:
    assert {*DICTS, *STORES, *SETTINGS} <= set(USED)
    assert len(USED) > 100


@pytest.mark.parametrize("name", USED)
def test_hook_exists_with_its_kind(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(f"ministack.{module}"), attribute, None)
    assert found is not None, f"{name} is gone from ministack"
    if name in SETTINGS:
        assert isinstance(found, SETTINGS[name]), f"{name} is no longer a {SETTINGS[name].__name__}"
    elif name in DICTS:
        assert isinstance(found, dict), f"{name} is no longer a dict"
    elif name in STORES:
        for method in ("get", "items", "values", "to_dict"):
            assert hasattr(found, method), f"{name} is no longer a scoped table: no {method}()"
    else:
        assert callable(found), f"{name} is no longer callable"


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
