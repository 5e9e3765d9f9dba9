"""The month's budget as the functions that decide about money read it from their environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from core.environment import Variables
from core.money.reserve import Exposure


@dataclass(frozen=True, kw_only=True)
class BudgetSettings:
    """Dollars a month, and how long money can run on before the spend guard has stopped it."""

    project: str
    hosting_stack: str
    budget_usd: float
    reserve_usd: float
    exposure: Exposure

    @classmethod
    def read(cls, variables: Variables) -> Self:
        """Read PROJECT, HOSTING_STACK, BUDGET_USD, RESERVE_USD and PERIOD_MINUTES.

        What cannot be used is added to `variables`, which raises ConfigurationError with all of it.
        """
        project = variables.text("PROJECT", "FinExpert")
        settings = cls(
            project=project,
            hosting_stack=variables.text("HOSTING_STACK", f"{project}-Hosting"),
            budget_usd=variables.number("BUDGET_USD", 25),
            reserve_usd=variables.number("RESERVE_USD", 2),
            exposure=Exposure(period_minutes=variables.number("PERIOD_MINUTES", 5, low=1)),
        )
        if settings.budget_usd <= settings.reserve_usd:
            variables.problem(
                f"BUDGET_USD is {settings.budget_usd:g} and RESERVE_USD {settings.reserve_usd:g}: nothing"
                " could ever be spent; raise budget_usd or lower reserve_usd, and deploy"
            )
        return settings
