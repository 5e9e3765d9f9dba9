"""Documents on the screen: what was added or found, an answer with its citations, and an evaluation."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from core.documents.answers import Answer, Citation
from core.documents.search import Corpus, Found
from finexpert.service.documents.library import Added
from finexpert.views import display

say = partial(display.say, markup=False)
"""Print a line as it is: text from documents is never markup."""


def added(each: Added) -> str:
    """A line about a file that was added: what was understood of it, or why it was not read."""
    if each.outcome == "failed":
        return f"✗ {each.name}: {each.why}"
    if each.cover is None:
        return f"= {each.name}: already there" + (f" ({each.why})" if each.why else "")
    end = f"to {each.cover.period_end}" if each.cover.period_end else ""
    figures = f"{each.facts} figures" if each.facts else ""
    known = [*_cover(vars(each.cover)), end, f"{each.pages} pages", figures, each.why]
    return f"✓ {each.name}: {' · '.join(filter(None, known))}"


def added_document(each: Added) -> dict[str, Any]:
    """A file that was added, for `--json`."""
    shown: dict[str, Any] = {"document": each.name, "outcome": each.outcome, "why": each.why}
    shown |= {"pages": each.pages, "facts": each.facts}
    if (cover := each.cover) is None:
        return shown
    return {**shown, **vars(cover), "period_end": cover.period_end and cover.period_end.isoformat()}


def listed(row: Mapping[str, Any]) -> str:
    """A line about a document of the index."""
    return f"{row['name']}: {' · '.join(filter(None, [*_cover(row), str(row['pages']) + ' pages']))}"


def _cover(cover: Mapping[str, Any]) -> list[str]:
    return [cover["company"], cover["form"], f"{cover['fiscal_period']} {cover['fiscal_year'] or ''}".strip()]


def say_found(corpus: Corpus, kept: Mapping[str, Sequence[Any]], found: Sequence[Found]) -> None:
    """Print the filter that a question was understood as, and the pieces found."""
    _say_note(corpus)
    shown = [f"{name.replace('_', ' ')}: {', '.join(map(str, each))}" for name, each in kept.items() if each]
    say("; ".join(shown) or "all documents", style="dim")
    for number, each in enumerate(found, 1):
        say(f"{number}. {_place(each)} · {each.section}".rstrip(" ·"), style="bold")
        say(each.text.strip()[:700])
    if not found:
        say("Nothing was found.")


def say_answer(corpus: Corpus, given: Answer) -> None:
    """Print an answer with its citations, or why there is none."""
    _say_note(corpus)
    say(f"No answer: {given.reason}." if given.refused else given.answer)
    if given.reason and not given.refused:
        say(given.reason, style="yellow")
    for number, each in enumerate(given.citations, 1):
        say(f"[{number}] {_place(each)}: {each.text.strip()[:300]}", style="dim")


def _place(each: Found | Citation) -> str:
    return f"{each.document}, {f'page {each.page}' if each.page else 'no pages'}"


def _say_note(corpus: Corpus) -> None:
    for problem in corpus.note.values():
        say(problem, style="yellow")


def say_evaluation(result: Mapping[str, Any]) -> None:
    """Print how often search found the page and answers were right; with vectors, what they change."""
    low, high = result["intervals"]["right"] or (0.0, 0.0)
    right = f"{result['right']} right ({low:.0%} to {high:.0%})"
    say(f"{result['questions']} questions: {right}, {result['refused']} refused, {result['wrong']} wrong")
    first, five, twenty = (result["page_recall"][k] for k in ("1", "5", "20"))
    if first is not None:
        say(f"the page is found first in {first:.0%}, among five in {five:.0%}, among twenty in {twenty:.0%}")
    if vectors := result.get("vectors"):
        say("with vectors:", style="bold")
        say_evaluation(vectors)
        gained, lost, p = (vectors["pages"][name] for name in ("gained", "lost", "p"))
        say(f"of pages among five, vectors find {gained} more and lose {lost} (McNemar's test: p = {p:.2f})")
