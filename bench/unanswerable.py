"""Questions that the indexed documents cannot answer, by kind: the right answer to each is a refusal."""

import random
import re
from collections.abc import Iterator

from core.documents.model import Cover
from core.documents.search import Corpus
from core.documents.wording import stems
from finexpert.service.documents.exercises import Exercise, exercises

OTHER_COMPANIES = (
    *("Tesla", "Boeing", "Pfizer", "Exxon Mobil", "Bank of America", "Siemens", "Toyota", "Nestlé"),
    *("Delta Air Lines", "General Electric", "Goldman Sachs", "Starbucks", "Nvidia", "Salesforce", "Ford"),
)
OTHER_THINGS = (
    *(
        "bitcoin holdings",
        "aircraft deliveries",
        "vaccine sales",
        "proved oil reserves",
        "satellite launches",
    ),
    *("timber harvest volume", "hospital beds", "nuclear generating capacity", "uranium production"),
    *(
        "passenger load factor",
        "net interest margin on deposits",
        "mortgage originations",
        "cement shipments",
    ),
    *("assets under management", "loan loss provisions", "coal shipments", "medical claims ratio"),
    *("rail carloads", "barrels of crude refined", "combined ratio", "gold production", "wheat acreage"),
)
OTHER_PLACES = ("Antarctica", "Iceland", "Mongolia", "Greenland", "Luxembourg", "Bhutan")
OUTSIDE = (
    "Who won the football world cup in 2018?",
    "What is the capital of France?",
    "What is the boiling point of water?",
    "How many moons does Jupiter have?",
    "What is the meaning of life?",
    "Write a poem about spring.",
    "What is the weather in Boston today?",
    "Who wrote Hamlet?",
)
ABOUT_THE_FUTURE = (
    "What will {company}'s share price be in 2035?",
    "How much revenue will {company} have in fiscal 2040?",
    "What was {company}'s net income in fiscal 2041?",
    "By how much will {company}'s sales grow in 2038?",
)


def unanswerable(corpus: Corpus, *, most: int, seed: int = 0) -> dict[str, list[str]]:
    """About `most` questions by kind, made from the corpus's own figures and from what it does not hold."""
    draw = random.Random(seed)
    made = exercises(corpus, most=400, seed=seed)
    covers = [cover for _, cover in corpus.covers.values() if cover.company]
    kinds = {
        "other company": list(_other_company(made, draw)),
        "other year": list(_other_year(made, draw)),
        "other thing": [
            f"What was {cover.company}'s {thing} in fiscal {cover.fiscal_year}?"
            for cover in covers
            for thing in OTHER_THINGS
        ],
        "another company's figure": list(_other_owner(corpus, made)),
        "other place": [
            f"What were {cover.company}'s {what} in {place} in fiscal {cover.fiscal_year}?"
            for cover in covers
            for place in OTHER_PLACES
            for what in ("net sales", "long-lived assets", "revenues")
        ],
        "the future": [form.format(company=cover.company) for cover in covers for form in ABOUT_THE_FUTURE],
        "another subject": list(OUTSIDE),
    }
    for questions in kinds.values():
        draw.shuffle(questions)
    share = most // len(kinds)
    return {kind: list(dict.fromkeys(questions))[:share] for kind, questions in kinds.items()}


def _other_company(made: list[Exercise], draw: random.Random) -> Iterator[str]:
    for exercise in made:
        match = re.match(r"What was (?:.+?'s |the )(.+)\?$", exercise.question)
        if match:
            name = draw.choice(OTHER_COMPANIES)
            yield draw.choice(
                (f"What was {name}'s {match[1]}?", f"What did {name} report as {match[1]}?",
                 f"What was the {match[1]} of {name}?", f"How much was {name.lower()}'s {match[1]}?")
            )  # fmt: skip


def _other_year(made: list[Exercise], draw: random.Random) -> Iterator[str]:
    for exercise in made:
        year = draw.choice((1987, 1996, 2003, 2009, 2011, 2033, 2045))
        asked = re.sub(r"\b20\d\d\b", str(year), exercise.question)
        if asked != exercise.question:
            yield asked


def _other_owner(corpus: Corpus, made: list[Exercise]) -> Iterator[str]:
    """Figures of one company's documents, asked of another company whose documents lack their words."""
    covers: dict[str, Cover] = {cover.company: cover for _, cover in corpus.covers.values() if cover.company}
    texts = {company: _words(corpus, company) for company in covers}
    owner = {name: cover.company for name, cover in corpus.covers.values()}
    for exercise in made:
        match = re.match(r"What was .+?'s (.+?)(?: as of .+| in [^?]+)\?$", exercise.question)
        if not match:
            continue
        for company, cover in covers.items():
            missing = stems(match[1]) - texts[company]
            if company != owner[exercise.document] and len(missing) >= 2:
                yield f"What was {company}'s {match[1]} in fiscal {cover.fiscal_year}?"
                break


def _words(corpus: Corpus, company: str) -> set[str]:
    found: set[str] = set()
    for number, (_, cover) in corpus.covers.items():
        if cover.company == company:
            for row in corpus.connection.execute("SELECT text FROM chunk WHERE document = ?", (number,)):
                found |= stems(row["text"])
            for row in corpus.connection.execute("SELECT label FROM fact WHERE document = ?", (number,)):
                found |= stems(row["label"])
    return found
