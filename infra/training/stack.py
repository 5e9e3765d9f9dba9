"""The state machine of a fine-tune with all that it calls, and the role of the endpoint."""

from dataclasses import replace
from typing import Any

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from core.endpoint import weights
from core.endpoint.hosting import switching_role
from infra import images
from infra.assets import Assets
from infra.encryption import volume_key
from infra.functions import FunctionBase, ProjectFunction
from infra.guardrails.stack import GuardrailsStack
from infra.guardrails.teardown import CleanUpOnDelete
from infra.guardrails.watch import FunctionWatch
from infra.permissions import ServiceRole, Statement, allow, owned
from infra.project_stack import ProjectStack
from infra.remembered import remembered
from infra.retention import project_log_group
from infra.setting_checks import ask_licence
from infra.settings import Settings
from infra.training.functions import StopTrainingRule, run_functions
from infra.training.job import FineTune, TrainingJob
from infra.training.network import Network, PrivateNetwork
from infra.training.registry import ModelRegistry
from infra.training.roles import serving_permissions, switching_permissions, training_permissions
from infra.training.state_machine import FineTuneStateMachine


class TrainingStack(ProjectStack):
    """Runs start here; the roles that SageMaker works under are here."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        assets: Assets,
        guardrails: GuardrailsStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, settings, "Training", "fine-tuning runs", **kwargs)
        if settings.gated:
            model = settings.licensed_model
            remembered(
                self,
                "accept_eula",
                "true" if settings.accept_eula else "",
                ask=ask_licence(model, weights.licence(model)),
                # A licence is accepted for one model: another one is asked for again.
                about="" if model == weights.LLAMA_2_7B else model,
            )
        self.topic_arn = guardrails.topic.topic_arn
        self.key_arn = guardrails.key_arn
        self.network = self._network()
        self.serving_image = settings.serving_image or images.serving_image(settings.region)
        self.base_model_uri = settings.base_model_location(self.names.bucket("data", self.account))
        code = lambda_.Code.from_asset(str(assets.functions))
        self.base = FunctionBase(arns=self.arns, code=code, key_arn=self.key_arn)
        self.validation_base = replace(self.base, code=lambda_.Code.from_asset(str(assets.validation)))

        program = s3_assets.Asset(self, "Program", path=str(assets.training))
        fine_tune = self._fine_tune(f"s3://{program.s3_bucket_name}/{program.s3_object_key}")
        machine = FineTuneStateMachine(self, "FineTune", fine_tune=fine_tune, key_arn=self.key_arn)
        state_machine_arn = machine.state_machine.state_machine_arn
        stopping = self._stop_with(state_machine_arn, guardrails)
        registry = ModelRegistry(self, "Registry")
        CleanUpOnDelete(
            self,
            "RunningWork",
            function_arn=guardrails.teardown.function_arn,
            properties={
                "StateMachineArn": state_machine_arn,
                "ModelPackageGroup": self.names.model_package_group,
                **self._own_group(),
            },
            before=[machine, stopping, registry, self.training_role],
        )
        self.serving_role_arn = self._serving_role()
        # Each wake and sleep names this role. It cannot be the stack's from the start: the role that CDK
        # deploys with may pass CloudFormation no other than its own.
        ServiceRole(
            self,
            "SwitchingRole",
            name=switching_role(self.names.stack("Hosting"), self.region),
            service="cloudformation.amazonaws.com",
            description="CloudFormation, when it wakes the Hosting stack or puts it to sleep",
            permissions=switching_permissions(
                self.arns,
                serving_role_arn=self.serving_role_arn,
                key_arn=volume_key(settings.hosting_instance_type, self.key_arn),
            ),
        )
        self.output("StateMachineArn", state_machine_arn, "Start an execution to fine-tune")
        self.output("ModelPackageGroupName", self.names.model_package_group, "Every finished run, by version")

    def _serving_role(self) -> str:
        # Without these SageMaker would make the log groups, and keep what is in them for ever.
        names = self.names
        for construct_id, group in (
            ("EndpointLog", names.endpoint_log),
            ("BaseLog", names.component_log(names.base_component)),
            ("TunedLog", names.component_log(names.tuned_component)),
        ):
            project_log_group(self, construct_id, name=group, key_arn=self.key_arn)
        return ServiceRole(
            self,
            "ServingRole",
            service="sagemaker.amazonaws.com",
            for_own_account=True,
            description="The endpoint of the Hosting stack",
            permissions=[
                *serving_permissions(
                    self.arns,
                    image=self.serving_image,
                    base_model_uri=self.base_model_uri,
                    instance_type=self.settings.hosting_instance_type,
                    key_arn=self.key_arn,
                ),
                *self._network_permissions(),
            ],
        ).role.role_arn

    def _network(self) -> Network | None:
        settings = self.settings
        if settings.subnet_ids:
            return Network(self.arns, settings.subnet_ids, settings.security_group_ids, shared=True)
        return PrivateNetwork(self, "Network").network if settings.private_network else None

    def _own_group(self) -> dict[str, str]:
        """The private network's security group, which goes with this stack; a company's stays."""
        own = self.network if self.settings.private_network else None
        return {"SecurityGroup": own.security_group_ids[0]} if own else {}

    def _network_permissions(self) -> list[Statement]:
        return self.network.permissions() if self.network else []

    def _fine_tune(self, code_uri: str) -> FineTune:
        return FineTune(
            job=self._job(code_uri),
            functions=run_functions(self, self.base, self.validation_base),
            topic_arn=self.topic_arn,
            serving_image=self.serving_image,
            hosting_role_arn=self.arns.hosting_role,
        )

    def _job(self, code_uri: str) -> TrainingJob:
        network = self.network
        job = TrainingJob(
            settings=self.settings,
            role_arn="",
            base_model_uri=self.base_model_uri,
            code_uri=code_uri,
            artifact_bucket=self.names.bucket("artifacts", self.account),
            key_arn=self.key_arn,
            subnet_ids=network.subnet_ids if network else (),
            security_group_ids=network.security_group_ids if network else (),
        )
        self.training_role = ServiceRole(
            self,
            "TrainingRole",
            service="sagemaker.amazonaws.com",
            for_own_account=True,
            description="The training jobs of the fine-tuning runs",
            permissions=[*training_permissions(self.arns, job), *self._network_permissions()],
        )
        return replace(job, role_arn=self.training_role.role.role_arn)

    def _stop_with(self, state_machine_arn: str, guardrails: GuardrailsStack) -> StopTrainingRule:
        # By its ARN: a grant on the queue itself would make the two stacks depend on each other.
        queue = sqs.Queue.from_queue_arn(
            self, "DeadLetters", self.arns.of("sqs", self.names.dead_letter_queue)
        )
        stopping = ProjectFunction(
            self,
            "StopTraining",
            self.base,
            purpose="stop-training",
            environment={},
            permissions=[
                allow(["sagemaker:DescribeTrainingJob"], [self.arns.training_jobs]),
                allow(["sagemaker:StopTrainingJob"], [self.arns.training_jobs], owned(self.arns)),
            ],
            dead_letter_queue=queue,
        )
        FunctionWatch(self, "StopTrainingWatch", stopping, period_minutes=None, topic=guardrails.topic)
        return StopTrainingRule(
            self,
            "StopTrainingRule",
            rule_name=self.names.function("stop-training"),
            state_machine_arn=state_machine_arn,
            function=stopping.function,
            dead_letter_queue=queue,
        )
