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


def description_of(answer: dict[str, Any]) -> Description:
    """An endpoint as DescribeEndpoint describes it, or a configuration as DescribeEndpointConfig does."""
    variants = [*answer.get("ProductionVariants", []), *answer.get("ShadowProductionVariants", [])]
    return Description(
        config_name=answer.get("EndpointConfigName", ""),
        asynchronous=bool(answer.get("AsyncInferenceConfig")),
        enhanced_metrics=bool(answer.get("MetricsConfig", {}).get("EnableEnhancedMetrics")),
        variants=tuple(map(_variant, variants)),
    )


def _variant(answer: dict[str, Any]) -> Variant:
    """A variant as it runs, or as it is configured."""
    serverless = answer.get("CurrentServerlessConfig", answer.get("ServerlessConfig"))
    return Variant(
        name=answer["VariantName"],
        instance_type=answer.get("InstanceType", ""),
        instances=answer.get("CurrentInstanceCount", answer.get("InitialInstanceCount")),
        has_model=bool(answer.get("ModelName")),
        serverless=serverless is not None,
        provisioned_concurrency=(serverless or {}).get("ProvisionedConcurrency", 0),
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
