"""Checks that data of every form is read whole, or reported: `python bench/data_forms.py`.

Thirty forms of datasets that people bring, each in twenty variations that differ in text, names, order,
separators, encodings and line ends. The check and the job's reading take each as it is, without a setting.
What is learned is compared with what was written:

read whole: all documents, and nothing else, with the question before each answer where there is one.
reported: an error or a warning says what is wrong.
silently wrong: neither. The aim is 0.

Also the processor time of the check for 100 MB. The result goes to bench/results/data_forms.json.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "bench" / "results" / "data_forms.json"
sys.path.insert(0, str(ROOT))

from core.dataset import Intake, check, local_sources  # noqa: E402
from core.hyperparameters import parse  # noqa: E402
from finexpert.errors import UserError  # noqa: E402
from finexpert.service.runs import conversion  # noqa: E402

VARIATIONS = 20
QUANTITY = ("this is very little text:", "documents are held out:")
"""Warnings with these words say that there is little text, and nothing of how it was read."""

COMPANIES = (
    "Brackwater Mills",
    "Oriel Freight",
    "Tannhill Foods",
    "Corvane Steel",
    "Lumen Harbour",
    "Müller & Söhne",
)
VERBS = ("rose", "fell", "was flat", "doubled", "slipped", "recovered")
LINKS = (
    "while costs, margins and receivables moved",
    "since demand was weak",
    "as prices went up; volumes did not",
)


@dataclass
class Case:
    """Files as a person has them, and what is to be learned: (question or None, answer or text) of each."""

    files: dict[str, bytes]
    learned: list[tuple[str | None, str]]
    held_out: list[tuple[str | None, str]] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)


def sentence(chance: Random, number: int) -> str:
    """A sentence of a report; no two are alike."""
    company, verb, link = chance.choice(COMPANIES), chance.choice(VERBS), chance.choice(LINKS)
    tenth = chance.randint(0, 9)
    return f"{company} said revenue {verb} to ${100 + number}.{tenth} million, {link} by {number}%."


def sentences(chance: Random, most: int = 40) -> list[str]:
    return [sentence(chance, number) for number in range(chance.randint(22, most))]


def paragraph(chance: Random, number: int) -> str:
    return " ".join(sentence(chance, number * 10 + place) for place in range(chance.randint(3, 6)))


def plain(texts: list[str]) -> list[tuple[str | None, str]]:
    return [(None, text) for text in texts]


def questions(chance: Random) -> list[tuple[str | None, str]]:
    found: list[tuple[str | None, str]] = []
    for number in range(chance.randint(22, 40)):
        company = chance.choice(COMPANIES)
        found.append((f"What did {company} report, in period {number}?", f"It reported ${number}.5 million."))
    return found


def ends(chance: Random, text: str) -> str:
    return text.replace("\n", chance.choice(("\n", "\r\n")))


def rows(
    header: list[str] | None, cells: list[list[Any]], separator: str = ",", *, always: bool = False
) -> str:
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=separator,
        quoting=csv.QUOTE_ALL if always else csv.QUOTE_MINIMAL,
        lineterminator="\n",
    )
    writer.writerows([*([header] if header else []), *cells])
    return out.getvalue()


def json_of(chance: Random, records: list[Any]) -> tuple[str, bytes]:
    """Records as lines, as an array, or as an array over many lines."""
    if chance.random() < 0.5:
        text = "\n".join(json.dumps(record, ensure_ascii=chance.random() < 0.5) for record in records)
        return chance.choice(("data.jsonl", "data.ndjson", "data.json")), ends(chance, text).encode()
    return "data.json", json.dumps(records, indent=chance.choice((None, 1, 4)), ensure_ascii=False).encode()


def wrapped(text: str, width: int) -> str:
    lines = [""]
    for word in text.split():
        lines = (
            [*lines, word]
            if len(lines[-1]) + len(word) >= width
            else [*lines[:-1], f"{lines[-1]} {word}".strip()]
        )
    return "\n".join(lines)


def fields(
    chance: Random, texts: list[str], text: str, others: list[str]
) -> tuple[list[str], list[list[Any]]]:
    """A table with the column of text among others, in any order."""
    header = [text, *others]
    chance.shuffle(header)
    value: dict[str, Callable[[int], Any]] = {
        "id": str,
        "date": lambda n: f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}",
        "label": lambda n: ("neutral", "positive", "negative")[n % 3],
        "author": lambda n: ("A. Abel", "B. Bond")[n % 2],
        "url": lambda n: f"https://example.com/{n}",
        "score": lambda n: n / 10,
    }
    return header, [[t if c == text else value[c](n) for c in header] for n, t in enumerate(texts)]


def others(chance: Random, least: int = 0) -> list[str]:
    names = ["id", "date", "label", "author", "url", "score"]
    return chance.sample(names, chance.randint(least, 4))


# --- the forms


def a_line_each(chance: Random) -> Case:
    texts = sentences(chance)
    return Case({"a.txt": ends(chance, "\n".join(texts) + "\n").encode()}, plain(texts))


def blank_lines(chance: Random) -> Case:
    texts = [paragraph(chance, n) for n in range(25)]
    return Case({"a.txt": ends(chance, ("\n" * chance.randint(2, 4)).join(texts)).encode()}, plain(texts))


def wrapped_between_blanks(chance: Random) -> Case:
    texts, width = [paragraph(chance, n) for n in range(25)], chance.randint(45, 110)
    return Case({"a.txt": "\n\n".join(wrapped(t, width) for t in texts).encode()}, plain(texts))


def wrapped_throughout(chance: Random) -> Case:
    texts, width = [paragraph(chance, n) for n in range(25)], chance.randint(55, 80)
    return Case({"a.txt": "\n".join(wrapped(t, width) for t in texts).encode()}, plain(texts))


def western_encodings(chance: Random) -> Case:
    texts = [f"Société {n}: Erträge für {text}" for n, text in enumerate(sentences(chance))]
    return Case({"a.txt": "\n".join(texts).encode(chance.choice(("cp1252", "latin-1")))}, plain(texts))


def unicode_encodings(chance: Random) -> Case:
    texts = sentences(chance)
    encoding = chance.choice(("utf-16", "utf-8-sig", "utf-32"))
    name, content = chance.choice(
        (("a.txt", "\n".join(texts)), ("a.csv", rows(["text"], [[t] for t in texts])))
    )
    return Case({name: content.encode(encoding)}, plain(texts))


def carriage_returns(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(chance, texts, "text", others(chance))
    name, content = chance.choice((("a.txt", "\n".join(texts)), ("a.csv", rows(header, cells))))
    return Case({name: content.replace("\n", "\r").encode()}, plain(texts))


def eastern_encodings(chance: Random) -> Case:
    texts = [f"Отчёт за год {n}: выручка выросла" for n in range(30)]
    return Case(
        {"a.txt": "\n".join(texts).encode(chance.choice(("cp1251", "koi8-r", "cp866")))}, plain(texts)
    )


def phrasebank(chance: Random) -> Case:
    texts = sentences(chance)
    lines = [f"{text}@{chance.choice(('neutral', 'positive', 'negative'))}" for text in texts]
    return Case({"Sentences_AllAgree.txt": "\n".join(lines).encode("latin-1")}, plain(texts))


def comma_table(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(chance, texts, chance.choice(("text", "Text", " text ", "TEXT")), others(chance))
    return Case(
        {"a.csv": ends(chance, rows(header, cells, always=chance.random() < 0.5)).encode()}, plain(texts)
    )


def excel_in_europe(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(chance, texts, "text", others(chance))
    first = chance.choice(("", "sep=;\n"))
    encoding = chance.choice(("cp1252", "utf-8-sig", "utf-8"))
    return Case({"a.csv": ends(chance, first + rows(header, cells, ";")).encode(encoding)}, plain(texts))


def other_separators(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(chance, texts, chance.choice(("text", "sentence")), others(chance, 1))
    name, separator = chance.choice((("a.tsv", "\t"), ("a.csv", "\t"), ("a.csv", "|")))
    return Case({name: ends(chance, rows(header, cells, separator)).encode()}, plain(texts))


def no_header(chance: Random) -> Case:
    texts = sentences(chance)
    _, cells = fields(chance, texts, "text", others(chance, 1))
    return Case({"a.csv": rows(None, cells, chance.choice(",;\t")).encode()}, plain(texts))


def pandas_index(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(
        chance, texts, chance.choice(("sentence", "content", "Text", "headline")), ["label"]
    )
    content = rows(["", *header], [[n, *row] for n, row in enumerate(cells)])
    return Case({"a.csv": content.encode()}, plain(texts))


def usual_names(chance: Random) -> Case:
    texts = sentences(chance)
    name = chance.choice(
        ("content", "body", "summary", "article", "transcript", "tweet", "description", "News")
    )
    header, cells = fields(chance, texts, name, others(chance, 1))
    if chance.random() < 0.5:
        return Case({"a.csv": rows(header, cells).encode()}, plain(texts))
    file, content = json_of(chance, [dict(zip(header, row, strict=True)) for row in cells])
    return Case({file: content}, plain(texts))


def unusual_names(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(
        chance, texts, chance.choice(("x", "remark", "mgmt_comment", "Satz", "文")), others(chance, 1)
    )
    return Case({"a.csv": rows(header, cells).encode()}, plain(texts))


def unquoted_separators(chance: Random) -> Case:
    texts = sentences(chance)
    lines = (
        ["text", *texts] if chance.random() < 0.5 else ["id,text", *(f"{n},{t}" for n, t in enumerate(texts))]
    )
    return Case({"a.csv": "\n".join(lines).encode()}, plain(texts))


def labels_only(chance: Random) -> Case:
    count = chance.randint(25, 60)
    header = chance.sample(["id", "label", "date", "score"], chance.randint(1, 3))
    _, cells = fields(chance, ["?"] * count, "?", header)
    return Case({"a.csv": rows(header, [row[: len(header)] for row in cells]).encode()}, [])


def records(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(chance, texts, "text", others(chance))
    file, content = json_of(chance, [dict(zip(header, row, strict=True)) for row in cells])
    return Case({file: content}, plain(texts))


def joined_files(chance: Random) -> Case:
    texts = sentences(chance)
    middle = len(texts) // 2
    parts = ["\n".join(json.dumps({"text": t}) for t in part) for part in (texts[:middle], texts[middle:])]
    return Case({"a.jsonl": "\n".join(f"\ufeff{part}" for part in parts).encode()}, plain(texts))


def one_object(chance: Random) -> Case:
    texts = sentences(chance)
    found = [{"id": n, "sentence": t, "info": [{"target": "x"}]} for n, t in enumerate(texts)]
    content: Any = chance.choice(
        (
            {"data": found},
            {"version": "1.0", "data": found},
            {str(n): each for n, each in enumerate(found)},
            {f"doc{n}": each for n, each in enumerate(found)},
        )
    )
    return Case({"a.json": json.dumps(content, indent=chance.choice((None, 2))).encode()}, plain(texts))


def pandas_json(chance: Random) -> Case:
    texts = sentences(chance)
    columns: dict[str, list[Any]] = {"id": list(range(len(texts))), "text": list(texts)}
    content: Any = chance.choice(
        (
            {name: {str(n): v for n, v in enumerate(values)} for name, values in columns.items()},
            columns,
            {"columns": ["id", "text"], "index": columns["id"], "data": [list(r) for r in enumerate(texts)]},
            {str(n): {"id": n, "text": t} for n, t in enumerate(texts)},
            {"schema": {"fields": []}, "data": [{"index": n, "text": t} for n, t in enumerate(texts)]},
        )
    )
    return Case({"a.json": json.dumps(content).encode()}, plain(texts))


def sides(chance: Random) -> Case:
    train, held, test = (
        [f"{side} {n}: {sentence(chance, n)}" for n in range(25)] for side in ("first", "second", "third")
    )
    names = {"train": train, chance.choice(("validation", "valid", "val", "dev")): held, "test": test}
    kind = chance.choice(("folders", "files", "suffixes", "object"))
    if kind == "object":
        content = {side: [{"text": t} for t in texts] for side, texts in names.items()}
        files = {"data.json": json.dumps(content, indent=chance.choice((None, 1))).encode()}
    else:
        place = {"folders": "{}/part-0.txt", "files": "{}.txt", "suffixes": "news_{}.txt"}[kind]
        files = {place.format(side): "\n".join(texts).encode() for side, texts in names.items()}
    return Case(files, plain(train), plain(held))


def alpaca(chance: Random) -> Case:
    found = questions(chance)
    answer = chance.choice(("output", "response"))
    context = {"output": "input", "response": "context"}[answer]
    extra = {"text": ""} if chance.random() < 0.3 else {}
    file, content = json_of(
        chance,
        [
            {"instruction": q, context: chance.choice(("", "Sales: 5", None)), answer: a, **extra}
            for q, a in found
        ],
    )
    return Case({file: content}, found)


def pairs(chance: Random) -> Case:
    found = questions(chance)
    asked, answered = chance.choice(
        (
            ("prompt", "completion"),
            ("prompt", "response"),
            ("question", "answer"),
            ("Question", "Answer"),
            ("input", "output"),
            ("query", "response"),
            ("context", "target"),
        )
    )
    cells = [[n, q, a] for n, (q, a) in enumerate(found)]
    if chance.random() < 0.5:
        separator = chance.choice(",;\t")
        return Case({"a.csv": rows(["id", asked, answered], cells, separator).encode()}, found)
    file, content = json_of(chance, [{"id": n, asked: q, answered: a} for n, q, a in cells])
    return Case({file: content}, found)


def fingpt(chance: Random) -> Case:
    found = [(text, chance.choice(("positive", "negative", "neutral"))) for text in sentences(chance)]
    ask = "What is the sentiment of this news? Please choose an answer from {negative/neutral/positive}."
    file, content = json_of(chance, [{"input": t, "output": a, "instruction": ask} for t, a in found])
    return Case({file: content}, [(text, answer) for text, answer in found])


def templates(chance: Random) -> Case:
    found = questions(chance)
    asked, answered = chance.choice(
        (("User Question", "Reply"), ("q-1", "a.1"), ("Frage", "Antwort"), ("q", "a"))
    )
    template = {
        "prompt": f"Answer as {{{{json}}}}. {{{asked}}} ({{meta[ticker]}})",
        "completion": f"{{{answered}}}",
    }
    lines = [json.dumps({asked: q, answered: a, "meta": {"ticker": "X"}}) for q, a in found]
    return Case(
        {"template.json": json.dumps(template).encode(), "train.jsonl": "\n".join(lines).encode()}, found
    )


def dialogs(chance: Random) -> Case:
    found = questions(chance)
    key = chance.choice(("messages", "dialog", "conversations", ""))
    style = chance.choice(("role", "from", "parts"))
    content: list[Any] = []
    for number, (question, answer) in enumerate(found):
        messages: list[dict[str, Any]] = []
        for role, text in (("system", "Be brief."), ("user", question), ("assistant", answer)):
            if role == "system" and style == "from":
                continue
            if style == "from":
                messages.append({"from": {"user": "human", "assistant": "gpt"}[role], "value": text})
            else:
                messages.append(
                    {"role": role, "content": [{"type": "text", "text": text}] if style == "parts" else text}
                )
        content.append({"id": str(number), key: messages} if key else messages)
    file, raw = json_of(chance, content)
    return Case({file: raw}, found)


def marked_dialogs(chance: Random) -> Case:
    found = questions(chance)
    form = chance.choice(
        (
            "<s>[INST] {} [/INST] {} </s>",
            "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n{} [/INST] {}",
            "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n{}<|im_end|>\n",
        )
    )
    file, content = json_of(chance, [{"text": form.format(q, a)} for q, a in found])
    return Case({file: content}, found)


def web_and_office(chance: Random) -> Case:
    texts = sentences(chance)
    if chance.random() < 0.5:
        body = "".join(f"<p>{text.replace('&', '&amp;')}</p>" for text in texts)
        page = f"<html><head><meta charset='utf-8'><title>x</title></head><body>{body}</body></html>"
        return Case({"a.html": page.encode()}, plain(texts))
    import openpyxl

    book, out = openpyxl.Workbook(), io.BytesIO()
    header, cells = fields(chance, texts, "text", others(chance))
    for row in [header, *cells]:
        book.worksheets[0].append(row)
    book.save(out)
    return Case({"a.xlsx": out.getvalue()}, plain(texts))


FORMS: tuple[Callable[[Random], Case], ...] = (
    a_line_each,
    blank_lines,
    wrapped_between_blanks,
    wrapped_throughout,
    western_encodings,
    unicode_encodings,
    carriage_returns,
    eastern_encodings,
    phrasebank,
    comma_table,
    excel_in_europe,
    other_separators,
    no_header,
    pandas_index,
    usual_names,
    unusual_names,
    unquoted_separators,
    labels_only,
    records,
    joined_files,
    one_object,
    pandas_json,
    sides,
    alpaca,
    pairs,
    fingpt,
    templates,
    dialogs,
    marked_dialogs,
    web_and_office,
)


def outcome(case: Case) -> str:
    """ "read whole", "reported" or "silently wrong"."""
    settings = parse(case.settings)
    with TemporaryDirectory(prefix="finexpert-forms-") as name:
        folder = Path(name, "data")
        for file, content in case.files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        try:
            with conversion.readable(folder) as there:
                report = check(local_sources(there), settings)
                intake = Intake(local_sources(there), None, settings)
                documents = [document for _, document in intake]
        except UserError:
            return "reported"
    if not report.ok:
        return "reported"
    held = intake.held_out or 0
    found = [(document.prompt, document.text) for document in documents]
    if same(found[held:], case.learned) and same(found[:held], case.held_out):
        return "read whole"
    loud = [warning for warning in report.warnings if not any(words in warning for words in QUANTITY)]
    return "reported" if loud else "silently wrong"


def same(found: list[tuple[str | None, str]], wanted: list[tuple[str | None, str]]) -> bool:
    """Whether these are the documents: the same texts, and each question within its prompt."""
    if len(found) != len(wanted):
        return False
    left = list(found)
    for question, text in wanted:
        place = next(
            (
                n
                for n, (prompt, learned) in enumerate(left)
                if learned == text and (question or "") in (prompt or "")
            ),
            None,
        )
        if place is None or (question is None) != (left[place][0] is None):
            return False
        left.pop(place)
    return not left


def counted(variations: int) -> dict[str, dict[str, int]]:
    """The number of variations of each form by outcome."""
    found = {}
    for number, form in enumerate(FORMS):
        outcomes = Counter(outcome(form(Random(1000 * number + seed))) for seed in range(variations))
        found[form.__name__.replace("_", " ")] = {
            name: outcomes[name] for name in ("read whole", "reported", "silently wrong")
        }
    return found


def seconds_for_100_mb(megabytes: int) -> float:
    """Processor seconds of the check for 100 MB of paragraphs, by a smaller file of them."""
    chance = Random(1)

    def text() -> Iterator[str]:
        size = number = 0
        while size < megabytes * 1_000_000:
            yield (part := paragraph(chance, number) + "\n\n")
            size, number = size + len(part.encode()), number + 1

    raw = "".join(text()).encode()
    begun = time.process_time()
    check([("a.txt", io.BytesIO(raw))], parse({}))
    return (time.process_time() - begun) * 100_000_000 / len(raw)


def main() -> None:
    """Read all variations, print the table and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--variations", type=int, default=VARIATIONS, help="of each form (default %(default)s)"
    )
    parser.add_argument(
        "--megabytes", type=int, default=100, help="to time the check on (default %(default)s)"
    )
    arguments = parser.parse_args()
    forms = counted(arguments.variations)
    total = {name: sum(each[name] for each in forms.values()) for name in next(iter(forms.values()))}
    document = {
        "run": datetime.now(UTC).date().isoformat(),
        "variations": arguments.variations,
        "forms": forms,
        "total": total,
        "cpu_seconds_for_100_mb": round(seconds_for_100_mb(arguments.megabytes), 1),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    for name, each in {**forms, "in all": total}.items():
        print(f"{name:24}", *(f"{count:4} {what}" for what, count in each.items()))
    print(f"check of 100 MB: {document['cpu_seconds_for_100_mb']} s of processor time")


if __name__ == "__main__":
    main()
