"""Endpoint: what it does now, and waking, sleeping and keeping it. Nothing here waits."""

from http import HTTPStatus
from typing import Any

from finexpert.service.asking import answerers
from finexpert.service.endpoint import standing as endpoints
from finexpert.service.endpoint import switch
from finexpert.service.endpoint.standing import Standing
from finexpert.service.money import costs
from finexpert.web.context import Context
from finexpert.web.http import Problem, Request, Response, answer, bad_input, finite

PAGE_SECONDS = 15.0
"""A page's request ends after half a minute; what is left then, the next press goes on with."""
MOST_HOURS = 168.0
"""A week; to keep it longer, ask again."""


def document(context: Context, standing: Standing) -> dict[str, Any]:
    """The endpoint's document. Who answers is read again when another run is served."""
    who = context.sums.get(f"who {standing.run}", lambda: answerers.who(context.deployment))
    foresight, sleeps = standing.foresight, standing.foresight and standing.foresight.sleeps
    always = "always" if foresight and foresight.always else None
    kept = foresight.kept_until if foresight else None
    known = standing.wake_seconds is not None
    return {
        "state": standing.state,
        "reason": standing.reason or (foresight.reason if foresight else ""),
        "run": standing.run,
        "models": standing.models,
        "answerers": [each.as_json() for each in who],
        "usd_per_hour": standing.usd_per_hour,
        "awake_since": foresight.created if foresight else None,
        "sleeps_at": sleeps.earliest if sleeps else None,
        "sleeps_by": sleeps.latest if sleeps else None,
        "kept_until": kept or always,
        "wake_began": standing.wake_began,
        "wake_seconds_expected": {
            "seconds": standing.wake_seconds,
            "from": "past wakes" if known else "no wake yet",
        },
        "can_wake": standing.can_wake,
    }


def show(request: Request, context: Context) -> Response:
    """The endpoint now."""
    look = context.looks.get("endpoint", lambda: endpoints.look(context.deployment, context.now()))
    return answer(document(context, look))


def wake(request: Request, context: Context) -> Response:
    """Begin to wake the endpoint with a run's adapter, or the newest accepted one if no run is named."""
    run = request.document().get("run")
    if run is not None and not isinstance(run, str):
        raise bad_input("A run's name is text.", where="run")
    return begin_wake(context, run)


def begin_wake(context: Context, run: str | None) -> Response:
    """Begin to wake the endpoint, unless the guard would put it to sleep at once.

    Raises:
        Problem: the budget is reached.
    """
    require_money(context)
    switch.begin_wake(context.deployment, run)
    return _changed(context)


def finish(request: Request, context: Context) -> Response:
    """End a wake: ask each model one question, and put an endpoint that does not answer back to sleep."""
    try:
        switch.finish_wake(context.deployment)
    finally:
        context.looks.forget()
    return _changed(context, HTTPStatus.OK)


def sleep(request: Request, context: Context) -> Response:
    """Begin to remove the endpoint."""
    switch.begin_sleep(context.deployment, seconds=PAGE_SECONDS)
    return _changed(context)


def keep(request: Request, context: Context) -> Response:
    """Keep the reaper away for some hours."""
    hours = finite(request.document().get("hours"))
    if hours is None or not 0 < hours <= MOST_HOURS:
        raise bad_input(f"hours must be a number above 0, at most {MOST_HOURS:g}.", where="hours")
    deployment = context.deployment
    switch.snooze(deployment.target.client, deployment.names.endpoint, hours, context.now())
    return _changed(context, HTTPStatus.OK)


def require_money(context: Context) -> None:
    """Refuse while the spend guard would stop what is begun now.

    Raises:
        Problem: the month's limit is reached.
    """
    position = costs.current_position(context.deployment, context.now())
    if position.over:
        raise Problem(
            HTTPStatus.CONFLICT,
            "budget_reached",
            f"${position.spent_usd:.2f} of the month's limit of ${position.limit_usd:.2f} is spent, so the"
            " spend guard would stop it again.",
            fix="Wait for the next month, or have budget_usd raised.",
        )


def _changed(context: Context, status: HTTPStatus = HTTPStatus.ACCEPTED) -> Response:
    context.looks.forget()
    standing = endpoints.look(context.deployment, context.now())
    return answer(document(context, standing), status)
