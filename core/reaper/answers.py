"""SageMaker's answers as facts: only the fields that rules read, with AWS's gaps filled in."""

from typing import Any

from core.reaper.facts import Component, Description, Endpoint, Variant


def endpoint_of(summary: dict[str, Any]) -> Endpoint:
    """An endpoint from an item of ListEndpoints or from DescribeEndpoint's answer."""
    return Endpoint(
        name=summary["EndpointName"],
        arn=summary["EndpointArn"],
        status=summary["EndpointStatus"],
        created=summary["CreationTime"],
        modified=summary.get("LastModifiedTime") or summary["CreationTime"],
    )


def detail_of(answer: dict[str, Any]) -> Description:
    """An endpoint as DescribeEndpoint describes it."""
    return Description(
        config_name=answer.get("EndpointConfigName", ""),
        asynchronous=bool(answer.get("AsyncInferenceConfig")),
        enhanced_metrics=bool(answer.get("MetricsConfig", {}).get("EnableEnhancedMetrics")),
        variants=_variants(answer, "CurrentInstanceCount", "CurrentServerlessConfig"),
    )


def config_of(answer: dict[str, Any]) -> Description:
    """An endpoint configuration as DescribeEndpointConfig describes it."""
    return Description(
        asynchronous=bool(answer.get("AsyncInferenceConfig")),
        variants=_variants(answer, "InitialInstanceCount", "ServerlessConfig"),
    )


def _variants(answer: dict[str, Any], count: str, serverless: str) -> tuple[Variant, ...]:
    """The variants, shadow ones included; `count` and `serverless` are what the answer calls these."""
    return tuple(
        Variant(
            name=variant["VariantName"],
            instance_type=variant.get("InstanceType", ""),
            instances=variant.get(count),
            has_model=bool(variant.get("ModelName")),
            serverless=serverless in variant,
            provisioned_concurrency=variant.get(serverless, {}).get("ProvisionedConcurrency", 0),
        )
        for variant in [*answer.get("ProductionVariants", []), *answer.get("ShadowProductionVariants", [])]
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
