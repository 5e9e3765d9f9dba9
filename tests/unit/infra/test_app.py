"""`python app.py` makes the stacks that the settings ask for; where they are wrong it makes none."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import app
from core.names import GLOBAL_STACKS, Names
from infra.settings import flags_of

STACKS = ("Storage", "Training", "Hosting", "Guardrails", "Billing")
ROOT = Path(__file__).resolve().parents[3]
GIVEN = {"FINEXPERT_ACCEPT_EULA": "true", "FINEXPERT_ALERT_EMAIL": "you@example.com"}


def run_app(out: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """The app as the CDK CLI runs it, with settings as variables."""
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        cwd=ROOT,
        env={**without_ours(), **settings, "CDK_OUTDIR": str(out)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def synthesize(out: Path, **settings: str) -> str:
    """The same in this process, which has loaded the CDK once; returns what it says on stderr."""
    said = io.StringIO()
    with mock.patch.dict(os.environ, without_ours() | settings, clear=True), redirect_stderr(said):
        assert app.main(str(out)) == 0, said.getvalue()
    return said.getvalue()


def without_ours() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("FINEXPERT_", "CDK_"))}


def test_wrong_settings_are_reported_without_a_trace_and_make_nothing(tmp_path: Path) -> None:
    ran = run_app(tmp_path / "cdk.out", FINEXPERT_BUDGET_USD="abc")
    assert ran.returncode == 1
    lines = ran.stderr.strip().splitlines()
    assert [line.split(" ")[0] for line in lines] == ["budget_usd"]
    assert ran.stdout == ""
    assert list(tmp_path.rglob("*.json")) == []  # no manifest, no template


def template(out: Path, part: str) -> dict[str, Any]:
    """The synthesized template of a stack."""
    document: dict[str, Any] = json.loads((out / f"FinExpert-{part}.template.json").read_text())
    return document


def test_without_a_setting_all_but_a_first_deploy_works(tmp_path: Path) -> None:
    ran = run_app(tmp_path)
    assert ran.returncode == 0, ran.stderr
    asked = {"Guardrails": "alert_email", "Billing": "alert_email", "Training": "accept_eula"}
    for part in STACKS:
        parameters = template(tmp_path, part).get("Parameters", {}).values()
        held = [p["Default"] for p in parameters if str(p.get("Default")).startswith("/finexpert")]
        assert held == ([f"/finexpert/{part.lower()}/{asked[part]}"] if part in asked else [])
    shown = "".join(file.read_text() for file in tmp_path.glob("*.metadata.json"))
    assert "write -c alert_email=you@example.com" in shown
    assert "https://ai.meta.com/llama/license/ and write -c accept_eula=true" in shown


def test_what_a_deploy_was_given_it_keeps_for_the_next(tmp_path: Path) -> None:
    synthesize(tmp_path / "given", **GIVEN)
    synthesize(tmp_path / "later")
    for part, name, value in (
        ("Guardrails", "alert_email", "you@example.com"),
        ("Billing", "alert_email", "you@example.com"),
        ("Training", "accept_eula", "true"),
    ):
        place = f"/finexpert/{part.lower()}/{name}"
        first, later = template(tmp_path / "given", part), template(tmp_path / "later", part)
        assert place not in json.dumps(first.get("Parameters", {}))
        (kept,) = [r for r in first["Resources"].values() if r["Properties"].get("Name") == place]
        assert kept["Properties"]["Value"] == value
        (again,) = [r for r in later["Resources"].values() if r["Properties"].get("Name") == place]
        (parameter,) = [k for k, v in later["Parameters"].items() if v.get("Default") == place]
        assert again["Properties"]["Value"] == {"Ref": parameter}
        assert later["Parameters"][parameter]["Type"] == "AWS::SSM::Parameter::Value<String>"


def test_own_weights_ask_for_no_licence(tmp_path: Path) -> None:
    synthesize(tmp_path, FINEXPERT_BASE_MODEL_URI="s3://${DataBucket}/base-model/")
    assert "accept_eula" not in (tmp_path / "FinExpert-Training.template.json").read_text()


def test_a_synth_says_what_will_be_kept(tmp_path: Path) -> None:
    settings = {"RETAIN_DATA": "true", "ACCEPT_EULA": "true", "ALERT_EMAIL": "you@example.com"}
    named = {f"FINEXPERT_{name}": value for name, value in settings.items()}
    said = synthesize(tmp_path / "cdk.out", **named)
    assert "retain_data is true: cdk destroy keeps the buckets finexpert-data-…" in said
    assert "--import-existing-resources" in said
    assert "the key" not in said, "there is none of one's own"


def test_what_is_kept_can_be_imported_by_the_next_deploy(tmp_path: Path) -> None:
    """CloudFormation imports what has its name in plain letters and would be retained again."""
    synthesize(tmp_path, **GIVEN, CDK_DEFAULT_ACCOUNT="123456789012", FINEXPERT_RETAIN_DATA="true")
    resources = [r for part in STACKS for r in template(tmp_path, part)["Resources"].values()]
    kept = [r for r in resources if r.get("DeletionPolicy") == "Retain"]
    buckets = [r["Properties"]["BucketName"] for r in kept if r["Type"] == "AWS::S3::Bucket"]
    kinds = ("artifacts", "audit", "data")
    assert sorted(buckets) == [f"finexpert-{kind}-123456789012-us-east-1" for kind in kinds]
    assert {r["Type"] for r in kept} - {"AWS::S3::BucketPolicy"} == {"AWS::S3::Bucket"}


def test_only_settings_are_taken_from_cdks_context() -> None:
    context = {
        "budget_usd": "30",
        "finexpert": {"prefix": "x"},
        "@aws-cdk/core:checkSecretUsage": True,
        "availability-zones:account=1:region=us-east-1": [],
        "acknowledged-issue-numbers": [1],
        "bugdet_usd": "1",
    }
    assert flags_of(context) == {"budget_usd": "30", "bugdet_usd": "1"}


@pytest.mark.parametrize(("guards", "budgets"), [("all", 1), ("budget", 1), ("alarms", 0)])
def test_billing_holds_what_the_account_may_have(tmp_path: Path, guards: str, budgets: int) -> None:
    """The anomaly monitor is never in it: it has a separate stack, by the setting anomaly_monitor."""
    given = {"FINEXPERT_BILLING_GUARDS": guards, "FINEXPERT_ANOMALY_MONITOR": "true"}
    synthesize(tmp_path, **given)
    types = [resource["Type"] for resource in template(tmp_path, "Billing")["Resources"].values()]
    assert types.count("AWS::Budgets::Budget") == budgets
    assert not [type_ for type_ in types if type_.startswith("AWS::CE::")]
    kinds = {each["Type"] for each in template(tmp_path, "Anomalies")["Resources"].values()}
    assert {"AWS::CE::AnomalyMonitor", "AWS::CE::AnomalySubscription"} <= kinds
    assert types.count("AWS::CloudWatch::Alarm") == 2


def test_apps_in_two_regions_have_a_billing_stack_each(tmp_path: Path) -> None:
    """It is in us-east-1 for both: with one name for both, destroying one app disarms the other."""
    named = []
    for region in ("us-east-1", "us-west-2"):
        place, names = tmp_path / region, Names(project="FinExpert", region=region)
        synthesize(place, FINEXPERT_REGION=region, FINEXPERT_ANOMALY_MONITOR="true")
        stacks = [names.stack(part) for part in GLOBAL_STACKS]
        inside = {
            str(value)
            for stack in stacks
            for each in json.loads((place / f"{stack}.template.json").read_text())["Resources"].values()
            for key, value in each["Properties"].items()
            if key in ("TopicName", "AlarmName", "MonitorName", "SubscriptionName", "Name")
        }
        assert len(inside) >= 5 and all(names.owns(name) or name.startswith("/") for name in inside)
        named.append(inside | set(stacks))
    assert not named[0] & named[1]


def test_billing_is_deployed_last_and_nothing_waits_for_it(tmp_path: Path) -> None:
    synthesize(tmp_path)
    artifacts = json.loads((tmp_path / "manifest.json").read_text())["artifacts"]
    needs = {part: artifacts[f"FinExpert-{part}"]["dependencies"] for part in STACKS}
    assert "FinExpert-Hosting" in needs["Billing"]
    assert not any("FinExpert-Billing" in needed for needed in needs.values())
