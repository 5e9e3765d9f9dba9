"""CloudFormation: further resource types, and the events of a stack.

ministack's CloudFormation writes a key file when it is imported, hence the imports inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Resource = tuple[str, dict[str, Any]]  # physical id (what Ref gives), attributes (what GetAtt gives)


def install_resource_type(
    name: str,
    *,
    create: Callable[[str, dict[str, Any], str], Resource],
    update: Callable[[str, dict[str, Any], dict[str, Any], str, str], Resource],
    delete: Callable[[str, dict[str, Any]], None],
    replacing: Sequence[str],
    tags: str | None,
    own_name: str | None,
) -> None:
    """Teach CloudFormation a resource type. Its handlers run on a worker thread, so they may wait.

    Args:
        create: (logical id, properties, stack name) → resource. Raises with the reason.
        update: (physical id, old properties, new properties, stack name, logical id) → resource.
        delete: (physical id, properties).
        replacing: properties whose change needs a new resource.
        tags: the property that holds tags (a list); the stack's own tags are added to it.
        own_name: the property that names the resource; a named one cannot be replaced under the same name.
    """
    from ministack.services.cloudformation import provisioners

    handlers = {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}
    provisioners._RESOURCE_HANDLERS[name] = handlers
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
    delete: Callable[[str, dict[str, Any]], None],
    tags: str,
) -> None:
    """Mend a resource type that ministack has: `after_change(physical id, old, new properties)` follows its
    own create and update, `delete` replaces its own delete."""
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

    handlers |= {"create": create_and_more, "update": update_and_more, "delete": delete}
    provisioners._RESOURCE_HANDLERS[name] = handlers
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
    is_untold_removal: Callable[[str, str, Sequence[dict[str, Any]]], bool],
) -> None:
    """Let `name(status, resource type, logical id, earlier events)` say what a stack's event is called, and
    tell of those removals by an update for which `is_untold_removal(physical id, logical id, earlier
    events)`."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation import stacks

    add, delete = stacks._add_event, stacks._delete_resource

    def add_named(
        stack_id: str, stack: str, logical_id: str, resource_type: str, status: str, *more: Any, **rest: Any
    ) -> None:
        earlier = cloudformation._stack_events.get(stack_id) or []
        add(
            stack_id,
            stack,
            logical_id,
            resource_type,
            name(status, resource_type, logical_id, earlier),
            *more,
            **rest,
        )

    def delete_and_tell(
        resource_type: str, physical_id: str, properties: dict[str, Any], stack: str, logical_id: str
    ) -> None:
        record = cloudformation._stacks.get(stack) or {}
        earlier = cloudformation._stack_events.get(record.get("StackId")) or []
        updating = record.get("StackStatus") == "UPDATE_IN_PROGRESS"
        told = (record.get("StackId"), stack, logical_id, resource_type)
        tell = updating and is_untold_removal(physical_id, logical_id, earlier)
        if tell:
            add(*told, "DELETE_IN_PROGRESS", physical_id=physical_id)
        delete(resource_type, physical_id, properties, stack, logical_id)
        if tell:
            add(*told, "DELETE_COMPLETE", physical_id=physical_id)

    stacks._add_event, stacks._delete_resource = add_named, delete_and_tell
