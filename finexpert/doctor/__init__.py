"""Checks of what must be right before money is spent; they run at the same time."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
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


def good(said: str) -> Finding:
    """All is well."""
    return Finding(Verdict.GOOD, said)


def warning(said: str, fix: str) -> Finding:
    """A finding that works, but only just."""
    return Finding(Verdict.WARNING, said, fix)


def bad(said: str, fix: str) -> Finding:
    """A finding that will fail, or cost money, unless it is changed."""
    return Finding(Verdict.BAD, said, fix)


def unknown(said: str, fix: str = "") -> Finding:
    """It cannot be checked yet."""
    return Finding(Verdict.UNKNOWN, said, fix)


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
