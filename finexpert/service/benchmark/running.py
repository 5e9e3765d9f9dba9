"""Runs a benchmark: the worst case first, then each question to each contestant, none paid for twice."""

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any

from finexpert.errors import UserError
from finexpert.service.benchmark import judging
from finexpert.service.benchmark.askers import Asker, Failed, Reply
from finexpert.service.benchmark.contestants import Contestant
from finexpert.service.benchmark.judging import Judged
from finexpert.service.benchmark.planning import Passages, prompt_of, tokens_at_most, worst_usd
from finexpert.service.benchmark.questions import Item, matched, pasted

PARALLEL = 4
PAUSE_SECONDS = 0.25
TRIES, TRIES_THAT_MAY_COST = 5, 3
"""The most tries of a request that fails without cost, and of one that may be billed."""


class Cache:
    """Answers that were paid for, a line each: an interrupted benchmark goes on where it stopped."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._known: dict[str, Reply] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                    self._known[entry["key"]] = Reply(**entry["reply"])
                except (ValueError, TypeError, KeyError, RecursionError):
                    continue  # the line that was being written when the program ended

    def __len__(self) -> int:
        return len(self._known)

    @staticmethod
    def key(contestant: Contestant, prompt: str, repetition: int = 0) -> str:
        """A hash of all that an answer depends on, and which repetition it is."""
        parts = [contestant.kind, contestant.model, contestant.url, contestant.version]
        parts += [str(contestant.most_tokens), "0", prompt]  # 0: the temperature
        parts += [str(repetition)] * (repetition > 0)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def get(self, key: str) -> Reply | None:
        """The stored answer, if there is one."""
        return self._known.get(key)

    def put(self, key: str, reply: Reply) -> None:
        """Store an answer at once."""
        with self._lock:
            self._known[key] = reply
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "reply": asdict(reply)}) + "\n")


class Meter:
    """Dollars spent in this run; nothing more is sent when the limit would be passed."""

    def __init__(self, limit_usd: float) -> None:
        self._left, self._lock = limit_usd, Lock()

    def reserve(self, usd: float) -> bool:
        """Take a request's worst case; False if it is not there."""
        with self._lock:
            if usd > self._left + 1e-12:
                return False
            self._left -= usd
            return True

    def settle(self, reserved: float, spent: float) -> None:
        """Give back what a request did not cost."""
        with self._lock:
            self._left += reserved - spent


def run(
    items: Sequence[Item],
    contestants: Sequence[Contestant],
    askers: Mapping[str, Asker],
    *,
    passages: Passages | None = None,
    cache: Cache,
    limit_usd: float,
    repetitions: int = 1,
    progress: Callable[[str], None] = lambda line: None,
    spent: Callable[[Contestant, float], None] = lambda contestant, usd: None,
) -> dict[str, Any]:
    """All answers, graded and compared. `spent` is called with the dollars of each request that is paid for.

    Each question is asked `repetitions` times; pasted answers are given once.

    Returns:
        `contestants` and `pairs`, as documented, and `answers`: what each said to each question.
    """
    meter = Meter(limit_usd)
    judged: dict[str, list[list[Judged]]] = {}
    rows = []
    for each in contestants:
        progress(f"{each.name} ({each.written})")
        till = _Till(cache, meter, partial(spent, each), [], [])
        if each.kind == "answers":
            replies = [[reply] for reply in _pasted(items, each, till.problems)]
        else:
            replies = _asked(
                items, each, askers[each.name], passages if each.docs else None, repetitions, till
            )
        if till.problems:
            progress(f"  {len(till.problems)} without an answer, the first one: {till.problems[0]}")
        judged[each.name] = [
            [judging.judge(item, reply) for reply in given]
            for item, given in zip(items, replies, strict=True)
        ]
        answered = [reply for given in replies for reply in given if reply]
        lost = sum(till.lost)
        hours = sum(reply.seconds for reply in answered) / PARALLEL / 3600
        tokens = sum(each.usd(reply.input_tokens, reply.output_tokens) for reply in answered)
        usd = tokens + hours * each.usd_per_hour + lost
        row = judging.summary(each.name, judged[each.name], answered, usd)
        rows.append({**row, "kind": each.written, "lost_usd": lost, "problem": next(iter(till.problems), "")})
    answers = [
        {
            "id": item.id,
            "group": item.group,
            "question": item.question.question,
            "right": list(item.question.answers),
            "scale": item.question.scale,
            "given": {name: judging.shown(of[n]) for name, of in judged.items()},
        }
        for n, item in enumerate(items)
    ]
    return {"contestants": rows, "pairs": judging.pairs(items, judged), "answers": answers}


def _pasted(items: Sequence[Item], contestant: Contestant, problems: list[str]) -> list[Reply | None]:
    given = pasted(Path(contestant.file))
    answers = matched(given, [item.id for item in items])
    if given and not answers:
        raise UserError(
            f"No id of {contestant.name} is one of the questions': {', '.join(list(given)[:3])} …",
            where=contestant.file,
            fix=f"Use the questions' ids, such as {items[0].id}.",
        )
    problems += [f"{item.id} is not in {contestant.file}" for item in items if item.id not in answers]
    return [Reply(answers[item.id]) if item.id in answers else None for item in items]


@dataclass(frozen=True)
class _Till:
    """Keeps the answers and counts the dollars of a contestant.

    `problems`: why questions have no answer; `lost`: dollars that requests without an answer may have cost.
    """

    cache: Cache
    meter: Meter
    spent: Callable[[float], None]
    problems: list[str]
    lost: list[float]


def _asked(
    items: Sequence[Item],
    contestant: Contestant,
    ask: Asker,
    passages: Passages | None,
    repetitions: int,
    till: _Till,
) -> list[list[Reply | None]]:
    """The replies to each question, one a repetition."""
    stopped = Event()

    def one(item: Item, repetition: int) -> Reply | None:
        prompt = prompt_of(item, passages)
        key = Cache.key(contestant, prompt, repetition)
        known = till.cache.get(key)
        if known is not None:
            return known
        reply = _patiently(contestant, ask, prompt, till, stopped)
        if reply is not None:
            till.cache.put(key, reply)
        return reply

    times = range(repetitions)
    pool = ThreadPoolExecutor(PARALLEL)
    try:
        asked = [[pool.submit(one, item, repetition) for repetition in times] for item in items]
        return [[future.result() for future in each] for each in asked]
    finally:  # after Ctrl-C, what has not been sent is not sent
        stopped.set()
        pool.shutdown(cancel_futures=True)


def _patiently(contestant: Contestant, ask: Asker, prompt: str, till: _Till, stopped: Event) -> Reply | None:
    """Ask again after a failure, with growing pauses; None if it fails to the end.

    A request that failed is counted with the most that it may have cost, unless the service refused it.
    """
    worst = worst_usd(contestant, prompt)
    for attempt in range(1, TRIES + 1):
        if not till.meter.reserve(worst):
            till.problems.append("the dollars were used up")
            return None
        try:
            reply = ask(prompt)
        except Failed as failed:
            usd = worst if failed.billed else 0.0
            _settle(till, worst, usd)
            till.lost.append(usd)
            pause = PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.0)
            last = TRIES_THAT_MAY_COST if failed.billed else TRIES
            if attempt >= last or not failed.again or stopped.wait(pause):
                till.problems.append(str(failed))
                return None
        else:
            if worst and not reply.input_tokens:  # the service did not say what it counted
                reply = replace(
                    reply, input_tokens=tokens_at_most(prompt), output_tokens=contestant.most_tokens
                )
            _settle(till, worst, contestant.usd(reply.input_tokens, reply.output_tokens))
            return reply
    return None


def _settle(till: _Till, reserved: float, usd: float) -> None:
    till.meter.settle(reserved, usd)
    till.spent(usd)
