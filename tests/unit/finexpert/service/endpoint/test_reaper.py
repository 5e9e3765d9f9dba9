"""When the reaper will act, how long a wake takes, and what the log of decisions says in few lines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from core.money.events import StackEvent
from core.reaper.facts import Endpoint, Reading, Series, Unreadable
from core.reaper.settings import ReaperSettings
from finexpert.service.endpoint import reaper, standing
from finexpert.service.endpoint.reaper import foresee
from finexpert.web.routes.runs import thinned

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SETTINGS = ReaperSettings(idle=HOUR, min_age=HOUR, metric_delay=timedelta(minutes=3))
PERIOD = timedelta(minutes=5)
CALLS = Series.of("Invocations", InferenceComponentName="finexpert-tuned")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def endpoint(*, age: float = 300, used: float | None = None, **tags: str) -> Endpoint:
    """An endpoint that was made and last used these numbers of minutes ago."""
    last = None if used is None else NOW - minutes(used)
    return Endpoint(
        name="finexpert",
        arn="arn",
        status="InService",
        created=NOW - minutes(age),
        modified=NOW - minutes(age),
        tags={name.replace("_", ":"): value for name, value in tags.items()},
        activity={CALLS: Reading(total=1.0 if last else 0.0, last=last)},
    )


def sleeps(of: Endpoint, settings: ReaperSettings = SETTINGS) -> timedelta | None:
    expected = foresee(of, settings, period=PERIOD, now=NOW).sleeps
    assert expected is None or expected.latest == expected.earliest + PERIOD
    return expected and expected.earliest - NOW  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (endpoint(used=20), 43),  # 60 minutes idle and 3 of delay after the last use
        (endpoint(), 0),  # no use in the whole window
        (endpoint(age=10), 53),  # young: judged from 63 minutes on
        (endpoint(age=10, used=2), 61),
        (endpoint(used=20, finexpert_keep="2026-11-24T15:00Z"), 180),
        (endpoint(used=20, finexpert_keep="2026-11-24T12:10Z"), 43),
        (endpoint(used=20, finexpert_keep="2026-11-24T11:00Z"), 43),  # past
    ],
)
def test_the_reaper_acts_when_every_rule_lets_it(of: Endpoint, expected: float) -> None:
    assert sleeps(of) == minutes(expected)


def test_a_warning_comes_first_where_there_is_one() -> None:
    warning = replace(SETTINGS, warn=minutes(30))
    assert sleeps(endpoint(), warning) == minutes(30)
    warned = endpoint(**{"finexpert_delete-after": "2026-11-24T12:20Z"})  # type: ignore[arg-type]
    assert sleeps(warned, warning) == minutes(20)


def test_what_is_kept_for_ever_or_only_reported_does_not_sleep() -> None:
    kept = foresee(endpoint(finexpert_keep="true"), SETTINGS, period=PERIOD, now=NOW)
    assert kept.sleeps is None and kept.always and "protected" in kept.reason
    told = foresee(endpoint(), replace(SETTINGS, dry_run=True), period=PERIOD, now=NOW)
    assert told.sleeps is None and told.always and "reaper_dry_run" in told.reason


def test_use_that_cannot_be_read_makes_no_promise() -> None:
    unread = replace(endpoint(), activity={CALLS: Unreadable("Throttling: slow down")})
    seen = foresee(unread, SETTINGS, period=PERIOD, now=NOW)
    assert seen.sleeps is None and not seen.always and "Throttling" in seen.reason


def happened(*told: tuple[float, str, str]) -> list[StackEvent]:
    """Stack events: (minute, `stack` or `endpoint`, status)."""
    kinds = {"stack": standing.STACK, "endpoint": standing.ENDPOINT}
    return [
        StackEvent(time=NOW + minutes(at), logical_id=what, resource_type=kinds[what], status=status)
        for at, what, status in told
    ]


MADE = (1, "endpoint", "CREATE_IN_PROGRESS"), (6, "endpoint", "CREATE_COMPLETE")
WAKE = ((0, "stack", "UPDATE_IN_PROGRESS"), *MADE)


def test_a_wake_lasts_from_the_asking_until_the_stack_has_settled() -> None:
    end = (7, "stack", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), (8, "stack", "UPDATE_COMPLETE")
    events = happened(*WAKE, *end)
    (woken,) = standing.changes(reversed(events))
    assert woken == standing.Change(began=NOW, ended=NOW + minutes(8), wake=True)
    assert standing.expected_seconds([woken]) == 480


def test_a_wake_that_is_under_way_or_failed_tells_nothing_about_the_next() -> None:
    (waking,) = standing.changes(happened(*WAKE))
    assert waking.ended is None and waking.wake
    failed = happened(
        *WAKE,
        (9, "stack", "UPDATE_ROLLBACK_IN_PROGRESS"),
        (10, "endpoint", "DELETE_COMPLETE"),
        (11, "stack", "UPDATE_ROLLBACK_COMPLETE"),
    )
    (rolled_back,) = standing.changes(failed)
    assert rolled_back.rolled_back
    assert standing.expected_seconds([waking, rolled_back]) is None


def test_sleeping_is_no_wake_and_old_wakes_do_not_count() -> None:
    asleep = happened((0, "stack", "UPDATE_IN_PROGRESS"), (2, "stack", "UPDATE_COMPLETE"))
    (change,) = standing.changes(asleep)
    assert not change.wake
    took = [
        standing.Change(began=NOW, ended=NOW + minutes(m), wake=True) for m in (90, 90, 90, 4, 5, 6, 5, 5)
    ]
    assert standing.expected_seconds(took) == 300


def decided(at: float, action: str, **changes: Any) -> tuple[datetime, dict[str, Any]]:
    reason = changes.pop("reason", f"because {action}")
    return NOW + minutes(at), {"endpoint": "finexpert", "action": action, "reason": reason, **changes}


def test_decisions_that_stay_the_same_are_one_line() -> None:
    told = reaper.in_rows(
        [
            decided(10, "delete"),
            decided(0, "keep", reason="used 1 minute ago"),
            decided(5, "keep", reason="used 2 minutes ago"),
            decided(6, "keep", endpoint="other"),
            decided(7, "delete", dry_run=True),
            decided(60, "keep"),
        ]
    )
    assert [(each.endpoint, each.action) for each in told] == [
        ("finexpert", "keep"),
        ("finexpert", "delete"),
        ("other", "keep"),
        ("finexpert", "keep"),
    ]
    assert (told[3].since, told[3].at, told[3].reason) == (NOW, NOW + minutes(5), "used 2 minutes ago")


def test_a_reason_of_another_kind_does_not_rewrite_the_one_before() -> None:
    told = reaper.in_rows(
        [
            decided(0, "keep", reason="protected by its tag until 15:43"),
            decided(3, "keep", reason="in use: 2 requests, last at 15:44"),
            decided(6, "keep", reason="in use: 6 requests, last at 15:46"),
            decided(7, "keep", reason="too new to judge: 0 minutes"),
        ]
    )
    assert [(each.reason[:9], each.since, each.at) for each in told] == [
        ("too new t", NOW + minutes(7), NOW + minutes(7)),
        ("in use: 6", NOW + minutes(3), NOW + minutes(6)),
        ("protected", NOW, NOW),
    ]


def test_a_long_curve_is_thinned_evenly_and_keeps_its_end() -> None:
    points = [(step, 1.0) for step in range(1, 1004)]
    few = thinned(points, 100)
    assert len(few) <= 101 and few[-1] == points[-1]
    assert len({after - before for (before, _), (after, _) in pairwise(few[:-1])}) == 1
    assert thinned(points[:3]) == points[:3] and thinned([]) == []
