"""Every place where the embedded cloud reaches into ministack's private parts, and nowhere else.

ministack (pinned, 1.5.33) has no plug-in interface. `CONTRACT` lists each private name used here with what is
relied on; tests/unit/localcloud/test_hooks.py names the one that an upgrade broke. The functions
are of two kinds: those that offer ministack's services to this package, and those that put this package into
ministack (`install_service`, `install_resource_type`, …), called once by `localcloud.plugins`.

ministack reads its settings when imported, so this package is imported only in the server and in tests.
"""

# ruff: noqa: F401  (all of these are for other modules)

from localcloud.hooks.access import (
    denial,
    enforcing,
    install_actions,
    install_condition_keys,
    install_decision_log,
    install_resource_arns,
    install_source_account,
    policy_allows,
    role_denial,
)
from localcloud.hooks.budgets import budgets_of_account
from localcloud.hooks.contract import CONTRACT
from localcloud.hooks.executions import (
    LAMBDA_TASK,
    install_definition_check,
    install_execution_end,
    install_lambda_task,
    install_task,
    install_task_roles,
    running_executions,
    task_failure,
    task_role,
)
from localcloud.hooks.functions import (
    install_event_retries,
    install_lambda_metrics,
    install_lambda_result,
    stop_lambda_workers,
)
from localcloud.hooks.gate import Answered, Check, Request, install_gate
from localcloud.hooks.network import (
    add_network_interface,
    install_network_dependencies,
    remove_network_interface,
)
from localcloud.hooks.requests import (
    Handler,
    Response,
    account_id,
    application,
    install_bodies_on_trail,
    install_service,
    install_tagged_resources,
    region,
    request_scope,
    spawn,
)
from localcloud.hooks.signatures import refusal, signature_failure
from localcloud.hooks.stacks import (
    Resource,
    install_delete_check,
    install_imports_of_named_buckets,
    install_joins_in_conditions,
    install_resource_type,
    install_stack_check,
    install_stack_events,
    install_stack_lookup,
    install_system_tags,
    joined,
    ssm_parameters,
    wrap_resource_type,
)
from localcloud.hooks.telemetry import (
    Alarm,
    Point,
    alarm_statistic,
    emit_event,
    evaluate_alarms,
    install_alarm_rule,
    install_metric_checks,
    log_texts,
    put_log_events,
    put_metric,
)
from localcloud.hooks.tokens import install_token_keys
