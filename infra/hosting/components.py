"""Base and tuned side by side on one endpoint: an inference component each, the adapter on the base."""

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from core.instances import Capacity
from core.names import VARIANT
from infra.hosting.artifact import ModelArtifact
from infra.hosting.model import LOAD_SECONDS, ServedModel
from infra.project_stack import ProjectStack


class ComponentEndpoint(Construct):
    """Endpoint with the base model and, on it, the adapter if the artifact parameter names one.

    Args:
        artifact: the parameter; nothing here exists while it is empty.
        served: the base model and its instance, which has `capacity`.
    """

    def __init__(
        self,
        stack: ProjectStack,
        construct_id: str,
        *,
        artifact: ModelArtifact,
        served: ServedModel,
        capacity: Capacity,
    ) -> None:
        super().__init__(stack, construct_id)
        names = stack.names
        model = served.model(self, "BaseModel")
        # A variant for components names no model; the role then stands in the config.
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            execution_role_arn=served.role_arn,
            enable_network_isolation=True,
            kms_key_id=served.key_arn,
            vpc_config=served.network.vpc_config if served.network else None,
            production_variants=[
                served.variant(
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
    """Return what the base component asks for, which has the instance to itself.

    All GPUs; half of memory and processors: the instance's own agents need some, and a component that asks
    for all is never placed.
    """
    return sagemaker.CfnInferenceComponent.InferenceComponentComputeResourceRequirementsProperty(
        min_memory_required_in_mb=capacity.memory_gib * 1024 // 2,
        number_of_cpu_cores_required=capacity.vcpus // 2,
        number_of_accelerator_devices_required=capacity.gpus or None,
    )
