"""A person's own questions with their right answers: read, checked, and put to the live models."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from core.dataset.question_files import read_questions
from core.dataset.questions import Question, questions_of
from finexpert.errors import UserError
from finexpert.service.asking import inference
from finexpert.service.deployment import Deployment

MOST = 200
CHARACTERS = 8000
ANSWER_TOKENS = 32
"""Room for a figure with its unit, as in the training job's own evaluation."""
_FIX = "Give a table with the columns question and answer, or JSON lines with these members."


def read(name: str, content: bytes) -> list[dict[str, Any]]:
    """The questions of a file (CSV, JSON lines, a JSON array), as records of question and answer.

    Raises:
        UserError: the file cannot be used; with the places and what to write.
    """
    suffix = PurePosixPath(name).suffix.lower()
    found, problems = read_questions(f"questions{suffix}", BytesIO(content))
    if problems or not found:
        what = "\n".join(map(str, problems)) or "There are no questions in it."
        raise UserError(what, where=name, fix=_FIX)
    return checked([_record(question) for question in found])


def checked(records: Sequence[Any]) -> list[dict[str, Any]]:
    """Check the records and return them as they are stored.

    Raises:
        UserError: one of them cannot be asked or graded (each is named), or there are too many.
    """
    kept: list[dict[str, Any]] = []
    problems: list[str] = []
    for number, record in enumerate(records, 1):
        try:
            kept.append(_record(_question(record, number)))
        except ValueError as error:
            problems.append(f"question {number}: {error}")
    if len(kept) > MOST:
        problems.append(f"there are {len(kept)} questions; at most {MOST} are kept")
    if problems:
        raise UserError("\n".join(problems), where="questions", fix=_FIX)
    return kept


def as_file(records: Sequence[Mapping[str, Any]]) -> bytes:
    """The questions as the content of a dataset's questions.jsonl."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def ask(deployment: Deployment, record: Any) -> list[dict[str, Any]]:
    """Each live model's answer to a question, and whether it is right.

    Raises:
        UserError: the question cannot be used, or no model is awake to answer it.
    """
    from training.evaluation.answers import grade_of
    from training.evaluation.metrics.choice import asked

    question = _question(checked([record])[0], 1)
    answers = inference.ask(deployment, asked(question), inference.generation(ANSWER_TOKENS, 0.0, 0))
    found = []
    for each in answers:
        line = inference.first_line(each.text)
        found.append({"model": each.model, "text": line, "outcome": grade_of(line, question).outcome})
    return found


def _question(record: Any, number: int) -> Question:
    if not isinstance(record, Mapping) or len(json.dumps(record)) > CHARACTERS:
        raise ValueError(f"it must be an object of at most {CHARACTERS:,} characters")
    (question,) = questions_of(record, source="questions", number=number)
    return question


def _record(question: Question) -> dict[str, Any]:
    answers = list(question.answers)
    answer: Any = question.right if question.choices else answers[0] if len(answers) == 1 else answers
    further = {
        "context": question.context,
        "scale": question.scale,
        "choices": list(question.choices),
        "accepted": [list(each) for each in question.accepted],
        "answer_type": "arithmetic" if question.exact else "",
        "group": question.group,
        "free": question.free,
    }
    return {"question": question.question, "answer": answer} | {k: v for k, v in further.items() if v}
