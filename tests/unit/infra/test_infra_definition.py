"""The state machine: its graph is whole, its paths exist, and AWS would accept each request that it sends."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from infra.training.definition import definition
from infra.training.fine_tune import FineTune
from infra.training.job import METRICS, TrainingJob
from infra.training.run_states import DEFAULTS
from infra.training.states import REFUSALS

JOB = TrainingJob(
    project="FinExpert",
    role_arn="arn:aws:iam::123456789012:role/training",
    image="763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.9.0",
    instance_type="ml.g5.2xlarge",
    instance_count=1,
    volume_gb=100,
    usd_per_hour=1.515,
    base_model_uri="s3://weights/llama/",
    accept_eula=True,
    code_uri="s3://assets/0123abcd.zip",
    artifact_bucket="finexpert-artifacts-123456789012-us-east-1",
    output_key_arn=None,
    volume_key_arn=None,
    subnet_ids=(),
    security_group_ids=(),
)
ON_DEMAND = FineTune(
    job=JOB,
    spot=False,
    poll_seconds=30,
    timeout_seconds=14400,
    region="us-east-1",
    validate_dataset_arn="arn:aws:lambda:us-east-1:123456789012:function:finexpert-validate-dataset",
    admission_arn="arn:aws:lambda:us-east-1:123456789012:function:finexpert-admission",
    read_evaluation_arn="arn:aws:lambda:us-east-1:123456789012:function:finexpert-read-evaluation",
    topic_arn="arn:aws:sns:us-east-1:123456789012:finexpert-alerts",
    model_package_group="finexpert-models",
    serving_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130",
    artifact_parameter="/finexpert/model-artifact",
    hosting_stack="FinExpert-Hosting",
)
SPOT = replace(ON_DEMAND, spot=True, job=replace(JOB, accept_eula=False, instance_count=2))

RUN = "finexpert-20261123-210133-a1b2"
CONTEXT = {"Execution": {"Name": RUN, "Input": {"dataset": "s3://data/datasets/sample/"}}}
STATE: dict[str, Any] = {
    "run": RUN,
    "job_name": RUN,
    "spot": False,
    "defaults": DEFAULTS,
    "request": {"dataset": "s3://data/datasets/sample/", "hyperparameters": {}, "wake": True},
    "dataset": {"answer": {"hyperparameters": {"epoch": "5"}, "sentence": "797 documents"}},
    "admission": {"answer": {"max_runtime_seconds": 7200, "max_wait_seconds": 14400, "usd_per_hour": 1.53}},
    "stopping": {"MaxRuntimeInSeconds": 7200},
    "job": {
        "TrainingJobName": RUN,
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "FailureReason": "AlgorithmError: out of memory",
    },
    "evaluation": {
        "answer": {
            "passed": True,
            "primary": {"metric": "bits_per_byte", "base": 1.91, "tuned": 1.52},
            "artifact_uri": f"s3://artifacts/runs/{RUN}/output/model.tar.gz",
            "evaluation_uri": f"s3://artifacts/runs/{RUN}/evaluation.json",
            "report_uri": f"s3://artifacts/runs/{RUN}/report.html",
            "usd": 0.34,
            "sentence": "Held-out bits per byte 1.91 → 1.52, better by 0.39 (0.30 to 0.48).",
            "model_card": '{"model_overview": {"model_creator": "finexpert-1"}}',
        }
    },
    "package": {
        "ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/finexpert-models/1"
    },
    "hosting": {"status": "UPDATE_COMPLETE"},
    "error": {"Error": "BudgetExceeded", "Cause": '{"errorMessage": "too dear"}'},
    "refusal": {"cause": {"errorMessage": "too dear"}},
    "Payload": {},
    "Stacks": [{"StackStatus": "UPDATE_COMPLETE"}],
}


BOTOCORE_NAMES = {"cloudwatchlogs": "logs"}
"""Services that Step Functions calls otherwise than botocore."""


# --- a small reading of Amazon States Language, enough to fill in the paths


def at(path: str) -> Any:
    """The value at a path such as `$.job.FailureReason` or `$$.Execution.Name`."""
    root: Any = CONTEXT if path.startswith("$$") else STATE
    for step in re.findall(r"[A-Za-z_]+|\d+", path.lstrip("$")):
        root = root[int(step)] if step.isdigit() else root[step]
    return root


def computed(expression: str) -> Any:
    """The value of a `.$` field: a path, or one of the intrinsic functions that the definition uses."""
    if not expression.startswith("States."):
        return at(expression)
    name, arguments = re.fullmatch(r"States\.(\w+)\((.*)\)", expression, re.DOTALL).groups()  # type: ignore[union-attr]
    parts = [part.strip() for part in re.findall(r"'[^']*'|[^,]+", arguments)]
    values = [
        part[1:-1] if part.startswith("'") else (part == "true" if part in ("true", "false") else at(part))
        for part in parts
    ]
    match name:
        case "Format":
            template, *inserts = values
            assert template.count("{}") == len(inserts), expression
            return template.format(
                *(value if isinstance(value, str) else json.dumps(value) for value in inserts)
            )
        case "JsonMerge":
            return {**values[0], **values[1]}
        case "StringToJson":
            return json.loads(values[0])
    raise AssertionError(f"the definition uses an intrinsic function unknown here: {expression}")


def filled(template: Any) -> Any:
    """Parameters with every path replaced by what lies there."""
    if isinstance(template, dict):
        return {
            (key[:-2] if key.endswith(".$") else key): computed(value)
            if key.endswith(".$")
            else filled(value)
            for key, value in template.items()
        }
    return [filled(item) for item in template] if isinstance(template, list) else template


def as_the_api_spells(request: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """Step Functions wants each member's first letter large; some services' APIs have it small."""
    return {
        (name if name in shape.members else name[0].lower() + name[1:]): value
        for name, value in request.items()
    }


def states(fine_tune: FineTune) -> dict[str, Any]:
    return definition(fine_tune)["States"]


def targets(state: dict[str, Any]) -> Iterator[str]:
    for rule in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        if "Next" in rule:
            yield rule["Next"]
    if "Default" in state:
        yield state["Default"]


def out_of_shape(value: Any, shape: Shape, where: str) -> Iterator[str]:
    """What botocore's own validator leaves to the service: patterns, enumerations, greatest lengths."""
    if shape.type_name == "structure":
        for name, item in value.items():
            yield from out_of_shape(item, shape.members[name], f"{where}.{name}")
    elif shape.type_name == "list":
        for item in value:
            yield from out_of_shape(item, shape.member, f"{where}[]")
    elif shape.type_name == "map":
        for name, item in value.items():
            yield from out_of_shape(name, shape.key, f"{where}.{name} (key)")
            yield from out_of_shape(item, shape.value, f"{where}.{name}")
    elif shape.type_name == "string":
        pattern, enum = shape.metadata.get("pattern", ""), getattr(shape, "enum", [])
        if len(value) > shape.metadata.get("max", len(value)):
            yield f"{where} is longer than {shape.metadata['max']}"
        if pattern and r"\p{" not in pattern and not re.fullmatch(pattern, value):
            yield f"{where} is {value!r}, not {pattern}"
        if enum and value not in enum:
            yield f"{where} is {value!r}, not one of {enum}"


@pytest.mark.parametrize("fine_tune", [ON_DEMAND, SPOT], ids=["on demand", "spot"])
def test_every_state_is_reached_and_every_way_leads_to_an_end(fine_tune: FineTune) -> None:
    found = states(fine_tune)
    reached, todo = set(), [definition(fine_tune)["StartAt"]]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += targets(found[name])
    assert reached == set(found)
    ends = {name for name, state in found.items() if state.get("End") or state["Type"] in ("Fail", "Succeed")}
    assert ends == {"Accepted", "Rejected", "Failed"}
    assert all(list(targets(state)) for name, state in found.items() if name not in ends)


@pytest.mark.parametrize("fine_tune", [ON_DEMAND, SPOT], ids=["on demand", "spot"])
def test_every_path_leads_to_something(fine_tune: FineTune) -> None:
    for name, state in states(fine_tune).items():
        for field in ("Parameters", "ResultSelector"):
            filled(state.get(field, {}))
        for rule in state.get("Choices", []):
            for variable in re.findall(r'"Variable": "([^"]+)"', json.dumps(rule)):
                at(variable)
        assert state.get("ResultPath", "$").startswith("$"), name


@pytest.mark.parametrize("fine_tune", [ON_DEMAND, SPOT], ids=["on demand", "spot"])
def test_aws_would_accept_every_request(fine_tune: FineTune) -> None:
    session = botocore.session.get_session()
    sent = set()
    for name, state in states(fine_tune).items():
        if not (found := re.fullmatch(r"arn:aws:states:::aws-sdk:(\w+):(\w+)", state.get("Resource", ""))):
            continue
        service, action = found.groups()
        operation = session.get_service_model(BOTOCORE_NAMES.get(service, service)).operation_model(
            action[0].upper() + action[1:]
        )
        request = as_the_api_spells(filled(state["Parameters"]), operation.input_shape)
        report = ParamValidator().validate(request, operation.input_shape)
        assert not report.has_errors(), f"{name}: {report.generate_report()}"
        assert list(out_of_shape(request, operation.input_shape, name)) == []
        sent.add(f"{service}:{action}")
    assert sent == {
        "cloudwatchlogs:createLogGroup",
        "cloudwatchlogs:putRetentionPolicy",
        "sagemaker:createTrainingJob",
        "sagemaker:describeTrainingJob",
        "sagemaker:createModelPackage",
        "ssm:putParameter",
        "cloudformation:updateStack",
        "cloudformation:describeStacks",
    }


def test_every_task_catches_every_failure() -> None:
    for name, state in states(SPOT).items():
        if state["Type"] == "Task":
            assert ["States.ALL"] in [catch["ErrorEquals"] for catch in state["Catch"]], name


def test_notifications_never_change_how_a_run_ends() -> None:
    for name in ("NotifyAccepted", "NotifyRejected", "NotifyFailure"):
        state = states(ON_DEMAND)[name]
        assert [catch["Next"] for catch in state["Catch"]] == [state["Next"]]
        assert state["Catch"][0]["ResultPath"] != "$.error"


def test_notifications_say_what_happened_and_where_to_look() -> None:
    found = states(ON_DEMAND)
    accepted, failed = (
        filled(found["NotifyAccepted"]["Parameters"]),
        filled(found["NotifyFailure"]["Parameters"]),
    )
    assert STATE["evaluation"]["answer"]["sentence"] in accepted["Message"]
    assert STATE["evaluation"]["answer"]["report_uri"] in accepted["Message"]
    assert accepted["Subject"] == "FinExpert: a fine-tune was accepted"
    assert failed["Message"].startswith(f"{RUN} failed (BudgetExceeded): ")
    assert failed["Message"].endswith(f"logStreamNameFilter$3D{RUN}")


def test_gated_weights_carry_the_licence_and_own_ones_do_not() -> None:
    def model_source(fine_tune: FineTune) -> dict[str, Any]:
        channels = fine_tune.job.request()["InputDataConfig"]
        (model,) = [channel for channel in channels if channel["ChannelName"] == "model"]
        source: dict[str, Any] = model["DataSource"]["S3DataSource"]
        return source

    assert model_source(ON_DEMAND)["ModelAccessConfig"] == {"AcceptEula": True}
    assert "ModelAccessConfig" not in model_source(SPOT)


def test_a_job_on_several_instances_encrypts_between_them() -> None:
    assert ON_DEMAND.job.request()["EnableInterContainerTrafficEncryption"] is False
    assert SPOT.job.request()["EnableInterContainerTrafficEncryption"] is True


def test_the_program_is_found_where_the_channel_puts_it() -> None:
    environment = JOB.request()["Environment"]
    assert environment["PYTHONPATH"] == "/opt/ml/input/data/code/0123abcd.zip"
    assert environment["FINEXPERT_USD_PER_HOUR"] == "1.515"


def test_only_spot_has_a_longest_wait_and_a_way_back_to_on_demand() -> None:
    assert "MaxWaitTimeInSeconds" not in json.dumps(definition(ON_DEMAND))
    found = states(SPOT)
    assert filled(found["SpotLimits"]["Parameters"]) == {
        "MaxRuntimeInSeconds": 7200,
        "MaxWaitTimeInSeconds": 14400,
    }
    again = filled(found["OnDemandInstead"]["Parameters"])
    assert (again["job_name"], again["run"], again["spot"]) == (f"{RUN}-od", RUN, False)
    assert found["OnDemandInstead"]["Next"] == "Admit"


def test_the_input_wins_over_its_defaults() -> None:
    prepared = filled(states(ON_DEMAND)["Prepare"]["Parameters"])
    assert prepared["request"] == {
        "dataset": "s3://data/datasets/sample/",
        "hyperparameters": {},
        "wake": False,
    }


@pytest.mark.parametrize(
    ("metric", "line", "value"),
    [
        (
            "train:loss",
            {
                "event": "step",
                "step": 3,
                "steps": 40,
                "loss": 2.125,
                "learning_rate": 1e-4,
                "tokens_per_second": 900.5,
            },
            "2.125",
        ),
        (
            "train:tokens_per_second",
            {
                "event": "step",
                "step": 3,
                "steps": 40,
                "loss": 2.1,
                "learning_rate": 1e-4,
                "tokens_per_second": 900.5,
            },
            "900.5",
        ),
        (
            "validation:loss",
            {"event": "evaluation", "split": "validation", "loss": 1e-05, "bits_per_byte": 1.5},
            "1e-05",
        ),
        (
            "validation:bits_per_byte",
            {"event": "evaluation", "split": "validation", "loss": 2.0, "bits_per_byte": 1.5},
            "1.5",
        ),
    ],
)
def test_metrics_are_read_from_what_the_trainer_prints(metric: str, line: dict[str, Any], value: str) -> None:
    text = json.dumps(line)
    found = {name: match[1] for name, regex in METRICS.items() if (match := re.search(regex, text))}
    assert found[metric] == value
    assert all(name.split(":")[0] == metric.split(":")[0] for name in found)
    assert not any(
        re.search(regex, json.dumps({"event": "log", "message": "loss"})) for regex in METRICS.values()
    )


def test_what_functions_refuse_with_is_known_to_the_state_machine() -> None:
    from lambdas.admission import decision, handler
    from lambdas.read_evaluation import archive, evaluation
    from lambdas.shared import environment, prices
    from training import dataset, hyperparameters

    raised = [
        decision.BudgetExceeded,
        handler.SpendUnknown,
        archive.ArchiveError,
        evaluation.EvaluationError,
        environment.ConfigurationError,
        prices.UnknownPrice,
        dataset.DatasetError,
        hyperparameters.HyperparameterError,
    ]
    assert {error.__name__ for error in raised} == set(REFUSALS)
