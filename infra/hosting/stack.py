"""The endpoint: asleep or awake, by the parameter ModelArtifact. Holds no IAM resource (docs/decisions/)."""

from typing import Any

from aws_cdk import DefaultStackSynthesizer, Tags
from constructs import Construct

from core.instances import CAPACITIES
from core.names import STACK_TAG
from infra import images
from infra.encryption import volume_key
from infra.hosting.artifact import ModelArtifact
from infra.hosting.components import ComponentEndpoint
from infra.hosting.container import serving_environment
from infra.hosting.merged import MergedEndpoint
from infra.hosting.model import ServedModel
from infra.project_stack import ProjectStack
from infra.settings import Settings
from infra.training.stack import TrainingStack


class HostingStack(ProjectStack):
    """Base and tuned model side by side, or one merged model, by the setting `hosting`."""

    def __init__(self, scope: Construct, settings: Settings, training: TrainingStack, **kwargs: Any) -> None:
        # Without CDK's parameter BootstrapVersion: CloudFormation reads an SSM parameter with the rights of
        # the caller who updates the stack, and waking needs no such right.
        synthesizer = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
        super().__init__(
            scope, settings, "Hosting", "the endpoint, asleep or awake", synthesizer=synthesizer, **kwargs
        )
        components = settings.hosting == "components"
        artifact = ModelArtifact(self, "Artifact", base_alone=components)
        capacity = CAPACITIES[settings.hosting_instance_type]
        served = ServedModel(
            role_arn=training.serving_role_arn,
            image=training.serving_image,
            environment=serving_environment(gpus=capacity.gpus, lora_rank=settings.served_rank),
            weights_uri=training.base_model_uri if components else artifact.merged_weights_uri,
            accept_eula=components and settings.gated,
            instance_type=settings.hosting_instance_type,
            host=images.inference_host(training.serving_image, capacity.gpus),
            key_arn=volume_key(settings.hosting_instance_type, training.key_arn),
            network=training.network,
        )
        if components:
            ComponentEndpoint(self, "Components", artifact=artifact, served=served, capacity=capacity)
        else:
            MergedEndpoint(self, "Merged", artifact=artifact, served=served)
        Tags.of(self).add(STACK_TAG, self.names.stack("Hosting"))
        if settings.role_path != "/":  # else its ARN is known from the stack's own
            self.output(
                "SwitchingRoleArn", self.arns.hosting_role, "CloudFormation switches the stack with it"
            )
        self.output("EndpointName", self.names.endpoint, "Exists while awake")
        self.output("BaseComponentName", self.names.base_component, "The model as it was")
        self.output("TunedComponentName", self.names.tuned_component, "The fine-tuned model")
