"""The texts of messages to people: costs, warnings, ways to keep an endpoint, hanging resources. Pure."""

from datetime import datetime, timedelta

from core.money.prices import per_hour
from core.reaper.evidence import usd_per_hour, wasted_usd
from core.reaper.facts import Endpoint
from core.reaper.settings import ReaperSettings
from core.wording import minutes

#: A topic takes 256 KB; the rest of a long message is in the log.
MOST_LINES = 300


def cost(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> str:
    """Dollars an hour, and dollars wasted already."""
    rate = usd_per_hour(endpoint, settings.region)
    if rate is None:
        return " Its price is not known."
    wasted = wasted_usd(endpoint, settings, now) or 0.0
    return f" It costs {per_hour(rate)}; at least ${wasted:.2f} since it was last used."


def warning(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> list[str]:
    """The time of its deletion, its cost, and the one tag or command that keeps it."""
    tomorrow = now + timedelta(days=1)
    end = now + settings.warn
    return [
        f"{endpoint.name}: it is idle and will be deleted after"
        f" {end:%Y-%m-%d %H:%M} UTC ({minutes(settings.warn)}).{cost(endpoint, settings, now)}",
        f"  To keep it for a day: finexpert snooze {endpoint.name} --hours 24",
        f"  or: aws sagemaker add-tags --region {settings.region} --resource-arn {endpoint.arn}"
        f" --tags Key={settings.keep_tag},Value={tomorrow:%Y-%m-%dT%H:%MZ}",
    ]


def hanging(endpoint: Endpoint, sentences: list[str], settings: ReaperSettings, now: datetime) -> str:
    """A message that something hangs and may bill."""
    return (
        f"{endpoint.name}: {'; '.join(sentences)}, and may bill until it is gone."
        f"{cost(endpoint, settings, now)} Look at it in the console; delete what hangs, or ask AWS support."
    )


def cut(lines: list[str]) -> list[str]:
    """The lines, cut to what a message can hold."""
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"… {len(lines) - MOST_LINES} more lines: the function's log has all."]
