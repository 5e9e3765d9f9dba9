"""One merged model on a plain endpoint, for regions without inference components."""

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.hosting.artifact import ModelArtifact
from infra.hosting.model import ServedModel
from infra.project_stack import ProjectStack


class MergedEndpoint(Construct):
    """Endpoint whose one model is the base with the adapter merged into it, from the artifact's own run.

    Args:
        artifact: the parameter; nothing here exists while it is empty.
        served: the merged model and its instance.
    """

    def __init__(
        self,
        stack: ProjectStack,
        construct_id: str,
        *,
        artifact: ModelArtifact,
        served: ServedModel,
    ) -> None:
        super().__init__(stack, construct_id)
        model = served.model(self, "Model")
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=served.key_arn,
            production_variants=[served.variant(model_name=model.attr_model_name, initial_variant_weight=1)],
        )
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=stack.names.endpoint,
            endpoint_config_name=config.attr_endpoint_config_name,
        )
        artifact.only_awake(model, config, endpoint)
