"""Questions from the tagged and tabled figures of an index: to train on, and to measure with."""

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.documents import answering, answers, facts, store
from core.documents.checking import figures as figures_in
from core.documents.model import Fact
from core.documents.periods import Period, period_of
from core.documents.prompting import REFUSAL, prompt
from core.documents.search import Corpus, search
from core.documents.wording import stems
from finexpert.errors import UserError
from training.evaluation.statistics import mcnemar

PASSAGES = 4
REFUSED_SHARE = 0.15
"""The share of the training questions that lose their passage, so that the model learns to refuse."""


@dataclass(frozen=True)
class Exercise:
    """A question whose answer is known, and where it stands."""

    question: str
    fact: Fact
    document: str
    text: str


def exercises(corpus: Corpus, *, most: int, seed: int = 0) -> list[Exercise]:
    """Up to `most` questions about figures of the index whose names are unique, spread over its documents."""
    draw = random.Random(seed)
    by_document = {number: list(_of_document(corpus, number)) for number in corpus.covers}
    for found in by_document.values():
        draw.shuffle(found)
    mixed = [found.pop() for _ in range(most) for found in by_document.values() if found]
    return mixed[:most]


def _of_document(corpus: Corpus, document: int) -> Iterator[Exercise]:
    name, cover = corpus.covers[document]
    named: dict[tuple[str, Period, bool], list[Fact]] = defaultdict(list)
    for row in corpus.connection.execute(
        "SELECT * FROM fact WHERE document = ? AND label != ''", (document,)
    ):
        fact = store.fact_of(row)
        period = period_of(fact.start, fact.end, cover)
        label = re.sub(r"\s*\(\d+\)", "", fact.label).rpartition(": ")[2]
        if (
            period
            and not fact.dimensions
            and len(stems(label) - facts.WEAK) >= 2
            and not re.search(r"\d", label)
        ):
            named[label, period, fact.start is None].append(fact)
    for (label, period, moment), found in sorted(named.items(), key=lambda each: str(each[0])):
        if len({(fact.value, fact.unit) for fact in found}) != 1 or not found[0].value:
            continue
        fact = found[0]
        time = f"as of {fact.end:%B} {fact.end.day}, {fact.end.year}" if moment else f"in {period}"
        text = store.page_text(corpus.connection, document, fact.page)[slice(*fact.span)]
        subject = f"{cover.company}'s " if cover.company else "the "
        yield Exercise(f"What was {subject}{label} {time}?", fact, name, text)


def training_set(corpus: Corpus, folder: Path, *, most: int, seed: int = 0) -> dict[str, int]:
    """Write instructions to train on: passages and a question in, a quoted answer or a refusal out.

    The right passage stands among others that the search finds. Each document is on the training or on the
    validation side only, a fifth of them on the latter (at least one where there are two).

    Returns:
        Records by side: train and validation.
    """
    draw = random.Random(seed)
    names = sorted({name for name, _ in corpus.covers.values()})
    draw.shuffle(names)
    held_out = set(names[: max(1, len(names) // 5)]) if len(names) > 1 else set()
    sides: dict[str, list[dict[str, str]]] = {"train": [], "validation": []}
    for exercise in exercises(corpus, most=most, seed=seed):
        side = "validation" if exercise.document in held_out else "train"
        sides[side].append(_record(corpus, exercise, held_out, draw))
    for side, records in sides.items():
        target = folder / side / "documents.jsonl"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(
            "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records), encoding="utf-8"
        )
    return {side: len(records) for side, records in sides.items()}


def _record(corpus: Corpus, exercise: Exercise, held_out: set[str], draw: random.Random) -> dict[str, str]:
    asked = corpus.understand(exercise.question)
    mine = exercise.document in held_out
    found = [each for each in search(corpus, asked, top=PASSAGES * 3) if (each.document in held_out) is mine]
    right = [each for each in found if exercise.text in each.text][:1]
    others = [each for each in found if exercise.text not in each.text][: PASSAGES - 1]
    refuse = not right or draw.random() < REFUSED_SHARE
    shown = others if refuse else [*right, *others]
    draw.shuffle(shown)
    passages = [(f"{each.document}, page {each.page}", each.text) for each in shown]
    quoted = " ".join(exercise.text.split())
    value, page = answers.plainly(exercise.fact.value, exercise.fact), exercise.fact.page
    completion = REFUSAL if refuse else f'{value} ({exercise.document}, page {page}: "{quoted}")'
    return {"prompt": prompt(exercise.question, passages), "completion": completion}


def questions_of(corpus: Corpus, path: Path | None, *, most: int) -> list[dict[str, Any]]:
    """The questions of a file; without one, up to `most` that are made from the figures of the index.

    A line of the file is a JSON object with question, and any of answer, document, page, answerable.

    Raises:
        UserError: a line is no such object: which line.
    """
    if path is None:
        return [
            {
                "question": each.question,
                "answer": f"{each.fact.value:f}",
                "document": each.document,
                "page": each.fact.page,
            }
            for each in exercises(corpus, most=most)
        ]
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict) or not isinstance(entry.get("question"), str):
            raise UserError(
                "This line is no question.",
                where=f"{path}, line {number}",
                fix='Write {"question": "…", "answer": 12.5, "document": "a.pdf", "page": 3}.',
            )
        found.append(entry)
    return found


def measured(corpus: Corpus, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`evaluate` without vectors; where the index has some, with them too, in the member `vectors`."""
    result = evaluate(replace(corpus, by_meaning=None), entries)
    return result | ({"vectors": with_vectors(corpus, entries)} if corpus.by_meaning else {})


def evaluate(corpus: Corpus, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Measure search and answers on questions with known answers.

    Recall is by page, over the questions that name one. Citation precision is the share of cited texts that
    hold a figure; citation recall is the share of right answers that cite the page.
    """
    counts = {"right": 0, "wrong": 0, "refused": 0, "wrong_company": 0, "wrong_year": 0, "rightly_refused": 0}
    ranks: list[int | None] = []
    cited = holding = on_page = 0
    for entry in entries:
        asked = corpus.understand(entry["question"])
        if entry.get("page") is not None:
            ranks.append(_rank(corpus, asked, entry))
        answer = answering.answer(corpus, asked)
        outcome = judged(answer, entry)
        counts[outcome] += 1
        if outcome == "wrong":
            counts["wrong_company"] += bool(asked.filter.companies) and not _of_company(
                corpus, answer, asked.filter.companies
            )
            counts["wrong_year"] += bool(asked.filter.periods) and answer.period not in {
                str(p) for p in asked.filter.periods
            }
        for citation in answer.citations:
            cited += 1
            holding += answer.value is None or bool(figures_in(citation.text))
        on_page += outcome == "right" and any(
            (c.document, c.page) == (entry.get("document", c.document), entry.get("page", c.page))
            for c in answer.citations
        )
    total = len(entries)
    return {
        "questions": total,
        **counts,
        "intervals": {name: wilson(counts[name], total) for name in ("right", "wrong", "refused")},
        "page_recall": {str(k): _share([r is not None and r <= k for r in ranks]) for k in (1, 5, 20)},
        "mean_reciprocal_rank": sum(1 / r for r in ranks if r) / len(ranks) if ranks else None,
        "citation_precision": holding / cited if cited else None,
        "citation_recall": on_page / counts["right"] if counts["right"] else None,
    }


def with_vectors(corpus: Corpus, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`evaluate` with vectors, and for how many questions they change whether the page is among five.

    Raises:
        UserError: a question could not be searched by vectors, so that nothing can be said of them.
    """
    result = evaluate(corpus, entries)
    gained = lost = 0
    for entry in entries:
        asked = corpus.understand(entry["question"])
        if entry.get("page") is not None:
            before = _rank(replace(corpus, by_meaning=None), asked, entry)
            after = _rank(corpus, asked, entry)
            gained += _among_five(after) and not _among_five(before)
            lost += _among_five(before) and not _among_five(after)
        if corpus.note:
            raise UserError(corpus.note["note"], fix="Evaluate again once they answer.")
    return result | {"pages": {"gained": gained, "lost": lost, "p": mcnemar(gained, lost)}}


def _among_five(rank: int | None) -> bool:
    return rank is not None and rank <= 5


def _rank(corpus: Corpus, asked: Any, entry: dict[str, Any]) -> int | None:
    found = search(corpus, asked, top=20)
    for rank, each in enumerate(found, 1):
        if each.page == entry["page"] and each.document == entry.get("document", each.document):
            return rank
    return None


def _of_company(corpus: Corpus, answer: answers.Answer, companies: Sequence[str]) -> bool:
    of = {name: cover.company for name, cover in corpus.covers.values()}
    return all(of[citation.document] in companies for citation in answer.citations)


def judged(answer: answers.Answer, entry: dict[str, Any]) -> str:
    """Grade an answer: right, wrong, refused, or rightly_refused where the documents hold no answer."""
    if answer.refused:
        return "rightly_refused" if entry.get("answerable") is False else "refused"
    if entry.get("answerable") is False:
        return "wrong"
    wanted = entry.get("answer")
    if wanted is None:
        return "right"
    known = [value for value, _ in figures_in(str(wanted))]
    if known and answer.value is not None:
        return "right" if any(abs(answer.value) == value for value in known) else "wrong"
    return "right" if str(wanted).lower() in answer.answer.lower() else "wrong"


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


def wilson(hits: int, total: int, z: float = 1.96) -> list[float] | None:
    """Wilson's 95 % interval of a share (Wilson, JASA 1927)."""
    if not total:
        return None
    share = hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * ((share * (1 - share) + z * z / (4 * total)) / total) ** 0.5 / (1 + z * z / total)
    return [max(0.0, middle - half), min(1.0, middle + half)]
