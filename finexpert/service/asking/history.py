"""The history of one person: threads of questions with their answers, ratings and notes, and own questions.

On a person's own machine it lies in a folder that only they can read, on AWS in the data bucket under the id
that Cognito gives the person. One JSON document a thread.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from finexpert.errors import NotFound, UserError
from finexpert.service.asking.stores import Document, Store

NEWEST = 200
"""Threads that are listed and searched. Older ones are kept, and open by their link."""
MOST_TURNS = 200
NAME_CHARACTERS = 80
NOTE_CHARACTERS = 2000
THUMBS = ("", "up", "down")
QUESTIONS = "questions"
"""The document with a person's own questions. No thread can have its name."""
_THREAD = "thread-"
_ANSWER: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "text": str,
    "seconds": (int, float),
    "cut": bool,
    "stopped": bool,
    "who": str,
    "warnings": list,
    "refused": bool,
    "calculation": str,
    "filter": dict,
    "citations": list,
}


def threads(store: Store, search: str = "") -> list[Document]:
    """The newest threads whose name, questions, answers or notes hold all words of `search`."""
    words = search.lower().split()
    names = store.names(_THREAD)[:NEWEST]
    with ThreadPoolExecutor(8) as pool:
        found = [each for each in pool.map(lambda name: _legible(store, name), names) if each is not None]
    return [
        {
            "id": each["id"],
            "name": each["name"],
            "changed": each["changed"],
            "turns": len(each["turns"]),
        }
        for each in found
        if all(word in _searched(each) for word in words)
    ]


def _legible(store: Store, name: str) -> Document | None:
    """A document; None where it is missing or damaged, so that one bad file hides no other."""
    try:
        document = store.read(name)
        if document is not None:
            _searched(document)
        return document if document is None or {"id", "changed"} <= document.keys() else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def thread(store: Store, name: str) -> Document:
    """One thread with all that was asked in it.

    Raises:
        NotFound: there is none of that id.
    """
    return _there(store.read(_THREAD + name), name)


def add_turn(store: Store, name: str, turn: Mapping[str, Any], now: datetime) -> Document:
    """Append a question with its answers; the first begins the thread and gives it its name.

    Raises:
        UserError: the turn has another form, or the thread is full.
    """
    kept = checked(turn) | {"at": now.isoformat()}

    def change(before: Document | None) -> Document:
        begun = before or {"id": name, "name": title(kept["prompt"]), "created": now.isoformat(), "turns": []}
        if any(each["id"] == kept["id"] for each in begun["turns"]):
            return begun  # sent twice, because the first answer was lost on its way
        if len(begun["turns"]) >= MOST_TURNS:
            raise UserError(f"A thread holds {MOST_TURNS} questions at most.", fix="Begin a new one.")
        return begun | {"turns": [*begun["turns"], kept], "changed": now.isoformat()}

    return store.update(_THREAD + name, change)


def rename(store: Store, name: str, title: str) -> Document:
    """Give a thread another name.

    Raises:
        NotFound: there is no such thread.
        UserError: the name is empty or too long.
    """
    if not title.strip() or len(title) > NAME_CHARACTERS:
        raise UserError(f"A name has 1 to {NAME_CHARACTERS} characters.", where="name")
    return store.update(_THREAD + name, lambda before: _there(before, name) | {"name": title.strip()})


def rate(store: Store, name: str, turn: str, model: str, *, thumb: str, note: str) -> Document:
    """Keep a thumb ("up", "down" or "" for none) and a note with one answer.

    Raises:
        NotFound: there is no such answer.
        UserError: thumb or note cannot be kept.
    """
    if thumb not in THUMBS or len(note) > NOTE_CHARACTERS:
        raise UserError(f"A thumb is up or down, and a note has at most {NOTE_CHARACTERS} characters.")

    def change(before: Document | None) -> Document:
        document = _there(before, name)
        answers = [
            answer
            for each in document["turns"]
            if each["id"] == turn
            for answer in each["answers"]
            if answer["model"] == model
        ]
        if not answers:
            raise NotFound("There is no such answer.", where=name)
        answers[0].update(thumb=thumb, note=note.strip())
        return document

    return store.update(_THREAD + name, change)


def remove(store: Store, name: str | None = None) -> None:
    """Delete one thread, or all of them."""
    for each in store.names(_THREAD) if name is None else [_THREAD + name]:
        store.remove(each)


def title(prompt: str) -> str:
    """A thread's first name: the beginning of its first question, cut between words."""
    line = " ".join(prompt.split())
    if len(line) <= NAME_CHARACTERS:
        return line
    return line[: NAME_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"


def checked(turn: Mapping[str, Any]) -> Document:
    """Check a turn and return what is kept of it: its known members.

    Raises:
        UserError: it is no turn.
    """
    name, prompt, answers = turn.get("id"), turn.get("prompt"), turn.get("answers")
    known = isinstance(name, str) and isinstance(prompt, str) and isinstance(answers, list) and prompt.strip()
    if not known or not all(isinstance(each, dict) and _fits(each) for each in answers or [None]):
        raise UserError("This is no question with answers.", where="turn")
    parameters = turn.get("parameters")
    return {
        "id": name,
        "prompt": prompt,
        "parameters": parameters if isinstance(parameters, dict) else {},
        "answers": [
            {key: each[key] for key in _ANSWER if key in each} | {"thumb": "", "note": ""}
            for each in answers or []
        ],
    }


def _fits(answer: Mapping[str, Any]) -> bool:
    wanted = answer.get("model") and isinstance(answer.get("text"), str)
    return bool(wanted) and all(
        isinstance(answer[key], kind) for key, kind in _ANSWER.items() if key in answer
    )


def _searched(document: Mapping[str, Any]) -> str:
    parts: list[str] = [document["name"]]
    for turn in document["turns"]:
        parts += [turn["prompt"], *(f"{each['text']} {each['note']}" for each in turn["answers"])]
    return "\n".join(parts).lower()


def _there(document: Document | None, name: str) -> Document:
    if document is None:
        raise NotFound("There is no such thread.", where=name, fix="See the history.")
    return document


def questions(store: Store) -> list[Document]:
    """The person's own questions with the right answers."""
    found = store.read(QUESTIONS) or {}
    return list(found.get("questions", []))


def keep_questions(store: Store, asked: Sequence[Mapping[str, Any]]) -> None:
    """Replace the person's own questions."""
    store.update(QUESTIONS, lambda _: {"questions": [dict(each) for each in asked]})
