"""ARNs of resources known by name only, for grants between stacks that must not depend on each other."""

from dataclasses import dataclass

from core.endpoint.hosting import switching_role
from core.names import Names


@dataclass(frozen=True, kw_only=True)
class Arns:
    """ARNs within one partition, region and account (each may be a CDK token); `role_path` of its roles."""

    names: Names
    partition: str
    region: str
    account: str
    role_path: str = "/"

    def of(self, service: str, resource: str) -> str:
        """ARN of `resource` of `service` in this region and account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def s3(self, path: str) -> str:
        """ARN of a bucket, or of objects in it (`bucket/prefix/*`)."""
        return f"arn:{self.partition}:s3:::{path}"

    def bucket(self, kind: str, path: str = "") -> str:
        """ARN of the `data` or `artifacts` bucket, or of the objects at `path` in it."""
        return self.s3(self.names.bucket(kind, self.account) + path)

    def log(self, group: str) -> list[str]:
        """ARNs of a log group and of its streams: AWS asks for one or the other, by the action."""
        return [self.of("logs", f"log-group:{group}"), self.of("logs", f"log-group:{group}:*")]

    def sagemaker(self, resource: str) -> str:
        """ARN of a SageMaker resource, such as `endpoint/*`."""
        return self.of("sagemaker", resource)

    @property
    def training_jobs(self) -> str:
        """All training jobs of this project: job names start with the prefix."""
        return self.sagemaker(f"training-job/{self.names.name}-*")

    @property
    def served(self) -> list[str]:
        """The Hosting stack's endpoint, and its components."""
        names = self.names
        components = [names.base_component, names.tuned_component]
        kinds = [f"endpoint/{names.endpoint}", *(f"inference-component/{name}" for name in components)]
        return [self.sagemaker(each) for each in kinds]

    @property
    def hosting_stack(self) -> str:
        """The Hosting stack with any unique id."""
        return self.of("cloudformation", f"stack/{self.names.stack('Hosting')}/*")

    @property
    def hosting_role(self) -> str:
        """The role that CloudFormation wakes and puts to sleep the Hosting stack with."""
        return self.role(self.role_path + switching_role(self.names.stack("Hosting"), self.region))

    def role(self, path: str) -> str:
        """A role by its name with its path before it."""
        return f"arn:{self.partition}:iam::{self.account}:role/{path.removeprefix('/')}"

    @property
    def state_machine(self) -> str:
        """The state machine of a fine-tuning run."""
        return self.of("states", f"stateMachine:{self.names.state_machine}")

    @property
    def executions(self) -> str:
        """All runs of the state machine."""
        return self.of("states", f"execution:{self.names.state_machine}:*")
