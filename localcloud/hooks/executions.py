"""Step Functions: tasks of further services, and how executions end."""

import json
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.core import responses
from ministack.services import stepfunctions

from localcloud.hooks.requests import spawn

LAMBDA_TASK = "arn:aws:states:::lambda:invoke"


def task_failure(error: str, cause: str) -> Exception:
    """The exception that fails a Step Functions task with this error name and cause."""
    failure: Exception = stepfunctions._ExecutionError(error, cause)
    return failure


def running_executions() -> list[str]:
    """Names of the state machine executions that run, in all accounts and regions."""
    return [str(run["name"]) for run in stepfunctions._executions.all_values() if run["status"] == "RUNNING"]


_role_of_task: ContextVar[str] = ContextVar("role_of_task")


def task_role() -> str:
    """The role of the state machine whose task is being run."""
    return _role_of_task.get()


def install_task_roles() -> None:
    """Let `task_role` know under which role each task of an execution acts."""
    execute = stepfunctions._execute_task

    def execute_under_role(
        state: dict[str, Any], given: Any, execution: dict[str, Any], context: dict[str, Any]
    ) -> Any:
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
        token = _role_of_task.set(str(machine.get("roleArn", "")))
        try:
            return execute(state, given, execution, context)
        finally:
            _role_of_task.reset(token)

    stepfunctions._execute_task = execute_under_role


def install_lambda_task(run: Callable[[dict[str, Any]], Any]) -> None:
    """Serve `arn:aws:states:::lambda:invoke`, which ministack looks for before its table of tasks."""
    invoke = stepfunctions._invoke_resource

    def invoke_or_run(resource: str, parameters: dict[str, Any]) -> Any:
        return run(parameters) if resource == LAMBDA_TASK else invoke(resource, parameters)

    stepfunctions._invoke_resource = invoke_or_run


def install_definition_check(validation: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer ValidateStateMachineDefinition; ministack takes every definition for a good one."""
    stepfunctions._validate_state_machine_definition = lambda request: responses.json_response(
        validation(request)
    )


def install_task(resource_prefix: str, run: Callable[[str, dict[str, Any]], Any]) -> None:
    """Serve Step Functions tasks whose Resource starts with the prefix, by `run(resource, parameters)`."""
    stepfunctions._SERVICE_DISPATCH[resource_prefix] = run


def install_execution_end(time_out: Callable[[dict[str, Any]], float | None]) -> None:
    """End executions as AWS does.

    A state machine's TimeoutSeconds counts (`time_out(definition)`; ministack ignores it), and a task that
    fails after its execution was aborted or timed out does not make it FAILED.
    """
    run, fail = stepfunctions._run_execution, stepfunctions._fail_execution

    def expire(arn: str, ended: threading.Event, seconds: float) -> None:
        execution = stepfunctions._executions.get(arn)
        if ended.wait(seconds) or execution is None or execution["status"] != "RUNNING":
            return
        execution |= {"status": "TIMED_OUT", "stopDate": responses.now_iso(), "error": "States.Timeout"}
        stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
        stepfunctions._emit_execution_status_event(execution)

    def run_in_time(arn: str) -> None:
        machine = stepfunctions._state_machines.get(stepfunctions._executions[arn]["stateMachineArn"])
        seconds = time_out(json.loads(machine["definition"])) if machine else None
        if seconds is None:
            run(arn)
            return
        ended = threading.Event()
        spawn(expire, arn, ended, seconds, name="execution-timeout")
        try:
            run(arn)
        finally:
            ended.set()

    def fail_if_running(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    stepfunctions._run_execution = run_in_time
    stepfunctions._fail_execution = fail_if_running
