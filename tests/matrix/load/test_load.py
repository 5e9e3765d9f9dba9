"""More than there is room for: a minute of fifty clients at once, and a thousand runs."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from core.endpoint import hosting
from tests.fakes.serving_model import build_model
from tests.fakes.waiting import eventually
from tests.functional.guardrails.guarded_app import App, patient
from tests.functional.guardrails.teardown_states import awake
from tests.unit.serving.serving_load import Tally, after, storm
from tests.unit.serving.serving_program import PROMPT, Running

CLIENTS, SECONDS, RUNS = 50, 60, 1000
BODY = {"inputs": PROMPT, "parameters": {"max_new_tokens": 8}}


def test_a_minute_of_fifty_clients_at_the_container(tmp_path: Path) -> None:
    build_model(tmp_path / "model")
    with Running(tmp_path) as server:
        tally = storm(
            lambda: str(server.ask("POST", "/invocations", BODY)[0]), clients=CLIENTS, until=after(SECONDS)
        )
        told(tally)
        assert set(tally.outcomes) == {"200", "429"}, tally
        assert sum(tally.outcomes.values()) == tally.sent
        assert server.logged("POST /invocations", tally.sent) == tally.sent
        assert server.ask("GET", "/ping")[0] == 200


@pytest.mark.timeout(600)
def test_a_minute_of_fifty_clients_at_the_endpoint(app: App) -> None:
    """Through InvokeEndpoint: callers see the container's 429 as ModelError, and CloudWatch counts each."""
    awake(app)
    runtime, component = (
        patient(app, "sagemaker-runtime"),
        app.deployment.output("Hosting", "BaseComponentName"),
    )

    def ask() -> str:
        try:
            answer = runtime.invoke_endpoint(
                EndpointName=app.deployment.names.endpoint,
                InferenceComponentName=component,
                ContentType="application/json",
                Body=json.dumps(BODY),
            )
            assert json.loads(answer["Body"].read())["generated_text"] is not None
            return "200"
        except ClientError as error:
            return f"{error.response['Error']['Code']} {error.response.get('OriginalStatusCode', '')}"

    try:
        tally = storm(ask, clients=CLIENTS, until=after(SECONDS))
        told(tally)
        assert set(tally.outcomes) == {"200", "ModelError 429"}, tally
        assert sum(tally.outcomes.values()) == tally.sent
        assert counted(app, component) == tally.sent
    finally:
        hosting.sleep(app.client("cloudformation"), app.deployment.names.stack("Hosting"))


@pytest.mark.timeout(1800)
def test_a_thousand_runs_and_their_list(app: App) -> None:
    """All started one behind the other, each failing at once for want of a dataset; then listed by the
    command line."""
    states, machine = app.client("stepfunctions"), app.deployment.output("Training", "StateMachineArn")
    started = {f"{app.deployment.names.name}-{number:04d}" for number in range(RUNS)}
    for name in sorted(started):
        states.start_execution(stateMachineArn=machine, name=name, input="{}")
    eventually(lambda: not app.cloud.health()["executions"], seconds=600, why="not all runs have ended")
    began = time.monotonic()
    newest = listed(app, 20)
    took = time.monotonic() - began
    everything = listed(app, RUNS)
    print(
        f"{RUNS} runs; the newest 20 listed in {took:.1f} s, all in {time.monotonic() - began - took:.1f} s"
    )
    assert {run["name"] for run in everything} == started
    assert {run["status"] for run in everything} == {"FAILED"}
    assert newest == everything[:20]
    assert app.invoke("spend-guard")["problems"] == []


def listed(app: App, limit: int) -> list[dict[str, Any]]:
    """What `finexpert runs list` prints."""
    command = [sys.executable, "-m", "finexpert", "runs", "list", "--limit", str(limit), "--json"]
    environment = dict(app.deployment.target.environment)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def counted(app: App, component: str) -> float:
    """The component's Invocations of the last hour in CloudWatch."""
    points = app.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "InferenceComponentName", "Value": component}],
        StartTime=time.time() - 3600,
        EndTime=time.time() + 60,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def told(tally: Tally) -> None:
    """The figures, which `-s` shows."""
    print(f"{tally.sent} requests: {dict(tally.outcomes)}; the slowest answer took {tally.longest:.1f} s")
