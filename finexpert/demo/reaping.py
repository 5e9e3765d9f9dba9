"""Wait until the deployed, scheduled reaper has put the endpoint to sleep. It is watched, never called."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from core.endpoint.hosting import HostingState
from finexpert.errors import UserError
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import reaper, switch
from finexpert.service.runs import logs
from finexpert.views.display import Live

LOOK_SECONDS = 0.5
PATIENCE_PERIODS = 3


def wait(deployment: Deployment, live: Live, *, asked: datetime) -> None:
    """Watch Hosting and the reaper's log until Hosting is asleep.

    Raises:
        UserError: it is not asleep several periods of the schedule after it should be, or the stack broke.
    """
    expectation = reaper.expect(deployment.settings, asked=asked)
    period = timedelta(minutes=deployment.settings.reaper_period_minutes)
    group = reaper.log_group(deployment)
    reader = logs.StreamReader(deployment.target.client("logs"), group)
    while True:
        now = datetime.now(UTC)
        for decision in reaper.decisions_in(reader.new_lines()):
            if decision.get("endpoint") == deployment.names.endpoint:
                live.line(sentence(decision))
        state = switch.read(deployment).state
        if state is HostingState.ASLEEP:
            return
        if state is HostingState.BROKEN or now > expectation.latest + PATIENCE_PERIODS * period:
            raise UserError(
                f"The reaper did not put the endpoint to sleep; Hosting is {state}.",
                where=f"log group {group}",
                fix="finexpert reap --dry-run shows what it decides and why.",
            )
        text = f"  idle since {asked:%H:%M:%S} UTC; the reaper is expected {expectation.countdown(now)}"
        if state is HostingState.GOING_TO_SLEEP:
            text = "  the reaper has acted: Hosting is going to sleep"
        live.update(text, text, key=str(state))
        time.sleep(LOOK_SECONDS)


def sentence(decision: Mapping[str, Any]) -> str:
    """The reaper's own decision as a line: `reaper: keep finexpert, because …`."""
    return f"  reaper: [bold]{decision['action']}[/] {decision['endpoint']}, because {decision['reason']}"
