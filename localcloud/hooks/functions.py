"""Lambda: results and metrics of invocations, and EventBridge's retries."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import eventbridge, lambda_svc


def stop_lambda_workers() -> None:
    """End the processes that run Lambda functions, and remove their folders."""
    lambda_runtime.reset()


def install_lambda_result(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let `change` rewrite what every Lambda invocation ends with ({"body", "error", "log"})."""
    execute = lambda_svc._execute_function_warm
    lambda_svc._execute_function_warm = lambda *arguments: change(execute(*arguments))


def install_lambda_metrics() -> None:
    """Count every invocation in AWS/Lambda; ministack counts those through the Invoke API only.

    A scheduled function could fail for ever without an alarm.
    """
    emit, dispatch = lambda_svc._emit_lambda_metrics, lambda_svc._execute_function_dispatch

    def emit_throttles_only(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle:
            emit(name, duration_ms, error, throttle)

    def dispatch_and_count(
        function: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> Any:
        result = dispatch(function, config, event, request_id, started)
        failed = bool(isinstance(result, dict) and result.get("error"))
        took = (datetime.now(UTC).timestamp() - started) * 1000
        emit(config["FunctionName"], took, failed, False)
        return result

    lambda_svc._emit_lambda_metrics = emit_throttles_only
    lambda_svc._execute_function_dispatch = dispatch_and_count


def install_event_retries() -> None:
    """Let EventBridge invoke functions as AWS does: two retries, then the dead-letter queue."""

    def dispatch(arn: str, payload: str) -> None:
        function, config, _ = lambda_svc._get_func_record_for_ref(arn)
        if function and config:
            record = lambda_svc._execution_record_for_config(function, config)
            lambda_svc.invoke_async_with_retry(record, json.loads(payload))

    eventbridge._dispatch_to_lambda = dispatch
