"""Write the Mermaid diagram of docs/architecture.md from the templates that `cdk synth` wrote.

    python -m tools.architecture cdk.out

`make snapshots` stores it in the page; tests/snapshot/test_architecture.py compares the two.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Template = dict[str, Any]

SHOWN = {
    "AWS::S3::Bucket": "bucket",
    "AWS::Lambda::Function": "function",
    "AWS::SageMaker::Endpoint": "endpoint",
    "AWS::SageMaker::InferenceComponent": "component",
    "AWS::SageMaker::ModelPackageGroup": "model packages",
    "AWS::SSM::Parameter": "parameter",
    "AWS::Budgets::Budget": "budget",
    "AWS::CE::AnomalyMonitor": "anomaly monitor",
    "AWS::SNS::Topic": "topic",
    "AWS::SQS::Queue": "queue",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::ApiGatewayV2::Api": "API",
    "AWS::Cognito::UserPool": "user pool",
}
ACTS = {
    "cloudformation:UpdateStack": ("puts to sleep", "Hosting"),
    "sagemaker:StopTrainingJob": ("stops", "job"),
    "sagemaker:DeleteEndpoint": ("deletes", "Hosting"),
}
"""What a role may do to work that bills: the arrow's words, and where it leads."""


def diagram(assembly: Path) -> str:
    """Return the diagram: each stack with its resources, the run's steps, and who acts on what."""
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    stacks = {
        name: artifact
        for name, artifact in manifest.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    lines, arrows = ["flowchart TB"], []
    for name, artifact in sorted(stacks.items()):
        template = json.loads((assembly / artifact["properties"]["templateFile"]).read_text(encoding="utf-8"))
        short = name.rpartition("-")[2]
        purpose = template.get("Description", "").partition(": ")[2]
        lines += [f'  subgraph {short}["{name}: {purpose}"]', *_contents(short, template), "  end"]
        arrows += [
            f"  {short} -. needs .-> {other.rpartition('-')[2]}"
            for other in sorted(artifact.get("dependencies", []))
            if other in stacks
        ]
        arrows += _acting(short, template)
    return "\n".join([*lines, *arrows])


def _contents(stack: str, template: Template) -> Iterator[str]:
    """The stack's resources, a box a kind, then the steps of its state machine."""
    found: dict[str, list[str]] = {}
    for logical_id, resource in sorted(template["Resources"].items()):
        kind, title = SHOWN.get(resource["Type"], ""), _name(resource)
        if kind and (title or kind != "function"):  # functions without a name are CDK's own
            found.setdefault(kind, []).append(re.sub(r"<(\w+)>", r"\1", title or logical_id))
    for kind, titles in found.items():
        yield f'    {stack}_{kind.replace(" ", "_")}["<b>{kind}</b><br/>{"<br/>".join(sorted(titles))}"]'
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            definition = json.loads(_text(resource["Properties"]["DefinitionString"]))
            yield f"    {' --> '.join(path(definition, 'NotifyAccepted'))}"
            yield '    CreateTrainingJob --> job(["training job: python -m training"])'


def _acting(stack: str, template: Template) -> Iterator[str]:
    """An arrow for each thing that a function or the state machine may do to work that bills."""
    for _, resource in sorted(template["Resources"].items()):
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            yield "  WakeHosting -- wakes --> Hosting"
        elif resource["Type"] == "AWS::Lambda::Function" and _name(resource):
            role = _text(resource["Properties"]["Role"]).strip("<>")
            allowed = _actions(template["Resources"][role])
            for words, target in (ACTS[act] for act in ACTS if act in allowed):
                yield f'  {stack}_function -- "{_name(resource)} {words}" --> {target}'


def path(definition: Template, end: str) -> list[str]:
    """Return the tasks and choices on the longest way to `end` that visits no state twice.

    The longest one includes optional work, such as waking the endpoint. Failures (Catch) are left out.

    Raises:
        ValueError: no way leads there.
    """
    states = definition["States"]

    def ways(begun: list[str]) -> Iterator[list[str]]:
        if begun[-1] == end:
            yield begun
            return
        state = states[begun[-1]]
        following = [rule["Next"] for rule in state.get("Choices", [])]
        for name in [*following, *(state[key] for key in ("Default", "Next") if key in state)]:
            if name not in begun:
                yield from ways([*begun, name])

    longest = max(ways([definition["StartAt"]]), key=len, default=None)
    if longest is None:
        raise ValueError(f"no way leads from {definition['StartAt']} to {end}")
    return [name for name in longest if states[name]["Type"] in ("Task", "Choice")]


def _name(resource: Template) -> str:
    """The name that the template gives a resource, or ""."""
    properties = resource.get("Properties", {})
    own = [
        value for key, value in properties.items() if key.endswith("Name") and key[:-4] in resource["Type"]
    ]
    return _text(own[0]) if own else ""


def _text(value: Any) -> str:
    """A value as text; a reference in it becomes <Name>."""
    if not isinstance(value, dict):
        return str(value)
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(_text(part) for part in argument[1])
    return f"<{argument[0] if isinstance(argument, list) else argument}>".replace("AWS::", "")


def _actions(role: Template) -> set[str]:
    """The actions that a role's inline policies allow."""
    policies = role["Properties"].get("Policies", [])
    statements = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    return {
        action
        for statement in statements
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def main(arguments: list[str]) -> int:
    """Print the diagram of the cloud assembly in the folder that is the only argument."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "manifest.json").is_file():
        print("Give the folder of a cloud assembly, such as cdk.out after `cdk synth`.", file=sys.stderr)
        return 2
    print(diagram(Path(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
