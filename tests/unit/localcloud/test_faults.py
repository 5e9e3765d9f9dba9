"""Which requests meet a fault, how often, and which faults are refused."""

from typing import Any

import pytest

from localcloud.faults import BadFault, Fault, Faults, fault_of

THROTTLING = Fault(service="sagemaker", operation="CreateTrainingJob", error="ThrottlingException", times=2)


def test_a_fault_is_met_as_often_as_asked_and_by_its_operation_only() -> None:
    faults = Faults()
    faults.add(THROTTLING)
    assert faults.take("sagemaker", "StopTrainingJob") is None
    assert faults.take("s3", "CreateTrainingJob") is None
    met = [faults.take("sagemaker", "CreateTrainingJob") for _ in range(3)]
    assert [fault.error if fault else "" for fault in met] == ["ThrottlingException"] * 2 + [""]
    assert not faults.waiting()


def test_requests_pass_before_the_first_that_is_to_fail() -> None:
    faults = Faults()
    faults.add(Fault(service="s3", operation="*", error="SlowDown", skip=2))
    names = ("PutObject", "GetObject", "PutObject")
    assert [bool(faults.take("s3", name)) for name in names] == [False, False, True]


def test_clearing_forgets_them() -> None:
    faults = Faults()
    faults.add(THROTTLING)
    faults.clear()
    assert faults.take("sagemaker", "CreateTrainingJob") is None


@pytest.mark.parametrize(
    ("error", "status"), [("ThrottlingException", 400), ("SlowDown", 503), ("InternalError", 500)]
)
def test_the_status_is_the_usual_one_of_the_code(error: str, status: int) -> None:
    assert Fault(service="s3", operation="*", error=error).http_status == status


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({}, 'needs "service"'),
        ({"service": "s3", "operation": "", "error": "SlowDown"}, "names a service"),
        ({"service": "s3", "operation": "*"}, "has an error, a delay_seconds"),
        ({"service": "s3", "operation": "*", "error": "SlowDown", "times": 0}, "1 or more"),
        ({"service": "s3", "operation": "*", "error": "SlowDown", "times": True}, "of type int"),
        ({"service": "s3", "operation": "*", "error": "SlowDown", "status": 200}, "between 400 and 599"),
        ({"service": "s3", "operation": "*", "delay_seconds": 1e9}, "0 to 900"),
        ({"service": "s3", "operation": "*", "err": "SlowDown"}, "has no 'err'"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_the_reason(asked: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadFault, match=reason):
        fault_of(asked)


def test_whole_seconds_are_seconds() -> None:
    assert fault_of({"service": "s3", "operation": "*", "delay_seconds": 2}).delay_seconds == 2
