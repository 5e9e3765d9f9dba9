"""The first page, for a reader without statistics: the verdict, answers before and after, cost, date, who."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from training.report.markup import note, pair, signs
from training.report.samples import trained_on

TITLE = "Your model before and after tuning"
LONGEST = 320
"""Characters of an answer on the first page."""
EXAMPLES = 3


def title(evaluation: Mapping[str, Any]) -> str:
    """`2026-11-29 Q3 wording: accepted`: sorts by date, and says which run it is."""
    run = _run(evaluation)
    return f"{run.get('date', '')[:10]} {_name(run)}: {_word(evaluation)[0].lower()}".strip()


def summary(evaluation: Mapping[str, Any]) -> str:
    """One page of paper: the verdict, own questions, three examples; base, data, cost, date and who."""
    run = _run(evaluation)
    word, kind = _word(evaluation)
    practice = (
        note("This is a practice model: its sentences mean nothing. It shows how the product works.")
        if run.get("practice")
        else ""
    )
    return (
        f'<section class="first"><h1 id="name">{escape(_name(run))}</h1>'
        f'<p class="note">{escape(_about(evaluation))}</p>'
        f'<span class="badge {kind}">{word}</span>'
        f"{_headline(own_questions(evaluation))}"
        f'<p class="verdict">{escape(evaluation["verdict"])}</p>{practice}'
        f"{_examples(evaluation)}{_questions(own_questions(evaluation))}</section>"
    )


def own_questions(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The person's own questions, each with whether each model was right (None: it was not graded)."""
    found = []
    for question in evaluation["questions"]:
        values = evaluation["items"].get(question["metric"], {"ids": []})
        if question["metric"].startswith("own_") and question["id"] in values["ids"]:
            place = values["ids"].index(question["id"])
            right = {name: values[name][place] >= 1 for name in ("base", "tuned")}
            found.append({**question, "right_by": right})
    return found


def _run(evaluation: Mapping[str, Any]) -> Mapping[str, Any]:
    return evaluation.get("run") or {}


def _name(run: Mapping[str, Any]) -> str:
    return str(run.get("name") or run.get("id") or TITLE)


def _word(evaluation: Mapping[str, Any]) -> tuple[str, str]:
    if not evaluation["passed"]:
        return "Not accepted", "failed"
    return ("Accepted, but", "warned") if evaluation.get("caveats") else ("Accepted", "passed")


def _about(evaluation: Mapping[str, Any]) -> str:
    """A sentence about what was trained on what, when, by whom, and for how much."""
    run, data, cost = _run(evaluation), evaluation["data"], evaluation["cost"]["usd"]
    parts = [
        f"{run.get('base') or 'A base model'}, trained on {run.get('data') or 'your text'}"
        f" ({data['training_documents']:,} documents)"
    ]
    if run.get("date"):
        day = datetime.fromisoformat(run["date"])
        parts.append(f"{day.day} {day:%B %Y}")
    if run.get("by"):
        parts.append(f"by {run['by']}")
    if cost is not None:
        parts.append(f"about ${cost:.2f}" if cost >= 0.1 else f"about ${cost:.4f}")
    if run.get("id"):  # the heading is the name, which may change
        parts.append(f"run {run['id']}")
    return " · ".join(parts)


def _headline(questions: Sequence[Mapping[str, Any]]) -> str:
    if not questions:
        return ""
    before, after = (sum(each["right_by"][name] for each in questions) for name in ("base", "tuned"))
    return (
        f'<p class="verdict headline">Your own questions: before {before}, after {after} of'
        f" {len(questions)} right.</p>"
    )


def _examples(evaluation: Mapping[str, Any]) -> str:
    """Examples from the user's own text where there is some, else from the shipped prompts."""
    own = evaluation.get("examples") or []
    shown = own or [
        each | {name: each[name]["greedy"] for name in ("base", "tuned")} for each in evaluation["samples"]
    ]
    if not shown:
        return ""
    parts = "".join(
        f'<div class="sample"><blockquote>{escape(_cut(each["prompt"]))}</blockquote>{trained_on(each)}'
        + pair(("before", _cut(each["base"])), ("after", _cut(each["tuned"])))
        + "</div>"
        for each in shown[:EXAMPLES]
    )
    said = (
        "The first words of documents of yours that were held out, and how each model goes on from them."
        if own
        else "What each model writes after these words."
    )
    return f'<h2 class="part">Before and after</h2>{note(said)}{parts}'


def _questions(questions: Sequence[Mapping[str, Any]]) -> str:
    """Every own question with its right answer and both models' answers."""
    if not questions:
        return ""
    rows = "".join(
        f"<tr><th>{escape(each['question'])}<br><small>right: {escape(each['right'])}</small></th>"
        + "".join(
            f"<td>{signs(each['right_by'][name])}<br>{escape(_cut(each[name])) or '—'}</td>"
            for name in ("base", "tuned")
        )
        + "</tr>"
        for each in questions
    )
    return (
        '<h2 class="part">Your own questions</h2>'
        '<table class="own"><thead>'
        f"<tr><th>question</th><th>before</th><th>after</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _cut(text: str) -> str:
    text = re.sub(r"\n\s*\n", "\n\n", text.strip())
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()} …"
