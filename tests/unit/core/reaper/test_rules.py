"""Each rule alone: one endpoint that it keeps, beside one that it lets go on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from core.endpoint.hosting import Hosting, HostingState
from core.environment import ConfigurationError
from core.reaper.facts import (
    Action,
    Component,
    Description,
    Endpoint,
    Need,
    Reading,
    Series,
    Unreadable,
    Variant,
    Verdict,
)
from core.reaper.rules import (
    age,
    backlog,
    capacity,
    components,
    decide,
    discovered,
    in_flight,
    ownership,
    protection,
    requests,
    scope,
    status,
    warning,
)
from core.reaper.settings import ReaperSettings
from tests.fakes.cloud import NOW, arn, minutes

SETTINGS = ReaperSettings(hosting_stack="FinExpert-Hosting")
DETAIL = Description(config_name="c", variants=(Variant(name="v", instances=1),))
CONFIG = Description(variants=(Variant(name="v", instance_type="ml.g5.2xlarge", instances=1),))
BASE = Component(name="base", variant="v", status="InService", created=NOW - minutes(300))
UNREADABLE = Unreadable("AccessDenied: no")
USED = Reading(total=3.0, last=NOW - minutes(10))
UNUSED = Reading()


def endpoint(**changes: Any) -> Endpoint:
    plain = Endpoint(
        name="e",
        arn=arn("endpoint", "e"),
        status="InService",
        created=NOW - minutes(300),
        modified=NOW - minutes(300),
        tags={"finexpert:project": "FinExpert"},
        detail=DETAIL,
        config=CONFIG,
    )
    return replace(plain, **changes)


def read(reading: Reading | Unreadable, *series: Series, **changes: Any) -> Endpoint:
    return endpoint(activity=dict.fromkeys(series, reading), **changes)


INVOCATIONS = Series.of("Invocations", EndpointName="e", VariantName="v")
CONCURRENT = Series.of("ConcurrentRequestsPerModel", "Maximum", EndpointName="e", VariantName="v")
LISTED = Series.of("Invocations", EndpointName="e", VariantName="v", InstanceId="i")
QUEUED = replace(DETAIL, asynchronous=True)
OF_BASE = components.series(endpoint(components=(BASE,)))
OF_QUEUE = backlog.series(endpoint(detail=QUEUED))
TAGGED = {"finexpert:project": "FinExpert"}
ASLEEP = Hosting(stack="FinExpert-Hosting", state=HostingState.ASLEEP)
WAKING = Hosting(
    stack="FinExpert-Hosting",
    state=HostingState.WAKING,
    status="UPDATE_IN_PROGRESS",
    outputs={"EndpointName": "e"},
)

CASES: list[tuple[ModuleType, Endpoint, Endpoint]] = [
    (status, endpoint(status="SystemUpdating"), endpoint(status="Failed")),
    (age, endpoint(modified=NOW - minutes(62)), endpoint(modified=NOW - minutes(63))),
    (scope, endpoint(tags={"finexpert:project": "Theirs"}), endpoint()),
    (scope, endpoint(tags=UNREADABLE), endpoint(tags=None)),
    (protection, endpoint(tags={"finexpert:keep": "TRUE"}), endpoint(tags={"finexpert:keep": "no"})),
    (
        protection,
        endpoint(tags={"finexpert:keep": "2026-11-20"}),
        endpoint(tags={"finexpert:keep": "2026-11-19"}),
    ),
    (discovered, read(USED, LISTED, discovered=frozenset({LISTED})), endpoint()),
    (capacity, endpoint(detail=UNREADABLE), endpoint()),
    (
        capacity,
        endpoint(detail=Description(config_name="c", variants=(Variant(name="v", instances=0),))),
        endpoint(detail=Description(config_name="c", variants=(Variant(name="v"),))),
    ),
    (requests, read(USED, INVOCATIONS), read(UNUSED, INVOCATIONS)),
    (requests, read(UNREADABLE, INVOCATIONS), read(Reading(total=9, last=NOW - minutes(63)), INVOCATIONS)),
    (in_flight, read(USED, CONCURRENT), read(UNUSED, CONCURRENT)),
    (backlog, read(USED, *OF_QUEUE, detail=QUEUED), read(UNUSED, *OF_QUEUE, detail=QUEUED)),
    (components, read(USED, *OF_BASE, components=(BASE,)), read(UNUSED, *OF_BASE, components=(BASE,))),
    (
        components,
        endpoint(
            components=UNREADABLE,
            config=Description(variants=(Variant(name="v", has_model=False),)),
        ),
        endpoint(components=UNREADABLE),
    ),
    (ownership, endpoint(hosting=WAKING), endpoint(hosting=ASLEEP)),
    (ownership, endpoint(hosting=UNREADABLE), endpoint(hosting=UNREADABLE, tags={})),
]


@pytest.mark.parametrize(("rule", "held", "let_go"), CASES, ids=[c[0].__name__.split(".")[-1] for c in CASES])
def test_one_is_kept_and_one_goes_on(rule: ModuleType, held: Endpoint, let_go: Endpoint) -> None:
    verdict = rule.judge(held, SETTINGS, NOW)
    assert isinstance(verdict, Verdict) and verdict.action is Action.KEEP and verdict.reason
    assert rule.judge(let_go, SETTINGS, NOW) is None


@pytest.mark.parametrize(
    ("rule", "used", "reason"),
    [
        (requests, read(USED, INVOCATIONS), "in use: 3 requests to v, last at"),
        (components, read(USED, *OF_BASE, components=(BASE,)), f"in use: 3 requests to {BASE.name}, last at"),
        (in_flight, read(USED, CONCURRENT), "in use: 3 requests at the same time to v, last at"),
        (
            age,
            endpoint(modified=NOW - minutes(1)),
            "too new to judge: 1 minute since it was made or changed, 63 minutes needed",
        ),
    ],
)
def test_a_reason_is_in_everyday_words(rule: ModuleType, used: Endpoint, reason: str) -> None:
    verdict = rule.judge(used, SETTINGS, NOW)
    assert isinstance(verdict, Verdict) and verdict.reason.startswith(reason)


def test_another_stack_s_endpoint_is_reported_and_one_without_goes_on() -> None:
    stack_id = "arn:aws:cloudformation:r:1:stack/Their/x"
    theirs = endpoint(tags={**TAGGED, "aws:cloudformation:stack-id": stack_id})
    verdict = ownership.judge(theirs, SETTINGS, NOW)
    assert verdict is not None and verdict.action is Action.NOTIFY and "Their" in verdict.reason
    assert ownership.judge(endpoint(), SETTINGS, NOW) is None


def test_the_warning_holds_until_its_deadline() -> None:
    settings = ReaperSettings(warn=timedelta(minutes=30))
    waiting = endpoint(tags={**TAGGED, "finexpert:delete-after": "2026-11-20T12:10:00Z"})
    over = endpoint(tags={**TAGGED, "finexpert:delete-after": "2026-11-20T11:59:00Z"})
    verdict = warning.judge(waiting, settings, NOW)
    assert verdict is not None and verdict.action is Action.WARN
    assert warning.judge(over, settings, NOW) is None
    assert warning.judge(endpoint(), ReaperSettings(), NOW) is None


def test_what_is_unread_is_asked_for_step_by_step() -> None:
    steps = []
    unread = endpoint(tags=None, detail=None, config=None)
    while isinstance(need := decide(unread, SETTINGS, NOW), Need):
        steps.append(need)
        known: dict[Need, Any] = {Need.TAGS: {"tags": TAGGED}, Need.DETAIL: {"detail": DETAIL}}
        known[Need.METRICS] = {"activity": {INVOCATIONS: UNUSED, CONCURRENT: UNUSED}}
        unread = replace(unread, **known[need])
    assert steps == [Need.TAGS, Need.DETAIL, Need.METRICS]
    assert need.action is Action.DELETE


def test_a_failed_endpoint_without_variants_is_judged_by_its_configuration() -> None:
    bare = endpoint(status="Failed", detail=Description(config_name="c", variants=()), config=None)
    assert decide(bare, SETTINGS, NOW) is Need.CONFIG
    assert requests.series(replace(bare, config=CONFIG)) == [INVOCATIONS]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-20", datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)),
        ("2026-11-20T10:00", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20T10:00:00+02:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("soon", None),
        ("", None),
    ],
)
def test_moments(text: str, wanted: datetime | None) -> None:
    assert protection.moment(text) == wanted


class TestSettings:
    def test_defaults_touch_only_the_project(self) -> None:
        settings = ReaperSettings.load({}, {})
        assert (settings.scope, settings.dry_run, settings.idle) == ("project", False, timedelta(hours=1))

    def test_the_whole_account_is_a_dry_run_until_it_is_switched(self) -> None:
        assert ReaperSettings.load({"SCOPE": "account"}, {}).dry_run
        assert not ReaperSettings.load({"SCOPE": "account", "DRY_RUN": "false"}, {}).dry_run

    def test_the_event_can_switch_a_dry_run_on_but_not_off(self) -> None:
        assert ReaperSettings.load({"DRY_RUN": "0"}, {"dry_run": True}).dry_run
        assert ReaperSettings.load({"DRY_RUN": "1"}, {"dry_run": False}).dry_run

    def test_every_problem_is_named(self) -> None:
        bad = {"IDLE_MINUTES": "soon", "SCOPE": "world", "DRY_RUN": "maybe", "MAX_DELETES": "-1"}
        with pytest.raises(ConfigurationError) as caught:
            ReaperSettings.load(bad, {})
        assert all(name in str(caught.value) for name in bad)

    def test_an_idle_time_of_zero_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="IDLE_MINUTES is 0"):
            ReaperSettings.load({"IDLE_MINUTES": "0"}, {})
