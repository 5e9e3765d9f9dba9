"""Public sets of questions, read by their own field names: each record becomes questions in the short form.

`SETS` names them with their licences. No row of them is part of this project; tests rebuild rows in each
set's shape. The fields were read in the sets' repositories and cards.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
Own = dict[str, Any]

LABELS = ("negative", "neutral", "positive")
#: FiQA's scores from -1 to 1 become labels as FinGPT's authors cut them.
_NEUTRAL = 0.1
#: An answer of more words is a sentence that can be said in many ways, so it is not scored right or wrong.
MOST_WORDS = 12
SUMMARISE = "Summarise this earnings call in a few short points, with its figures."


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A public set: how its records are known, and what each of them asks, in the short form.

    As training data ``instructions`` are learned of it by default, else its text; the setting
    instruction_tuned asks for instructions of every set.
    """

    name: str
    licence: str
    knows: Callable[[Record], bool]
    questions: Callable[[Record, int], Iterator[Own]]
    instructions: bool = True


def set_of(record: Record) -> PublicSet | None:
    """The public set that a record has the fields of."""
    return next((each for each in SETS if each.knows(record)), None)


def _tatqa(record: Record, number: int) -> Iterator[Own]:
    parts = [part for part in record.get("paragraphs") or [] if isinstance(part, Mapping)]
    text = "\n".join(str(part.get("text", "")) for part in sorted(parts, key=lambda p: p.get("order", 0)))
    for position, item in enumerate(record["questions"], start=1):
        if not isinstance(item, Mapping):
            raise ValueError(f"question {position} is not an object")
        context = "\n".join(part for part in (table_text(record.get("table")), text) if part)
        name = item.get("uid", item.get("id", f"{number}.{position}"))
        yield {"group": record.get("group") or f"record {number}", **item, "id": name, "context": context}


def _finqa(record: Record, number: int) -> Iterator[Own]:
    qa = record["qa"]
    answers = [qa.get("answer"), qa.get("exe_ans")]
    yield _of_report(record, qa.get("question"), answers, record.get("id", number))


def _convfinqa(record: Record, number: int) -> Iterator[Own]:
    annotation = record["annotation"]
    name = record.get("id", number)
    if "cur_dial" in annotation:
        *earlier, question = annotation["cur_dial"]
        yield _of_report(record, question, [annotation.get("exe_ans")], name, earlier)
        return
    asked, right = annotation["dialogue_break"], annotation.get("exe_ans_list") or []
    for turn, (question, answer) in enumerate(zip(asked, right, strict=False)):
        yield _of_report(record, question, [answer], f"{name}_{turn}", asked[:turn])


def _of_report(
    record: Record, question: Any, answers: Sequence[Any], name: Any, earlier: Sequence[str] = ()
) -> Own:
    """A question on a page of a report: its text before the table, the table, and its text after it."""
    before, after = (" ".join(map(str, record.get(part) or ())) for part in ("pre_text", "post_text"))
    asked = "Asked before: " + " ".join(earlier) if earlier else ""
    context = "\n".join(part for part in (before, table_text(record.get("table")), after, asked) if part)
    right = [answer for answer in answers if answer not in (None, "")]
    own = {"id": name, "question": question, "context": context, "group": record.get("filename")}
    return own | {"answer": right[0] if right else None, "accepted": right[1:]}


def _financebench(record: Record, number: int) -> Iterator[Own]:
    texts = [part.get("evidence_text") for part in record["evidence"] if isinstance(part, Mapping)]
    answer = str(record.get("answer") or "")
    yield {
        "id": record.get("financebench_id", number),
        "question": record.get("question"),
        "answer": answer,
        "context": "\n\n".join(str(text) for text in texts if text),
        "group": record.get("doc_name"),
        "free": len(answer.split()) > MOST_WORDS,
    }


def _flare(record: Record, number: int) -> Iterator[Own]:
    question = re.sub(r"\s*Answer:\s*$", "", str(record["query"]))
    own = {"id": record.get("id", number), "question": question, "group": record.get("group")}
    if record.get("choices"):
        right = record.get("gold", record.get("answer"))
        yield own | {"choices": list(record["choices"]), "answer": right}
    else:
        answer = str(record.get("answer") or "")
        yield own | {"answer": answer, "free": len(answer.split()) > MOST_WORDS}


def _fiqa(record: Record, number: int) -> Iterator[Own]:
    found = record.get("info")
    first = found[0] if isinstance(found, list) and found else record
    score = float(first.get("sentiment_score", first.get("score")))
    label = LABELS[1 + (score >= _NEUTRAL) - (score < -_NEUTRAL)]
    target = first.get("target")
    about = f" about {target}" if isinstance(target, str) and target.strip() else ""
    yield _sentiment(record, number, label, about)


def _phrasebank(record: Record, number: int) -> Iterator[Own]:
    label = next(record[name] for name in ("label", "sentiment") if name in record)
    if str(label) in ("0", "1", "2"):
        label = LABELS[int(label)]
    yield _sentiment(record, number, str(label).lower())


def _sentiment(record: Record, number: int, label: str, about: str = "") -> Own:
    if label not in LABELS:
        raise ValueError(f"the label is {label!r}; write one of {', '.join(LABELS)}, or 0, 1, 2")
    question = f"News: {str(record['sentence']).strip()}\nIs it positive, negative or neutral{about}?"
    name = record.get("id", record.get("_id", number))
    return {"id": name, "question": question, "choices": list(LABELS), "answer": label}


def _ectsum(record: Record, number: int) -> Iterator[Own]:
    text = next(record[name] for name in _TRANSCRIPTS if name in record)
    summary = next(record[name] for name in _SUMMARIES if name in record)
    context, answer = (part if isinstance(part, str) else "\n".join(part) for part in (text, summary))
    name = record.get("id", record.get("filename", number))
    yield {"id": name, "question": SUMMARISE, "answer": answer, "context": context, "free": True}


_TRANSCRIPTS, _SUMMARIES = (
    ("ects", "transcript", "text", "document"),
    ("gt_summary", "gt_summaries", "summary"),
)


def _has(record: Record, name: str, kind: type = str) -> bool:
    return isinstance(record.get(name), kind)


def _is_sentiment(record: Record) -> bool:
    label = next((record[name] for name in ("label", "sentiment") if name in record), None)
    return _has(record, "sentence") and str(label).lower() in (*LABELS, "0", "1", "2")


def _is_fiqa(record: Record) -> bool:
    first = record["info"][0] if _has(record, "info", list) and record["info"] else record
    scored = isinstance(first, Mapping) and ("sentiment_score" in first or "score" in first)
    return _has(record, "sentence") and scored


SETS = (
    PublicSet("TAT-QA", "CC BY 4.0", lambda r: _has(r, "questions", list), _tatqa, instructions=False),
    PublicSet(
        "ConvFinQA",
        "MIT",
        lambda r: (
            _has(r, "annotation", Mapping) and bool({"cur_dial", "dialogue_break"} & set(r["annotation"]))
        ),
        _convfinqa,
    ),
    PublicSet("FinQA", "MIT", lambda r: _has(r, "qa", Mapping), _finqa),
    PublicSet(
        "FinanceBench",
        "CC BY-NC 4.0, not for commercial use",
        lambda r: _has(r, "evidence", list) and "question" in r,
        _financebench,
    ),
    PublicSet(
        "FLARE",
        "each part has its own licence",
        lambda r: _has(r, "query") and ("gold" in r or ("answer" in r and "text" in r)),
        _flare,
    ),
    PublicSet("FiQA", "MIT by its card", _is_fiqa, _fiqa, instructions=False),
    PublicSet(
        "Financial PhraseBank",
        "CC BY-NC-SA 3.0, not for commercial use",
        _is_sentiment,
        _phrasebank,
        instructions=False,
    ),
    PublicSet(
        "ECTSum",
        "GPL-3.0; the transcripts belong to others",
        lambda r: (
            "question" not in r
            and any(name in r for name in _TRANSCRIPTS)
            and any(name in r for name in _SUMMARIES)
        ),
        _ectsum,
        instructions=False,
    ),
    PublicSet(
        "MMLU",
        "MIT",
        lambda r: _has(r, "question") and "subject" in r and _has(r, "choices", list),
        lambda r, number: iter([{"id": number} | dict(r)]),
    ),
)


def summaries(names: Sequence[str]) -> dict[str, str]:
    """The file with the summary of each transcript: ECTSum has them in folders ects and gt_summaries."""
    known = set(names)
    pairs = {name: re.sub(r"(^|/)ects/", r"\1gt_summaries/", name) for name in names}
    return {name: other for name, other in pairs.items() if other != name and other in known}


def table_text(table: Any) -> str:
    """Rows of cells as lines; TAT-QA wraps them in an object."""
    rows = table.get("table") if isinstance(table, Mapping) else table
    if not isinstance(rows, list):
        return ""
    return "\n".join(" | ".join(map(str, row)) for row in rows if isinstance(row, list))
