"""The page's stack, which is there by a setting only: its stored template, and who gets in."""

import json
from pathlib import Path

import pytest

from tests.snapshot.snapshot_synth import (
    Template,
    allowing,
    as_list,
    compared,
    function_named,
    joined,
    readable,
    resources,
    synthesize,
)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return synthesize(tmp_path_factory.mktemp("web"), web="true")["Web"]


def test_the_template_is_the_stored_one(web: Template, request: pytest.FixtureRequest) -> None:
    compared(request, "web.yaml", readable(web))


def test_what_is_below_api_asks_for_a_token_of_the_page_s_own_client(web: Template) -> None:
    routes = {route["Properties"]["RouteKey"]: route["Properties"] for route in each(web, "Route")}
    asks = {key: route["AuthorizationType"] for key, route in routes.items()}
    assert asks == {
        "GET /": "NONE",
        "GET /{proxy+}": "NONE",
        "GET /api/{proxy+}": "JWT",
        "POST /api/{proxy+}": "JWT",
    }
    ((client, _),) = resources(web, "AWS::Cognito::UserPoolClient").items()
    (authorizer,) = each(web, "Authorizer")
    assert authorizer["Properties"]["JwtConfiguration"]["Audience"] == [{"Ref": client}]


def test_no_one_joins_by_themselves_and_a_password_alone_does_not_do(web: Template) -> None:
    (pool,) = resources(web, "AWS::Cognito::UserPool").values()
    assert pool["Properties"]["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["Properties"]["MfaConfiguration"] == "ON"
    assert pool["Properties"]["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]
    (client,) = resources(web, "AWS::Cognito::UserPoolClient").values()
    assert client["Properties"]["AllowedOAuthFlows"] == ["code"]
    assert client["Properties"]["GenerateSecret"] is False
    assert client["Properties"]["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]


def test_the_log_of_requests_holds_neither_query_nor_body_and_everybody_is_slowed(web: Template) -> None:
    (stage,) = each(web, "Stage")
    told = json.loads(stage["Properties"]["AccessLogSettings"]["Format"])
    assert "$context.path" in told.values()
    assert not [field for field in told.values() if "query" in field.lower() or "body" in field.lower()]
    assert stage["Properties"]["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    for group in resources(web, "AWS::Logs::LogGroup").values():
        assert group["Properties"]["RetentionInDays"] == 30


def test_the_function_deletes_endpoint_and_history_only_and_passes_one_role(web: Template) -> None:
    (role,) = resources(web, "AWS::IAM::Role").values()
    (policy,) = role["Properties"]["Policies"]
    actions = {action for each in policy["PolicyDocument"]["Statement"] for action in as_list(each["Action"])}
    deleting = {"DeleteTags", "DeleteEndpoint", "DeleteInferenceComponent"}  # of the endpoint, for its bill
    history = {"s3:DeleteObject"}
    assert {a for a in actions if "Delete" in a} == {f"sagemaker:{each}" for each in deleting} | history
    (kept,) = allowing({"Web": web}, "s3:DeleteObject")
    (place,) = as_list(kept["Resource"])
    assert joined(place).endswith("/history/*") and "-data-" in joined(place)
    assert {a for a in actions if a.startswith(("iam:", "cognito-idp:"))} == {"iam:PassRole"}
    (passing,) = allowing({"Web": web}, "iam:PassRole")
    assert "FinExpert-Hosting-" in json.dumps(passing["Resource"])
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}


def test_its_settings_leave_the_mail_address_out(web: Template) -> None:
    (function,) = resources(web, "AWS::Lambda::Function").values()
    settings = json.loads(joined(function["Properties"]["Environment"]["Variables"]["SETTINGS"]))
    assert settings["alert_email"] == ""
    assert settings["web"] is True


def test_nothing_of_it_bills_by_the_hour(web: Template) -> None:
    kinds = {resource["Type"] for resource in web["Resources"].values()}
    by_the_request = ("AWS::ApiGatewayV2::", "AWS::Cognito::", "AWS::Lambda::", "AWS::Logs::", "AWS::IAM::")
    assert not {kind for kind in kinds if not kind.startswith(by_the_request)}
    (function,) = resources(web, "AWS::Lambda::Function").values()
    assert "ReservedConcurrentExecutions" not in function["Properties"]


def test_the_guard_closes_the_pages_function_and_no_other(tmp_path: Path) -> None:
    stacks = synthesize(tmp_path, web="true", web_concurrency="5")
    (page,) = resources(stacks["Web"], "AWS::Lambda::Function").values()
    assert page["Properties"]["ReservedConcurrentExecutions"] == 5
    guard = function_named(stacks["Guardrails"], "finexpert-spend-guard")
    told = guard["Properties"]["Environment"]["Variables"]
    assert (told["PAGE_FUNCTION"], told["PAGE_CONCURRENCY"]) == (page["Properties"]["FunctionName"], "5")
    closing = allowing({"Guardrails": stacks["Guardrails"]}, "lambda:PutFunctionConcurrency")
    closed = [joined(resource) for statement in closing for resource in as_list(statement["Resource"])]
    assert [resource.rpartition(":")[2] for resource in closed] == ["finexpert-web"]


def each(template: Template, kind: str) -> list[Template]:
    """The resources of a kind of API Gateway."""
    return list(resources(template, f"AWS::ApiGatewayV2::{kind}").values())
