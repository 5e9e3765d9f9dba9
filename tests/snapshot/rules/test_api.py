"""Rule: an API on the internet asks for a token, but for the page itself; it is slowed and logged."""

from collections.abc import Iterator

import pytest

from tests.snapshot.rules.rule_samples import stacks_with
from tests.snapshot.snapshot_synth import Templates, everywhere

OPEN = ("GET /", "GET /{proxy+}")


def violations(stacks: Templates) -> Iterator[str]:
    for place, route in everywhere(stacks, "AWS::ApiGatewayV2::Route"):
        properties = route["Properties"]
        if properties["RouteKey"] not in OPEN and properties.get("AuthorizationType") != "JWT":
            yield f"{place}: {properties['RouteKey']} asks for no token"
    for place, stage in everywhere(stacks, "AWS::ApiGatewayV2::Stage"):
        properties = stage["Properties"]
        if not properties.get("DefaultRouteSettings", {}).get("ThrottlingRateLimit"):
            yield f"{place}: requests are not slowed"
        if not properties.get("AccessLogSettings", {}).get("DestinationArn"):
            yield f"{place}: requests are not logged"
    for place, api in everywhere(stacks, "AWS::ApiGatewayV2::Api"):
        if "CorsConfiguration" in api["Properties"]:
            yield f"{place}: other sites may call it"


def route(key: str, authorization: str) -> Templates:
    return stacks_with("AWS::ApiGatewayV2::Route", {"RouteKey": key, "AuthorizationType": authorization})


@pytest.mark.parametrize(
    "stacks",
    [
        route("GET /", "NONE"),
        route("POST /api/{proxy+}", "JWT"),
        stacks_with(
            "AWS::ApiGatewayV2::Stage",
            {
                "DefaultRouteSettings": {"ThrottlingRateLimit": 10},
                "AccessLogSettings": {"DestinationArn": "arn"},
            },
        ),
    ],
)
def test_a_kept_door_complies(stacks: Templates) -> None:
    assert list(violations(stacks)) == []


@pytest.mark.parametrize(
    "stacks",
    [
        route("GET /api/{proxy+}", "NONE"),
        route("$default", "NONE"),
        stacks_with("AWS::ApiGatewayV2::Stage", {"AccessLogSettings": {"DestinationArn": "arn"}}),
        stacks_with("AWS::ApiGatewayV2::Api", {"CorsConfiguration": {"AllowOrigins": ["*"]}}),
    ],
)
def test_an_open_one_does_not(stacks: Templates) -> None:
    assert len(list(violations(stacks))) == 1
