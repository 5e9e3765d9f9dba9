"""Metrics, alarms, logs and events."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs, eventbridge

from localcloud.hooks.requests import request_scope

Alarm = dict[str, Any]
Point = dict[str, Any]


def put_metric(namespace: str, name: str, value: float, unit: str, dimensions: Mapping[str, str]) -> None:
    """Store a CloudWatch datum of now, in `AWS/…` namespaces too, and evaluate the alarms that watch it.

    Args:
        unit: CloudWatch's name of it ("Seconds", "Microseconds", "Count", "None", …).
        dimensions: the exact set; CloudWatch treats another set as another metric.
    """
    bucket = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dict(dimensions))))
    seconds = datetime.now(UTC).timestamp()
    bucket.append({"Timestamp": seconds, "Value": float(value), "Unit": unit, "Dimensions": dict(dimensions)})
    cloudwatch._evaluate_all_alarms()


def put_log_events(group: str, stream: str, lines: Sequence[tuple[datetime, str]]) -> None:
    """Append lines, each with its time (timezone-aware), to a CloudWatch Logs stream.

    Group and stream are made when missing.
    """
    # Both answer with an error when it is there, which is fine.
    cloudwatch_logs._create_log_group({"logGroupName": group})
    cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    events = [{"timestamp": int(at.timestamp() * 1000), "message": text} for at, text in lines]
    if events:
        cloudwatch_logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": events})


def log_texts(prefixes: Sequence[str]) -> dict[str, str]:
    """All text of every log group whose name starts with one of `prefixes`, by the rest of the name."""
    texts: dict[str, str] = {}
    for (_, _, group), record in cloudwatch_logs._log_groups.all_items():
        for prefix in filter(group.startswith, prefixes):
            events = [event for stream in record["streams"].values() for event in list(stream["events"])]
            events.sort(key=lambda event: event["timestamp"])
            texts[group.removeprefix(prefix)] = "".join(f"{event['message'].rstrip()}\n" for event in events)
    return texts


def emit_event(source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
    """Put an event of an AWS service on the default bus (clients may not use `aws.` sources)."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail, default=event_value),
        "Resources": list(resources),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def event_value(value: object) -> object:
    """What stands in an event's JSON for a value that JSON does not have: epoch milliseconds for a time."""
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else str(value)


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


def install_metric_checks(
    refusal: Callable[[str, Mapping[str, Any], float, float], tuple[str, str] | None],
) -> None:
    """Answer what `refusal(operation, request, start, end)` says with that error, code and message."""

    def guard(operation: str, answer: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(params: Any, request: Any, is_cbor: bool, is_json: bool = False) -> Any:
            asked = request if is_cbor or is_json else None
            if asked:  # the older query protocol has no client here
                start, end = (cloudwatch._parse_ts(asked[name]) for name in ("StartTime", "EndTime"))
                if refused := refusal(operation, asked, start, end):
                    return cloudwatch._error(*refused, 400, is_json, is_cbor)
            return answer(params, request, is_cbor, is_json)

        return guarded

    cloudwatch._get_metric_data = guard("GetMetricData", cloudwatch._get_metric_data)
    cloudwatch._get_metric_statistics = guard("GetMetricStatistics", cloudwatch._get_metric_statistics)


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
