"""The state machine: its graph is whole, its paths exist, and what it tells is right."""

import json
import re
from fnmatch import fnmatch
from typing import Any

import pytest

from infra.settings import Settings
from infra.training.definition import definition, made_up
from infra.training.job import METRICS, FineTune
from infra.training.states import REFUSALS
from tests.unit.infra.state_language import JOB, ON_DEMAND, RUN, SPOT, STATE, at, filled, states, targets


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


def test_the_made_up_state_machine_is_the_deployed_one_but_for_its_arns() -> None:
    sample = made_up(Settings.load({}, {}))
    assert sample["States"].keys() == definition(ON_DEMAND)["States"].keys()
    assert made_up(Settings.load({"spot": "true"}, {}))["States"].keys() == definition(SPOT)["States"].keys()


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
    accepted, failed = (filled(found[f"Notify{end}"]["Parameters"]) for end in ("Accepted", "Failure"))
    assert STATE["evaluation"]["answer"]["sentence"] in accepted["Message"]
    assert STATE["evaluation"]["answer"]["report_uri"] in accepted["Message"]
    assert accepted["Subject"] == "FinExpert: a fine-tune was accepted"
    assert accepted["Message"].startswith("Q3 wording was accepted. ")
    assert failed["Message"].startswith("Q3 wording failed (BudgetExceeded): ")
    assert failed["Message"].endswith(f"logStreamNameFilter$3D{RUN}")


def test_the_program_is_found_where_the_channel_puts_it() -> None:
    environment = JOB.request()["Environment"]
    assert environment["PYTHONPATH"] == "/opt/ml/input/data/code/0123abcd.zip"
    assert environment["FINEXPERT_USD_PER_HOUR"] == "1.515"
    names = filled({name: value for name, value in environment.items() if name.endswith(".$")})
    assert names == {
        **{"FINEXPERT_RUN": RUN, "FINEXPERT_NAME": "Q3 wording"},
        **{"FINEXPERT_BY": "ana", "FINEXPERT_DATA": "sample"},
    }


def test_only_spot_has_a_longest_wait_and_a_way_back_to_on_demand() -> None:
    assert "MaxWaitTimeInSeconds" not in json.dumps(definition(ON_DEMAND))
    found = states(SPOT)
    limits = {"MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 14400}
    assert filled(found["SpotLimits"]["Parameters"]) == limits
    again = filled(found["OnDemandInstead"]["Parameters"])
    assert (again["job_name"], again["run"], again["spot"]) == (f"{RUN}-od", RUN, False)
    assert [job["TrainingJobName"] for job in again["earlier_jobs"]] == [RUN]
    assert found["OnDemandInstead"]["Next"] == "Admit"


def test_the_input_wins_over_its_defaults() -> None:
    assert filled(states(ON_DEMAND)["Defaults"]["Parameters"]) == STATE["defaults"]
    prepared = filled(states(ON_DEMAND)["Prepare"]["Parameters"])
    assert prepared["request"] == STATE["defaults"] | {"dataset": "s3://data/datasets/sample/"}


STEP = {"event": "step", "step": 3, "steps": 40, "loss": 2.125, "learning_rate": 1e-4}
STEP["tokens_per_second"] = 900.5
HELD_OUT = {"event": "evaluation", "split": "validation", "loss": 1e-05, "bits_per_byte": 1.5}


@pytest.mark.parametrize(
    ("metric", "line", "value"),
    [
        ("train:loss", STEP, "2.125"),
        ("train:tokens_per_second", STEP, "900.5"),
        ("validation:loss", HELD_OUT, "1e-05"),
        ("validation:bits_per_byte", HELD_OUT | {"loss": 2.0}, "1.5"),
    ],
)
def test_metrics_are_read_from_what_the_trainer_prints(metric: str, line: dict[str, Any], value: str) -> None:
    text = json.dumps(line)
    found = {name: match[1] for name, regex in METRICS.items() if (match := re.search(regex, text))}
    assert found[metric] == value
    assert all(name.split(":")[0] == metric.split(":")[0] for name in found)
    other = json.dumps({"event": "log", "message": "loss"})
    assert not any(re.search(regex, other) for regex in METRICS.values())


def test_what_functions_refuse_with_is_known_to_the_state_machine() -> None:
    from core import dataset, environment, hyperparameters
    from core.admission import decision, planning
    from core.endpoint import waking
    from core.evaluation import archive, evaluation
    from core.money import prices

    raised = [
        decision.BudgetExceeded,
        planning.SpendUnknown,
        archive.ArchiveError,
        evaluation.EvaluationError,
        environment.ConfigurationError,
        prices.UnknownPrice,
        dataset.DatasetError,
        hyperparameters.HyperparameterError,
        waking.ModelUnanswered,
    ]
    assert {error.__name__ for error in raised} == set(REFUSALS)


def test_a_woken_adapter_is_published_only_once_it_has_answered() -> None:
    found = states(ON_DEMAND)
    before = {name for name, state in found.items() if "PublishArtifact" in targets(state)}
    assert before == {"WakeWanted", "WakeEnded"}
    refused = found["FinishWake"]["Catch"][0]
    assert "ModelUnanswered" in refused["ErrorEquals"] and refused["Next"] == "Refused"
    unserved = found["PublishUnserved"]
    assert unserved["Parameters"] == found["PublishArtifact"]["Parameters"]
    assert unserved["Next"] == "NotifyFailure"


@pytest.mark.parametrize(
    ("status", "next_"),
    [
        ("UPDATE_IN_PROGRESS", "WaitForHosting"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "WaitForHosting"),
        ("UPDATE_COMPLETE", "FinishWake"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "WaitForHosting"),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "WaitForHosting"),
        ("UPDATE_ROLLBACK_COMPLETE", "FinishWake"),
        ("UPDATE_ROLLBACK_FAILED", "WakeFailed"),
        ("UPDATE_FAILED", "WakeFailed"),
    ],
)
def test_a_wake_is_finished_once_the_stack_is_at_rest(status: str, next_: str) -> None:
    awake = states(ON_DEMAND)["HostingAwake"]
    patterns = [(r.get("StringEquals") or r["StringMatches"], r["Next"]) for r in awake["Choices"]]
    assert next((to for pattern, to in patterns if fnmatch(status, pattern)), awake["Default"]) == next_


def test_a_run_that_goes_on_on_demand_has_all_that_it_began_with() -> None:
    begun, again = (states(SPOT)[name]["Parameters"] for name in ("Prepare", "OnDemandInstead"))
    assert {key.removesuffix(".$") for key in begun} <= {key.removesuffix(".$") for key in again}
