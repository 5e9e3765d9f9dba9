"""The report's samples of both models' writing: the prompts, and a few questions."""

from collections.abc import Mapping
from html import escape
from typing import Any

from training.report.markup import note, pair

_WAYS = (("greedy", "most likely words"), ("sampled", "sampled"))


def samples(evaluation: Mapping[str, Any]) -> str:
    """Every prompt with both answers of both models, then questions with theirs."""
    prompts = "".join(
        f'<div class="sample"><blockquote>{escape(sample["prompt"])} …</blockquote>{trained_on(sample)}'
        + "".join(
            pair((f"base, {name}", sample["base"][way]), (f"tuned, {name}", sample["tuned"][way]))
            for way, name in _WAYS
        )
        + "</div>"
        for sample in evaluation["samples"]
    )
    return (
        "<h2>What they write</h2>"
        + note(
            "Samples illustrate; the verdict rests on the held-out text. Where a prompt also stands in the"
            " training text, its sample says so: the tuned model may then know by heart how it goes on."
        )
        + prompts
        + _questions(evaluation)
    )


def trained_on(shown: Mapping[str, Any]) -> str:
    """A note that a prompt also stands in the training text; "" where it does not."""
    count = shown.get("training_documents", 0)
    if not count:
        return ""
    documents = "1 training document" if count == 1 else f"{count:,} training documents"
    return note(f"These words also stand in {documents}.")


def _questions(evaluation: Mapping[str, Any]) -> str:
    titles = {metric["name"]: metric["title"] for metric in evaluation["metrics"]}
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for question in evaluation["questions"]:
        groups.setdefault(question["metric"], []).append(question)
    parts = []
    for name, questions in groups.items():
        parts.append(f"<h3>{escape(titles[name])}</h3>")
        for question in questions:
            parts.append(
                f'<div class="sample"><blockquote>{escape(question["question"])}</blockquote>'
                f'<p class="note">Right: {escape(question["right"])}</p>'
                + pair(("base", question["base"]), ("tuned", question["tuned"]))
                + "</div>"
            )
    if not parts:
        return ""
    first = note("The first questions of each set, answered right or not.")
    return "<h2>What they answer</h2>" + first + "".join(parts)
