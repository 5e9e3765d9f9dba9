"""Conducts a benchmark: consent, the worst case, the month's money, all answers, and the written report."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from finexpert.service.benchmark import askers, planning, report, running
from finexpert.service.benchmark import contestants as who
from finexpert.service.benchmark.askers import Asker
from finexpert.service.benchmark.contestants import Contestant
from finexpert.service.benchmark.planning import Passages
from finexpert.service.benchmark.questions import Item
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import switch
from finexpert.service.money import costs
from finexpert.service.money.purse import Purse

NEED_THE_APP = {"tuned", "base", "bedrock"}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The terms that a person agreed to: services that may get the questions, kind of data, dollars.

    `most_tokens`: the longest answer that any contestant may give; `repetitions`: how often each question is
    asked.
    """

    send_to: Sequence[str] = field(default_factory=list)
    data: str = "internal"
    limit_usd: float = 3.0
    most_tokens: int = who.MOST_TOKENS
    repetitions: int = 1


def conduct(
    items: Sequence[Item],
    contestants: Sequence[Contestant],
    *,
    terms: Terms,
    out: Path,
    deployment: Callable[[], Deployment],
    passages: Passages | None = None,
    source: str = "",
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Run a benchmark and write its report into `out`; nothing is sent before consent and money are clear.

    Args:
        deployment: finds the app; called only if a contestant needs it.
        source: what the questions came from.
        say: called with a sentence about what is sent where, and about the progress.

    Raises:
        UserError: a consent or a price is missing, the worst case is too high, or the app is absent.
    """
    who.refuse_without_consent(contestants, terms.send_to, terms.data)
    contestants = [replace(each, most_tokens=terms.most_tokens) for each in contestants]
    plans = planning.plan(items, contestants, passages, terms.repetitions)
    planning.admit(plans, terms.limit_usd)
    for each in plans:
        if each.receiver:
            say(planned(each))
    app = deployment() if any(each.kind in NEED_THE_APP for each in contestants) else None
    if app:
        who.refuse_price_of_elsewhere(contestants, app.settings.region)
        contestants = [_of_the_app(app, each) for each in contestants]
    asked = _askers(contestants, app, terms.data, say)
    billed = sum(each.worst_usd or 0.0 for each in plans if each.receiver == "bedrock")
    with _purse(app, billed, say) as purse:
        result = running.run(
            items,
            contestants,
            asked,
            passages=passages,
            cache=running.Cache(out / "answers.jsonl"),
            limit_usd=sum(each.worst_usd or 0.0 for each in plans),
            repetitions=terms.repetitions,
            progress=say,
            spent=lambda each, usd: purse.spent(usd) if purse and each.receiver == "bedrock" else None,
        )
    result["made"] = {
        "questions": source,
        "asked": len(items),
        "questions_sha256": hashlib.sha256(repr(items).encode()).hexdigest(),
        "first_prompt": planning.prompt_of(items[0], None),
        "contestants": {each.name: each.written for each in contestants},
        "versions": {each.name: each.version for each in contestants if each.version},
        "asked_as": {each.name: each.asked_as for each in contestants},
        "temperature": 0,
        "repetitions": terms.repetitions,
        "most_tokens": terms.most_tokens,
        "prices": {each.name: each.price_source for each in contestants if each.price_source},
    }
    report.write(result, out)
    return result


def _of_the_app(app: Deployment, contestant: Contestant) -> Contestant:
    """A contestant with what its answers depend on besides its name, and what its machine costs."""
    settings = app.settings
    base = f"{settings.base_model} {settings.base_model_version} {settings.base_model_uri}".strip()
    if contestant.kind == "bedrock":
        return replace(contestant, version=settings.region)
    if contestant.kind not in ("tuned", "base"):
        return contestant
    tuned = f"{switch.require_present(app).artifact} on " if contestant.kind == "tuned" else ""
    return replace(contestant, version=f"{tuned}{base}", usd_per_hour=costs.hosting_usd_per_hour(app))


def planned(plan: planning.Plan) -> str:
    """A contestant's worst case, and what leaves for where, in a line."""
    sent = f"; {plan.requests} prompts, at most {plan.input_tokens:,} tokens, leave for {plan.receiver}"
    worst = "price not known" if plan.worst_usd is None else f"at most ${plan.worst_usd:.4f}"
    return f"{plan.name} ({plan.written}): {worst}{sent if plan.receiver else ''}"


def _askers(
    contestants: Sequence[Contestant], app: Deployment | None, data: str, say: Callable[[str], None]
) -> dict[str, Asker]:
    if app and any(each.kind == "bedrock" for each in contestants):
        kept = who.retention(app.target.client("bedrock"))
        who.refuse_retention(kept, data)
        how_long = who.KEPT.get(kept, "how long traffic is kept is not known")
        say(f"bedrock, {app.settings.region}: the account's data retention is {kept}: {how_long}")
    for receiver in sorted(
        {each.receiver for each in contestants if each.kind == "openai" and each.receiver}
    ):
        say(f"{receiver}: how long it keeps what it gets is in its own terms")
    found: dict[str, Asker] = {}
    for each in contestants:
        if each.kind == "openai":
            found[each.name] = askers.openai(each)
        elif app and each.kind == "bedrock":
            found[each.name] = askers.bedrock(askers.bedrock_client(app.target), each)
        elif app and each.kind != "answers":
            found[each.name] = askers.endpoint(app, each)
    return found


def _purse(
    app: Deployment | None, worst_usd: float, say: Callable[[str], None]
) -> AbstractContextManager[Purse | None]:
    """The month's money, where there is a deployment whose month it is."""
    if app is None or not worst_usd:
        return nullcontext()
    if costs.absence(app):
        say("The app is not deployed here, so only --limit-usd is checked.")
        return nullcontext()
    return Purse(app, worst_usd)
