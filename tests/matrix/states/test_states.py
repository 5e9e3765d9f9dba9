"""Every way through the state machine is gone on the embedded cloud, failures included.

The list of ways comes from the definition: one that no run here takes fails the last test.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.matrix.states.edges import Edge, edges
from tests.matrix.states.states_lab import HOSTING, PATIENCE_SECONDS, StatesLab

Fault = dict[str, Any]
NOTHING: Callable[[StatesLab], None] = lambda lab: None  # noqa: E731

OUT_OF_REACH = {
    ("HostingAwake", "Choice 2"): "CloudFormation ends an update as UPDATE_FAILED only where its caller has"
    " switched rollback off; the state machine does not, but a person may have"
}
"""Ways that no run can take here, with the reason."""


@dataclass(frozen=True)
class Run:
    """A run, and how it must end.

    faults: set before it starts. before: what else is. during: what happens while its execution runs.
    """

    ends: str = "FAILED"
    script: dict[str, str] = field(default_factory=dict)
    spot: bool = False
    wake: bool = False
    faults: tuple[Fault, ...] = ()
    before: Callable[[StatesLab], None] = NOTHING
    during: Callable[[StatesLab, str, bool], None] | None = None


def refused(service: str, operation: str, error: str, **more: Any) -> Fault:
    return {"service": service, "operation": operation, "error": error, **more}


def after(way: Edge, act: Callable[[StatesLab, str], object]) -> Callable[[StatesLab, str, bool], None]:
    """Does `act` for a run once its execution has gone this way."""

    def wait_and_act(lab: StatesLab, execution: str, spot: bool) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while way not in lab.ways(execution, spot=spot):
            assert time.monotonic() < deadline, f"{execution} has not gone {way}"
            time.sleep(0.1)
        act(lab, execution.rpartition(":")[2])

    return wait_and_act


stop_job = after(("TrainingEnded", "Default"), StatesLab.stop_job)
let_wake = after(("HostingAwake", "Default"), lambda lab, _run: lab.let_wake())
EVERY_TIME = 5  # what may pass is asked for once, and again four times
PUBLISH = refused("sns", "Publish", "AuthorizationError", times=EVERY_TIME)
NO_CAPACITY = refused("sagemaker", "ProvisionTrainingInstance", "CapacityError", message="No capacity there.")
PACKAGE = refused("sagemaker", "CreateModelPackage", "ConflictException")

RUNS: dict[str, Run] = {
    "accepted": Run("SUCCEEDED", before=StatesLab.forget_log_group),
    "accepted, on spot": Run("SUCCEEDED", spot=True, before=StatesLab.forget_log_group),
    "accepted, told to nobody": Run("SUCCEEDED", faults=(PUBLISH,)),
    "accepted, without a card": Run("SUCCEEDED", faults=(PACKAGE,)),
    "accepted, but not registered": Run("SUCCEEDED", faults=({**PACKAGE, "times": 2},)),
    "accepted, but not published": Run(
        faults=(refused("ssm", "PutParameter", "ParameterLimitExceeded", times=EVERY_TIME),)
    ),
    "rejected": Run("SUCCEEDED", {"gate": "no"}),
    "rejected, told to nobody": Run("SUCCEEDED", {"gate": "no"}, faults=(PUBLISH,)),
    "rejected, without a card": Run("SUCCEEDED", {"gate": "no"}, faults=(PACKAGE,)),
    "rejected, but not registered": Run("SUCCEEDED", {"gate": "no"}, faults=({**PACKAGE, "times": 2},)),
    "dataset refused": Run(script={"validate": "refuse"}),
    "dataset refused, told to nobody": Run(script={"validate": "refuse"}, faults=(PUBLISH,)),
    "validation broken": Run(script={"validate": "break"}),
    "not admitted": Run(script={"admit": "refuse"}),
    "admission broken": Run(script={"admit": "break"}),
    "no log group": Run(
        faults=(refused("logs", "CreateLogGroup", "LimitExceededException"),),
        before=StatesLab.forget_log_group,
    ),
    "log group without end": Run(
        faults=(refused("logs", "PutRetentionPolicy", "LimitExceededException"),),
        before=StatesLab.forget_log_group,
    ),
    "no job": Run(faults=(refused("sagemaker", "CreateTrainingJob", "ResourceLimitExceeded"),)),
    "job there already": Run("SUCCEEDED", before=lambda lab: lab.create_job(lab.next_name)),
    "job out of sight": Run(faults=(refused("sagemaker", "DescribeTrainingJob", "ResourceNotFound"),)),
    "job fails": Run(script={"job": "fail"}),
    "job is stopped": Run(script={"job": "wait"}, during=stop_job),
    "spot job fails": Run(script={"job": "fail"}, spot=True),
    "spot job is stopped": Run(script={"job": "wait"}, spot=True, during=stop_job),
    "spot without capacity": Run("SUCCEEDED", spot=True, faults=(NO_CAPACITY,)),
    "spot without capacity, woken": Run(
        "SUCCEEDED", {"artifact": "c"}, spot=True, wake=True, faults=(NO_CAPACITY,)
    ),
    "evaluation refused": Run(script={"read": "refuse"}),
    "evaluation broken": Run(script={"read": "break"}),
    "woken": Run("SUCCEEDED", {"artifact": "slow"}, wake=True, during=let_wake),
    "awake with the same already": Run("SUCCEEDED", {"artifact": "slow"}, wake=True),
    "woken after another update": Run(
        "SUCCEEDED",
        {"artifact": "b"},
        wake=True,
        faults=(
            refused(
                "cloudformation",
                "UpdateStack",
                "ValidationError",
                message=f"Stack:{HOSTING} is in UPDATE_IN_PROGRESS state and can not be updated.",
            ),
        ),
    ),
    "not to be woken": Run(wake=True, faults=(refused("cloudformation", "UpdateStack", "AccessDenied"),)),
    "neither woken nor published": Run(
        wake=True,
        faults=(
            refused("cloudformation", "UpdateStack", "AccessDenied"),
            refused("ssm", "PutParameter", "ParameterLimitExceeded", times=EVERY_TIME),
        ),
    ),
    "woken, but silent": Run(script={"artifact": "silent"}, wake=True),
    "woken, but not asked": Run(script={"artifact": "unasked"}, wake=True),
    "waking out of sight": Run(
        wake=True, faults=(refused("cloudformation", "DescribeStacks", "LimitExceededException"),)
    ),
    "waking rolled back": Run(script={"artifact": "broken"}, wake=True),
}


@pytest.fixture(scope="module")
def gone() -> dict[bool, set[Edge]]:
    """The ways gone so far: on demand, and on spot."""
    return {False: set(), True: set()}


@pytest.mark.parametrize("name", RUNS)
def test_the_run_ends_as_it_must(name: str, lab: StatesLab, gone: dict[bool, set[Edge]]) -> None:
    run = RUNS[name]
    run.before(lab)
    for fault in run.faults:
        lab.fail(**fault)
    execution = lab.start(spot=run.spot, wake=run.wake, **run.script)
    if run.during:
        run.during(lab, execution, run.spot)
    status, ways = lab.ended(execution, spot=run.spot)
    left = lab.cloud.ask("GET", "faults")
    lab.cloud.ask("DELETE", "faults")
    gone[run.spot] |= ways
    assert status == run.ends
    assert left == {"faults": []}, "a fault that nothing met"


def test_every_way_of_the_definition_has_been_gone(lab: StatesLab, gone: dict[bool, set[Edge]]) -> None:
    on_demand, on_spot = (edges(lab.machines[spot][1]) for spot in (False, True))
    assert on_demand - gone[False] - gone[True] == set(OUT_OF_REACH)
    # Spot's own ways must have been gone on spot; the others lead where they lead on demand.
    assert on_spot - on_demand - gone[True] == set()
    assert (gone[False] | gone[True]) <= on_demand | on_spot
