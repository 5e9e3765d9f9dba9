"""The state of an in-memory AWS, and how tests make what is in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import ClientError

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


def page(items: list[Any], request: dict[str, Any], key: str, size: int | None = None) -> dict[str, Any]:
    """A page as SageMaker gives them: 10 by default, 100 at most."""
    limit = size or request.get("MaxResults", 10)
    assert size or limit <= 100
    start = int(request.get("NextToken") or 0)
    more = {"NextToken": str(start + limit)} if start + limit < len(items) else {}
    return {key: items[start : start + limit], **more}


@dataclass
class CloudState:
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

    def changed(self, stack: str, *events: tuple[str, str, str]) -> None:
        """The events of a stack's last change, newest first: logical id (the stack's own name for itself),
        status and reason."""
        self.events[self.stacks[stack]["StackId"]] = [
            {
                "LogicalResourceId": name,
                "ResourceType": "AWS::CloudFormation::Stack" if name == stack else "AWS::SageMaker::Endpoint",
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
            for name, status, reason in events
        ]

    def training_job(self, name: str, *, hours: float, status: str = "InProgress", **more: Any) -> None:
        """A job on one ml.g5.2xlarge that began `hours` ago; `more`: what else it is described with."""
        began = self.now - minutes(60 * hours)
        self.jobs[name] = {
            "TrainingJobName": name,
            "TrainingJobStatus": status,
            "CreationTime": began,
            "TrainingStartTime": began,
            "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
            **more,
        }

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
