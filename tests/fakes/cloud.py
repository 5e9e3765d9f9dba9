"""An in-memory AWS for tests: requests are checked against botocore's models, answers page as AWS's do.

Metrics match by their exact set of dimensions, lists come in AWS's page sizes, errors have AWS's codes.
`cloud_state.py` has its state and what tests put there, `cloud_services.py` SageMaker and CloudFormation.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.validate import ParamValidator

from tests.fakes.cloud_services import CloudFormation, SageMaker
from tests.fakes.cloud_state import (
    BUDGET,
    BUDGET_ENVIRONMENT,
    NOW,
    REFUSALS,
    REGION,
    CloudState,
    arn,
    error,
    minutes,
    page,
    service_model,
)

__all__ = ["BUDGET", "BUDGET_ENVIRONMENT", "NOW", "REFUSALS", "REGION", "Cloud"]
__all__ += ["arn", "error", "minutes", "page", "service_model"]


@dataclass
class Paginator:
    """boto3's paginator for ListObjectsV2, the only one in use."""

    operation: Callable[..., Any]

    def paginate(self, **request: Any) -> Iterator[Any]:
        following: dict[str, str] = {}
        while True:
            answer = self.operation(**request, **following)
            yield answer
            if "NextContinuationToken" not in answer:
                return
            following = {"ContinuationToken": answer["NextContinuationToken"]}


class Client:
    """A client of one service: checks the request, counts it, fails if it was set to, else asks the cloud."""

    def __init__(self, cloud: CloudState, service: str) -> None:
        self._cloud, self._service = cloud, service

    def get_paginator(self, name: str) -> Paginator:
        return Paginator(getattr(self, name))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            cloud = self._cloud
            operation = "".join(part.capitalize() for part in name.split("_"))
            shape = service_model(self._service).operation_model(operation).input_shape
            report = ParamValidator().validate(request, shape)
            assert not report.has_errors(), report.generate_report()
            cloud.calls += 1
            cloud.log.append((operation, request))
            cloud.before(operation, request)
            failure = cloud.failures.get(operation)
            failing = failure(request) if callable(failure) else failure
            if failing is not None:
                raise failing
            return getattr(cloud, name)(**request)

        return call


def etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


@dataclass
class Cloud(SageMaker, CloudFormation):
    """The whole cloud; called with a service's name it gives a client."""

    def __call__(self, service: str) -> Client:
        return Client(self, service)

    # --- CloudTrail and IAM

    def recorded(self, ago: float, name: str, /, error_code: str = "", **parameters: Any) -> None:
        """A call `ago` minutes before now, as CloudTrail writes it."""
        record = {"eventName": name, "requestParameters": parameters}
        self.trail.append(
            {
                "EventName": name,
                "EventTime": self.now - minutes(ago),
                "CloudTrailEvent": json.dumps(record | ({"errorCode": error_code} if error_code else {})),
            }
        )

    def lookup_events(self, **request: Any) -> dict[str, Any]:
        (attribute,) = request["LookupAttributes"]  # AWS takes one at a time
        assert attribute["AttributeKey"] == "EventName"
        found = [
            event
            for event in self.trail
            if event["EventName"] == attribute["AttributeValue"]
            and request["StartTime"] <= event["EventTime"] <= request["EndTime"]
        ]
        newest_first = sorted(found, key=lambda event: event["EventTime"], reverse=True)
        return page(newest_first, request, "Events", size=2)

    def attach_role_policy(self, RoleName: str, PolicyArn: str) -> None:
        self.attached.setdefault(RoleName, set()).add(PolicyArn)

    def detach_role_policy(self, RoleName: str, PolicyArn: str) -> None:
        self.attached[RoleName].remove(PolicyArn)

    def list_attached_role_policies(self, RoleName: str) -> dict[str, Any]:
        return {"AttachedPolicies": [{"PolicyArn": arn} for arn in self.attached.get(RoleName, ())]}

    # --- Resource Groups Tagging API

    def get_resources(self, **request: Any) -> dict[str, Any]:
        known = [a for a in self.ever_tagged if a.rsplit("/")[-1] in self.endpoints]
        entries = [
            {"ResourceARN": a, "Tags": [{"Key": k, "Value": v} for k, v in self.tags.get(a, {}).items()]}
            for a in sorted(known)
        ]
        start = int(request.get("PaginationToken") or 0)
        end = start + request.get("ResourcesPerPage", 50)
        return {
            "ResourceTagMappingList": entries[start:end],
            "PaginationToken": str(end) if end < len(entries) else "",
        }

    # --- CloudWatch

    def list_metrics(self, **request: Any) -> dict[str, Any]:
        assert request.get("RecentlyActive", "PT3H") == "PT3H"
        since = self.now - (timedelta(hours=3) if "RecentlyActive" in request else timedelta(days=14))
        wanted = {(d["Name"], d.get("Value")) for d in request.get("Dimensions", [])}
        found = [
            {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": k, "Value": v} for k, v in sorted(dimensions)],
            }
            for (namespace, metric, dimensions), points in self.points.items()
            if namespace == request["Namespace"]
            and request.get("MetricName", metric) == metric
            and wanted <= dimensions
            # A series that appeared in the last quarter of an hour may not be listed yet.
            and any(since <= time <= self.now - minutes(15) for time in points)
        ]
        return page(found, request, "Metrics", size=500)

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        queries = request["MetricDataQueries"]
        if len(queries) > 500:
            raise error("ValidationError", "The number of queries must not exceed 500.")
        rows = list(self._points(queries, request["StartTime"], request["EndTime"]))
        start = int(request.get("NextToken") or 0)
        shown = rows[start : start + self.points_a_page]
        last = start + self.points_a_page >= len(rows)
        state = "Complete" if last else "PartialData"
        results: dict[str, dict[str, Any]] = {
            query["Id"]: {"Id": query["Id"], "Timestamps": [], "Values": [], "StatusCode": state}
            for query in queries
        }
        for query_id, time, value in shown:
            results[query_id]["Timestamps"].append(time)
            results[query_id]["Values"].append(value)
        token = {} if last else {"NextToken": str(start + self.points_a_page)}
        return {"MetricDataResults": list(results.values()), **token}

    def _points(
        self, queries: list[dict[str, Any]], start: datetime, end: datetime
    ) -> Iterator[tuple[str, datetime, float]]:
        for query in queries:
            stat = query["MetricStat"]
            metric, period = stat["Metric"], stat["Period"]
            assert period % 60 == 0
            key = (
                metric["Namespace"],
                metric["MetricName"],
                frozenset((d["Name"], d["Value"]) for d in metric.get("Dimensions", [])),
            )
            buckets: dict[datetime, list[float]] = {}
            for time, value in self.points.get(key, {}).items():
                if start <= time < end:
                    floor = datetime.fromtimestamp(time.timestamp() // period * period, UTC)
                    buckets.setdefault(floor, []).append(value)
            join: Any = {"Sum": sum, "Maximum": max}[stat["Stat"]]
            for time in sorted(buckets, reverse=True):
                yield query["Id"], time, float(join(buckets[time]))

    def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]]) -> None:
        for datum in MetricData:
            dimensions = frozenset((d["Name"], d["Value"]) for d in datum["Dimensions"])
            points = self.points.setdefault((Namespace, datum["MetricName"], dimensions), {})
            points[datum["Timestamp"]] = datum["Value"]

    # --- the rest

    def publish(self, **request: Any) -> None:
        self.messages.append(request)

    def put_object(self, Bucket: str, Key: str, Body: bytes, **request: Any) -> None:
        present = self.objects.get((Bucket, Key))
        if request.get("IfNoneMatch") and present is not None:
            raise error("PreconditionFailed", "At least one of the pre-conditions did not hold")
        if "IfMatch" in request and (present is None or request["IfMatch"] != etag(present)):
            raise error("NoSuchKey" if present is None else "PreconditionFailed", "no such version")
        self.objects[(Bucket, Key)] = Body

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if (Bucket, Key) not in self.objects:
            raise error("404", "Not Found")
        return {"ETag": hashlib.md5(self.objects[Bucket, Key], usedforsecurity=False).hexdigest()}

    def get_object(self, Bucket: str, Key: str, Range: str = "bytes=0-") -> dict[str, Any]:
        if (Bucket, Key) not in self.objects:
            raise error("NoSuchKey", "The specified key does not exist.")
        body = self.objects[(Bucket, Key)]
        first, last = Range.removeprefix("bytes=").split("-")
        part = body[int(first) : int(last) + 1 if last else None]
        return {"Body": io.BytesIO(part), "ETag": etag(body)}

    def list_objects_v2(self, Bucket: str, Prefix: str, ContinuationToken: str = "0") -> dict[str, Any]:
        keys = sorted(key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix))
        start = int(ContinuationToken)
        more = {"NextContinuationToken": str(start + 2)} if start + 2 < len(keys) else {}
        shown = [{"Key": key, "Size": len(self.objects[(Bucket, key)])} for key in keys[start : start + 2]]
        return {"Contents": shown, **more}

    def describe_scalable_targets(self, **request: Any) -> dict[str, Any]:
        return {"ScalableTargets": list(self.targets)}

    def describe_scaling_policies(self, ResourceId: str, **_: Any) -> dict[str, Any]:
        return {"ScalingPolicies": [{"PolicyName": "p", "ResourceId": ResourceId}]}

    def deregister_scalable_target(self, ResourceId: str, **_: Any) -> None:
        self.targets = [t for t in self.targets if t["ResourceId"] != ResourceId]

    def list_executions(self, **request: Any) -> dict[str, Any]:
        running = [
            {"executionArn": a, "name": e["name"]}
            for a, e in self.executions.items()
            if e["status"] == request["statusFilter"]
        ]
        return {"executions": running}

    def stop_execution(self, executionArn: str, **_: Any) -> None:
        self.executions[executionArn]["status"] = "ABORTED"
