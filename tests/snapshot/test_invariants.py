"""What must hold for the default templates in particular; what holds for any settings is in rules/."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.names import RETAINED_TAG, Names
from tests.snapshot.snapshot_synth import (
    STACKS,
    Templates,
    allowing,
    as_list,
    everywhere,
    function_named,
    joined,
    resources,
    synthesize,
)

# What the command line reads (docs/architecture.md).
OUTPUTS = {
    "Storage": {"DataBucketName", "ArtifactBucketName"},
    "Training": {"StateMachineArn", "ModelPackageGroupName"},
    "Hosting": {"EndpointName", "BaseComponentName", "TunedComponentName"},
    "Guardrails": {
        *("TopicArn", "DeadLetterQueueUrl", "IdleReaperName", "AuditBucketName", "SpendGuardName"),
        "TeardownArn",
    },
    "Billing": set(),
}

FUNCTIONS = (
    *("validate-dataset", "admission", "read-evaluation", "finish-wake", "stop-training"),
    *("idle-reaper", "spend-guard", "teardown"),
)


@pytest.mark.parametrize("stack", STACKS)
def test_the_outputs_are_there(stack: str, aws: Templates) -> None:
    outputs = {name for name in aws[stack].get("Outputs", {}) if not name.startswith("ExportsOutput")}
    assert outputs == OUTPUTS[stack]


def test_hosting_is_nothing_while_asleep_and_holds_no_iam(aws: Templates) -> None:
    hosting = aws["Hosting"]
    assert hosting["Parameters"]["ModelArtifact"]["Default"] == ""
    assert {resource["Condition"] for resource in hosting["Resources"].values()} == {"Awake", "Adapted"}
    assert not [resource for resource in hosting["Resources"].values() if "::IAM::" in resource["Type"]]
    # The state machine wakes it with exactly these parameters; another one would be reset to its default.
    assert set(hosting["Parameters"]) == {"ModelArtifact"}


def test_the_base_model_alone_is_everything_but_the_adapter(aws: Templates) -> None:
    hosting = aws["Hosting"]
    none = [{"Fn::Equals": [{"Ref": "ModelArtifact"}, value]} for value in ("", "base")]
    assert hosting["Conditions"]["Awake"] == {"Fn::Not": none[:1]}
    assert hosting["Conditions"]["Adapted"] == {"Fn::Not": [{"Fn::Or": none}]}
    (adapted,) = [found for found in hosting["Resources"].values() if found["Condition"] == "Adapted"]
    assert adapted["Properties"]["InferenceComponentName"] == "finexpert-tuned"


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return synthesize(tmp_path_factory.mktemp("merged"), hosting="merged")


def test_merged_hosting_serves_no_base_model_alone(merged: Templates) -> None:
    parameter = merged["Hosting"]["Parameters"]["ModelArtifact"]
    assert re.search(parameter["AllowedPattern"], "s3://bucket-1/runs/x/output/model.tar.gz")
    assert not re.search(parameter["AllowedPattern"], "base")


def test_the_adapter_goes_before_its_base(aws: Templates) -> None:
    components = resources(aws["Hosting"], "AWS::SageMaker::InferenceComponent")
    of = "InferenceComponentName"
    (base,) = [name for name, c in components.items() if c["Properties"][of] == "finexpert-base"]
    (tuned,) = [name for name in components if name != base]
    assert components[tuned]["DependsOn"] == [base]
    assert components[tuned]["Properties"]["Specification"]["BaseInferenceComponentName"] == "finexpert-base"
    assert "ComputeResourceRequirements" not in components[tuned]["Properties"]["Specification"]


@pytest.mark.parametrize("artifact", ["", "base", "s3://bucket-1/runs/x/output/model.tar.gz"])
def test_the_parameter_takes_what_wake_and_sleep_send(artifact: str, aws: Templates) -> None:
    pattern = aws["Hosting"]["Parameters"]["ModelArtifact"]["AllowedPattern"]
    assert re.search(pattern, artifact)
    assert not re.search(pattern, "bucket-1/model.tar.gz")


def test_what_runs_is_stopped_before_what_it_runs_under_goes(aws: Templates) -> None:
    training = aws["Training"]
    ((_, clean_up),) = resources(training, "Custom::CleanUpOnDelete").items()
    first = set(clean_up["DependsOn"])
    for type_ in (
        "AWS::StepFunctions::StateMachine",
        "AWS::Events::Rule",
        "AWS::SageMaker::ModelPackageGroup",
    ):
        assert set(resources(training, type_)) <= first
    assert [name for name in first if name.startswith("TrainingRole")]
    assert "HostingStack" not in clean_up["Properties"]
    assert clean_up["Properties"]["ServiceTimeout"] == "900"
    ((_, out_of_band),) = resources(aws["Guardrails"], "Custom::CleanUpOnDelete").items()
    assert out_of_band["Properties"]["HostingStack"] == "FinExpert-Hosting"
    assert "StateMachineArn" not in out_of_band["Properties"]


def test_every_function_has_its_handler_and_its_variables(aws: Templates) -> None:
    variables = {}
    for stack in ("Guardrails", "Training"):
        for function in resources(aws[stack], "AWS::Lambda::Function").values():
            handler = function["Properties"]["Handler"]
            if not handler.startswith("lambdas."):
                continue  # CDK's own
            module, name = handler.rsplit(".", 1)
            assert name == "handler"
            assert find_spec(module), module
            properties = function["Properties"]
            variables[properties["FunctionName"]] = properties["Environment"]["Variables"]
    assert set(variables) == {f"finexpert-{purpose}" for purpose in FUNCTIONS}
    assert all(of["PROJECT"] == "FinExpert" for of in variables.values())
    assert json.loads(variables["finexpert-validate-dataset"]["HYPERPARAMETERS"])["lora_r"] == "8"
    assert variables["finexpert-admission"]["MAX_RUNTIME_SECONDS"] == "7200"
    assert variables["finexpert-spend-guard"]["METRIC_NAMESPACE"] == "FinExpert"
    assert {
        key: variables["finexpert-idle-reaper"][key]
        for key in ("SCOPE", "KEEP_TAG", "DRY_RUN", "MAX_DELETES")
    } == {"SCOPE": "project", "KEEP_TAG": "finexpert:keep", "DRY_RUN": "false", "MAX_DELETES": "5"}


def test_the_budget_has_no_name_and_tells_four_times(aws: Templates) -> None:
    (budget,) = resources(aws["Billing"], "AWS::Budgets::Budget").values()
    assert "BudgetName" not in budget["Properties"]["Budget"]
    told = {
        (n["Notification"]["NotificationType"], n["Notification"]["Threshold"])
        for n in budget["Properties"]["NotificationsWithSubscribers"]
    }
    assert told == {("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)}
    assert not list(everywhere(aws, "AWS::CE::AnomalyMonitor"))


def test_the_anomaly_monitor_is_a_stack_of_its_own(tmp_path: Path) -> None:
    stacks = synthesize(tmp_path, anomaly_monitor="true")
    (monitor,) = resources(stacks["Anomalies"], "AWS::CE::AnomalyMonitor").values()
    assert monitor["Properties"]["MonitorType"] == "CUSTOM"
    assert not resources(stacks["Billing"], "AWS::CE::AnomalyMonitor")
    assert resources(stacks["Billing"], "AWS::Budgets::Budget")
    assert resources(stacks["Billing"], "AWS::CloudWatch::Alarm")


def test_a_silent_guard_alarms_after_three_periods(aws: Templates) -> None:
    found = resources(aws["Guardrails"], "AWS::CloudWatch::Alarm").values()
    alarms = {alarm["Properties"]["AlarmName"]: alarm["Properties"] for alarm in found}
    for guard in ("finexpert-idle-reaper", "finexpert-spend-guard"):
        silence = alarms[f"{guard}-silence"]
        # A first deploy is silent until the first call: its end must not mail that all is well again.
        assert silence["AlarmActions"] and "OKActions" not in silence
        told = [silence[key] for key in ("EvaluationPeriods", "Period", "TreatMissingData")]
        assert told == [3, 300, "breaching"]
        assert {f"{guard}-errors", f"{guard}-throttles"} <= set(alarms)
    assert "finexpert-dead-letters" in alarms
    assert all(alarm["AlarmActions"] for alarm in alarms.values())


def test_the_reaper_may_write_its_snapshots_and_goes_before_their_bucket(aws: Templates) -> None:
    guardrails = aws["Guardrails"]
    ((logical_id, bucket),) = resources(guardrails, "AWS::S3::Bucket").items()
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["DeletionPolicy"] == "Delete"
    (emptying,) = resources(guardrails, "Custom::S3AutoDeleteObjects")
    assert {logical_id, emptying} <= set(function_named(guardrails, "finexpert-idle-reaper")["DependsOn"])
    written = allowing({"Guardrails": guardrails}, "s3:PutObject")
    assert [joined(as_list(s["Resource"])[0]).rpartition("-us-east-1")[2] for s in written] == ["/audit/*"]


def test_a_whole_account_is_only_reported_until_it_is_switched(tmp_path: Path) -> None:
    flags = {"reaper_scope": "account", "reaper_regions": "us-east-1,eu-west-1"}
    for number, (switch, wanted) in enumerate([("auto", "true"), ("false", "false")]):
        guardrails = synthesize(tmp_path / str(number), reaper_dry_run=switch, **flags)["Guardrails"]  # type: ignore[arg-type]
        reaper = function_named(guardrails, "finexpert-idle-reaper")
        variables = reaper["Properties"]["Environment"]["Variables"]
        assert variables["DRY_RUN"] == wanted and variables["REGIONS"] == "us-east-1,eu-west-1"
        deletes = allowing({"Guardrails": guardrails}, "sagemaker:AddTags")
        places = {joined(arn).split(":")[3] for arn in deletes[0]["Resource"]}
        assert places == {"us-east-1", "eu-west-1"} and "Condition" not in deletes[0]


@pytest.mark.parametrize("retain", [False, True])
def test_only_what_is_kept_is_protected_and_marked(retain: bool, tmp_path: Path) -> None:
    stacks = synthesize(tmp_path, retain_data=str(retain).lower(), customer_managed_key="true")
    for stack in stacks.values():
        for name, found in stack["Resources"].items():
            marked = RETAINED_TAG in json.dumps(found.get("Properties", {}))
            assert marked == (found.get("DeletionPolicy") == "Retain"), name
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    protected = {
        name
        for name, artifact in manifest["artifacts"].items()
        if artifact["properties"].get("terminationProtection")
    }
    assert protected == ({"FinExpert-Storage"} if retain else set())


def test_the_dashboard_shows_calls_and_gpus_as_sagemaker_counts(aws: Templates, merged: Templates) -> None:
    of_variant = ("EndpointName", "finexpert", "VariantName", "AllTraffic")
    of_components = {("InferenceComponentName", f"finexpert-{name}") for name in ("base", "tuned")}
    for stacks, counted in ((aws, of_components), (merged, {of_variant})):
        plain, searches = graphs(stacks)
        for name in ("Invocations", "ModelLatency"):
            assert {metric[2:] for metric in plain if metric[:2] == ("AWS/SageMaker", name)} == counted
        for name in ("GPUUtilization", "GPUMemoryUtilization"):
            assert ("/aws/sagemaker/Endpoints", name, *of_variant) in plain
            assert f'{{/aws/sagemaker/TrainingJobs,Host}} MetricName="{name}" finexpert-' in searches


def graphs(stacks: Templates) -> tuple[list[tuple[str, ...]], str]:
    """The metrics on the dashboard, and its search expressions."""
    ((_, dashboard),) = resources(stacks["Guardrails"], "AWS::CloudWatch::Dashboard").items()
    widgets = json.loads(joined(dashboard["Properties"]["DashboardBody"]))["widgets"]
    metrics = [metric for widget in widgets for metric in widget["properties"].get("metrics", [])]
    plain = [tuple(part for part in metric if isinstance(part, str)) for metric in metrics]
    return plain, " ".join(p["expression"] for metric in metrics for p in metric if "expression" in p)


def test_what_a_template_names_is_known_by_the_form_of_its_name(aws: Templates) -> None:
    """So that `finexpert leftovers` finds it, and takes nothing of another deployment's for it."""
    names = [
        value
        for template in aws.values()
        for resource in template["Resources"].values()
        for key, value in resource.get("Properties", {}).items()
        if key.endswith("Name") and isinstance(value, str) and re.fullmatch(r"finexpert[a-z0-9-]*", value)
    ]
    assert len(names) > 20
    own = Names(project="FinExpert", region="us-east-1")
    assert [name for name in names if not own.owns(name)] == []
