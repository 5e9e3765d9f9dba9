"""How the first hour's check looks: AWS's answers as it might give them, and what is made of each."""

import io
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from finexpert.doctor import Verdict, looks
from finexpert.doctor.first_hour import Scene
from infra.settings import Settings
from localcloud.state_language import validation
from tests.fakes.deployment import AnsweringClient

NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
OUTPUTS = [
    {"OutputKey": "StateMachineArn", "OutputValue": "arn:aws:states:us-east-1:111122223333:stateMachine:x"},
    {"OutputKey": "IdleReaperName", "OutputValue": "finexpert-idle-reaper"},
]
RUN = "finexpert-20261129-191512-0a1b"


def scene(*, deployed: bool = True, **answers: Any) -> Scene:
    """The app in an account that answers like this."""
    from finexpert.service.deployment import Deployment

    gone = ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
    stack = {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": OUTPUTS}]}
    client = AnsweringClient({"describe_stacks": stack if deployed else gone, **answers})
    target: Any = SimpleNamespace(
        client=lambda service, region=None: client,
        is_local=False,
        region="us-east-1",
        describe=lambda: "on AWS",
    )
    return Scene(Deployment(target, Settings.load({}, {})), NOW, run=RUN)


GOOD = {"result": "OK", "diagnostics": []}


def test_the_deployed_definition_is_validated() -> None:
    described = {"definition": json.dumps({"States": {"a": {}, "b": {}}})}
    there = scene(describe_state_machine=described, validate_state_machine_definition=GOOD)
    found = looks.definition(there)
    assert found.verdict is Verdict.GOOD and "deployed, 2 states: OK" in found.said


def test_a_definition_can_be_validated_before_the_deploy() -> None:
    found = looks.definition(
        scene(deployed=False, validate_state_machine_definition=lambda **request: validation(request))
    )
    assert found.verdict is Verdict.GOOD and "not yet deployed" in found.said, found


def test_a_diagnostic_is_shown_as_it_is() -> None:
    told = {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": "ModelAccessConfig"}
    answer = {"result": "FAIL", "diagnostics": [told]}
    found = looks.definition(scene(deployed=False, validate_state_machine_definition=answer))
    assert found.verdict is Verdict.BAD and "SCHEMA_VALIDATION_FAILED: ModelAccessConfig" in found.said
    warned = {"result": "OK", "diagnostics": [told | {"severity": "WARNING"}]}
    assert looks.definition(scene(deployed=False, validate_state_machine_definition=warned)).verdict is (
        Verdict.UNKNOWN
    )


@pytest.mark.parametrize(
    ("change", "verdict"),
    [({}, Verdict.GOOD), ({"fts5": False}, Verdict.BAD), ({"if_match": False}, Verdict.BAD)],
)
def test_lambdas_python_says_what_it_has(change: dict[str, bool], verdict: Verdict) -> None:
    has = {"python": "3.13.1", "botocore": "1.40", "sqlite": "3.40", "fts5": True, "if_match": True} | change
    found = looks.runtime(scene(invoke={"Payload": io.BytesIO(json.dumps(has).encode())}))
    assert found.verdict is verdict and "SQLite 3.40" in found.said


def test_a_function_of_an_older_version_is_no_good_news() -> None:
    old = io.BytesIO(json.dumps({"decisions": []}).encode())
    assert looks.runtime(scene(invoke={"Payload": old})).verdict is Verdict.UNKNOWN


def test_a_log_that_is_kept_for_ever_is_named() -> None:
    def groups(logGroupNamePrefix: str) -> Any:
        ended = {"logGroupName": f"{logGroupNamePrefix}x", "retentionInDays": 30}
        endless = {"logGroupName": "/aws/sagemaker/Endpoints/finexpert"}
        return {"logGroups": [endless if "Endpoints" in logGroupNamePrefix else ended]}

    found = looks.log_groups(scene(describe_log_groups=groups))
    assert found.verdict is Verdict.BAD and "Endpoints/finexpert" in found.said
    assert looks.log_groups(scene(describe_log_groups={"logGroups": []})).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("code", "verdict"), [("AccessDenied", Verdict.BAD), ("", Verdict.GOOD), ("Throttling", Verdict.GOOD)]
)
def test_refused_calls_are_found_in_the_trail(code: str, verdict: Verdict) -> None:
    record = {"eventName": "CreateTrainingJob", "errorCode": code, "errorMessage": "no iam:PassRole"}
    events = {"Events": [{"CloudTrailEvent": json.dumps(record)}]}
    found = looks.denied(scene(lookup_events=events))
    assert found.verdict is verdict
    assert ("CreateTrainingJob: no iam:PassRole" in found.said) is (verdict is Verdict.BAD)


def job(*stages: str) -> dict[str, Any]:
    transitions = [
        {"Status": stage, "StartTime": NOW, "EndTime": NOW + timedelta(seconds=60 * number)}
        for number, stage in enumerate(stages, 1)
    ]
    return {
        "TrainingJobStatus": "Completed",
        "SecondaryStatusTransitions": transitions,
        "FailureReason": "no",
    }


def test_a_job_that_never_left_downloading_had_no_weights() -> None:
    found = looks.mounted(scene(describe_training_job=job("Starting", "Downloading", "Training")))
    assert found.verdict is Verdict.GOOD and "Downloading 2" in found.said
    assert looks.mounted(scene(describe_training_job=job("Starting", "Downloading"))).verdict is Verdict.BAD


def log(*lines: str) -> dict[str, Any]:
    def events(nextToken: str = "", **request: Any) -> dict[str, Any]:
        shown = [] if nextToken else [{"message": line} for line in lines]
        return {"events": shown, "nextForwardToken": "end"}

    return {"describe_log_streams": {"logStreams": [{"logStreamName": "s"}]}, "get_log_events": events}


def test_the_trainers_log_says_what_it_ran_on() -> None:
    lines = [
        json.dumps({"event": "phase", "phase": "load"}),
        json.dumps({"event": "log", "message": "7 parameters in bf16 on 1 × NVIDIA A10G (driver 580.65.06)"}),
        json.dumps({"event": "step", "tokens_per_second": 1700}),
        json.dumps({"event": "log", "message": "peak memory was 19.8 GiB, 20.5 GiB were predicted"}),
    ]
    assert looks.container(scene(**log(*lines))).verdict is Verdict.GOOD
    found = looks.device(scene(**log(*lines)))
    assert found.verdict is Verdict.GOOD
    assert "580.65.06" in found.said and "19.8 GiB" in found.said and "1,700 tokens" in found.said
    failed = looks.container(scene(**log("python: No module named training")))
    assert failed.verdict is Verdict.BAD and "No module named training" in failed.said
    assert looks.container(scene(**log())).verdict is looks.device(scene(**log())).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("tags", "verdict", "said"),
    [
        (["finexpert:stack", "finexpert:project"], Verdict.GOOD, "of AWS none"),
        (["finexpert:stack", "aws:cloudformation:stack-name"], Verdict.GOOD, "of AWS aws:cloudformation:"),
        (["aws:cloudformation:stack-name"], Verdict.BAD, "no own tag"),
    ],
)
def test_the_endpoints_tags_are_told_apart(tags: list[str], verdict: Verdict, said: str) -> None:
    listed = {"Tags": [{"Key": key, "Value": "x"} for key in tags]}
    found = looks.endpoint_tags(scene(describe_endpoint={"EndpointArn": "arn"}, list_tags=listed))
    assert found.verdict is verdict and said in found.said


def test_a_serving_container_without_a_line_is_no_good_news() -> None:
    found = looks.serving_log(scene(**log("INFO vLLM", "NVIDIA Driver Version: 580.65.06")))
    assert found.verdict is Verdict.GOOD and "driver 580.65.06" in found.said
    assert looks.serving_log(scene(**log())).verdict is Verdict.BAD


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (["InferenceComponentName"], Verdict.GOOD),
        (["EndpointName", "VariantName"], Verdict.GOOD),
        (["EndpointName", "VariantName", "InstanceId"], Verdict.BAD),
        ([], Verdict.UNKNOWN),
    ],
)
def test_metrics_are_looked_for_under_the_reapers_dimensions(names: list[str], verdict: Verdict) -> None:
    ours = [{"Name": name, "Value": "finexpert"} for name in names]
    others = [{"Name": "EndpointName", "Value": "someone-elses"}]
    listed = {"Metrics": [{"Dimensions": others}, *([{"Dimensions": ours}] if ours else [])]}
    assert looks.dimensions(scene(list_metrics=listed)).verdict is verdict


@pytest.mark.parametrize(("seconds", "verdict"), [(0, "unknown"), (200, "good"), (481, "bad")])
def test_the_time_to_stop_is_held_to_the_reserve(seconds: float, verdict: str) -> None:
    given = scene()
    given.sleep_seconds = seconds
    assert looks.time_to_stop(given).verdict == verdict


def test_a_run_that_succeeded_is_looked_at_before_a_newer_one_that_failed() -> None:
    listed = [
        {"name": "r-running", "status": "RUNNING", "startDate": NOW},
        {"name": "r-failed", "status": "FAILED", "startDate": NOW - timedelta(hours=1)},
        {"name": "r-good", "status": "SUCCEEDED", "startDate": NOW - timedelta(hours=2)},
    ]

    def newest(*runs: dict[str, Any]) -> str:
        pages: dict[str, Any] = {"list_executions": {"executions": list(runs)}}
        return looks.newest_run(scene(**pages, describe_training_job=job("Training")))

    assert newest(*listed) == "r-good"
    assert newest(*listed[:2]) == "r-failed"
    assert newest(listed[0]) == newest() == ""


def test_without_an_app_there_is_no_run() -> None:
    assert looks.newest_run(scene(deployed=False)) == ""
