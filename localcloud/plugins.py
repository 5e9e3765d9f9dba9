"""Adds everything of this package to ministack. Called once, before the server takes requests."""

import asyncio
import importlib
import sys

from localcloud import (
    access_log,
    alarms,
    authorization,
    buckets,
    cloudformation,
    cloudformation_billing,
    cloudformation_vectors,
    functions,
    hooks,
    lambda_errors,
    metric_checks,
    stack_events,
    stack_roles,
    stepfunctions,
)
from localcloud.faults import faults
from localcloud.protocol import Response
from localcloud.sagemaker import store

# service (as requests are signed for it): start of X-Amz-Target, host name, module with `handle_request`,
# botocore's models of operations without a target
SERVICES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "sagemaker": ("SageMaker.", r"sagemaker\.", "localcloud.sagemaker.api", ("sagemaker-runtime",)),
    "ce": ("AWSInsightsIndexService.", r"ce\.", "localcloud.cost_explorer", ()),
    "s3vectors": ("S3Vectors.", r"s3vectors\.", "localcloud.s3vectors.api", ("s3vectors",)),
}


def install() -> None:
    """Add services, resource types and Step Functions tasks, and correct where ministack differs from AWS."""
    for name, (target_prefix, host_pattern, module, rest_models) in SERVICES.items():
        hooks.requests.install_service(
            name,
            target_prefix=target_prefix,
            host_pattern=host_pattern,
            handler=_on_first_request(module),
            rest_models=rest_models,
        )
    hooks.requests.install_tagged_resources("sagemaker", lambda: _tagged("localcloud.sagemaker.api"))
    hooks.requests.install_tagged_resources("s3vectors", lambda: _tagged("localcloud.s3vectors.api"))
    cloudformation.install()
    cloudformation_billing.install()
    cloudformation_vectors.install()
    hooks.stacks.install_system_tags(cloudformation.WITHOUT_SYSTEM_TAGS)
    hooks.stacks.install_stack_lookup()
    hooks.stacks.install_delete_check(stack_events.is_updating)
    hooks.stacks.install_joins_in_conditions()
    hooks.stacks.install_imports_of_named_buckets()
    hooks.stacks.install_stack_events(stack_events.resource_status, stack_events.is_unreported_removal)
    buckets.install()
    functions.install()
    stepfunctions.install()
    hooks.telemetry.install_alarm_rule(
        lambda alarm, points, now: alarms.decide(alarm, points, now, hooks.telemetry.alarm_statistic)
    )
    hooks.telemetry.install_metric_checks(metric_checks.refusal)
    hooks.functions.install_lambda_result(lambda_errors.with_class_name)
    hooks.functions.install_lambda_metrics()
    hooks.functions.install_event_retries()
    hooks.tokens.install_token_keys()
    hooks.requests.install_bodies_on_trail("SageMaker.")
    hooks.executions.install_execution_end(stepfunctions.time_out_seconds)
    hooks.access.install_decision_log(access_log.add)
    hooks.access.install_actions(authorization.action_of)
    hooks.access.install_source_account()
    hooks.access.install_condition_keys(authorization.condition_keys)
    hooks.access.install_resource_arns("sagemaker", _sagemaker_resource)
    hooks.access.install_resource_arns("s3vectors", _vector_resource)
    hooks.network.install_network_dependencies()
    hooks.stacks.install_stack_check(stack_roles.denial)
    hooks.gate.install_gate([_require_rights, _meet_fault, _bedrock], _hide_what_is_missing)


def shut_down() -> None:
    """End what the services run, in order."""
    if bedrock := sys.modules.get("localcloud.bedrock.models"):
        bedrock.shutdown()
    if service := sys.modules.get("localcloud.sagemaker.api"):
        service.shutdown()
    hooks.functions.stop_lambda_workers()


def _sagemaker_resource(method: str, path: str, headers: dict[str, str], body: bytes) -> str:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    params = authorization.parameters(body, {})
    return authorization.sagemaker_resource(operation, path, params, store.arn)


def _vector_resource(method: str, path: str, headers: dict[str, str], body: bytes) -> str:
    return authorization.vector_resource(path, authorization.parameters(body, {}), _vectors_here())


def _vectors_here() -> str:
    return f"arn:aws:s3vectors:{hooks.requests.region()}:{hooks.requests.account_id()}:bucket/"


async def _require_rights(request: hooks.gate.Request) -> Response | None:
    """The rights that a request needs besides its own action; ministack has checked that one before."""
    if not hooks.access.enforcing():
        return None
    params = authorization.parameters(request.body, request.query)
    needs = authorization.further_needs(request.service, request.operation, params, store.arn)
    if request.service == "s3vectors":
        needs += authorization.vector_needs(request.operation, request.path, params, _vectors_here())
    if request.service == "cloudformation" and request.operation in stack_roles.CHANGING:
        needs += stack_roles.parameter_reads(hooks.stacks.ssm_parameters(request.query))
    for need in needs:
        if reason := hooks.access.denial(request, need.action, need.resource, need.context):
            return request.refused(code="AccessDenied", message=reason, status=403)
    if request.service == "cloudformation":
        stack_roles.remember(request.operation, params)
    return None


def _hide_what_is_missing(request: hooks.gate.Request, status: int) -> Response | None:
    """Answer a caller who may not list the bucket with AccessDenied for a missing object, as S3 does."""
    bucket, _, key = request.path.strip("/").partition("/")
    looked_for = request.service == "s3" and request.operation == "GetObject" and key
    if not (hooks.access.enforcing() and looked_for and status == 404):
        return None
    reason = hooks.access.denial(request, "s3:ListBucket", f"arn:aws:s3:::{bucket}", {})
    if not reason:
        return None
    refusal = request.refused(code="AccessDenied", message=reason, status=403)
    return (403, refusal[1], b"") if request.method == "HEAD" else refusal


async def _meet_fault(request: hooks.gate.Request) -> Response | None:
    """Answer a request with the fault that it was to meet, if any."""
    fault = faults.take(request.service, request.operation)
    if fault is None:
        return None
    await asyncio.sleep(fault.delay_seconds)
    if not fault.error:
        return None
    return request.refused(code=fault.error, message=fault.text, status=fault.http_status)


async def _bedrock(request: hooks.gate.Request) -> Response | None:
    """Answer requests to Bedrock by local models; ministack would make answers up."""
    if not request.router_name.startswith("bedrock"):
        return None
    service = await asyncio.to_thread(importlib.import_module, "localcloud.bedrock.api")
    answer: Response | None = await service.answer(request)
    return answer


def _tagged(module: str) -> list[tuple[str, dict[str, str]]]:
    service = sys.modules.get(module)  # not yet imported: nothing was made yet
    return list(service.tagged_resources()) if service else []


def _on_first_request(module: str) -> hooks.requests.Handler:
    """A handler that imports its service when it is first asked: SageMaker's model alone takes 20 MB."""

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        service = await asyncio.to_thread(importlib.import_module, module)
        answer: Response = await service.handle_request(method, path, headers, body, query)
        return answer

    return handle
