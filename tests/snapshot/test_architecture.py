"""docs/architecture.svg is what the app gives today; `make snapshots` draws it anew."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.snapshot.snapshot_synth import ROOT, Templates
from tools.architecture import __main__ as program
from tools.architecture import machine, picture, reading
from tools.architecture.template import text

PICTURE = ROOT / "docs" / "architecture.svg"


@pytest.fixture(scope="module")
def architecture(aws: Templates, aws_assembly: Path) -> reading.Architecture:
    """What the tool reads of today's cloud assembly."""
    return reading.read(aws_assembly)


def test_the_stored_picture_is_what_the_app_gives(architecture: Any, request: pytest.FixtureRequest) -> None:
    drawn = picture.draw(architecture)
    if request.config.getoption("--snapshot-update"):
        PICTURE.write_text(drawn, encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == drawn, "draw it anew with `make snapshots`"


def test_every_named_resource_that_a_block_is_for_is_in_the_picture(architecture: Any, aws: Any) -> None:
    shown = {element.text for element in ElementTree.fromstring(picture.draw(architecture)).iter()}
    functions = {
        text(resource["Properties"]["FunctionName"]).removeprefix("finexpert-")
        for template in aws.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function" and "FunctionName" in resource["Properties"]
    }
    assert len(functions) == 7
    assert {name for name in functions if not {name, f"λ {name}"} & shown} == set()
    assert {"$25 monthly", "python -m training", "1 × ml.g5.2xlarge", "models"} <= shown


def test_who_may_stop_and_delete_is_read_from_the_roles(architecture: Any) -> None:
    acts = {
        block.title: set(block.acts)
        for stack in architecture.stacks.values()
        for block in stack.blocks
        if block.acts
    }
    assert acts == {
        "idle-reaper": {picture.UPDATE, picture.DELETE},
        "spend-guard": {picture.UPDATE, picture.STOP, picture.DELETE},
        "teardown": {picture.STOP, picture.DELETE},
        "stop-training": {picture.STOP},
    }


def test_the_way_through_the_state_machine_is_the_longest_one_without_failures() -> None:
    definition = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Next": "B"},
            "B": {
                "Type": "Choice",
                "Choices": [{"Next": "C"}, {"Next": "Lost"}],
                "Default": "End",
            },
            "C": {"Type": "Wait", "Next": "A2"},
            "A2": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Next": "End"},
            "End": {"Type": "Pass", "End": True},
            "Lost": {"Type": "Fail"},
        },
    }
    steps = machine.way(definition, "End", {})
    assert [(step.name, step.call, step.others) for step in steps] == [
        ("A", "publish", ()),
        ("B", "", ("Lost",)),
        ("A2", "publish", ()),
    ]
    assert machine.failures(definition) == (2, 0)
    with pytest.raises(ValueError, match="no way leads from A to Nowhere"):
        machine.way(definition, "Nowhere", {})


def test_a_stack_more_gets_a_row_of_its_own(architecture: Any) -> None:
    web = replace(architecture.stacks["Storage"], name="FinExpert-Web")
    drawn = picture.draw(replace(architecture, stacks={**architecture.stacks, "Web": web}))
    assert ">FinExpert-Web<" in drawn
    assert len(drawn) > len(picture.draw(architecture))


def test_the_program_draws_a_folder_and_refuses_what_is_none(
    aws: Any, aws_assembly: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main([str(aws_assembly)]) == 0
    assert capsys.readouterr().out == PICTURE.read_text(encoding="utf-8")
    assert program.main([str(tmp_path)]) == 2
    assert "cdk synth" in capsys.readouterr().err
