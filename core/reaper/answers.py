"""SageMaker's answers as facts: only the fields that rules read, with AWS's gaps filled in."""

from typing import Any

from core.reaper.facts import Component, ConfiguredVariant, Endpoint, EndpointConfig, EndpointDetail, Variant


def endpoint_of(summary: dict[str, Any]) -> Endpoint:
    """An endpoint from an item of ListEndpoints or from DescribeEndpoint's answer."""
    return Endpoint(
        name=summary["EndpointName"],
        arn=summary["EndpointArn"],
        status=summary["EndpointStatus"],
        created=summary["CreationTime"],
        modified=summary.get("LastModifiedTime") or summary["CreationTime"],
    )


def detail_of(answer: dict[str, Any]) -> EndpointDetail:
    """The variants, shadow ones included, and whether it is asynchronous."""
    variants = [*answer.get("ProductionVariants", []), *answer.get("ShadowProductionVariants", [])]
    return EndpointDetail(
        config_name=answer.get("EndpointConfigName", ""),
        asynchronous=bool(answer.get("AsyncInferenceConfig")),
        enhanced_metrics=bool(answer.get("MetricsConfig", {}).get("EnableEnhancedMetrics")),
        variants=tuple(
            Variant(
                name=variant["VariantName"],
                instances=variant.get("CurrentInstanceCount"),
                serverless="CurrentServerlessConfig" in variant,
                provisioned_concurrency=variant.get("CurrentServerlessConfig", {}).get(
                    "ProvisionedConcurrency", 0
                ),
            )
            for variant in variants
        ),
    )


def config_of(answer: dict[str, Any]) -> EndpointConfig:
    """The configured variants, shadow ones included."""
    variants = [*answer.get("ProductionVariants", []), *answer.get("ShadowProductionVariants", [])]
    return EndpointConfig(
        asynchronous=bool(answer.get("AsyncInferenceConfig")),
        variants=tuple(
            ConfiguredVariant(
                name=variant["VariantName"],
                instance_type=variant.get("InstanceType", ""),
                instances=variant.get("InitialInstanceCount", 0),
                has_model=bool(variant.get("ModelName")),
                serverless="ServerlessConfig" in variant,
                provisioned_concurrency=variant.get("ServerlessConfig", {}).get("ProvisionedConcurrency", 0),
            )
            for variant in variants
        ),
    )


def component_of(summary: dict[str, Any]) -> Component:
    """A component from an item of ListInferenceComponents."""
    return Component(
        name=summary["InferenceComponentName"],
        variant=summary.get("VariantName", ""),
        status=summary.get("InferenceComponentStatus", ""),
        created=summary["CreationTime"],
        modified=summary.get("LastModifiedTime"),
    )
