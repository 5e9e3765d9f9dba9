"""Carries out a row of the table, and what holds after every fault: nothing lost, stuck, or billing."""

from tests.fakes.waiting import eventually
from tests.functional.guardrails.fault_actions import Told
from tests.functional.guardrails.fault_table import Row
from tests.functional.guardrails.guarded_app import App, names_of_endpoints


def check(app: App, told: Told, row: Row) -> None:
    """Ask for the row's faults, carry it out, and look at what is left."""
    app.cloud.ask("DELETE", "faults")
    app.upload()  # before the faults: they are for the product, not for the test's own requests
    for fault in row.faults:
        app.cloud.ask("POST", "faults", fault)
    asked = app.cloud.ask("GET", "faults")["faults"]
    try:
        seen = row.carry_out(app, told)
        waiting = app.cloud.ask("GET", "faults")["faults"]
    finally:
        app.cloud.ask("DELETE", "faults")
    assert row.sees in seen, seen
    never_met = [fault for fault in asked if fault in waiting]  # of one that was met, fewer times are left
    assert not never_met, never_met
    eventually(lambda: not app.cloud.health()["executions"], why="an execution is stuck")
    jobs = app.client("sagemaker").list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]
    assert not jobs, f"still billing: {jobs}"
    assert not names_of_endpoints(app)
