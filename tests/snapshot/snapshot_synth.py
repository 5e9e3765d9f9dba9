"""Synthesizes the app in this process, and writes templates so that a person can read them."""

import difflib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk import App

from infra.assets import staged
from infra.settings import Settings
from infra.stacks import build

ROOT = Path(__file__).resolve().parents[2]
STORED = Path(__file__).parent / "stored"
STACKS = ("Storage", "Guardrails", "Training", "Hosting", "Billing")
#: There by a setting only.
OPTIONAL = ("Web", "Anomalies")
DEPLOYABLE = {"alert_email": "you@example.com", "accept_eula": "true"}
EMBEDDED = {"FINEXPERT_SETTINGS": str(ROOT / "localcloud" / "settings.json")}

Template = dict[str, Any]
Templates = dict[str, Template]

_HASH = re.compile(r"[0-9a-f]{64}")


def make_app(outdir: Path, *, embedded: bool = False, **flags: Any) -> App:
    """The app with its stacks, not yet synthesized."""
    settings = settings_of(embedded=embedded, **flags)
    app = App(
        outdir=str(outdir),
        context=json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"],
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
    )
    with staged(web=settings.web) as assets:
        build(app, settings, assets)
    return app


def settings_of(*, embedded: bool = False, **flags: Any) -> Settings:
    """The settings with `flags`, for AWS or the embedded cloud."""
    return Settings.load(flags if embedded else {**DEPLOYABLE, **flags}, EMBEDDED if embedded else {})


def synthesize(outdir: Path, *, embedded: bool = False, **flags: Any) -> Templates:
    """The templates by stack, without the prefix; `outdir` gets the whole cloud assembly."""
    make_app(outdir, embedded=embedded, **flags).synth()
    names = settings_of(embedded=embedded, **flags).names
    files = {stack: outdir / f"{names.stack(stack)}.template.json" for stack in (*STACKS, *OPTIONAL)}
    return {
        stack: json.loads(file.read_text(encoding="utf-8"))
        for stack, file in files.items()
        if stack in STACKS or file.exists()
    }


def resources(template: Template, type_: str) -> dict[str, Any]:
    """The resources of a type, by logical id."""
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == type_}


def function_named(template: Template, name: str) -> dict[str, Any]:
    """The Lambda function of that name."""
    functions: list[dict[str, Any]] = list(resources(template, "AWS::Lambda::Function").values())
    (named,) = [found for found in functions if found["Properties"].get("FunctionName") == name]
    return named


def everywhere(stacks: Templates, type_: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each resource of a type in any stack: where it is, and itself."""
    for stack, template in stacks.items():
        for name, resource in resources(template, type_).items():
            yield f"{stack}/{name}", resource


def as_list(value: Any) -> list[Any]:
    """A value that CloudFormation lets stand alone, as the list it means."""
    return value if isinstance(value, list) else [value]


def statements(stacks: Templates) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each statement of a role's or a policy's permissions, with the place it is in."""
    for place, policy in everywhere(stacks, "AWS::IAM::Policy"):
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            yield place, statement
    for place, role in everywhere(stacks, "AWS::IAM::Role"):
        for policy in role["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield place, statement


def allowing(stacks: Templates, action: str) -> list[dict[str, Any]]:
    """The statements that name an action."""
    return [found for _, found in statements(stacks) if action in as_list(found["Action"])]


def state_machine(stacks: Templates) -> dict[str, Any]:
    """The definition of the state machine, with references as <…>."""
    ((_, machine),) = everywhere(stacks, "AWS::StepFunctions::StateMachine")
    definition: dict[str, Any] = json.loads(joined(machine["Properties"]["DefinitionString"]))
    return definition


def training_job(stacks: Templates) -> dict[str, Any]:
    """The parameters of CreateTrainingJob, with references as <…>."""
    request: dict[str, Any] = state_machine(stacks)["States"]["CreateTrainingJob"]["Parameters"]
    return request


def readable(template: Template) -> str:
    """The template as YAML: hashes of assets scrubbed, JSON in texts written out, CDK's metadata left out."""
    kept = {key: value for key, value in template.items() if key != "Rules"}
    text = yaml.dump(_readable(kept), Dumper=_Dumper, sort_keys=True, width=120, allow_unicode=True)
    return _HASH.sub("<hash>", text)


def compared(request: pytest.FixtureRequest, name: str, text: str) -> None:
    """Hold a text against the stored one of that name, which `--snapshot-update` writes."""
    file = STORED / name
    if request.config.getoption("--snapshot-update", default=False):
        file.write_text(text, encoding="utf-8")
    stored = file.read_text(encoding="utf-8") if file.exists() else ""
    changes = list(
        difflib.unified_diff(stored.splitlines(), text.splitlines(), "stored", "now", lineterm="", n=2)
    )
    assert not changes, f"{name} changed; if that is wanted: make snapshots\n" + "\n".join(changes)


def joined(value: Any) -> str:
    """A text that CloudFormation puts together, with each reference in it as <…>."""
    if isinstance(value, str):
        return value
    (function, argument), *_ = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(joined(part) for part in argument[1])
    if function == "Fn::Sub":
        return str(argument).replace("${", "<").replace("}", ">")
    parts = argument if isinstance(argument, list) else [argument]
    return f"<{'.'.join(joined(part) if isinstance(part, dict) else str(part) for part in parts)}>"


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"Fn::Join"}:
            return _parsed(joined(value))
        return {key: _readable(item) for key, item in value.items() if key != "Metadata"}
    if isinstance(value, list):
        return [_readable(item) for item in value]
    return _parsed(value) if isinstance(value, str) else value


def _parsed(text: str) -> Any:
    if not text.startswith("{"):
        return text
    try:
        return {"<JSON>": json.loads(text)}
    except ValueError:
        return text


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Without anchors: each place is to be read for itself."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
