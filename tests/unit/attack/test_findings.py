"""Which test holds each finding of the attack, and what already held: none may be lost.

A test stands where its subject's tests stand. Those in `tests/unit` run with `make unit`, those in
`tests/functional` with `make test`, and those in `tests/matrix` with `make test-all`.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOOR = "tests/functional/localcloud/test_door.py"

FINDINGS = {
    "1 the embedded cloud runs anybody's code": [
        f"{DOOR}::test_no_one_without_the_secret_gets_anything",
        f"{DOOR}::test_a_foreign_page_gets_nothing_even_with_the_secret",
        "tests/unit/localcloud/test_door.py::test_a_foreign_page_is_refused_though_signed",
        "tests/matrix/attack/test_browser.py::test_a_page_of_another_site_gets_nothing",
        "tests/matrix/attack/test_browser.py::test_a_name_that_was_made_to_point_here_gets_nothing",
    ],
    "2 UpdateStack is administrator": [
        "tests/functional/localcloud/test_update_stack.py::test_no_caller_updates_without_the_narrow_role_and_types",
        "tests/functional/localcloud/test_update_stack.py::test_no_template_makes_more_than_the_endpoint",
        "tests/functional/localcloud/test_update_stack.py::test_no_caller_makes_a_role_or_reads_a_dataset",
        "tests/snapshot/rules/test_update_stack.py::test_an_update_without_one_of_them_does_not",
    ],
    "3 a record leads to a signal": [
        "tests/unit/localcloud/test_processes.py::test_a_damaged_record_of_a_cloud_is_named_and_nothing_touched",
        "tests/unit/localcloud/test_processes.py::test_a_hand_made_record_with_the_right_start_time_hits_no_stranger",
    ],
    "4 the page's key in argv": [
        "tests/unit/attack/test_reports.py::test_the_browser_is_started_without_the_key",
        "tests/unit/attack/test_private_files.py::test_no_program_is_started_with_a_key_among_its_arguments",
    ],
    "5 money and the page on AWS": [
        "tests/unit/attack/test_page_costs.py::test_the_page_is_closed_at_the_limit_and_opens_again_below_it",
        "tests/unit/attack/test_page_costs.py::test_a_month_of_strangers_costs_what_the_docs_say_and_less_than_the_budget",
        "tests/unit/finexpert/web/test_aws.py::test_only_this_pages_access_token_signs_in",
        "tests/functional/guardrails/test_money.py::test_every_threshold_reaches_a_subscriber_and_the_guard_acts_before_the_budget",
    ],
    "6 adopted jobs, believed verdicts": [
        "tests/unit/attack/test_verdicts.py::test_a_forged_verdict_is_refused",
        "tests/unit/attack/test_verdicts.py::test_only_names_of_the_list_come_into_the_model_card",
        "tests/unit/attack/test_adopted_jobs.py::test_a_job_that_the_run_did_not_ask_for_gives_no_verdict",
        "tests/unit/attack/test_adopted_jobs.py::test_a_replaced_adapter_is_not_served",
    ],
    "7 saved reports run scripts": [
        "tests/unit/attack/test_reports.py::test_a_report_carries_its_policy_before_anything_of_the_job"
    ],
    "8 prompts in the trail": [f"{DOOR}::test_no_prompt_or_message_is_in_the_trail"],
    "9 rejected runs through wake": [
        "tests/unit/attack/test_adopted_jobs.py::test_a_run_that_was_not_accepted_is_served_only_where_that_is_said",
        "tests/unit/finexpert/cli/test_wake.py::test_a_refused_run_is_served_only_if_that_is_said",
        "tests/unit/attack/test_adopted_jobs.py::test_what_is_no_runs_name_is_never_asked_for",
    ],
    "10 hostile adapters": [
        "tests/unit/attack/test_adapters.py::test_settings_that_could_do_harm_are_refused",
        "tests/unit/attack/test_adapters.py::test_settings_for_a_training_change_nothing_of_the_base",
        "tests/unit/attack/test_adapters.py::test_only_who_has_the_key_changes_adapters_and_no_page_asks",
        "tests/unit/serving/test_worker.py::test_a_change_without_end_makes_the_server_unhealthy",
    ],
    "11 headers of archives": [
        "tests/unit/attack/test_archives.py::test_a_huge_header_is_refused_everywhere"
    ],
    "12 the terminal": ["tests/unit/attack/test_terminal.py::test_no_way_of_printing_lets_it_through"],
    "13 readable state": [
        f"{DOOR}::test_nothing_that_the_cloud_wrote_is_open_to_others",
        f"{DOOR}::test_another_user_of_this_machine_finds_no_key",
        "tests/unit/attack/test_private_files.py::test_what_a_command_writes_is_readable_by_its_user_only",
    ],
    "14 supply chain": [
        "tests/unit/infra/test_notebook_instance.py::test_the_kernel_installs_by_hash_what_the_product_has",
        "tests/unit/tools/test_locks.py::test_every_package_has_one_version_and_hashes_and_no_place",
    ],
    "15 smaller ones": [
        "tests/unit/serving/test_worker.py::test_a_failure_ends_one_answer_and_not_the_worker",
        "tests/unit/serving/test_requests.py::test_a_temperature_that_cannot_be_divided_by_is_greedy",
        "tests/unit/attack/test_adapters.py::test_an_endless_prompt_is_refused_before_tokens",
        "tests/unit/attack/test_adapters.py::test_a_model_of_a_stranger_is_refused_in_a_line",
        "tests/unit/attack/test_bases.py::test_a_shape_that_the_weights_do_not_have_is_refused_before_loading",
        "tests/unit/attack/test_exports.py::test_no_cell_begins_a_formula",
        "tests/unit/finexpert/web/test_server.py::test_a_header_given_twice_counts_as_neither",
        "tests/functional/localcloud/test_rights.py::test_a_role_is_taken_for_the_account_it_trusts",
    ],
}
HELD = {
    "key checks": ["tests/unit/finexpert/web/test_door.py::test_no_one_else_does"],
    "paths": ["tests/unit/finexpert/web/test_files.py::test_no_path_leads_out"],
    "smuggling": [
        "tests/matrix/attack/test_transport.py::test_what_is_no_good_request_gets_one_refusal_and_no_second_answer"
    ],
    "half-open connections": [
        "tests/matrix/attack/test_transport.py::test_half_open_and_dripping_connections_are_dropped_and_others_served"
    ],
    "uploads": [
        "tests/unit/finexpert/web/routes/test_routes.py::test_a_file_name_leads_nowhere_and_a_bad_file_is_not_stored"
    ],
    "the report's sandbox": [
        "tests/functional/web_page/test_runs.py::test_the_report_opens_in_a_frame_that_can_do_nothing"
    ],
    "secrets": [
        "tests/functional/guardrails/test_secrets.py::test_a_secret_of_the_shell_is_in_no_log_report_template_or_error"
    ],
    "a stranger's process": [
        "tests/unit/localcloud/test_processes.py::test_a_stranger_with_a_recorded_number_is_left_alone"
    ],
}


@pytest.mark.parametrize("what", [*FINDINGS, *HELD])
def test_what_holds_it_is_still_there(what: str) -> None:
    for test in {**FINDINGS, **HELD}[what]:
        file, name = test.split("::")
        assert re.search(rf"^(?:async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.M), test


def test_every_finding_has_its_tests() -> None:
    assert [int(finding.split()[0]) for finding in FINDINGS] == list(range(1, 16))
