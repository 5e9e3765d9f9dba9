"""The run card goes with the package, and a run does not fail with a refused card."""

from typing import Any

import pytest

from tests.unit.infra.test_definition import ON_DEMAND, STATE, filled, states


@pytest.mark.parametrize(
    ("name", "approval"), [("RegisterAccepted", "Approved"), ("RegisterRejected", "Rejected")]
)
def test_a_refused_card_leaves_a_package_without_one(name: str, approval: str) -> None:
    found = states(ON_DEMAND)
    with_card, without = found[name], found[f"{name}WithoutCard"]
    request: dict[str, Any] = filled(with_card["Parameters"])
    assert request.pop("ModelCard") == {
        "ModelCardContent": STATE["evaluation"]["answer"]["model_card"],
        "ModelCardStatus": "PendingReview",
    }
    assert request["ModelApprovalStatus"] == approval
    assert filled(without["Parameters"]) == request
    (refused,) = with_card["Catch"]
    assert (refused["ErrorEquals"], refused["Next"]) == (["States.ALL"], f"{name}WithoutCard")
    assert with_card["Next"] == without["Next"]


@pytest.mark.parametrize(
    ("name", "next_"), [("RegisterAccepted", "WakeWanted"), ("RegisterRejected", "NotifyRejected")]
)
def test_a_registration_that_fails_stops_no_publication(name: str, next_: str) -> None:
    found = states(ON_DEMAND)
    (caught,) = found[f"{name}WithoutCard"]["Catch"]
    assert caught["ErrorEquals"] == ["States.ALL"]
    without_package = found[caught["Next"]]
    assert without_package["Next"] == next_
    assert without_package["Parameters"] == {"ModelPackageArn": ""}
    assert found["WakeWanted"]["Default"] == "PublishArtifact"


def test_the_outputs_of_a_run_do_not_repeat_the_card() -> None:
    evaluation = filled(states(ON_DEMAND)["Accepted"]["Parameters"])["evaluation"]
    assert evaluation == {k: v for k, v in STATE["evaluation"]["answer"].items() if k != "model_card"}
