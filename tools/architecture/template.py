"""CloudFormation templates: plain texts of values, what belongs to a resource, and what a role may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Template = dict[str, Any]
Resource = dict[str, Any]


def text(value: Any) -> str:
    """A value as a text, each reference in it as <…>."""
    if not isinstance(value, dict):
        return str(value)
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(text(part) for part in argument[1])
    if function == "Fn::Sub":
        return str(argument).replace("${", "<").replace("}", ">")
    if function == "Fn::ImportValue":
        return f"<{text(argument)}>"
    return f"<{'.'.join(text(part) for part in argument) if isinstance(argument, list) else argument}>"


def names(value: Any) -> set[str]:
    """The logical ids that a value refers to by Ref or Fn::GetAtt."""
    if isinstance(value, list):
        return set().union(*(names(item) for item in value))
    if not isinstance(value, dict):
        return set()
    found = set().union(*(names(item) for item in value.values()))
    if "Ref" in value:
        found.add(str(value["Ref"]))
    if "Fn::GetAtt" in value:
        found.add(str(value["Fn::GetAtt"][0]))
    return found


def of_type(template: Template, type_: str) -> Iterator[tuple[str, Resource]]:
    """Logical id and resource of each of a type, in the order of their names."""
    for name, resource in sorted(template["Resources"].items()):
        if resource["Type"] == type_:
            yield name, resource


def actions(template: Template, role: str) -> set[str]:
    """The actions that a role's own policies and those attached to it allow, such as `sns:Publish`."""
    documents = [
        policy["PolicyDocument"] for policy in template["Resources"][role]["Properties"].get("Policies", [])
    ]
    for _, policy in of_type(template, "AWS::IAM::Policy"):
        if role in names(policy["Properties"]["Roles"]):
            documents.append(policy["Properties"]["PolicyDocument"])
    allowed: set[str] = set()
    for document in documents:
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow":
                action = statement["Action"]
                allowed.update([action] if isinstance(action, str) else action)
    return allowed


def words(name: str) -> str:
    """`CreateTrainingJob` as `Create training job`; abbreviations stay as they are."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+", name)
    return " ".join([parts[0], *(part if part.isupper() else part.lower() for part in parts[1:])])


def counted(count: int, noun: str) -> str:
    """`2 policies`, `1 role`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"
