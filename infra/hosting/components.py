"""Base and tuned side by side on one endpoint: an inference component each, the adapter on the base."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from core.instances import Capacity
from core.names import VARIANT, Names
from infra.hosting.artifact import ModelArtifact
from infra.training.network import PrivateNetwork

LOAD_SECONDS = 1800
"""How long 13.5 GB of weights may take to arrive, and the container to answer its first ping."""


class ComponentEndpoint(Construct):
    """Endpoint with the base model and, on it, the adapter if the artifact parameter names one.

    Args:
        artifact: the parameter; nothing here exists while it is empty.
        names: what the deployment is called.
        role_arn: the role that SageMaker serves under.
        image: the serving container.
        environment: its settings.
        base_model_uri: S3 prefix with the base weights.
        accept_eula: say that the licence of gated weights was accepted.
        instance_type: of the one instance behind the endpoint, with `capacity`.
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
        base_model_uri: str,
        accept_eula: bool,
        instance_type: str,
        capacity: Capacity,
        key_arn: str | None,
        network: PrivateNetwork | None,
    ) -> None:
        super().__init__(scope, construct_id)
        licence = sagemaker.CfnModel.ModelAccessConfigProperty(accept_eula=True) if accept_eula else None
        model = sagemaker.CfnModel(
            self,
            "BaseModel",
            execution_role_arn=role_arn,
            enable_network_isolation=True,
            vpc_config=network.vpc_config if network else None,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image,
                environment=dict(environment),
                model_data_source=sagemaker.CfnModel.ModelDataSourceProperty(
                    s3_data_source=sagemaker.CfnModel.S3DataSourceProperty(
                        s3_uri=base_model_uri,
                        s3_data_type="S3Prefix",
                        compression_type="None",
                        model_access_config=licence,
                    )
                ),
            ),
        )
        # A variant for components names no model; the role then stands in the config.
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            execution_role_arn=role_arn,
            enable_network_isolation=True,
            kms_key_id=key_arn,
            vpc_config=network.vpc_config if network else None,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    instance_type=instance_type,
                    initial_instance_count=1,
                    model_data_download_timeout_in_seconds=LOAD_SECONDS,
                    container_startup_health_check_timeout_in_seconds=LOAD_SECONDS,
                    managed_instance_scaling=sagemaker.CfnEndpointConfig.ManagedInstanceScalingProperty(
                        status="ENABLED", min_instance_count=1, max_instance_count=1
                    ),
                    routing_config=sagemaker.CfnEndpointConfig.RoutingConfigProperty(
                        routing_strategy="LEAST_OUTSTANDING_REQUESTS"
                    ),
                )
            ],
        )
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=names.endpoint,
            endpoint_config_name=config.attr_endpoint_config_name,
        )
        base = sagemaker.CfnInferenceComponent(
            self,
            "Base",
            inference_component_name=names.base_component,
            endpoint_name=endpoint.attr_endpoint_name,
            variant_name=VARIANT,
            specification=sagemaker.CfnInferenceComponent.InferenceComponentSpecificationProperty(
                model_name=model.attr_model_name,
                compute_resource_requirements=_requirements(capacity),
                startup_parameters=sagemaker.CfnInferenceComponent.InferenceComponentStartupParametersProperty(
                    model_data_download_timeout_in_seconds=LOAD_SECONDS,
                    container_startup_health_check_timeout_in_seconds=LOAD_SECONDS,
                ),
            ),
            runtime_config=sagemaker.CfnInferenceComponent.InferenceComponentRuntimeConfigProperty(
                copy_count=1
            ),
        )
        tuned = sagemaker.CfnInferenceComponent(
            self,
            "Tuned",
            inference_component_name=names.tuned_component,
            endpoint_name=endpoint.attr_endpoint_name,
            specification=sagemaker.CfnInferenceComponent.InferenceComponentSpecificationProperty(
                base_inference_component_name=names.base_component,
                container=sagemaker.CfnInferenceComponent.InferenceComponentContainerSpecificationProperty(
                    artifact_url=artifact.uri
                ),
            ),
        )
        # A name is no reference: without this the adapter could be made before its base, or outlive it.
        tuned.node.add_dependency(base)
        artifact.only_with_adapter(tuned)
        artifact.only_awake(model, config, endpoint, base)


def _requirements(
    capacity: Capacity,
) -> sagemaker.CfnInferenceComponent.InferenceComponentComputeResourceRequirementsProperty:
    """What the base component asks for, which has the instance to itself.

    All GPUs; half of memory and processors: the instance's own agents need some, and a component that asks
    for all is never placed.
    """
    return sagemaker.CfnInferenceComponent.InferenceComponentComputeResourceRequirementsProperty(
        min_memory_required_in_mb=capacity.memory_gib * 1024 // 2,
        number_of_cpu_cores_required=capacity.vcpus // 2,
        number_of_accelerator_devices_required=capacity.gpus or None,
    )
