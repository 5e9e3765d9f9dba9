"""Every place where the embedded cloud reaches into ministack's private parts, and nowhere else.

ministack (pinned, 1.5.33) has no plug-in interface. `CONTRACT` lists each private name used here with what is
relied on; tests/unit/localcloud/test_localcloud_hooks.py names the one that an upgrade broke. The functions
are of two kinds: those that offer ministack's services to this package, and those that put this package into
ministack (`install_service`, `install_resource_type`, …), called once by `localcloud.server`.

ministack reads its settings when imported, so this module is imported only in the server and in tests. Its
CloudFormation even writes a key file then, hence the imports inside the functions that need it.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ministack import app
from ministack.core import concurrency, iam_actions, lambda_runtime, responses, router
from ministack.services import (
    budgets,
    cloudwatch,
    cloudwatch_logs,
    eventbridge,
    lambda_svc,
    stepfunctions,
    tagging,
)

Response = tuple[int, dict[str, str], bytes | AsyncIterator[bytes]]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Response]]
Resource = tuple[str, dict[str, Any]]  # physical id (what Ref gives), attributes (what GetAtt gives)
Alarm = dict[str, Any]
Point = dict[str, Any]

# (module of ministack, attribute, its kind): "call" a function, "dict" a table, "store" a table by account
# and region
CONTRACT: tuple[tuple[str, str, str], ...] = (
    ("app", "app", "call"),
    ("app", "SERVICE_REGISTRY", "dict"),
    ("app", "SERVICE_HANDLERS", "dict"),
    ("core.router", "SERVICE_PATTERNS", "dict"),
    ("core.iam_actions", "SERVICE_TO_IAM_NAMESPACE", "dict"),
    ("core.responses", "get_account_id", "call"),
    ("core.responses", "get_region", "call"),
    ("core.responses", "request_scope", "call"),
    ("core.responses", "now_iso", "call"),
    ("core.responses", "StreamingResponse", "call"),
    ("core.concurrency", "spawn_background", "call"),
    ("core.lambda_runtime", "reset", "call"),
    ("services.cloudwatch", "_metrics", "store"),
    ("services.cloudwatch", "_alarms", "store"),
    ("services.cloudwatch", "_metric_bucket", "call"),
    ("services.cloudwatch", "_dims_key", "call"),
    ("services.cloudwatch", "_evaluate_alarm", "call"),
    ("services.cloudwatch", "_evaluate_all_alarms", "call"),
    ("services.cloudwatch", "_evaluate_parent_alarms", "call"),
    ("services.cloudwatch", "_record_history", "call"),
    ("services.cloudwatch", "_dispatch_alarm_actions", "call"),
    ("services.cloudwatch", "_calc_stats", "call"),
    ("services.cloudwatch", "_stat_value", "call"),
    ("services.cloudwatch_logs", "_log_groups", "store"),
    ("services.cloudwatch_logs", "_create_log_group", "call"),
    ("services.cloudwatch_logs", "_create_log_stream", "call"),
    ("services.cloudwatch_logs", "_put_log_events", "call"),
    ("services.eventbridge", "_put_events", "call"),
    ("services.budgets", "_budgets", "store"),
    ("services.budgets", "_notification_store", "store"),
    ("services.lambda_svc", "_execute_function_warm", "call"),
    ("services.lambda_svc", "_execute_function_dispatch", "call"),
    ("services.lambda_svc", "_execution_record_for_config", "call"),
    ("services.lambda_svc", "_get_func_record_for_ref", "call"),
    ("services.lambda_svc", "_emit_lambda_metrics", "call"),
    ("services.lambda_svc", "invoke_async_with_retry", "call"),
    ("services.eventbridge", "_dispatch_to_lambda", "call"),
    ("services.stepfunctions", "_SERVICE_DISPATCH", "dict"),
    ("services.stepfunctions", "_ExecutionError", "call"),
    ("services.stepfunctions", "_executions", "store"),
    ("services.stepfunctions", "_state_machines", "store"),
    ("services.stepfunctions", "_run_execution", "call"),
    ("services.stepfunctions", "_fail_execution", "call"),
    ("services.stepfunctions", "_add_event", "call"),
    ("services.stepfunctions", "_emit_execution_status_event", "call"),
    ("services.tagging", "_COLLECTORS", "dict"),
    ("services.cloudformation.provisioners", "_RESOURCE_HANDLERS", "dict"),
    ("services.cloudformation.provisioners", "_STACK_TAG_PROPERTY", "dict"),
    ("services.cloudformation.provisioners", "_REPLACING_PROPERTIES", "dict"),
    ("services.cloudformation.provisioners", "_CUSTOM_NAME_REPLACEMENT", "dict"),
    ("services.cloudformation.stacks", "_runs_on_worker_thread", "call"),
    ("services.cloudformation.stacks", "_add_event", "call"),
    ("services.cloudformation.stacks", "_delete_resource", "call"),
    ("services.cloudformation", "_stack_events", "store"),
    ("services.cloudformation", "_stacks", "store"),
)


# ---- what ministack's services offer
# ---------------------------------------------------------------------------


def account_id() -> str:
    """The account of the request being served."""
    return str(responses.get_account_id())


def region() -> str:
    """The region of the request being served."""
    return str(responses.get_region())


def request_scope(account: str, in_region: str) -> contextlib.AbstractContextManager[None]:
    """Act for another account and region within a `with` block."""
    scope: contextlib.AbstractContextManager[None] = responses.request_scope(account, in_region)
    return scope


def spawn(function: Callable[..., object], *args: object, name: str) -> threading.Thread:
    """A daemon thread with the request's account and region; what it raises is logged."""
    thread: threading.Thread = concurrency.spawn_background(function, *args, thread_name=name)
    return thread


def put_metric(
    namespace: str, name: str, value: float, unit: str, dimensions: dict[str, str], at: datetime | None
) -> None:
    """Store a datum in the account and region of the request, then evaluate its alarms."""
    bucket = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dimensions)))
    seconds = (at or datetime.now(UTC)).timestamp()
    bucket.append({"Timestamp": seconds, "Value": float(value), "Unit": unit, "Dimensions": dimensions})
    cloudwatch._evaluate_all_alarms()


def put_log_events(group: str, stream: str, lines: Sequence[str | tuple[datetime, str]]) -> None:
    """Append to a log stream that need not exist yet."""
    cloudwatch_logs._create_log_group(
        {"logGroupName": group}
    )  # both answer with an error when it is there: fine
    cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    now = datetime.now(UTC)
    stamped = [(now, line) if isinstance(line, str) else line for line in lines]
    events = [{"timestamp": int(at.timestamp() * 1000), "message": text} for at, text in stamped]
    if events:
        cloudwatch_logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": events})


def log_texts(prefix: str) -> dict[str, str]:
    """All text of every log group whose name starts with `prefix`, by the rest of the name."""
    texts: dict[str, str] = {}
    for (_, _, group), record in cloudwatch_logs._log_groups.all_items():
        if group.startswith(prefix):
            events = [event for stream in record["streams"].values() for event in list(stream["events"])]
            events.sort(key=lambda event: event["timestamp"])
            texts[group.removeprefix(prefix)] = "".join(f"{event['message'].rstrip()}\n" for event in events)
    return texts


def emit_event(source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
    """Put an event of an AWS service on the default bus (clients may not use `aws.` sources)."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail, default=_event_value),
        "Resources": list(resources),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _event_value(value: object) -> object:
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else str(value)


def budgets_of_account() -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Every budget's live record with its notifications ({"notification", "subscribers"}); changes are
    kept.
    """
    return [(record, budgets._notification_store.get(name, [])) for name, record in budgets._budgets.items()]


def task_failure(error: str, cause: str) -> Exception:
    """The exception that fails a Step Functions task with this error name and cause."""
    failure: Exception = stepfunctions._ExecutionError(error, cause)
    return failure


def running_executions() -> list[str]:
    """Names of the state machine executions that run, in all accounts and regions."""
    return [str(run["name"]) for run in stepfunctions._executions.all_values() if run["status"] == "RUNNING"]


def stop_lambda_workers() -> None:
    """End the processes that run Lambda functions, and remove their folders."""
    lambda_runtime.reset()


# ---- putting this package into ministack
# -----------------------------------------------------------------------


def application() -> Callable[..., Awaitable[None]]:
    """ministack's ASGI application."""
    asgi: Callable[..., Awaitable[None]] = app.app
    return asgi


def install_service(name: str, *, target_prefix: str, host_pattern: str, handler: Handler) -> None:
    """Serve a further AWS service: requests signed for `name`, or whose X-Amz-Target starts with
    `target_prefix`.
    """

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> tuple[int, dict[str, str], Any]:
        status, answer_headers, answer = await handler(method, path, headers, body, query)
        return status, answer_headers, answer if isinstance(answer, bytes) else _streaming(answer)

    pattern = {"target_prefixes": [target_prefix], "host_patterns": [host_pattern], "credential_scope": name}
    others = {key: value for key, value in router.SERVICE_PATTERNS.items() if key != name}
    router.SERVICE_PATTERNS.clear()  # in place, and first: S3 takes whatever path nobody else wanted
    router.SERVICE_PATTERNS.update({name: pattern, **others})
    app.SERVICE_REGISTRY[name] = {"module": name}
    app.SERVICE_HANDLERS[name] = handle
    iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name


def install_tagged_resources(
    service: str, list_them: Callable[[], Sequence[tuple[str, dict[str, str]]]]
) -> None:
    """Let the tagging API's GetResources see a service's resources: (ARN, tags), those with tags only."""

    def collect() -> list[tuple[str, list[dict[str, str]]]]:
        return [
            (arn, [{"Key": key, "Value": value} for key, value in tags.items()])
            for arn, tags in list_them()
            if tags
        ]

    tagging._COLLECTORS[service] = collect


def _streaming(chunks: AsyncIterator[bytes]) -> Any:
    async def run(send: Callable[[dict[str, Any]], Awaitable[None]], receive: object) -> None:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return responses.StreamingResponse(run)


def install_resource_type(
    name: str,
    *,
    create: Callable[[str, dict[str, Any], str], Resource],
    update: Callable[[str, dict[str, Any], dict[str, Any], str, str], Resource],
    delete: Callable[[str, dict[str, Any]], None],
    replacing: Sequence[str],
    tags: str | None,
    own_name: str | None,
) -> None:
    """Teach CloudFormation a resource type. Its handlers run on a worker thread, so they may wait.

    Args:
        create: (logical id, properties, stack name) → resource. Raises with the reason.
        update: (physical id, old properties, new properties, stack name, logical id) → resource.
        delete: (physical id, properties).
        replacing: properties whose change needs a new resource.
        tags: the property that holds tags (a list); the stack's own tags are added to it.
        own_name: the property that names the resource; a named one cannot be replaced under the same name.
    """
    from ministack.services.cloudformation import provisioners

    handlers = {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}
    provisioners._RESOURCE_HANDLERS[name] = handlers
    provisioners._REPLACING_PROPERTIES[name] = tuple(replacing)
    if tags:
        provisioners._STACK_TAG_PROPERTY[name] = (tags, "list")
    if own_name:
        provisioners._CUSTOM_NAME_REPLACEMENT[name] = {"name": own_name}
    _off_the_event_loop(name)


def wrap_resource_type(
    name: str,
    *,
    after_change: Callable[[str, dict[str, Any], dict[str, Any]], None],
    delete: Callable[[str, dict[str, Any]], None],
    tags: str,
) -> None:
    """Mend a resource type that ministack has: `after_change(physical id, old, new properties)` follows its
    own create and update, `delete` replaces its own delete."""
    from ministack.services.cloudformation import provisioners

    handlers = dict(provisioners._RESOURCE_HANDLERS[name])
    create, update = handlers["create"], handlers["update"]

    def create_and_more(logical_id: str, properties: dict[str, Any], stack: str) -> Resource:
        physical_id, attributes = create(logical_id, properties, stack)
        after_change(physical_id, {}, properties)
        return physical_id, attributes

    def update_and_more(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, *rest: str
    ) -> Resource:
        changed_id, attributes = update(physical_id, old, new, stack, *rest)
        after_change(changed_id, old, new)
        return changed_id, attributes

    handlers |= {"create": create_and_more, "update": update_and_more, "delete": delete}
    provisioners._RESOURCE_HANDLERS[name] = handlers
    provisioners._STACK_TAG_PROPERTY[name] = (tags, "list")
    _off_the_event_loop(name)


_blocking_types: set[str] = set()


def _off_the_event_loop(resource_type: str) -> None:
    from ministack.services.cloudformation import stacks

    if not _blocking_types:
        theirs = stacks._runs_on_worker_thread
        stacks._runs_on_worker_thread = lambda name: name in _blocking_types or theirs(name)
    _blocking_types.add(resource_type)


def install_stack_events(
    name: Callable[[str, str, str, Sequence[dict[str, Any]]], str],
    is_untold_removal: Callable[[str, str, Sequence[dict[str, Any]]], bool],
) -> None:
    """Let `name(status, resource type, logical id, earlier events)` say what a stack's event is called, and
    tell of those removals by an update for which `is_untold_removal(physical id, logical id, earlier
    events)`."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation import stacks

    add, delete = stacks._add_event, stacks._delete_resource

    def add_named(
        stack_id: str, stack: str, logical_id: str, resource_type: str, status: str, *more: Any, **rest: Any
    ) -> None:
        earlier = cloudformation._stack_events.get(stack_id) or []
        add(
            stack_id,
            stack,
            logical_id,
            resource_type,
            name(status, resource_type, logical_id, earlier),
            *more,
            **rest,
        )

    def delete_and_tell(
        resource_type: str, physical_id: str, properties: dict[str, Any], stack: str, logical_id: str
    ) -> None:
        record = cloudformation._stacks.get(stack) or {}
        earlier = cloudformation._stack_events.get(record.get("StackId")) or []
        updating = record.get("StackStatus") == "UPDATE_IN_PROGRESS"
        told = (record.get("StackId"), stack, logical_id, resource_type)
        tell = updating and is_untold_removal(physical_id, logical_id, earlier)
        if tell:
            add(*told, "DELETE_IN_PROGRESS", physical_id=physical_id)
        delete(resource_type, physical_id, properties, stack, logical_id)
        if tell:
            add(*told, "DELETE_COMPLETE", physical_id=physical_id)

    stacks._add_event, stacks._delete_resource = add_named, delete_and_tell


def install_task(resource_prefix: str, run: Callable[[str, dict[str, Any]], Any]) -> None:
    """Serve Step Functions tasks whose Resource starts with `resource_prefix`; `run(resource,
    parameters)`.
    """
    stepfunctions._SERVICE_DISPATCH[resource_prefix] = run


def install_lambda_result(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let `change` rewrite what every Lambda invocation ends with ({"body", "error", "log"})."""
    execute = lambda_svc._execute_function_warm

    def execute_and_change(*arguments: Any) -> dict[str, Any]:
        return change(execute(*arguments))

    lambda_svc._execute_function_warm = execute_and_change


def install_lambda_metrics() -> None:
    """Count every invocation in AWS/Lambda, whoever made it. ministack counts those through the Invoke API
    only, so that a scheduled function could fail for ever without its alarm going off."""
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


def install_execution_end(time_out: Callable[[dict[str, Any]], float | None]) -> None:
    """Mend how executions end: a state machine's TimeoutSeconds counts (`time_out(definition)`; ministack
    ignores it), and a task that fails after its execution was aborted or timed out does not make it
    FAILED."""
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


def install_alarm_rule(decide: Callable[[Alarm, Sequence[Point], float], tuple[str, str] | None]) -> None:
    """Replace ministack's evaluation of a metric alarm, which looks at neither dimensions nor missing data.

    `decide(alarm, points of exactly its metric, now)` gives the new state and its reason, or None to keep the
    old.
    """

    def evaluate(alarm: Alarm) -> None:
        key = (alarm.get("Namespace"), alarm.get("MetricName"), _alarm_dimensions(alarm))
        decided = decide(alarm, list(cloudwatch._metrics.get(key) or ()), datetime.now(UTC).timestamp())
        if decided is None or decided[0] == alarm["StateValue"]:
            return
        old, (new, reason) = alarm["StateValue"], decided
        alarm |= {"StateValue": new, "StateReason": reason}
        alarm["StateUpdatedTimestamp"] = int(datetime.now(UTC).timestamp())
        cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
        cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
        cloudwatch._evaluate_parent_alarms(alarm)

    cloudwatch._evaluate_alarm = evaluate


def _alarm_dimensions(alarm: Alarm) -> str:
    dimensions = alarm.get("Dimensions") or {}
    if not isinstance(dimensions, dict):
        dimensions = {item["Name"]: item["Value"] for item in dimensions}
    return str(cloudwatch._dims_key(dimensions))


def alarm_statistic(alarm: Alarm, points: Sequence[Point]) -> float | None:
    """The alarm's statistic (or percentile) over some points of its metric."""
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
    return None if value is None else float(value)


def evaluate_alarms() -> None:
    """Evaluate every alarm of every account and region."""
    scopes = {(account, region_) for (account, region_, _), _ in cloudwatch._alarms.all_items()}
    for account, in_region in sorted(scopes):
        with request_scope(account, in_region):
            cloudwatch._evaluate_all_alarms()
