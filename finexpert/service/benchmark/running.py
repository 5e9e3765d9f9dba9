"""Runs a benchmark: the worst case first, then each question to each contestant, none paid for twice."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from finexpert.errors import UserError
from finexpert.service.benchmark import contestants as who
from finexpert.service.benchmark import judging
from finexpert.service.benchmark.contestants import Asker, Contestant, Failed, Reply
from finexpert.service.benchmark.questions import Item, matched, pasted

CHARACTERS_A_TOKEN = 3
"""English has about four; three bounds the input's price from above."""
PARALLEL = 4
TRIES = 3
Passages = Callable[[str], str]


@dataclass(frozen=True)
class Plan:
    """The most that a contestant may cost, before anything is sent."""

    name: str
    written: str
    receiver: str
    requests: int
    input_tokens: int
    output_tokens: int
    worst_usd: float | None


def prompt_of(item: Item, passages: Passages | None) -> str:
    """The prompt that every contestant gets; `passages` adds those of the documents."""
    question = item.question
    parts = ["Answer the question in one line, with the unit. If it cannot be answered, say: not answerable."]
    if question.context:
        parts.append(question.context)
    if passages:
        parts.append(passages(question.question))
    parts.append(f"Question: {question.question}")
    if question.choices:
        parts.append("\n".join(f"{chr(ord('A') + n)}) {choice}" for n, choice in enumerate(question.choices)))
        parts.append("Answer with the letter.")
    return "\n\n".join(part for part in parts if part) + "\nAnswer:"


def plan(items: Sequence[Item], contestants: Sequence[Contestant], passages: Passages | None) -> list[Plan]:
    """The worst case of each contestant, from the prompts as they will be sent and the longest answer."""
    found = []
    for each in contestants:
        if each.kind == "answers":
            found.append(Plan(each.name, each.written, "", 0, 0, 0, 0.0))
            continue
        prompts = [prompt_of(item, passages if each.docs else None) for item in items]
        tokens = sum(len(prompt) for prompt in prompts) // CHARACTERS_A_TOKEN + len(prompts)
        output = len(prompts) * each.most_tokens
        price = each.price
        worst = None if price is None else (tokens * price["input"] + output * price["output"]) / 1e6
        found.append(Plan(each.name, each.written, each.receiver, len(prompts), tokens, output, worst))
    return found


def admit(plans: Sequence[Plan], limit_usd: float) -> None:
    """Stop before the first request if a price is not known or the worst case is above the limit.

    Raises:
        UserError: what it may cost, and what to do.
    """
    unknown = [each.name for each in plans if each.worst_usd is None]
    if unknown:
        raise UserError(
            f"No price is known for {', '.join(unknown)}.",
            where=f"prices of {who.PRICES['date']}",
            fix="Leave them out, or paste their answers as answers:FILE.csv.",
        )
    worst = sum(each.worst_usd or 0.0 for each in plans)
    if worst > limit_usd:
        raise UserError(
            f"The benchmark may cost ${worst:.2f}, more than the limit of ${limit_usd:.2f}.",
            fix="Raise --limit-usd, ask fewer questions (--most), or leave a contestant out.",
        )


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
                except (ValueError, TypeError, KeyError):
                    continue  # the line that was being written when the program ended

    def __len__(self) -> int:
        return len(self._known)

    @staticmethod
    def key(contestant: Contestant, prompt: str) -> str:
        """A hash of all that an answer depends on."""
        parts = [contestant.kind, contestant.model, contestant.url, contestant.version]
        parts += [str(contestant.most_tokens), "0", prompt]  # 0: the temperature
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
    progress: Callable[[str], None] = lambda line: None,
    spent: Callable[[float], None] = lambda usd: None,
) -> dict[str, Any]:
    """All answers, graded and compared. `spent` is called with the dollars of each answer that is paid for.

    Returns:
        `contestants` and `pairs`, as documented, and `answers`: what each said to each question.
    """
    meter = Meter(limit_usd)
    judged: dict[str, list[judging.Judged]] = {}
    rows = []
    for each in contestants:
        progress(f"{each.name} ({each.written})")
        problems: list[str] = []
        if each.kind == "answers":
            replies = _pasted(items, each, problems)
        else:
            till = _Till(cache, meter, spent, problems)
            replies = _asked(items, each, askers[each.name], passages if each.docs else None, till)
        if problems:
            progress(f"  {len(problems)} without an answer, the first one: {problems[0]}")
        judged[each.name] = [judging.judge(item, reply) for item, reply in zip(items, replies, strict=True)]
        usd = sum(cost(each, reply) for reply in replies if reply)
        row = judging.summary(each.name, judged[each.name], replies, usd)
        rows.append({**row, "kind": each.written, "problem": next(iter(problems), "")})
    answers = [
        {
            "id": item.id,
            "group": item.group,
            "question": item.question.question,
            "right": list(item.question.answers),
            "scale": item.question.scale,
            "given": {
                name: {"outcome": of[n].detail, "answer": of[n].answer[:500]} for name, of in judged.items()
            },
        }
        for n, item in enumerate(items)
    ]
    return {"contestants": rows, "pairs": judging.pairs(items, judged), "answers": answers}


def cost(contestant: Contestant, reply: Reply) -> float:
    """The cost of an answer, by its tokens."""
    price = contestant.price or {"input": 0.0, "output": 0.0}
    return (reply.input_tokens * price["input"] + reply.output_tokens * price["output"]) / 1e6


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
    """Where answers and dollars of a contestant go, and why a question has no answer."""

    cache: Cache
    meter: Meter
    spent: Callable[[float], None]
    problems: list[str]


def _asked(
    items: Sequence[Item], contestant: Contestant, ask: Asker, passages: Passages | None, till: _Till
) -> list[Reply | None]:
    def one(item: Item) -> Reply | None:
        prompt = prompt_of(item, passages)
        key = Cache.key(contestant, prompt)
        known = till.cache.get(key)
        if known is not None:
            return known
        price = contestant.price or {"input": 0.0, "output": 0.0}
        tokens = len(prompt) // CHARACTERS_A_TOKEN + 1
        worst = (tokens * price["input"] + contestant.most_tokens * price["output"]) / 1e6
        if not till.meter.reserve(worst):
            till.problems.append("the dollars were used up")
            return None
        reply = _patiently(ask, prompt, till.problems)
        usd = cost(contestant, reply) if reply else 0.0
        till.meter.settle(worst, usd)
        if reply is not None:
            till.cache.put(key, reply)
            till.spent(usd)
        return reply

    pool = ThreadPoolExecutor(PARALLEL)
    try:
        return list(pool.map(one, items))
    finally:  # after Ctrl-C, what has not been sent is not sent
        pool.shutdown(cancel_futures=True)


def _patiently(ask: Asker, prompt: str, problems: list[str]) -> Reply | None:
    """Ask again after a failure, with growing pauses; None if it fails to the end."""
    for attempt in range(1, TRIES + 1):
        try:
            return ask(prompt)
        except Failed as failed:
            if attempt == TRIES or not failed.again:
                problems.append(str(failed))
                return None
            time.sleep(0.5 * 2**attempt * random.uniform(0.5, 1.0))
    return None
