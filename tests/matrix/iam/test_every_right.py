"""Every right of every deployed role is used, and without it a request that the role made is refused.

The app runs through `SCENARIOS` once, on a cloud that checks policies and keeps each role's requests. Then
each action of each statement is taken away in turn, and the requests on record are judged again by the same
rules. A right whose removal refuses nothing is one too many: it goes from infra/, or it belongs to what a
service does without a request (`BY_THE_SERVICE`), which no emulation shows.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.endpoint.hosting import PARAMETER
from finexpert.service.asking import inference
from finexpert.service.deployment import describe_stack
from finexpert.service.runs import executions
from tests.functional.guardrails.guarded_app import (
    App,
    call_component,
    eventually,
    guarded_app,
    make_endpoint,
    names_of_endpoints,
)
from tests.functional.guardrails.teardown_states import awake, settled, waking
from tests.matrix.iam.rights_needed import Statement, lacking, policies_of, superfluous

DATASET = {"documents": 9, "bytes": 9000, "tokens_estimated": 2000, "optimizer_steps": 2, "warnings": []}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app, deployed."""
    with guarded_app(tmp_path_factory.mktemp("rights")) as made:
        made.deploy()
        yield made


@pytest.fixture(scope="module")
def policies(app: App) -> dict[str, list[Statement]]:
    """The statements of every role that the app has, by role; read before anything is torn down."""
    return policies_of(app)


def a_run_is_accepted_woken_and_asked(app: App) -> None:
    """The state machine, its three functions, the job, the endpoint."""
    run = app.start(wake=True, max_steps="15")
    ended = app.ended(run)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    assert executions.output_of(ended)["outcome"] == "accepted", ended["output"]
    base, tuned = inference.ask(app.deployment, "The results", {"max_new_tokens": 4})
    assert base.text and tuned.text
    awake(app)  # with another adapter in this one's place
    bucket = app.deployment.output("Storage", "ArtifactBucketName")
    nowhere = f"s3://{bucket}/runs/none/output/model.tar.gz"
    job = {"TrainingJobName": "none", "ModelArtifacts": {"S3ModelArtifacts": nowhere}}
    missing = app.invoke("read-evaluation", {"run": "none", "training_job": job, "admission": {}})
    assert "denied" not in str(missing["errorMessage"]).lower(), missing


def a_woken_model_does_not_answer(app: App) -> None:
    """finish-wake: a wake that was of something else has failed; a silent adapter puts Hosting to sleep."""
    tuned = app.deployment.names.tuned_component
    sagemaker = app.client("sagemaker")
    sagemaker.delete_inference_component(InferenceComponentName=tuned)
    eventually(lambda: not sagemaker.list_inference_components(NameContains=tuned)["InferenceComponents"])
    other = app.invoke("finish-wake", {"artifact": "s3://nowhere/model.tar.gz"})
    assert other == {"outcome": "failed"}, other
    parameters = describe_stack(app.deployment, "Hosting")["Parameters"]
    served = {each["ParameterKey"]: each["ParameterValue"] for each in parameters}[PARAMETER]
    silent = app.invoke("finish-wake", {"artifact": served})
    assert "the tuned model does not answer" in str(silent), silent
    settled(app)
    assert not names_of_endpoints(app)
    awake(app)


def a_run_is_aborted(app: App) -> None:
    """EventBridge calls stop-training; its job was interrupted with a checkpoint before."""
    run = app.start(epoch="500", save_steps="5")
    sagemaker = app.client("sagemaker")

    def status(of: str) -> str:
        job = sagemaker.describe_training_job(TrainingJobName=of)
        return str(job["TrainingJobStatus"] + job["SecondaryStatus"])

    def training() -> bool:
        jobs = sagemaker.list_training_jobs(NameContains=run)["TrainingJobSummaries"]
        return bool(jobs) and status(run) == "InProgressTraining"

    eventually(training, why="the job does not train")
    assert executions.stop(app.deployment, run)
    eventually(lambda: status(run).startswith("Stopped"), why="the job was not stopped")


def an_idle_endpoint_is_warned_and_reaped(app: App) -> None:
    """The reaper: first Hosting, by its stack; then an endpoint that no stack owns, with a component."""
    make_endpoint(app, "forgotten")
    quick: dict[str, Any] = {
        "IDLE_MINUTES": "0.01",
        "MIN_AGE_MINUTES": "0",
        "METRIC_DELAY_MINUTES": "0",
        "DRY_RUN": "false",
    }
    app.invoke("idle-reaper", WARN_MINUTES="5", **quick)
    call_component(app, "forgotten")
    used = app.invoke("idle-reaper", WARN_MINUTES="5", **{**quick, "IDLE_MINUTES": "5"})
    assert "delete" not in [decision["action"] for decision in used["decisions"]], used
    answers: list[Any] = []

    def reaped() -> bool:
        answers.append(app.invoke("idle-reaper", **quick))
        return not names_of_endpoints(app)

    eventually(reaped, why=f"an idle endpoint is still there: {answers[-1:]}")
    eventually(lambda: describe_stack(app.deployment, "Hosting")["StackStatus"].endswith("_COMPLETE"))


def the_limit_is_reached(app: App) -> None:
    """The spend guard: a job runs and an endpoint is there, and the budget is gone."""
    run = app.start(epoch="500")
    sagemaker = app.client("sagemaker")
    eventually(lambda: sagemaker.list_training_jobs(NameContains=run)["TrainingJobSummaries"])
    make_endpoint(app, "costly")
    app.invoke("admission", {"job": "finexpert-1", "spot": False, "dataset": DATASET})
    app.invoke("idle-reaper", DRY_RUN="true")
    app.invoke("spend-guard")
    broke: dict[str, Any] = {"BUDGET_USD": "0.0000002", "RESERVE_USD": "0.0000001"}
    for begin in (waking, awake):
        begin(app)
        app.invoke("spend-guard", **broke)
        settled(app)
    answers = []

    def all_stopped() -> bool:
        answers.append(app.invoke("spend-guard", **broke))
        return not names_of_endpoints(app)

    eventually(all_stopped, why=f"the guard has left an endpoint: {answers[-2:]}")
    app.ended(run)


def everything_is_torn_down(app: App) -> None:
    """The teardown function: an execution and its job run, packages and an endpoint of ours are there."""
    run = app.start(epoch="500")
    sagemaker = app.client("sagemaker")
    eventually(lambda: sagemaker.list_training_jobs(NameContains=run)["TrainingJobSummaries"])
    start_job_like(app, run)
    make_endpoint(app, "left-behind")
    app.destroy()
    assert not names_of_endpoints(app)


def start_job_like(app: App, run: str) -> None:
    """A training job that no execution will stop when it ends."""
    sagemaker = app.client("sagemaker")
    job = sagemaker.describe_training_job(TrainingJobName=run)
    fields = ("AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig")
    more = ("StoppingCondition", "HyperParameters", "Environment")
    sagemaker.create_training_job(
        TrainingJobName="finexpert-left-behind",
        Tags=[{"Key": "finexpert:project", "Value": "FinExpert"}],
        **{field: job[field] for field in (*fields, *more)},
    )


SCENARIOS: tuple[Callable[[App], None], ...] = (
    a_run_is_accepted_woken_and_asked,
    a_woken_model_does_not_answer,
    a_run_is_aborted,
    an_idle_endpoint_is_warned_and_reaped,
    the_limit_is_reached,
    everything_is_torn_down,
)


@pytest.mark.timeout(1800)
def test_every_scenario_works_and_every_right_is_needed(
    app: App, policies: dict[str, list[Statement]]
) -> None:
    for scenario in SCENARIOS:
        scenario(app)
    asked = app.cloud.ask("GET", "access")["access"]
    assert lacking(policies, asked) == []
    assert len(policies) >= 11
    unused = superfluous(policies, asked)
    assert not unused, "\n".join(unused)
