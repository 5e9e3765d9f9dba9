"""A training job that somebody else made under a run's name gives no verdict, and no archive another's."""

import copy
import json
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from core.evaluation.adoption import differences
from core.evaluation.evaluation import EvaluationError
from core.evaluation.reading import read
from finexpert.errors import NotFound, UserError
from finexpert.service.endpoint import artifacts, switch
from finexpert.service.runs import executions
from tests.fakes import deployment as fakes
from tests.fakes.archives import packed
from tests.fakes.cloud import REGION, Cloud
from tests.unit.attack.test_verdicts import GOOD
from tests.unit.infra.state_language import CONTEXT, JOB, ON_DEMAND, RUN, SPOT, filled, states

BEGAN = datetime.fromisoformat(str(CONTEXT["Execution"]["StartTime"]))
ASKED = filled(JOB.request())
BUCKET, KEY = "artifacts", f"runs/{RUN}/output"


def described(asked: dict[str, Any]) -> dict[str, Any]:
    """What SageMaker says of a job that was asked for so: the same, and more."""
    job = copy.deepcopy(asked)
    job.pop("Tags")
    for channel in job["InputDataConfig"]:
        channel |= {"CompressionType": "None", "RecordWrapperType": "None"}
    job["AlgorithmSpecification"]["EnableSageMakerMetricsTimeSeries"] = True
    return job | {
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{RUN}",
        "TrainingJobStatus": "Completed",
        "CreationTime": "2026-11-23T21:02:10.123Z",
        "TrainingStartTime": "2026-11-23T21:03:10.123Z",
        "TrainingEndTime": "2026-11-23T21:09:10.123Z",
        "BillableTimeInSeconds": 300,
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://{BUCKET}/{KEY}/model.tar.gz"},
    }


def changed(path: str, value: Any) -> dict[str, Any]:
    """A job with one thing other than asked: `None` takes it away."""
    job = described(ASKED)
    *steps, last = path.split(".")
    place: Any = job
    for step in steps:
        place = place[int(step)] if step.isdigit() else place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return job


FOREIGN = {
    "an earlier job": ("CreationTime", "2026-11-23T21:01:32.999Z"),
    "a job without a time": ("CreationTime", None),
    "another image": ("AlgorithmSpecification.TrainingImage", "evil.example/image:1"),
    "another program": ("AlgorithmSpecification.ContainerEntrypoint", ["sh", "-c", "true"]),
    "arguments": ("AlgorithmSpecification.ContainerArguments", ["--forge"]),
    "another role": ("RoleArn", "arn:aws:iam::123456789012:role/admin"),
    "another path for modules": ("Environment.PYTHONPATH", "/opt/ml/input/data/training"),
    "a library before all others": ("Environment.LD_PRELOAD", "/opt/ml/input/data/training/a.so"),
    "other settings": ("HyperParameters.epoch", "50"),
    "other data": ("InputDataConfig.0.DataSource.S3DataSource.S3Uri", "s3://evil/data/"),
    "other code": ("InputDataConfig.2.DataSource.S3DataSource.S3Uri", "s3://evil/code.zip"),
    "a network": ("EnableNetworkIsolation", False),
    "output elsewhere": ("OutputDataConfig.S3OutputPath", "s3://evil/runs/"),
    "checkpoints of another": ("CheckpointConfig.S3Uri", "s3://evil/checkpoints/"),
}


def event(job: dict[str, Any], *, adopted: bool = True) -> dict[str, Any]:
    """What ReadEvaluation is called with, as the definition fills it in."""
    payload = filled(states(ON_DEMAND)["ReadEvaluation"]["Parameters"]["Payload"])
    refusal = {"Error": "SageMaker.ResourceInUseException", "Cause": "It exists."} if adopted else {}
    return {**payload, "training_job": job, "adopted": refusal}


@pytest.fixture
def cloud() -> Cloud:
    made = Cloud()
    made.objects[BUCKET, f"{KEY}/output.tar.gz"] = packed(("evaluation.json", json.dumps(GOOD).encode()))
    made.objects[BUCKET, f"{KEY}/model.tar.gz"] = b"the judged adapter"
    return made


@pytest.mark.parametrize(("path", "value"), FOREIGN.values(), ids=FOREIGN)
def test_a_job_that_the_run_did_not_ask_for_gives_no_verdict(cloud: Cloud, path: str, value: Any) -> None:
    forged = changed(path, value)
    with pytest.raises(EvaluationError, match=r"is not the one that this run asked for.*CloudTrail"):
        read(event(forged), bucket=BUCKET, region=REGION, clients=cloud)
    assert not cloud.called("PutObject")


def test_a_channel_more_is_another_job() -> None:
    forged = described(ASKED)
    forged["InputDataConfig"].append({"ChannelName": "validation"})
    assert differences(ASKED, forged, began=BEGAN) == ["InputDataConfig"]


def test_the_runs_own_job_is_taken_after_a_lost_answer(cloud: Cloud) -> None:
    answer = read(event(described(ASKED)), bucket=BUCKET, region=REGION, clients=cloud)
    assert answer["passed"] and answer["artifact_version"]


def test_the_machine_says_when_it_adopted_a_job_with_spot_and_without() -> None:
    for fine_tune in (ON_DEMAND, SPOT):
        catch = states(fine_tune)["CreateTrainingJob"]["Catch"][0]
        assert catch["ErrorEquals"] == ["SageMaker.ResourceInUseException"]
        assert catch["ResultPath"] == "$.adopted"
        payload = states(fine_tune)["ReadEvaluation"]["Parameters"]["Payload"]
        assert payload["adopted.$"] == "$.adopted" and payload["asked"] == fine_tune.job.request()
    assert states(SPOT)["OnDemandInstead"]["Parameters"]["adopted"] == {}


def deployment(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, **output: Any) -> Any:
    """A deployment with one run, whose execution ended with `output`."""
    found = {"output": json.dumps(output)}

    def describe(_: Any, run: str) -> dict[str, Any]:
        if run != RUN:
            raise NotFound(f"There is no run {run}.")
        return found

    monkeypatch.setattr(executions, "describe", describe)
    client = {"s3": cloud("s3"), "ssm": SimpleNamespace()}.__getitem__
    return fakes.deployment(client, output=BUCKET)


def judged(cloud: Cloud) -> dict[str, Any]:
    return dict(read(event(described(ASKED), adopted=False), bucket=BUCKET, region=REGION, clients=cloud))


@pytest.mark.parametrize("named", [True, False], ids=["by its name", "as the newest"])
def test_a_replaced_adapter_is_not_served(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    evaluation = judged(cloud)
    uri = evaluation["artifact_uri"]
    app = deployment(cloud, monkeypatch, outcome="accepted", evaluation=evaluation)
    monkeypatch.setattr(artifacts, "newest", lambda _: uri)
    run = RUN if named else None
    assert artifacts.wanted(app, run) == uri
    cloud.objects[BUCKET, f"{KEY}/model.tar.gz"] = b"another adapter"
    with pytest.raises(UserError, match="replaced after the quality gate") as refused:
        artifacts.wanted(app, run)
    assert f"finexpert wake {RUN} --refused" in refused.value.fix
    assert artifacts.wanted(app, RUN, refused=True) == uri


@pytest.mark.parametrize("outcome", ["rejected", ""])
def test_a_run_that_was_not_accepted_is_served_only_where_that_is_said(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    app = deployment(cloud, monkeypatch, outcome=outcome)
    monkeypatch.setattr(artifacts, "_left_by", lambda _, run: f"s3://{BUCKET}/{KEY}/model.tar.gz")
    for begin in (switch.begin_wake, lambda app, run: switch.wake(app, run, progress=lambda *_: None)):
        monkeypatch.setattr(switch, "require_present", lambda _: None)
        with pytest.raises(UserError, match="has not accepted"):
            begin(app, RUN)
    assert artifacts.wanted(app, RUN, refused=True) == f"s3://{BUCKET}/{KEY}/model.tar.gz"


def test_the_adapter_of_a_run_on_demand_is_its_own(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"s3://{BUCKET}/runs/{RUN}-od/output/model.tar.gz"
    app = deployment(cloud, monkeypatch, outcome="accepted", evaluation={"artifact_uri": uri})
    assert artifacts.wanted(app, RUN) == uri
    assert artifacts.run_of(uri) == RUN


@pytest.mark.parametrize("name", ["../x", "a/b", "a:b", "", "a" * 81, "a b", "$(id)", "a\n"])
def test_what_is_no_runs_name_is_never_asked_for(name: str) -> None:
    def client(service: str) -> Any:
        return SimpleNamespace(exceptions=SimpleNamespace(ExecutionDoesNotExist=KeyError))

    with pytest.raises(NotFound, match="There is no run"):
        executions.describe(fakes.deployment(client), name)
