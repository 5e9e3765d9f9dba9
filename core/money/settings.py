"""The month's budget as the functions that decide about money read it from their environment."""

from dataclasses import dataclass
from typing import Self

from core.environment import Variables
from core.money.reserve import Exposure, limit_usd


@dataclass(frozen=True, kw_only=True)
class BudgetSettings:
    """Dollars a month, and the time that money can run on before the spend guard has stopped it."""

    project: str
    hosting_stack: str
    budget_usd: float
    reserve_usd: float
    exposure: Exposure

    def limit_usd(self, burn_usd_per_hour: float) -> float:
        """Dollars at which everything is stopped while `burn_usd_per_hour` runs."""
        return limit_usd(self.budget_usd, self.reserve_usd, self.exposure, burn_usd_per_hour)

    def environment(self) -> dict[str, str]:
        """The variables that `read` reads, besides PROJECT, which every function has."""
        return {
            "BUDGET_USD": f"{self.budget_usd:g}",
            "RESERVE_USD": f"{self.reserve_usd:g}",
            "PERIOD_MINUTES": f"{self.exposure.period_minutes:g}",
            "HOSTING_STACK": self.hosting_stack,
        }

    @classmethod
    def read(cls, variables: Variables) -> Self:
        """Read PROJECT, HOSTING_STACK, BUDGET_USD, RESERVE_USD and PERIOD_MINUTES.

        What cannot be used is added to `variables`, which raises ConfigurationError with all of it.
        """
        settings = cls(
            project=variables.needed("PROJECT", "the prefix of the deployment"),
            hosting_stack=variables.needed("HOSTING_STACK", "the name of the Hosting stack"),
            budget_usd=variables.number("BUDGET_USD"),
            reserve_usd=variables.number("RESERVE_USD"),
            exposure=Exposure(period_minutes=variables.number("PERIOD_MINUTES", low=1)),
        )
        if settings.budget_usd <= settings.reserve_usd:
            variables.problem(
                f"BUDGET_USD is {settings.budget_usd:g} and RESERVE_USD {settings.reserve_usd:g}: nothing"
                " could ever be spent; raise budget_usd or lower reserve_usd, and deploy"
            )
        return settings
