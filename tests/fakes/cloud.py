"""An in-memory AWS for the Lambdas' tests: requests are checked against botocore's models, answers page as
AWS's do.

Metrics match by their exact set of dimensions, lists come in AWS's page sizes, errors have AWS's codes.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from core.money.reserve import Exposure
from core.money.settings import BudgetSettings
from core.reaper.warm import WarmState

NOW = datetime(2026, 11, 20, 12, 0, 20, tzinfo=UTC)
REGION, ACCOUNT = "us-east-1", "123456789012"
MODEL = {"ModelName": "m"}
REFUSALS = (
    "Unable to fetch parameters [/cdk-bootstrap/hnb659fds/version] from parameter store for this account.",
    "Role arn:aws:iam::123456789012:role/cdk-exec is invalid or cannot be assumed",
    "Action denied by stack policy: Statement [#1] does not allow [Update:*] for resource Endpoint",
    "User is not authorized to perform: cloudformation:UpdateStack with an explicit deny in a policy",
)
"""What CloudFormation answers where it will not update a stack, today or ever."""
BUDGET = BudgetSettings(
    project="FinExpert",
    hosting_stack="FinExpert-Hosting",
    budget_usd=25,
    reserve_usd=2,
    exposure=Exposure(period_minutes=5),
)
BUDGET_ENVIRONMENT = {"PROJECT": BUDGET.project, "METRIC_NAMESPACE": "FinExpert", **BUDGET.environment()}


@cache
def service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def error(code: str, message: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def arn(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"


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
    """A client of one service: checks the request, counts it, fails if it was set to, else asks the
    cloud."""

    def __init__(self, cloud: Cloud, service: str) -> None:
        self._cloud, self._service = cloud, service

    def get_paginator(self, name: str) -> Paginator:
        return Paginator(getattr(self, name))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            cloud = self._cloud
            operation = "".join(part.capitalize() for part in name.split("_"))
            operation = {"ListObjectsV2": "ListObjectsV2"}.get(operation, operation)
            shape = service_model(self._service).operation_model(operation).input_shape
            report = ParamValidator().validate(request, shape)
            assert not report.has_errors(), report.generate_report()
            cloud.calls += 1
            cloud.log.append((operation, request))
            cloud.before(operation, request)
            failure = cloud.failures.get(operation)
            if failure is not None:
                failing = failure(request) if callable(failure) else failure
                if failing is not None:
                    raise failing
            return getattr(cloud, name)(**request)

        return call


@dataclass
class Cloud:
    """The state of the cloud. `failures`: operation → error, or function of the request that gives one or
    None."""

    now: datetime = NOW
    calls: int = 0
    log: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failures: dict[str, Any] = field(default_factory=dict)
    before: Callable[[str, dict[str, Any]], None] = lambda operation, request: None
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    components: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    ever_tagged: set[str] = field(default_factory=set)
    #: ARN → the stack that holds it, as CloudFormation knows; tags need not say so.
    owners: dict[str, str] = field(default_factory=dict)
    #: Security group → looks that SageMaker's network interface in it lasts.
    interfaces: dict[str, int] = field(default_factory=dict)
    #: Component → the line that it answers each request with, if not a token.
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    points: dict[tuple[str, str, frozenset[tuple[str, str]]], dict[datetime, float]] = field(
        default_factory=dict
    )
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted_stacks: list[dict[str, Any]] = field(default_factory=list)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    targets: list[dict[str, Any]] = field(default_factory=list)
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    notebooks: list[dict[str, Any]] = field(default_factory=list)
    processing: dict[str, dict[str, Any]] = field(default_factory=dict)
    apps: list[dict[str, Any]] = field(default_factory=list)
    trail: list[dict[str, Any]] = field(default_factory=list)
    attached: dict[str, set[str]] = field(default_factory=dict)
    points_a_page: int = 100_800
    #: Looks that a component stays in Deleting after it was asked to go.
    component_delay: int = 0
    warm: WarmState = field(default_factory=WarmState)

    def __call__(self, service: str) -> Client:
        return Client(self, service)

    def kept(self) -> WarmState:
        """What one run of the reaper leaves for the next, besides what was read."""
        return WarmState(reported=self.warm.reported, begin_with=self.warm.begin_with)

    def called(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.log if name == operation]

    # --- making things

    def endpoint(
        self,
        name: str,
        *,
        age: float = 300,
        modified: float | None = None,
        status: str = "InService",
        variants: dict[str, int | None] | None = None,
        shadow: tuple[str, ...] = (),
        serverless: dict[str, int] | None = None,
        asynchronous: bool = False,
        hosts_components: bool = False,
        instance_type: str = "ml.g5.2xlarge",
        tags: dict[str, str] | None = None,
        project: str | None = "FinExpert",
    ) -> str:
        """An endpoint `age` minutes old; `variants`: name → running instances; `serverless`: name →
        provisioned."""
        counts: dict[str, int | None] = variants if variants is not None else {"AllTraffic": 1}
        if serverless is not None:
            counts = {}
        running: list[dict[str, Any]] = [
            {"VariantName": v, "CurrentInstanceCount": n, "DesiredInstanceCount": n}
            if n is not None
            else {"VariantName": v}
            for v, n in counts.items()
        ]
        configured: list[dict[str, Any]] = [
            {
                "VariantName": v,
                "InstanceType": instance_type,
                "InitialInstanceCount": 1,
                **({} if hosts_components else MODEL),
            }
            for v in counts
        ]
        for variant, provisioned in (serverless or {}).items():
            settings = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
            if provisioned:
                settings["ProvisionedConcurrency"] = provisioned
            running.append({"VariantName": variant, "CurrentServerlessConfig": settings})
            configured.append({"VariantName": variant, "ServerlessConfig": settings, **MODEL})
        shadows = [{"VariantName": v, "CurrentInstanceCount": 1} for v in shadow]
        queue = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/out"}}}
        self.configs[f"{name}-config"] = {
            "EndpointConfigName": f"{name}-config",
            "ProductionVariants": configured,
            "ShadowProductionVariants": [
                {"VariantName": v, "InstanceType": instance_type, "InitialInstanceCount": 1, **MODEL}
                for v in shadow
            ],
            **(queue if asynchronous else {}),
        }
        self.endpoints[name] = {
            "EndpointName": name,
            "EndpointArn": arn("endpoint", name),
            "EndpointConfigName": f"{name}-config",
            "EndpointStatus": status,
            "CreationTime": self.now - minutes(age),
            "LastModifiedTime": self.now - minutes(age if modified is None else modified),
            "ProductionVariants": running if status != "Failed" else [],
            "ShadowProductionVariants": shadows,
            **(queue if asynchronous else {}),
        }
        labels = dict(tags or {}) | ({"finexpert:project": project} if project else {})
        if labels:
            self.tags[arn("endpoint", name)] = labels
            self.ever_tagged.add(arn("endpoint", name))
        return name

    def component(self, name: str, endpoint: str, *, status: str = "InService", age: float = 300) -> str:
        self.components[name] = {
            "InferenceComponentName": name,
            "InferenceComponentArn": arn("inference-component", name),
            "EndpointName": endpoint,
            "EndpointArn": arn("endpoint", endpoint),
            "VariantName": "AllTraffic",
            "InferenceComponentStatus": status,
            "CreationTime": self.now - minutes(age),
            "LastModifiedTime": self.now - minutes(age),
        }
        return name

    def metric(self, metric: str, ago: float, value: float = 1.0, /, **dimensions: str) -> None:
        """A data point `ago` minutes before now."""
        key = ("AWS/SageMaker", metric, frozenset(dimensions.items()))
        moment = (self.now - minutes(ago)).replace(second=0, microsecond=0)
        points = self.points.setdefault(key, {})
        points[moment] = points.get(moment, 0.0) + value

    def requests(self, endpoint: str, *agos: float, variant: str = "AllTraffic") -> None:
        for ago in agos:
            self.metric("Invocations", ago, EndpointName=endpoint, VariantName=variant)

    def stack(self, name: str, *, artifact: str = "", status: str = "CREATE_COMPLETE", **outputs: str) -> str:
        stack_id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/{len(self.stacks) + 1:08d}"
        self.stacks[name] = {
            "StackName": name,
            "StackId": stack_id,
            "StackStatus": status,
            "CreationTime": self.now - minutes(600),
            "Parameters": [
                {"ParameterKey": "ModelArtifact", "ParameterValue": artifact},
                {"ParameterKey": "BootstrapVersion", "ParameterValue": "/cdk-bootstrap/version"},
            ],
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
        }
        return stack_id

    # --- SageMaker

    def list_endpoints(self, **request: Any) -> dict[str, Any]:
        names = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        summaries = [{key: e[key] for key in names} for e in self.endpoints.values()]
        return page(summaries, request, "Endpoints")

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        if EndpointName not in self.endpoints:
            raise error("ValidationException", f'Could not find endpoint "{arn("endpoint", EndpointName)}".')
        return dict(self.endpoints[EndpointName])

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
        if EndpointConfigName not in self.configs:
            raise error("ValidationException", "Could not find endpoint configuration.")
        return dict(self.configs[EndpointConfigName])

    def delete_endpoint(self, EndpointName: str) -> None:
        described = self.describe_endpoint(EndpointName)
        if any(c["EndpointName"] == EndpointName for c in self.components.values()):
            raise error("ValidationException", "Cannot delete an endpoint that has inference components.")
        if described["EndpointStatus"] not in ("InService", "Failed", "OutOfService"):
            raise error("ValidationException", f"Cannot delete endpoint in {described['EndpointStatus']}")
        del self.endpoints[EndpointName]

    def list_inference_components(self, **request: Any) -> dict[str, Any]:
        wanted = request.get("EndpointNameEquals")
        found = [c for c in self.components.values() if wanted in (None, c["EndpointName"])]
        answer = page([dict(c) for c in found], request, "InferenceComponents")
        for component in found:
            if component["InferenceComponentStatus"] == "Deleting":
                component["looks"] = component.get("looks", 0) + 1
                if component["looks"] >= self.component_delay:
                    del self.components[component["InferenceComponentName"]]
        return answer

    def describe_inference_component(self, InferenceComponentName: str) -> dict[str, Any]:
        if InferenceComponentName not in self.components:
            raise error("ValidationException", "Could not find inference component")
        return dict(self.components[InferenceComponentName])

    def delete_inference_component(self, InferenceComponentName: str) -> None:
        self.describe_inference_component(InferenceComponentName)
        if self.component_delay:
            self.components[InferenceComponentName]["InferenceComponentStatus"] = "Deleting"
        else:
            del self.components[InferenceComponentName]

    def list_tags(self, ResourceArn: str, **_: Any) -> dict[str, Any]:
        return {"Tags": [{"Key": k, "Value": v} for k, v in self.tags.get(ResourceArn, {}).items()]}

    def add_tags(self, ResourceArn: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
        self.tags.setdefault(ResourceArn, {}).update({t["Key"]: t["Value"] for t in Tags})
        self.ever_tagged.add(ResourceArn)
        return {"Tags": Tags}

    def delete_tags(self, ResourceArn: str, TagKeys: list[str]) -> dict[str, Any]:
        for key in TagKeys:
            self.tags.get(ResourceArn, {}).pop(key, None)
        return {}

    def list_training_jobs(self, **request: Any) -> dict[str, Any]:
        after = request.get("CreationTimeAfter")
        found = [
            job
            for name, job in self.jobs.items()
            if request.get("NameContains", "") in name
            and (after is None or job["CreationTime"] >= after)
            and request.get("StatusEquals", job["TrainingJobStatus"]) == job["TrainingJobStatus"]
        ]
        summaries = [{"TrainingJobArn": arn("training-job", job["TrainingJobName"]), **job} for job in found]
        return page(summaries, request, "TrainingJobSummaries")

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:
        if TrainingJobName not in self.jobs:
            raise error("ValidationException", "Requested resource not found.")
        return dict(self.jobs[TrainingJobName])

    def stop_training_job(self, TrainingJobName: str) -> None:
        if self.describe_training_job(TrainingJobName)["TrainingJobStatus"] != "InProgress":
            raise error("ValidationException", "The request was rejected because the training job is over.")
        self.jobs[TrainingJobName]["TrainingJobStatus"] = "Stopping"

    def list_model_packages(self, ModelPackageGroupName: str, **request: Any) -> dict[str, Any]:
        found = [p for p in self.packages.values() if p["ModelPackageGroupName"] == ModelPackageGroupName]
        return page(found, request, "ModelPackageSummaryList")

    def delete_model_package(self, ModelPackageName: str) -> None:
        del self.packages[ModelPackageName]

    def list_notebook_instances(self, **request: Any) -> dict[str, Any]:
        return page(self.notebooks, request, "NotebookInstances")

    def list_processing_jobs(self, **request: Any) -> dict[str, Any]:
        after = request.get("LastModifiedTimeAfter", datetime.min.replace(tzinfo=UTC))
        found = [job for job in self.processing.values() if job["LastModifiedTime"] >= after]
        return page(found, request, "ProcessingJobSummaries")

    def describe_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:
        return dict(self.processing[ProcessingJobName])

    def list_apps(self, **request: Any) -> dict[str, Any]:
        return page(self.apps, request, "Apps")

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
        results: dict[str, dict[str, Any]] = {}
        last = start + self.points_a_page >= len(rows)
        for query in queries:
            results[query["Id"]] = {
                "Id": query["Id"],
                "Label": "",
                "Timestamps": [],
                "Values": [],
                "StatusCode": "Complete" if last else "PartialData",
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

    # --- CloudFormation

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        found = [s for s in self.stacks.values() if StackName in (s["StackName"], s["StackId"])]
        if not found:
            raise error("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [dict(s) for s in found]}

    def update_stack(self, StackName: str, Parameters: list[Any], **request: Any) -> dict[str, Any]:
        stack = self.stacks[StackName]
        if stack["StackStatus"].endswith("IN_PROGRESS"):
            raise error("ValidationError", f"Stack:{StackName} is in {stack['StackStatus']} state")
        assert request["UsePreviousTemplate"] is True
        given = {p["ParameterKey"]: p for p in Parameters}
        assert set(given) == {p["ParameterKey"] for p in stack["Parameters"]}, "a parameter would be lost"
        before = [dict(p) for p in stack["Parameters"]]
        for parameter in stack["Parameters"]:
            new = given[parameter["ParameterKey"]]
            if not new.get("UsePreviousValue"):
                parameter["ParameterValue"] = new["ParameterValue"]
        if before == stack["Parameters"]:
            raise error("ValidationError", "No updates are to be performed.")
        stack["StackStatus"] = "UPDATE_IN_PROGRESS"
        return {"StackId": stack["StackId"]}

    def cancel_update_stack(self, StackName: str) -> None:
        self.stacks[StackName]["StackStatus"] = "UPDATE_ROLLBACK_IN_PROGRESS"

    def list_stacks(self, **request: Any) -> dict[str, Any]:
        return page(self.deleted_stacks, request, "StackSummaries")

    def invoke_endpoint_with_response_stream(
        self, EndpointName: str, Body: bytes, InferenceComponentName: str = "", **request: Any
    ) -> dict[str, Any]:
        assert json.loads(Body)["stream"] is True
        line = self.answers.get(InferenceComponentName or EndpointName, {"token": {"text": "."}})
        return {"Body": [{"PayloadPart": {"Bytes": json.dumps(line).encode()}}]}

    def describe_network_interfaces(self, Filters: list[dict[str, Any]]) -> dict[str, Any]:
        (group,) = next(each["Values"] for each in Filters if each["Name"] == "group-id")
        self.interfaces[group] = self.interfaces.get(group, 0) - 1
        left = [{"NetworkInterfaceId": f"eni-{group}"}] if self.interfaces[group] >= 0 else []
        return {"NetworkInterfaces": left}

    def describe_stack_resources(self, PhysicalResourceId: str) -> dict[str, Any]:
        stack = self.owners.get(PhysicalResourceId)
        if stack is None:
            raise error("ValidationError", f"Stack for {PhysicalResourceId} does not exist")
        return {"StackResources": [{"StackName": stack, "PhysicalResourceId": PhysicalResourceId}]}

    def describe_stack_events(self, StackName: str, **request: Any) -> dict[str, Any]:
        stack_id = self.stacks[StackName]["StackId"] if StackName in self.stacks else StackName
        return page(self.events.get(stack_id, []), request, "StackEvents", size=3)

    def get_template(self, StackName: str) -> dict[str, Any]:
        return {"TemplateBody": self.templates[StackName]}

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


def etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


def page(items: list[Any], request: dict[str, Any], key: str, size: int | None = None) -> dict[str, Any]:
    """A page as SageMaker gives them: 10 by default, 100 at most."""
    limit = size or request.get("MaxResults", 10)
    assert size or limit <= 100
    start = int(request.get("NextToken") or 0)
    more = {"NextToken": str(start + limit)} if start + limit < len(items) else {}
    return {key: items[start : start + limit], **more}
