"""Checks of what must be right before money is spent; they run at the same time."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TypeVar

from finexpert.errors import explain
from finexpert.service.deployment import Deployment


class Verdict(StrEnum):
    """The result of a check; WARNING: it works, with little room; UNKNOWN: it could not be checked."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """A check's answer: what was found, and what to do about it ("" where there is nothing to do)."""

    verdict: Verdict
    said: str
    fix: str = ""


T = TypeVar("T")
Check = Callable[[Deployment], Finding]


good = partial(Finding, Verdict.GOOD)
warning = partial(Finding, Verdict.WARNING)
bad = partial(Finding, Verdict.BAD)
unknown = partial(Finding, Verdict.UNKNOWN)


def examine(deployment: Deployment, checks: Mapping[str, Check]) -> dict[str, Finding]:
    """Every check's finding under its name, in their order. One that breaks is UNKNOWN, with the reason."""
    with ThreadPoolExecutor(len(checks)) as pool:
        running = {name: pool.submit(attempt, check, deployment) for name, check in checks.items()}
        return {name: finding.result() for name, finding in running.items()}


def attempt(look: Callable[[T], Finding], at: T) -> Finding:
    """Look, and return the finding; where the look breaks, UNKNOWN with the reason."""
    try:
        return look(at)
    except Exception as error:
        known = explain(error)
        if known is None:
            return unknown(f"{type(error).__name__}: {error}")
        return unknown(f"{known.what} ({known.where})" if known.where else known.what, known.fix)
