"""The model, and the instance that serves it: both kinds of endpoint have them in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from core.names import VARIANT
from infra.training.network import Network

LOAD_SECONDS = 1800
"""The time for 13.5 GB of weights to arrive, and for the container to answer its first ping."""


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """A model, its container and its instance.

    role_arn: the role that SageMaker serves under.
    image: the serving container; `environment` has its settings.
    weights_uri: S3 prefix with the weights.
    accept_eula: say that the licence of gated weights was accepted.
    instance_type: of the one instance behind the endpoint.
    host: its InferenceAmiVersion; None for the usual one.
    key_arn: of the key for the storage volume of the instance.
    network: where the instance stands, if not in SageMaker's own network.
    """

    role_arn: str
    image: str
    environment: Mapping[str, str]
    weights_uri: str
    accept_eula: bool
    instance_type: str
    host: str | None
    key_arn: str | None
    network: Network | None

    def model(self, scope: Construct, construct_id: str) -> sagemaker.CfnModel:
        """Make the model, without access to any network but the private one."""
        licence = sagemaker.CfnModel.ModelAccessConfigProperty(accept_eula=True) if self.accept_eula else None
        return sagemaker.CfnModel(
            scope,
            construct_id,
            execution_role_arn=self.role_arn,
            enable_network_isolation=True,
            vpc_config=self.network.vpc_config if self.network else None,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=self.image,
                environment=dict(self.environment),
                model_data_source=sagemaker.CfnModel.ModelDataSourceProperty(
                    s3_data_source=sagemaker.CfnModel.S3DataSourceProperty(
                        s3_uri=self.weights_uri,
                        s3_data_type="S3Prefix",
                        compression_type="None",
                        model_access_config=licence,
                    )
                ),
            ),
        )

    def variant(self, **more: Any) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        """Return the endpoint's one variant; `more` are properties of one kind of endpoint only."""
        return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name=VARIANT,
            instance_type=self.instance_type,
            initial_instance_count=1,
            inference_ami_version=self.host,
            model_data_download_timeout_in_seconds=LOAD_SECONDS,
            container_startup_health_check_timeout_in_seconds=LOAD_SECONDS,
            **more,
        )
