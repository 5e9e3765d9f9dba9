"""The test that holds each finding about real AWS accounts, or its question in the first-hour check."""

import re
from pathlib import Path

import pytest

from finexpert.doctor.questions import QUESTIONS

ROOT = Path(__file__).resolve().parents[3]
CLOUD, ENDPOINTS = "functional/localcloud/test_cloudformation.py", "functional/sagemaker/test_endpoints.py"
SLEEPING, WAKING = "unit/core/endpoint/test_sleeping.py", "unit/core/endpoint/test_waking.py"
ASKING, INVARIANTS = "unit/finexpert/service/asking/test_asking.py", "snapshot/test_invariants.py"

FINDINGS = {
    "C1 a CUDA 13 image on the usual host": [
        f"{ENDPOINTS}::test_a_cuda_13_image_on_a_host_with_an_older_driver_fails_without_a_log",
        "snapshot/rules/test_hosts.py::test_an_older_driver_does_not",
    ],
    "C2 SSM parameters are read with the caller's rights": [
        "functional/localcloud/test_rights.py::test_ssm_parameters_are_read_as_the_caller",
        "snapshot/rules/test_parameters.py::test_a_parameter_read_from_ssm_does_not",
    ],
    "C3 no CloudFormation tags on endpoints": [
        f"{CLOUD}::test_resources_carry_tags_of_stack_and_cloudformation",
        "unit/core/money/test_endpoints.py::test_it_counts_once_with_or_without_cloudformation_s_tags",
    ],
    "C4 a deletion in clean-up that fails": [
        f"{CLOUD}::test_what_an_update_cannot_delete_is_let_go",
        f"{SLEEPING}::test_what_outlived_its_stack_s_sleep_is_finished",
    ],
    "C5 the first hours of a month": [
        "functional/localcloud/test_guardrails.py::test_metrics_are_asked_for_a_window_that_goes_forward",
        "unit/core/money/test_every_hour.py::test_the_month_can_be_read_at_every_hour",
    ],
    "C6 anomaly monitors in member accounts": [
        f"{INVARIANTS}::test_the_anomaly_monitor_is_a_stack_of_its_own"
    ],
    "C7 an adapter that does not load": [
        "functional/sagemaker/test_components.py"
        "::test_an_adapter_that_does_not_load_is_in_service_and_answers_with_errors",
        f"{WAKING}::test_a_model_that_does_not_answer_is_named_and_the_endpoint_sleeps",
        "unit/infra/test_definition.py::test_a_woken_adapter_is_published_only_once_it_has_answered",
    ],
    "C8 ranks that vLLM does not know": [
        "unit/core/endpoint/test_adapters.py::test_every_recipes_rank_is_served_under_one_that_vllm_knows",
        "unit/core/endpoint/test_adapters.py::test_what_the_endpoint_could_not_load_is_refused",
    ],
    "C9 network interfaces outlive their endpoint": [
        f"{ENDPOINTS}::test_network_interfaces_outlive_their_endpoint_and_hold_group_and_subnet",
        "unit/lambdas/test_guards.py::test_network_interfaces_are_waited_for",
    ],
    "C10 no volume on types with disks": [
        "unit/core/money/test_spend.py::test_a_volume_is_billed_too_where_the_type_has_one"
    ],
    "L1 a wake that is cancelled": [
        f"{SLEEPING}::test_a_wake_that_is_cancelled_is_asked_for_again_until_it_is_over"
    ],
    "L2 an adapter while the endpoint updates": [
        f"{WAKING}::test_an_adapter_that_was_refused_while_the_endpoint_settled_gets_a_second_try"
    ],
    "L3 alarms after the first deploy": [f"{INVARIANTS}::test_a_silent_guard_alarms_after_three_periods"],
    "L4 sampling and errors of streams": [
        f"{ASKING}::test_sampling_sends_top_p_even_where_it_changes_nothing",
        f"{ASKING}::test_an_error_line_of_a_stream_is_shown_as_the_models_error",
    ],
    "L5 memory of one small GPU": [
        "unit/infra/test_container.py::test_adapters_and_requests_are_few_enough_for_a_small_gpu"
    ],
    "L6 Cost Explorer was never opened": [
        "unit/finexpert/doctor/test_doctor.py"
        "::test_the_anomaly_monitor_needs_the_management_account_and_cost_explorer"
    ],
    "U1 packed adapters": ["unit/infra/test_container.py::test_variables_for_unpacked_adapters_are_left_out"],
    "U2 the weights' prefix": ["unit/infra/test_base_weights.py::test_the_hubs_prefix_is_taken_and_said"],
    "U6 a registration that fails": [
        "unit/infra/test_run_card.py::test_a_registration_that_fails_stops_no_publication"
    ],
    "U7 how far back the trail is asked": [
        "unit/core/money/test_every_hour.py::test_the_month_can_be_read_at_every_hour"
    ],
}
ASKED = {
    "U3 gated weights in a training job": "weights mounted",
    "U4 fields that Step Functions knows": "definition",
    "U5 driver of training hosts": "training device",
    "U8 boto3 of the Lambda runtime": "Lambda runtime",
    "U9 the base model's offer": "hub document",
    "U10 Cognito": "sign-in",
}


@pytest.mark.parametrize("finding", FINDINGS)
def test_what_holds_it_is_still_there(finding: str) -> None:
    for test in FINDINGS[finding]:
        file, name = test.split("::")
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf"^ *def {name}\(", text, re.M), test


@pytest.mark.parametrize("finding", ASKED)
def test_what_only_aws_can_decide_is_asked_in_the_first_hour(finding: str) -> None:
    assert ASKED[finding] in {question.name for question in QUESTIONS}


def test_every_finding_has_its_place() -> None:
    wanted = [f"{kind}{n}" for kind, most in (("C", 10), ("L", 6), ("U", 10)) for n in range(1, most + 1)]
    assert sorted(wanted) == sorted(finding.split()[0] for finding in (*FINDINGS, *ASKED))
