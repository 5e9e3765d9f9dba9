"""Synthesizes the app in this process, and writes templates so that a person can read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from aws_cdk import App

from infra.assets import staged
from infra.settings import Settings
from infra.stacks import build

ROOT = Path(__file__).resolve().parents[2]
STACKS = ("Storage", "Guardrails", "Training", "Hosting", "Billing")
DEPLOYABLE = {"alert_email": "you@example.com", "accept_eula": "true"}
EMBEDDED = {"FINEXPERT_SETTINGS": str(ROOT / "localcloud" / "settings.json")}

Template = dict[str, Any]
Templates = dict[str, Template]

_HASH = re.compile(r"[0-9a-f]{64}")


def synthesize(outdir: Path, *, embedded: bool = False, **flags: str) -> Templates:
    """The templates by stack, without the prefix; `outdir` gets the whole cloud assembly."""
    settings = Settings.load(
        flags if embedded else {**DEPLOYABLE, **flags}, EMBEDDED if embedded else {}, deploying=True
    )
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    app = App(
        outdir=str(outdir),
        context=context,
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
    )
    with staged() as assets:
        build(app, settings, assets)
    app.synth()
    return {
        stack: json.loads((outdir / f"{settings.prefix}-{stack}.template.json").read_text(encoding="utf-8"))
        for stack in STACKS
    }


def resources(template: Template, type_: str) -> dict[str, Any]:
    """The resources of a type, by logical id."""
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == type_}


def readable(template: Template) -> str:
    """The template as YAML: hashes of assets scrubbed, JSON in texts written out, CDK's metadata left out."""
    kept = {key: value for key, value in template.items() if key != "Rules"}
    text = yaml.dump(_readable(kept), Dumper=_Dumper, sort_keys=True, width=120, allow_unicode=True)
    return _HASH.sub("<hash>", text)


def joined(value: Any) -> str:
    """A text that CloudFormation puts together, with each reference in it as <…>."""
    if isinstance(value, str):
        return value
    (function, argument), *_ = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(joined(part) for part in argument[1])
    if function == "Fn::Sub":
        return str(argument).replace("${", "<").replace("}", ">")
    return f"<{'.'.join(argument) if isinstance(argument, list) else argument}>"


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


class _Dumper(yaml.SafeDumper):
    """Without anchors: each place is to be read for itself."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
