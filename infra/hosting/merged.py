"""One merged model on a plain endpoint, for regions without inference components."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from core.names import VARIANT, Names
from infra.hosting.artifact import ModelArtifact
from infra.hosting.components import LOAD_SECONDS
from infra.training.network import PrivateNetwork


class MergedEndpoint(Construct):
    """Endpoint whose one model is the base with the adapter merged into it, from the artifact's own run.

    Args:
        artifact: the parameter; nothing here exists while it is empty.
        names: what the deployment is called.
        role_arn: the role that SageMaker serves under.
        image: the serving container.
        environment: its settings.
        instance_type: of the one instance behind the endpoint.
        key_arn: of the key for the storage volume of the instance.
        network: where the instance stands, if not in SageMaker's own network.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        artifact: ModelArtifact,
        names: Names,
        role_arn: str,
        image: str,
        environment: Mapping[str, str],
        instance_type: str,
        key_arn: str | None,
        network: PrivateNetwork | None,
    ) -> None:
        super().__init__(scope, construct_id)
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role_arn,
            enable_network_isolation=True,
            vpc_config=network.vpc_config if network else None,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image,
                environment=dict(environment),
                model_data_source=sagemaker.CfnModel.ModelDataSourceProperty(
                    s3_data_source=sagemaker.CfnModel.S3DataSourceProperty(
                        s3_uri=artifact.merged_weights_uri,
                        s3_data_type="S3Prefix",
                        compression_type="None",
                    )
                ),
            ),
        )
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=key_arn,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=instance_type,
                    initial_instance_count=1,
                    initial_variant_weight=1,
                    model_data_download_timeout_in_seconds=LOAD_SECONDS,
                    container_startup_health_check_timeout_in_seconds=LOAD_SECONDS,
                )
            ],
        )
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=names.endpoint,
            endpoint_config_name=config.attr_endpoint_config_name,
        )
        artifact.only_awake(model, config, endpoint)
