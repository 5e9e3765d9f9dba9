"""Reads the facts that the rules need: lists in full pages, metrics in bulk, single endpoints last."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from core.aws.calls import Clients, list_all
from core.aws.errors import error_text, is_missing
from core.aws.tags import list_tags, owner_of
from core.endpoint.endpoints import components_of
from core.names import STACK_NAME_TAG
from core.reaper import metrics
from core.reaper.answers import component_of, description_of, endpoint_of
from core.reaper.facts import Action, Description, Endpoint, Need, Reading, Series, Unreadable, Verdict
from core.reaper.lists import Lists, by_name, matching, own
from core.reaper.rules import age, decide, status, wanted_series
from core.reaper.rules.warning import warned_at
from core.reaper.settings import ReaperSettings
from core.reaper.single_reads import SingleReads
from core.reaper.warm import Checkpoint, WarmState

#: With less time left than this nothing more is read: what is unread is kept, and the next run goes on.
SPARE_SECONDS = 45.0
#: Of a run's time this part is left for warnings and deletions.
FOR_ACTING = 0.3
#: As many endpoints are read one by one, and decided, before the next are begun: what a run that is cut off
#: has read is then decided, too.
GROUP = 200
#: Single reads that a run may make of a large fleet: this many where endpoints are remembered from another
#: run, else this share of them. What deciding leaves of them goes for prices.
WARM_READS, COLD_READS = 6, 0.49
#: In a fleet smaller than this, this many prices are asked for in any case.
SMALL_FLEET, PRICES = 100, 20


class Reader:
    """One run's reads. `problems` names what could not be read; empty means that the picture is complete."""

    def __init__(
        self,
        clients: Clients,
        settings: ReaperSettings,
        clock: Callable[[], datetime],
        seconds_left: Callable[[], float],
        home: Clients | None = None,
        warm: WarmState | None = None,
    ) -> None:
        self._clients, self._settings, self._clock, self._left = clients, settings, clock, seconds_left
        warm = warm or WarmState()
        self._checkpoint = Checkpoint(home or clients, settings, warm)
        self._reserve = SPARE_SECONDS
        #: The moment that is judged; a second look moves it on.
        self.now = clock()
        self.problems: list[str] = []
        self._lists = Lists(clients, settings, self._note)
        self._single = SingleReads(
            clients,
            warm.of_region(settings.region),
            now=lambda: self.now,
            has_time=self.has_time,
            note=self._note,
        )

    def begin(self, share: float) -> None:
        """Reading may take `share` of the time left, less what acting needs."""
        left = self._left()
        self._reserve = max(SPARE_SECONDS, left - left * share * (1 - FOR_ACTING))
        self.now = self._clock()

    def has_time(self) -> bool:
        """Whether more may be read."""
        return self._left() >= self._reserve

    def endpoints(self) -> list[Endpoint]:
        """All endpoints of the region, with the facts that need no call for each of them."""
        sagemaker = self._clients("sagemaker")
        listing = list_all(sagemaker.list_endpoints, "Endpoints", MaxResults=100)
        self._note("the list of endpoints", listing.problem)
        found = [endpoint_of(summary) for summary in listing.items]
        self._single.recall(found)
        # Lists that help to decide are asked for only if anything is left to decide.
        first = (status, age)
        if all(any(rule.judge(each, self._settings, self.now) for rule in first) for each in found):
            return found
        components = self._lists.components()
        index = self._lists.tag_index()
        self._single.index_is_whole = index is not None
        stack = self._lists.hosting_stack()
        discovered = by_name(self._lists.discovered(self._window()))
        return [
            replace(
                each,
                components=own(components, each.name),
                tags=(index or {}).get(each.arn),
                hosting=stack,
                discovered=matching(discovered, each.name, own(components, each.name)),
            )
            for each in found
        ]

    def settle_all(self, endpoints: list[Endpoint]) -> list[tuple[Endpoint, Verdict]]:
        """`settle` for a whole region, in groups, from where the last run was cut off; in the given order."""
        done: dict[str, tuple[Endpoint, Verdict]] = {}
        waiting = self._in_bulk(endpoints, done)
        begin = self._checkpoint.load() if len(waiting) > GROUP else ""
        waiting.sort(key=lambda each: (each.arn < begin, each.arn))
        for first in range(0, len(waiting), GROUP):
            group = waiting[first : first + GROUP]
            done |= {each.arn: (each, verdict) for each, verdict in self.settle(group)}
        if self._single.cut_at or begin:
            self._checkpoint.save(self._single.cut_at)
        if self._single.cut_at:
            self.problems.append("no time was left to read all; the next run goes on from there")
        self._reserve = SPARE_SECONDS
        return [done[endpoint.arn] for endpoint in endpoints]

    def _in_bulk(
        self, endpoints: list[Endpoint], done: dict[str, tuple[Endpoint, Verdict]]
    ) -> list[Endpoint]:
        """Decide by the lists and batches of metrics; return the endpoints that need single calls."""
        waiting: list[Endpoint] = []
        measured: list[Endpoint] = []
        for endpoint in endpoints:
            outcome = decide(endpoint, self._settings, self.now)
            if isinstance(outcome, Verdict):
                done[endpoint.arn] = endpoint, outcome
            else:
                (measured if outcome is Need.METRICS else waiting).append(endpoint)
        if not measured:
            return waiting
        return waiting + self._in_bulk(self._activity(measured), done)

    def tagged(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with its tags."""
        if endpoint.tags is not None:
            return endpoint
        return self._single.read(Need.TAGS, endpoint)

    def priced(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with its configuration, which tells the instance type, if it can be read."""
        if endpoint.config is not None or not self.has_time():
            return endpoint
        return self._single.read(Need.CONFIG, endpoint)

    def price(self, settled: list[tuple[Endpoint, Verdict]]) -> list[tuple[Endpoint, Verdict]]:
        """Add the configuration to what is not kept, the largest first, as far as the run's reads go.

        The dearest are deleted first, which needs prices; but a call for each of many idle endpoints would
        double a run's calls. What is left out gets its price in a later run, since read ones are remembered.
        """
        idle = [endpoint for endpoint, verdict in settled if verdict.action is not Action.KEEP]
        idle.sort(key=lambda each: (-sum(v.instances or 0 for v in each.variants), each.created))
        reads = WARM_READS if self._single.remembers else int(COLD_READS * len(settled))
        allowed = max(reads - self._single.made, PRICES if len(settled) < SMALL_FLEET else 0)
        found: dict[str, Endpoint] = {}
        for endpoint in idle:
            costs_a_call = not self._single.has_config(endpoint)
            if allowed > 0 or not costs_a_call:
                allowed -= costs_a_call
                found[endpoint.arn] = self.priced(endpoint)
        return [(found.get(endpoint.arn, endpoint), verdict) for endpoint, verdict in settled]

    def settle(self, endpoints: Iterable[Endpoint]) -> list[tuple[Endpoint, Verdict]]:
        """Read, one kind of need at a time, until every endpoint has its verdict; in the given order."""
        open_ = {endpoint.arn: endpoint for endpoint in endpoints}
        order = list(open_)
        done: dict[str, tuple[Endpoint, Verdict]] = {}
        while open_:
            needs: dict[Need, list[Endpoint]] = {}
            for arn, endpoint in list(open_.items()):
                outcome = decide(endpoint, self._settings, self.now)
                if isinstance(outcome, Verdict):
                    done[arn] = (open_.pop(arn), outcome)
                else:
                    needs.setdefault(outcome, []).append(endpoint)
            for need, waiting in needs.items():
                measured = need is Need.METRICS
                one_by_one = (self._single.read(need, each) for each in waiting)
                read = self._activity(waiting) if measured else one_by_one
                open_ |= {endpoint.arn: endpoint for endpoint in read}
        return [done[arn] for arn in order]

    def fresh(self, endpoint: Endpoint) -> Endpoint | Unreadable:
        """The endpoint read anew as of this moment, with every series that CloudWatch lists for it."""
        self.now = self._clock()
        sagemaker = self._clients("sagemaker")
        try:
            answer = sagemaker.describe_endpoint(EndpointName=endpoint.name)
            tags = list_tags(sagemaker, endpoint.arn)
            if self._settings.ask_stacks:
                owner = owner_of(self._clients("cloudformation"), endpoint.arn, tags)
                tags |= {STACK_NAME_TAG: owner} if owner else {}
        except Exception as error:
            if not is_missing(error):
                self._note(f"the second look at {endpoint.name}", error_text(error))
            return Unreadable(error_text(error))
        listing = components_of(sagemaker, endpoint.name)
        components = tuple(component_of(summary) for summary in listing.items)
        again, detail = endpoint_of(answer), description_of(answer)
        before = endpoint.detail.config_name if isinstance(endpoint.detail, Description) else ""
        return replace(
            again,
            tags=tags,
            detail=detail,
            # A configuration cannot be changed, only replaced by another of a new name.
            config=endpoint.config if detail.config_name == before else None,
            components=components if listing.complete else Unreadable(listing.problem),
            hosting=self._lists.hosting_stack(),
            discovered=self._lists.listed_again(endpoint, self._window()),
        )

    def _window(self) -> timedelta:
        return self.now - self._settings.window_start(self.now)

    def _note(self, what: str, problem: str) -> None:
        if problem:
            self.problems.append(f"{what}: {problem}")

    def _activity(self, endpoints: list[Endpoint]) -> list[Endpoint]:
        """Read all series that the endpoints' rules want; one round of calls for each distinct window."""
        if not self.has_time():
            return [self._unmeasured(endpoint) for endpoint in endpoints]
        wanted = [(endpoint, self._start(endpoint), _missing(endpoint)) for endpoint in endpoints]
        starts: dict[datetime, set[Series]] = {}
        for _, start, series in wanted:
            starts.setdefault(start, set()).update(series)
        found: dict[datetime, dict[Series, Reading | Unreadable]] = {}
        for start, series in starts.items():
            found[start] = metrics.readings(self._clients("cloudwatch"), series, start=start, now=self.now)
            failed = [f"{s}: {r.why}" for s, r in found[start].items() if isinstance(r, Unreadable)]
            if failed:
                self._note(f"{len(failed)} metrics, the first", failed[0])
        return [
            replace(endpoint, activity={**endpoint.activity, **{s: found[start][s] for s in series}})
            for endpoint, start, series in wanted
        ]

    def _unmeasured(self, endpoint: Endpoint) -> Endpoint:
        self._single.cut_at = self._single.cut_at or endpoint.arn
        unread = dict.fromkeys(_missing(endpoint), Unreadable("no time was left in this run"))
        return replace(endpoint, activity={**endpoint.activity, **unread})

    def _start(self, endpoint: Endpoint) -> datetime:
        """The moment from which use counts: the window's start, or the warning if that was earlier."""
        opened = self._settings.window_start(self.now)
        given = warned_at(endpoint, self._settings)
        return min(opened, given) if given else opened


def _missing(endpoint: Endpoint) -> set[Series]:
    """The series that the endpoint's rules want and that were not read yet."""
    return wanted_series(endpoint) - set(endpoint.activity)
