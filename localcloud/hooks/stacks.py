"""CloudFormation: further resource types, and the events of a stack.

ministack's CloudFormation writes a key file when it is imported, hence the imports inside the functions.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

STACK = "AWS::CloudFormation::Stack"
# After an update CloudFormation deletes what it no longer needs. What it cannot delete in three attempts it
# lets go: the stack no longer knows of it, and it goes on billing.
# Sources: CloudFormation User Guide, "Troubleshooting"; cloudformation-coverage-roadmap issue 744.
CLEAN_UP_ATTEMPTS = 3
GIVEN_UP = "Update successful. One or more resources could not be deleted."
Resource = tuple[str, dict[str, Any]]  # physical id (what Ref gives), attributes (what GetAtt gives)


class ResourceHandlers(Protocol):
    """The life of a resource of one type; an exception's text is the reason why a step failed."""

    def create(self, logical_id: str, properties: dict[str, Any], stack: str, /) -> Resource: ...

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str, /
    ) -> Resource: ...

    def delete(self, physical_id: str, properties: dict[str, Any], /) -> None: ...


def install_resource_type(
    name: str, resource: ResourceHandlers, *, replacing: Sequence[str], tags: str = "", own_name: str = ""
) -> None:
    """Teach CloudFormation a resource type. Its handlers run on a worker thread, so they may wait.

    Args:
        replacing: properties whose change needs a new resource.
        tags: the property that holds tags (a list); the stack's own tags are added to it.
        own_name: the property that names the resource; a named one cannot be replaced under the same name.
    """
    from ministack.services.cloudformation import provisioners

    provisioners._RESOURCE_HANDLERS[name] = {
        "create": resource.create,
        "update": resource.update,
        "update_with_logical_id": True,
        "delete": resource.delete,
    }
    provisioners._REPLACING_PROPERTIES[name] = tuple(replacing)
    if tags:
        provisioners._STACK_TAG_PROPERTY[name] = (tags, "list")
    if own_name:
        provisioners._CUSTOM_NAME_REPLACEMENT[name] = {"name": own_name}
    _off_the_event_loop(name)


def wrap_resource_type(
    name: str,
    *,
    after_change: Callable[[str, dict[str, Any], dict[str, Any]], None],
    delete: Callable[[str, dict[str, Any]], None] | None = None,
    tags: str = "",
) -> None:
    """Extend a resource type that ministack has: `after_change(physical id, old, new properties)` follows its
    own create and update, `delete` replaces its own, `tags` names the property that takes the stack's."""
    from ministack.services.cloudformation import provisioners

    handlers = dict(provisioners._RESOURCE_HANDLERS[name])
    create, update = handlers["create"], handlers["update"]

    def create_and_more(logical_id: str, properties: dict[str, Any], stack: str) -> Resource:
        physical_id, attributes = create(logical_id, properties, stack)
        after_change(physical_id, {}, properties)
        return physical_id, attributes

    def update_and_more(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, *rest: str
    ) -> Resource:
        changed_id, attributes = update(physical_id, old, new, stack, *rest)
        after_change(changed_id, old, new)
        return changed_id, attributes

    handlers |= {"create": create_and_more, "update": update_and_more}
    provisioners._RESOURCE_HANDLERS[name] = handlers | ({"delete": delete} if delete else {})
    if tags:
        provisioners._STACK_TAG_PROPERTY[name] = (tags, "list")
    _off_the_event_loop(name)


_blocking_types: set[str] = set()


def _off_the_event_loop(resource_type: str) -> None:
    from ministack.services.cloudformation import stacks

    if not _blocking_types:
        theirs = stacks._runs_on_worker_thread
        stacks._runs_on_worker_thread = lambda name: name in _blocking_types or theirs(name)
    _blocking_types.add(resource_type)


def install_stack_events(
    name: Callable[[str, str, str, Sequence[dict[str, Any]]], str],
    is_unreported: Callable[[str, str, Sequence[dict[str, Any]]], bool],
) -> None:
    """Name a stack's events by `name(status, resource type, logical id, earlier events)`; report removals.

    They are those by an update for which `is_unreported(physical id, logical id, earlier events)`. A removal
    that fails three times is given up.
    """
    from ministack.services import cloudformation
    from ministack.services.cloudformation import stacks

    add, delete = stacks._add_event, stacks._delete_resource

    def add_named(
        stack_id: str, stack: str, logical_id: str, resource_type: str, status: str, *more: Any, **rest: Any
    ) -> None:
        earlier = cloudformation._stack_events.get(stack_id) or []
        updated = (resource_type, status) == (STACK, "UPDATE_COMPLETE")
        if updated and _let_go(cloudformation._stacks.get(stack)):
            rest["reason"] = GIVEN_UP
        named = name(status, resource_type, logical_id, earlier)
        add(stack_id, stack, logical_id, resource_type, named, *more, **rest)

    def delete_and_report(
        resource_type: str, physical_id: str, properties: dict[str, Any], stack: str, logical_id: str
    ) -> None:
        record = cloudformation._stacks.get(stack) or {}
        earlier = cloudformation._stack_events.get(record.get("StackId")) or []
        updating = record.get("StackStatus") == "UPDATE_IN_PROGRESS"
        resource = (record.get("StackId"), stack, logical_id, resource_type)
        unreported = updating and is_unreported(physical_id, logical_id, earlier)
        if unreported:
            add(*resource, "DELETE_IN_PROGRESS", physical_id=physical_id)
        for attempt in range(CLEAN_UP_ATTEMPTS if updating else 1):
            try:
                delete(resource_type, physical_id, properties, stack, logical_id)
                break
            except Exception:
                if not updating or attempt == CLEAN_UP_ATTEMPTS - 1:
                    raise
        if unreported:
            add(*resource, "DELETE_COMPLETE", physical_id=physical_id)

    stacks._add_event, stacks._delete_resource = add_named, delete_and_report


def _let_go(stack: dict[str, Any] | None) -> bool:
    """Drop from a stack what its clean-up could not delete; whether there was any."""
    resources: dict[str, Any] = (stack or {}).get("_resources", {})
    failed = [name for name, each in resources.items() if each.get("ResourceStatus") == "DELETE_FAILED"]
    for name in failed:
        del resources[name]
    return bool(failed)


def install_stack_check(denial: Callable[[str, str, str, dict[str, Any], str], str]) -> None:
    """Ask `denial(verb, resource type, its id, properties, stack name)` before a stack changes a resource.

    A reason that it returns fails the resource.
    """
    from ministack.services.cloudformation import stacks

    provision, update, delete = stacks._provision_resource, stacks._update_resource, stacks._delete_resource

    def require(verb: str, resource_type: str, name: str, properties: dict[str, Any], stack: str) -> None:
        if reason := denial(verb, resource_type, name, properties, stack):
            raise ValueError(f'Resource handler returned message: "{reason}"')

    def provision_if_allowed(resource_type: str, logical_id: str, props: dict[str, Any], stack: str) -> Any:
        require("create", resource_type, logical_id, props, stack)
        return provision(resource_type, logical_id, props, stack)

    def update_if_allowed(
        resource_type: str, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, *rest: Any
    ) -> Any:
        if old != new:
            require("update", resource_type, physical_id, new, stack)
        return update(resource_type, physical_id, old, new, stack, *rest)

    def delete_if_allowed(
        resource_type: str, physical_id: str, props: dict[str, Any], stack: str, *rest: Any
    ) -> None:
        require("delete", resource_type, physical_id, props, stack)
        delete(resource_type, physical_id, props, stack, *rest)

    stacks._provision_resource = provision_if_allowed
    stacks._update_resource = update_if_allowed
    stacks._delete_resource = delete_if_allowed


def ssm_parameters(params: dict[str, list[str]]) -> list[str]:
    """Return the names of SSM parameters that a request to create or change a stack reads for its template.

    A parameter kept with UsePreviousValue is read anew: the stack keeps its name, not its value.
    """
    from ministack.services.cloudformation import handlers

    stack = handlers._resolve_stack(handlers._p(params, "StackName")) or {}
    try:
        body, _ = handlers._resolve_template(params)
        template = handlers._parse_template(body) if body else stack.get("_template", {})
    except Exception:  # what is wrong with the template, CloudFormation itself says
        return []
    given = {entry.get("Key"): entry for entry in handlers._extract_members(params, "Parameters")}
    names = []
    for name, definition in template.get("Parameters", {}).items():
        if not str(definition.get("Type", "")).startswith("AWS::SSM::Parameter::Value<"):
            continue
        entry = given.get(name, {})
        before = stack.get("_resolved_params", {}).get(name, {}).get("SsmName")
        kept = before if entry.get("UsePreviousValue") else None
        names.append(str(kept or entry.get("Value") or definition.get("Default", "")))
    return names


def install_system_tags(without: Collection[str]) -> None:
    """Put no `aws:cloudformation:…` tags on resources of the types `without`; ministack tags all alike."""
    from ministack.services.cloudformation import provisioners, stacks

    tagged = provisioners._with_stack_tags

    def with_stack_tags(resource_type: str, *rest: Any) -> dict[str, Any]:
        properties: dict[str, Any] = tagged(resource_type, *rest)
        spec = provisioners._STACK_TAG_PROPERTY.get(resource_type)
        if resource_type not in without or spec is None:
            return properties
        name, own = spec[0], properties[spec[0]]
        if isinstance(own, dict):
            kept: Any = {key: value for key, value in own.items() if not key.startswith("aws:")}
        else:
            kept = [tag for tag in own if not tag["Key"].startswith("aws:")]
        return {**properties, name: kept}

    provisioners._with_stack_tags = stacks._with_stack_tags = with_stack_tags


def install_stack_lookup() -> None:
    """Let DescribeStackResources find a resource's stack by its PhysicalResourceId, as AWS's does."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation import handlers

    describe = handlers._ACTION_HANDLERS["DescribeStackResources"]

    def describe_or_find(params: dict[str, Any]) -> Any:
        wanted = handlers._p(params, "PhysicalResourceId")
        if handlers._p(params, "StackName") or not wanted:
            return describe(params)
        for name, stack in cloudformation._stacks.items():
            ids = [each.get("PhysicalResourceId") for each in stack.get("_resources", {}).values()]
            if wanted in ids and stack["StackStatus"] != "DELETE_COMPLETE":
                return describe({**params, "StackName": [name]})
        return handlers._error("ValidationError", f"Stack for {wanted} does not exist")

    handlers._ACTION_HANDLERS["DescribeStackResources"] = describe_or_find


def install_imports_of_named_buckets() -> None:
    """Let a change set with ImportExistingResources take up a bucket whose name is taken by that very bucket.
    ministack's check of names before a deployment does not know what the change set imports."""
    from ministack.services.cloudformation import changesets, stacks

    deploy, errors = stacks._deploy_stack_async, stacks._validation_errors
    importing: dict[str, Collection[str]] = {}  # logical ids, by the stack's id

    async def deploy_with_imports(name: str, stack_id: str, *rest: Any, **named: Any) -> None:
        importing[stack_id] = named.get("imports") or {}
        try:
            await deploy(name, stack_id, *rest, **named)
        finally:
            del importing[stack_id]

    def errors_of_what_is_made(*rest: Any) -> list[tuple[str, ...]]:
        stack_id = rest[6]
        found: list[tuple[str, ...]] = errors(*rest)
        return [
            error
            for error in found
            if error[2] != "NAME_CONFLICT_VALIDATION" or error[0] not in importing.get(stack_id, ())
        ]

    changesets._deploy_stack_async = stacks._deploy_stack_async = deploy_with_imports
    stacks._validation_errors = errors_of_what_is_made


def install_delete_check(refuses: Callable[[str], bool]) -> None:
    """Refuse DeleteStack while `refuses(StackStatus)`; ministack deletes while an update still runs."""
    from ministack.services.cloudformation import handlers

    delete = handlers._ACTION_HANDLERS["DeleteStack"]

    def delete_if_idle(params: dict[str, Any]) -> Any:
        stack = handlers._resolve_stack(handlers._p(params, "StackName"))
        if stack and refuses(status := stack["StackStatus"]):
            reason = f"Stack [{stack['StackId']}] cannot be deleted while in status {status}"
            return handlers._error("ValidationError", reason)
        return delete(params)

    handlers._ACTION_HANDLERS["DeleteStack"] = delete_if_idle


def install_joins_in_conditions() -> None:
    """Let conditions of a template join a list parameter. ministack takes an Fn::Join there for a value
    that equals nothing, so CDK's own bootstrap left CloudFormation's role without a policy."""
    from ministack.services.cloudformation import changesets, engine, handlers, stacks

    evaluate = engine._evaluate_conditions

    def evaluate_joined(template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]:
        conditions = joined(template.get("Conditions", {}), params)
        answer: dict[str, bool] = evaluate({**template, "Conditions": conditions}, params)
        return answer

    changesets._evaluate_conditions = engine._evaluate_conditions = evaluate_joined
    handlers._evaluate_conditions = stacks._evaluate_conditions = evaluate_joined


def joined(value: Any, params: dict[str, Any]) -> Any:
    """A condition with each Fn::Join over a list, or over a parameter that holds one, carried out."""
    if isinstance(value, list):
        return [joined(item, params) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {"Fn::Join"}:
        return {key: joined(item, params) for key, item in value.items()}
    separator, items = value["Fn::Join"]
    if isinstance(items, dict) and items.get("Ref") in params:
        items = str(params[items["Ref"]]["Value"]).split(",")
    texts = isinstance(items, list) and all(isinstance(item, str) for item in items)
    return separator.join(items) if texts else value
