"""The diagram of docs/architecture.md is what the app gives today; `make snapshots` writes it anew."""

import json
from pathlib import Path

import pytest

from tests.snapshot.snapshot_synth import ROOT, Templates
from tools import architecture

PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- diagram -->\n```mermaid\n", "\n```\n<!-- /diagram -->"


@pytest.fixture(scope="module")
def diagram(aws: Templates, aws_assembly: Path) -> str:
    """The diagram of today's cloud assembly."""
    return architecture.diagram(aws_assembly)


def test_the_pages_diagram_is_what_the_app_gives(diagram: str, request: pytest.FixtureRequest) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    stored, _, after = rest.partition(END)
    if request.config.getoption("--snapshot-update"):
        PAGE.write_text(f"{before}{BEGIN}{diagram}{END}{after}", encoding="utf-8")
        stored = diagram
    assert stored == diagram, "write it anew with `make snapshots`"


def test_every_named_function_and_stack_is_in_the_diagram(diagram: str, aws: Templates) -> None:
    functions = {
        resource["Properties"]["FunctionName"]
        for template in aws.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function" and "FunctionName" in resource["Properties"]
    }
    assert len(functions) == 8
    assert {name for name in functions if name not in diagram} == set()
    assert all(f"subgraph {stack}[" in diagram for stack in aws)
    assert {name for name in ("python -m training", "finexpert-models") if name not in diagram} == set()


def test_who_may_stop_and_delete_is_read_from_the_roles(diagram: str) -> None:
    acting = {line.strip() for line in diagram.splitlines() if "_function --" in line}
    assert acting == {
        'Guardrails_function -- "finexpert-idle-reaper puts to sleep" --> Hosting',
        'Guardrails_function -- "finexpert-idle-reaper deletes" --> Hosting',
        'Guardrails_function -- "finexpert-spend-guard puts to sleep" --> Hosting',
        'Training_function -- "finexpert-finish-wake puts to sleep" --> Hosting',
        'Guardrails_function -- "finexpert-spend-guard stops" --> job',
        'Guardrails_function -- "finexpert-spend-guard deletes" --> Hosting',
        'Guardrails_function -- "finexpert-teardown stops" --> job',
        'Guardrails_function -- "finexpert-teardown deletes" --> Hosting',
        'Training_function -- "finexpert-stop-training stops" --> job',
    }


def test_the_way_through_the_state_machine_is_the_longest_one_without_failures() -> None:
    definition: dict[str, object] = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Task", "Next": "B", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Lost"}]},
            "B": {"Type": "Choice", "Choices": [{"Next": "C"}, {"Next": "Lost"}], "Default": "End"},
            "C": {"Type": "Wait", "Next": "A2"},
            "A2": {"Type": "Task", "Next": "End"},
            "End": {"Type": "Pass", "End": True},
            "Lost": {"Type": "Fail"},
        },
    }
    assert architecture.path(definition, "End") == ["A", "B", "A2"]
    with pytest.raises(ValueError, match="no way leads from A to Nowhere"):
        architecture.path(definition, "Nowhere")


def test_a_stack_more_gets_a_box_and_its_arrow(tmp_path: Path) -> None:
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}
    artifacts = {"P-One": stack, "P-Two": {**stack, "dependencies": ["P-One"]}, "Tree": {"type": "cdk:tree"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"BucketName": {"Fn::Join": ["-", ["b", {"Ref": "X"}]]}},
    }
    (tmp_path / "t.json").write_text(json.dumps({"Description": "D: data", "Resources": {"Id": bucket}}))
    drawn = architecture.diagram(tmp_path)
    assert 'subgraph One["P-One: data"]' in drawn
    assert 'Two_bucket["<b>bucket</b><br/>b-X"]' in drawn
    assert drawn.endswith("Two -. needs .-> One")


def test_the_program_prints_a_folders_diagram_and_refuses_another(
    diagram: str, aws_assembly: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert architecture.main([str(aws_assembly)]) == 0
    assert capsys.readouterr().out == f"{diagram}\n"
    assert architecture.main([str(tmp_path)]) == 2
    assert "cdk synth" in capsys.readouterr().err
