"""CloudFormation's own resource schemas accept every template; other settings: test_matrix.py."""

from pathlib import Path

from tests.snapshot.snapshot_matrix import errors
from tests.snapshot.snapshot_synth import Templates


def test_the_templates_for_aws_are_valid(aws: Templates, aws_assembly: Path) -> None:
    assert errors(aws_assembly, "us-east-1") == []


def test_a_template_with_a_mistake_is_found(aws: Templates, aws_assembly: Path, tmp_path: Path) -> None:
    (hosting,) = aws_assembly.glob("*-Hosting.template.json")
    wrong = hosting.read_text(encoding="utf-8").replace('"CopyCount": 1', '"CopyCount": "one"')
    (tmp_path / hosting.name).write_text(wrong)
    assert any("one" in error for error in errors(tmp_path, "us-east-1"))
