"""Rule: a notebook instance stops when idle, gives no one root, and hands its role to no forged request."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.snapshot.rules.rule_samples import stacks_with
from tests.snapshot.snapshot_synth import Templates, everywhere

INSTANCE = "AWS::SageMaker::NotebookInstance"
SCRIPT = "AWS::SageMaker::NotebookInstanceLifecycleConfig"
STOPS = "finexpert-idle-stop.py --minutes "


def violations(stacks: Templates) -> Iterator[str]:
    stopping = {
        f"{place.split('/')[0]}/{script['Properties']['NotebookInstanceLifecycleConfigName']}"
        for place, script in everywhere(stacks, SCRIPT)
        if any(STOPS in text(hook["Content"]) for hook in script["Properties"].get("OnStart", []))
    }
    for place, instance in everywhere(stacks, INSTANCE):
        properties = instance["Properties"]
        if f"{place.split('/')[0]}/{properties['NotebookInstanceName']}" not in stopping:
            yield f"{place}: bills on while it is idle"
        if properties.get("RootAccess") != "Disabled":
            yield f"{place}: gives root"
        service = properties.get("InstanceMetadataServiceConfiguration", {})
        if service.get("MinimumInstanceMetadataServiceVersion") != "2":
            yield f"{place}: its role can be had with a forged request"


def text(content: Any) -> str:
    """A script as CDK writes it, or encoded already."""
    if isinstance(content, dict):
        return str(content["Fn::Base64"])
    return base64.b64decode(content).decode()


NAME = {"NotebookInstanceName": "a"}
GOOD: dict[str, Any] = {
    **NAME,
    "RootAccess": "Disabled",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"},
}


def notebook(instance: dict[str, Any], script: str = f"python {STOPS}60") -> Templates:
    stacks = stacks_with(INSTANCE, instance)
    stacks["Hosting"]["Resources"]["Script"] = {
        "Type": SCRIPT,
        "Properties": {
            "NotebookInstanceLifecycleConfigName": "a",
            "OnStart": [{"Content": base64.b64encode(script.encode()).decode()}],
        },
    }
    return stacks


def test_one_that_stops_complies() -> None:
    assert list(violations(notebook(GOOD))) == []


@pytest.mark.parametrize(
    "stacks",
    [
        notebook(GOOD, "echo nothing"),
        stacks_with(INSTANCE, GOOD),
        notebook({**GOOD, "RootAccess": "Enabled"}),
        notebook({**GOOD, "InstanceMetadataServiceConfiguration": {}}),
    ],
    ids=["another script", "no script", "root", "old metadata service"],
)
def test_others_do_not(stacks: Templates) -> None:
    assert len(list(violations(stacks))) == 1
