"""A run: look, decide, warn, delete, report; region by region. Everything from outside is passed in."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from core.aws import metrics
from core.aws.calls import AwsClients, CountedClients
from core.aws.errors import error_text
from core.aws.notify import log, notify
from core.money.prices import per_hour
from core.names import DELETE_AFTER_TAG, STUCK_METRIC
from core.reaper import messages
from core.reaper.actions import Actions
from core.reaper.evidence import evidence, usd_per_hour
from core.reaper.facts import Action, Decision, Endpoint, Unreadable, Verdict, keep
from core.reaper.hanging import hanging
from core.reaper.others.reading import RUNS, Findings, look
from core.reaper.reader import SPARE_SECONDS, Reader
from core.reaper.rules import scope
from core.reaper.rules.warning import announced
from core.reaper.settings import ReaperSettings
from core.reaper.warm import WarmState

#: Seconds that a run may take where there is no Lambda context.
NO_CONTEXT_SECONDS = 900.0
#: The same thing is reported again after this long.
REPORT_AGAIN = timedelta(hours=24)


class Run:
    """One region's run.

    Args:
        clients: of the region.
        settings: of the region (`ReaperSettings.of_region`).
        clock: the moment, UTC-aware.
        seconds_left: until the function is cut off.
        pause: waits.
        home: clients of the function's own region, where topic, audit bucket and metric are.
        share: part of the time left that this region's reading may take, 0 to 1.
        warm: what earlier runs left; None = nothing.
    """

    def __init__(
        self,
        clients: CountedClients,
        settings: ReaperSettings,
        clock: Callable[[], datetime],
        seconds_left: Callable[[], float] = lambda: NO_CONTEXT_SECONDS,
        pause: Callable[[float], None] = time.sleep,
        *,
        home: CountedClients | None = None,
        share: float = 1.0,
        warm: WarmState | None = None,
    ) -> None:
        self._clients, self._home, self.settings = clients, home or clients, settings
        self._warm = warm or WarmState()
        self._left, self._share = seconds_left, share
        self._reader = Reader(clients, settings, clock, seconds_left, home=self._home, warm=self._warm)
        self._actions = Actions(clients, settings, clock, seconds_left, pause, home=self._home)
        self._lines: list[str] = []
        self._stuck = 0
        self.decisions: dict[str, Decision] = {}
        self.others = Findings()

    @property
    def problems(self) -> list[str]:
        """The reads about endpoints that failed; empty means that the picture is complete."""
        return self._reader.problems

    @property
    def all_clients(self) -> tuple[CountedClients, CountedClients]:
        """The AWS clients that count this run's calls."""
        return self._clients, self._home

    def look(self) -> list[Endpoint]:
        """Decide on every endpoint, carry out everything but deletions, answer the idle ones."""
        self._reader.begin(self._share)
        settled = self._reader.price(self._reader.settle_all(self._reader.endpoints()))
        for endpoint, verdict in settled:
            self.decisions[endpoint.arn] = self._first(endpoint, verdict)
        self._look_for_hanging([endpoint for endpoint, _ in settled])
        self._look_at_others()
        return [endpoint for endpoint, verdict in settled if verdict.action is Action.DELETE]

    def dearest(self, endpoint: Endpoint) -> tuple[float, datetime]:
        """Sorts what costs most an hour first, then the oldest."""
        return -(usd_per_hour(endpoint, self.settings.region) or 0.0), endpoint.created

    def delete(self, endpoint: Endpoint, *, allowed: bool) -> bool:
        """A fresh look, then the deletion, unless this run has done enough; whether it counts as one."""
        self.decisions[endpoint.arn], counts = self._deleted(endpoint, allowed)
        return counts

    def tell(self) -> None:
        """One message for everything that people should know, and the metric of what hangs."""
        if self.settings.dry_run:
            return
        if self._stuck:  # silence is good news to the alarm
            values, name = [(STUCK_METRIC, float(self._stuck), "Count")], self.settings.metric_namespace
            project, now = self.settings.project, self._reader.now
            try:
                metrics.put(self._home("cloudwatch"), project, values, now, namespace=name)
            except Exception as error:
                log("metric-failed", metric=STUCK_METRIC, error=error_text(error))
        if self._lines:
            notify(
                lambda: self._home("sns"),
                self.settings.topic_arn,
                f"{self.settings.project}: idle endpoints",
                messages.cut(self._lines),
            )

    def _first(self, endpoint: Endpoint, verdict: Verdict) -> Decision:
        """Carry out everything but deletions, which wait for their order."""
        acting = not self.settings.dry_run
        if verdict.action is Action.WARN and not announced(endpoint, self.settings):
            if acting and self._left() < SPARE_SECONDS:
                self.problems.append(f"{endpoint.name}: no time was left to warn of it")
                verdict = keep("idle, but no time was left to warn of it; the next run goes on")
            elif acting:
                endpoint = self._reader.priced(endpoint)
                verdict = self._actions.warn(endpoint, verdict)
            if verdict.action is Action.WARN:
                self._lines += messages.warning(endpoint, self.settings, self._reader.now)
        if verdict.action is Action.NOTIFY:
            self._note_once(endpoint, verdict)
        if acting and verdict.action is Action.KEEP and self._used_since_warning(endpoint):
            self._actions.withdraw_warning(endpoint)
        return self._decision(endpoint, verdict)

    def _used_since_warning(self, endpoint: Endpoint) -> bool:
        opened = self.settings.window_start(self._reader.now)
        used = endpoint.last_used is not None and endpoint.last_used > opened
        return used and DELETE_AFTER_TAG in endpoint.known_tags

    def _deleted(self, endpoint: Endpoint, allowed: bool) -> tuple[Decision, bool]:
        if not allowed:
            limit = self.settings.max_deletes
            verdict = keep(f"idle, but this run's limit of {limit} deletions is reached, dearest first")
            return self._decision(endpoint, verdict), False
        if self._left() < SPARE_SECONDS:
            self.problems.append(f"{endpoint.name}: no time was left to delete it")
            verdict = keep("idle, but no time was left in this run; the next goes on")
            return self._decision(endpoint, verdict), False
        if self.settings.dry_run:  # nothing is deleted, so nothing need be looked at twice
            reason = self.decisions[endpoint.arn].reason
            return self._decision(endpoint, Verdict(action=Action.DELETE, reason=reason)), True
        again = self._reader.fresh(endpoint)
        if isinstance(again, Unreadable):
            verdict = keep(f"it could not be looked at again ({again.why})")
            return self._decision(endpoint, verdict), False
        if (again.arn, again.created) != (endpoint.arn, endpoint.created):
            return self._decision(again, keep("it was made anew since the first look")), False
        [(again, verdict)] = self._reader.settle([again])
        if verdict.action is not Action.DELETE:
            return self._first(again, verdict), False
        again = self._reader.priced(again)
        verdict = self._actions.delete(again, verdict)
        if verdict.action is Action.DELETE:
            self._lines.append(f"{endpoint.name}: {verdict.reason}.{self._cost(again)}")
        elif verdict.action is Action.NOTIFY:
            self._stuck += 1
            self._note_once(again, verdict)
        return self._decision(again, verdict), True

    def _look_for_hanging(self, endpoints: list[Endpoint]) -> None:
        """Report hanging resources within the scope; the rules' decisions stand."""
        for endpoint in endpoints:
            sentences = hanging(endpoint, self._reader.now)
            if not sentences:
                continue
            known = self._reader.tagged(endpoint)
            if scope.judge(known, self.settings, self._reader.now) is not None:
                continue
            self._stuck += 1
            decision = self.decisions[endpoint.arn]
            self.decisions[endpoint.arn] = replace(
                decision, evidence={**decision.evidence, "stuck": sentences}
            )
            if decision.action is not Action.NOTIFY:  # else it was reported already
                line = messages.hanging(endpoint, sentences, self.settings, self._reader.now)
                self._note(endpoint.arn, endpoint.created, "stuck", line)

    def _look_at_others(self) -> None:
        if not self.settings.other_kinds:
            return
        self.others = look(self._clients, self.settings, self._reader.now, self._reader.has_time)
        for found in self.others.decisions:
            if found.action is Action.NOTIFY:
                self._stuck += found.evidence["status"] not in RUNS
                arn, created = str(found.evidence["arn"]), datetime.fromisoformat(found.evidence["created"])
                cost = found.evidence.get("usd_per_hour")
                price = f" It costs {per_hour(cost)}." if cost is not None else ""
                self._note(arn, created, "other", f"{found.kind} {found.name}: {found.reason}.{price}")

    def _decision(self, endpoint: Endpoint, verdict: Verdict) -> Decision:
        return Decision(
            endpoint=endpoint.name,
            action=verdict.action,
            reason=verdict.reason,
            evidence=evidence(endpoint, self.settings, self._reader.now),
        )

    def _cost(self, endpoint: Endpoint) -> str:
        return messages.cost(endpoint, self.settings, self._reader.now)

    def _note_once(self, endpoint: Endpoint, verdict: Verdict) -> None:
        line = f"{endpoint.name}: {verdict.reason}.{self._cost(endpoint)}"
        self._note(endpoint.arn, endpoint.created, verdict.action, line)

    def _note(self, arn: str, created: datetime, what: str, line: str) -> None:
        """Report a thing once a day."""
        reported = self._warm.reported.get((arn, created, what))
        if self.settings.dry_run or (reported and self._reader.now - reported < REPORT_AGAIN):
            return
        self._warm.reported[(arn, created, what)] = self._reader.now
        self._lines.append(line)


def reap(runs: Sequence[Run]) -> dict[str, Any]:
    """Look everywhere, delete the dearest first wherever they are, tell, and put the answers together.

    `runs`: one a region, of one set of settings.
    """
    settings = runs[0].settings
    idle = [(run.dearest(endpoint), run, endpoint) for run in runs for endpoint in run.look()]
    deleted = 0
    for _, run, endpoint in sorted(idle, key=itemgetter(0)):
        deleted += run.delete(endpoint, allowed=deleted < settings.max_deletes)
    decisions: list[dict[str, Any]] = []
    others: dict[str, Any] = {"decisions": [], "unlisted": {}}
    problems: list[str] = []
    for run in runs:
        run.tell()
        decisions += [dict(vars(decision)) for decision in run.decisions.values()]
        others["decisions"] += [dict(vars(decision)) for decision in run.others.decisions]
        where = f" ({run.settings.region})" if len(runs) > 1 else ""
        others["unlisted"] |= {f"{kind}{where}": why for kind, why in run.others.unlisted.items()}
        problems += [f"{problem}{where}" for problem in run.problems]
    for decision in decisions:
        log("decision", dry_run=settings.dry_run, **decision)
    for other in others["decisions"]:
        log("other-decision", dry_run=settings.dry_run, **other)
    clients = {id(each): each for run in runs for each in run.all_clients}
    calls = sum(each.calls for each in clients.values())
    seen: dict[str, Any] = {"endpoints": len(decisions), "problems": problems, "api_calls": calls}
    unlisted = {"unlisted": others["unlisted"]} if others["unlisted"] else {}
    log("run", dry_run=settings.dry_run, **seen, **unlisted)
    more = {"others": others} if settings.other_kinds else {}
    return {"decisions": decisions, "api_calls": calls, "complete": not problems, **more}


def reap_regions(
    environ: Mapping[str, str],
    event: Mapping[str, Any],
    warm: WarmState,
    seconds_left: Callable[[], float] | None = None,
) -> dict[str, Any]:
    """One run in every region of the settings; see `lambdas.idle_reaper.handler`.

    Args:
        environ: the function's variables.
        event: may carry {"dry_run": true}.
        warm: what earlier runs left, to be kept for the next.
        seconds_left: until the function is cut off.

    Raises:
        ConfigurationError: a variable cannot be used.
    """
    settings = ReaperSettings.load(environ, event)
    end = time.monotonic() + NO_CONTEXT_SECONDS
    home = AwsClients(settings.region)
    regions = settings.regions or (settings.region,)
    return reap(
        [
            Run(
                home if region == settings.region else AwsClients(region),
                settings.of_region(region),
                lambda: datetime.now(UTC),
                seconds_left or (lambda: end - time.monotonic()),
                home=home,
                share=1 / (len(regions) - number),
                warm=warm,
            )
            for number, region in enumerate(regions)
        ]
    )
