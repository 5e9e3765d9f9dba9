"""IAM: the resource that a request is about, and the rights of its caller or of a role."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import tagging

from localcloud.hooks.gate import Request


def enforcing() -> bool:
    """Whether this cloud checks policies."""
    return bool(app.AUTH)


def install_resource_arns(service: str, find: Callable[[str, str, dict[str, str], bytes], str]) -> None:
    """Let `find(method, path, headers, body)` say which resource a request to `service` is about."""
    others = iam_actions.extract_resource_arn

    def extract(
        name: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, list[str]],
        region: str,
        account: str,
    ) -> str:
        if name == service:
            return find(method, path, headers, body)
        return str(others(name, method, path, headers, body, query, region, account))

    iam_actions.extract_resource_arn = extract


def install_actions(find: Callable[[str, str, str], str]) -> None:
    """Let `find(service, method, path)` name the IAM action of a request; "" leaves that to ministack."""
    others = iam_actions.extract_iam_action

    def extract(name: str, method: str, path: str, *rest: Any) -> str | None:
        action: str | None = find(name, method, path) or others(name, method, path, *rest)
        return action

    iam_actions.extract_iam_action = extract


def install_condition_keys(
    find: Callable[[str, bytes, Mapping[str, list[str]]], Mapping[str, str | list[str]]],
) -> None:
    """Let `find(action, body, form)` add condition keys that ministack does not know of a request."""
    others = iam_actions.request_tag_context

    def context(service: str, action: str, body: bytes, form: dict[str, list[str]]) -> dict[str, Any]:
        return {**others(service, action, body, form), **find(action, body, form)}

    iam_actions.request_tag_context = context


def install_source_account() -> None:
    """Name the account for which a role is taken, as SageMaker and Step Functions do on AWS.

    This cloud takes roles for its services as its root, so a root's request counts as a service's.
    """
    others = iam_evaluator.evaluate_trust_policy

    def evaluate(document: Any, caller: str, context: Any = None) -> bool:
        if context is not None and context.principal_type == "Root":
            known = {**context.service_context, "aws:sourceaccount": context.principal_account}
            context = replace(context, service_context=known)
        return bool(others(document, caller, context))

    iam_evaluator.evaluate_trust_policy = evaluate


_being_decided: ContextVar[list[Any] | None] = ContextVar("being_decided", default=None)


def install_decision_log(keep: Callable[[str, str, str, Mapping[str, object], bool], None]) -> None:
    """Call `keep(role, action, resource, context, allowed)` for every decision on a role's request."""
    enforce, evaluate = iam_evaluator.enforce, iam_evaluator.evaluate

    def enforce_and_tell(*arguments: Any, **named: Any) -> Any:
        asked: list[Any] = []
        token = _being_decided.set(asked)
        try:
            denied = enforce(*arguments, **named)
        finally:
            _being_decided.reset(token)
        if asked and (role := _role_name(asked[0].principal_arn)):
            what = asked[0]  # the role's own policies are asked first, a bucket's or a topic's after them
            keep(role, what.action, what.resource_arn, what.service_context, denied is None)
        return denied

    def evaluate_and_note(asked: Any, policies: Any, *limits: Any) -> Any:
        if (being_decided := _being_decided.get()) is not None:
            being_decided.append(asked)
        return evaluate(asked, policies, *limits)

    iam_evaluator.enforce, iam_evaluator.evaluate = enforce_and_tell, evaluate_and_note


def _role_name(principal_arn: str) -> str:
    """NAME of `…:assumed-role/NAME/SESSION` and `…:role/NAME`; "" for other principals."""
    kind, _, rest = principal_arn.rpartition(":")[2].partition("/")
    return rest.split("/")[0] if kind in ("assumed-role", "role") else ""


def denial(request: Request, action: str, resource: str, context: Mapping[str, str]) -> str:
    """The reason why the request's caller may not do `action` on `resource`; "" if they may."""
    key = str(router.extract_access_key_id(request.headers, request.query) or "")
    if iam_evaluator.is_root_access_key(key):
        return ""
    denied = iam_evaluator.enforce(
        key,
        action,
        request.router_name,
        str(responses.get_region()),
        resource_arn=resource,
        service_context=dict(context),
    )
    if denied is None:
        return ""
    explicit = getattr(denied, "decision", "") == "Deny"
    return str(
        iam_actions.identity_denial_message(
            action, getattr(denied, "principal_arn", "anonymous"), resource, explicit
        )
    )


def role_denial(
    role_arn: str, action: str, resource: str, context: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """The reason why a role may not do `action` on `resource`, "" if it may; and the condition keys in play.

    The resource's tags are among them, as on AWS.
    """
    tags = tagging.resource_tags(resource) or {}
    context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()} | dict(context)
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    policies = iam_evaluator._gather_role_policies(name, account)
    asked = iam_evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=str(responses.get_region()),
        service_context={key.lower(): value for key, value in context.items()},
    )
    result = iam_evaluator.evaluate(asked, policies)
    explicit = result.decision == "Deny"
    allowed = result.decision == "Allow"
    reason = "" if allowed else iam_actions.identity_denial_message(action, role_arn, resource, explicit)
    return str(reason), dict(asked.service_context)
