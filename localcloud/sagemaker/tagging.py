"""AddTags, ListTags and DeleteTags, on every kind of resource."""

from typing import Any

from localcloud.protocol import ApiError, validation
from localcloud.sagemaker import store
from localcloud.sagemaker.paging import page

MAX_TAGS = 50  # AWS's quota of tags on a resource
PAGE = 50  # ListTags gives at least this many, also if fewer are asked for


def refuse_reserved(tags: Any) -> None:
    """Refuse tag keys that AWS reserves.

    Raises:
        ApiError: for a key that begins with "aws:".
    """
    given = tags if isinstance(tags, list) else []
    if any(isinstance(tag, dict) and str(tag.get("Key", "")).lower().startswith("aws:") for tag in given):
        raise validation("aws: prefixed tag key names are not allowed for external use.")


def add_tags(params: dict[str, Any]) -> dict[str, Any]:
    """Set tags; answers all that the resource then has."""
    with store.lock:
        tags = store.tags_of(params["ResourceArn"])
        merged = tags | {tag["Key"]: tag["Value"] for tag in params["Tags"]}
        if len(merged) > MAX_TAGS:
            raise ApiError("ResourceLimitExceeded", f"A resource can have at most {MAX_TAGS} tags.")
        tags.update(merged)
        return {"Tags": _as_list(tags)}


def delete_tags(params: dict[str, Any]) -> dict[str, Any]:
    """Remove tags; those that are not there are passed over."""
    with store.lock:
        tags = store.tags_of(params["ResourceArn"])
        for key in params["TagKeys"]:
            tags.pop(key, None)
    return {}


def list_tags(params: dict[str, Any]) -> dict[str, Any]:
    """A page of a resource's tags, by key."""
    with store.lock:
        rows = _as_list(store.tags_of(params["ResourceArn"]))
    asked = {"MaxResults": PAGE} | params
    shown, token = page(rows, asked, sort_field="Key", name="Key", descending=False)
    return {"Tags": [dict(row) for row in shown]} | ({"NextToken": token} if token else {})


def _as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


OPERATIONS = {"AddTags": add_tags, "DeleteTags": delete_tags, "ListTags": list_tags}
