"""cdk-nag's pack AwsSolutions over all stacks: nothing found but what suppressions.py gives a reason for."""

import json
from pathlib import Path

import pytest
from aws_cdk import Validations
from cdk_nag import AwsSolutionsChecks

from tests.snapshot.snapshot_synth import OPTIONAL, STACKS, make_app
from tests.snapshot.suppressions import NAG, Finding, Suppression, complaints

EVERYTHING = {
    **{"customer_managed_key": "true", "private_network": "true", "spot": "true", "web": "true"},
    "notebook_repository": "https://github.com/someone/expert.git",
}


def findings(outdir: Path, **flags: str) -> set[Finding]:
    """What cdk-nag reports of the app."""
    app = make_app(outdir, **flags)  # type: ignore[arg-type]
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):  # it found something, so it wrote a report
        app.synth()
    report = json.loads((outdir / "validation-report.json").read_text(encoding="utf-8"))
    return {
        Finding(violation["ruleName"], construct["constructPath"].removeprefix("FinExpert-"))
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    }


def test_nothing_is_found_without_a_reason(tmp_path: Path) -> None:
    found = findings(tmp_path / "defaults") | findings(tmp_path / "everything", **EVERYTHING)
    assert {finding.place.split("/")[0] for finding in found} < {*STACKS, *OPTIONAL}
    assert complaints(found, NAG) == []


def test_a_new_finding_and_a_line_too_many_are_reported() -> None:
    told = complaints({Finding("A", "Storage/Bucket")}, [Suppression("B", ".*", "it was so once")])
    assert [line.split(" ")[0] for line in told] == ["A", "B"]
    assert complaints({Finding("A", "Storage/Bucket")}, [Suppression("A", "Storage/.*", "so")]) == []
