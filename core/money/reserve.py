"""The reserve: dollars to keep unspent so that stopping comes in time, for admission and spend guard alike.

Between the last look that found the month below its limit and the moment when everything has stopped billing,
money runs on for at most `Exposure.hours`. With B dollars an hour as the highest burn of that time,

    overshoot past the budget ≤ max(0, B × exposure − reserve)

and the reserve grows with what runs: the limit is budget − max(reserve, burn × exposure). So an overshoot
needs a burn that no look has seen yet. docs/decisions/reserve.md has the derivation.
"""

from dataclasses import dataclass

#: The guard runs at least once in this many periods, else an alarm is sent (infra/guardrails/watch.py).
SILENT_PERIODS = 3
#: From the order to stop until nothing bills: SIGTERM, 120 s and the upload of a job; components, then
#: endpoint.
STOP_MINUTES = 8.0
#: CloudTrail shows an API call within about 15 minutes (CloudTrail user guide): until then an endpoint that
#: was made and deleted between two looks is not in the sum.
UNSEEN_MINUTES = 15.0
#: The most by which Lambda's clock and AWS's timestamps may differ.
SKEW_MINUTES = 1.0


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """The longest time that money can run on unstopped, with a guard that runs every `period_minutes`."""

    period_minutes: float

    @property
    def hours(self) -> float:
        """Hours from the last look below the limit until nothing bills any more, and what it had not seen."""
        minutes = SILENT_PERIODS * self.period_minutes + STOP_MINUTES + UNSEEN_MINUTES + SKEW_MINUTES
        return minutes / 60.0

    def reserve_usd(self, least_usd: float, burn_usd_per_hour: float) -> float:
        """Dollars that must stay unspent while `burn_usd_per_hour` runs; at least `least_usd`."""
        return max(least_usd, burn_usd_per_hour * self.hours)


def limit_usd(budget_usd: float, least_usd: float, exposure: Exposure, burn_usd_per_hour: float) -> float:
    """Dollars of the month at which everything is stopped while `burn_usd_per_hour` runs."""
    return budget_usd - exposure.reserve_usd(least_usd, burn_usd_per_hour)
