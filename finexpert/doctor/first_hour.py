"""The first hour's check: questions that only a real account answers, asked in order, the free ones first.

`finexpert doctor --first-hour` walks `questions.QUESTIONS`. What a question needs that costs money (a run, an
awake endpoint) is announced with the most that it may cost, and done only if the person agrees.
"""

import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from finexpert.doctor import Finding, Verdict, attempt, unknown
from finexpert.errors import NotDeployed, explain
from finexpert.service.deployment import Deployment


class Step(StrEnum):
    """The step that a question needs before it can be looked at; a run and an endpoint cost money."""

    NOTHING = "nothing"
    RUN = "a run"
    ENDPOINT = "an awake endpoint"
    SLEEP = "the endpoint put to sleep"


@dataclass
class Scene:
    """The deployment that the questions look at, and what was done for them.

    run: the run whose job is looked at; "" while there is none.
    woken: whether this check woke the endpoint, and must put it to sleep.
    sleep_seconds: how long that took; 0 while it has not.
    """

    deployment: Deployment
    now: datetime
    run: str = ""
    woken: bool = False
    sleep_seconds: float = 0.0


Look = Callable[[Scene], Finding]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question that only an AWS account can answer.

    asks: the question.
    after: what must have been done before it can be looked at, which is what it costs.
    look: how the check looks; None where only a person can.
    without: what the product assumes as long as the answer is not known.
    see: how a person sees it without this check.
    means: what an answer other than the expected one means.
    """

    name: str
    asks: str
    after: Step = Step.NOTHING
    look: Look | None = None
    without: str
    see: str = "`finexpert doctor`"
    means: str


@dataclass(frozen=True, kw_only=True)
class Doing:
    """A function that carries out a step.

    announce: the sentence to agree to, with the most that it costs; "" where it costs nothing.
    needed: whether it still has to be done.
    act: do it; what it found out is written into the scene.
    """

    announce: Callable[[Scene], str]
    needed: Callable[[Scene], bool]
    act: Callable[[Scene], None]


Answers = dict[str, Finding]
Tell = Callable[[Question, Finding], None]


def walk(
    scene: Scene,
    questions: Sequence[Question],
    steps: Mapping[Step, Doing],
    *,
    agree: Callable[[str], bool],
    tell: Tell,
) -> Answers:
    """Ask every question that the check can look at, in order.

    Args:
        agree: asked before each step that costs; False leaves out the step and its questions.
        tell: called with each answer as it comes.

    An endpoint that this check woke is put to sleep in every case.
    """
    answers: Answers = {}
    missing: dict[Step, str] = {}
    done = {Step.NOTHING}
    try:
        for question in questions:
            if question.look is None:
                continue
            if question.after not in done | missing.keys():
                problem = _do(question.after, scene, steps, agree)
                if problem:
                    missing[question.after] = problem
                else:
                    done.add(question.after)
            problem = missing.get(question.after, "")
            finding = unknown(f"not looked at: {problem}") if problem else attempt(question.look, scene)
            answers[question.name] = finding
            tell(question, finding)
    finally:
        if scene.woken:
            steps[Step.SLEEP].act(scene)
    return answers


def _do(step: Step, scene: Scene, steps: Mapping[Step, Doing], agree: Callable[[str], bool]) -> str:
    """Do a step where it is needed; returns why it was not done, "" if it was."""
    doing = steps[step]
    try:
        if not doing.needed(scene):
            return ""
        announced = doing.announce(scene)
        if announced and not agree(announced):
            return f"it needs {step}"
        doing.act(scene)
    except NotDeployed:
        return "the app is not deployed yet"
    except Exception as error:
        known = explain(error)
        return f"{step} failed: {known.what if known else f'{type(error).__name__}: {error}'}"
    return ""


_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_MAIL = re.compile(r"[^\s<>@/]+@[^\s<>@,;]+\.[^\s<>@,;]+")
_PERSON = re.compile(r":(user|assumed-role)/[^\s,;]+")
SIGNS = {
    Verdict.GOOD: "as expected",
    Verdict.WARNING: "just so",
    Verdict.BAD: "otherwise",
    Verdict.UNKNOWN: "not seen",
}


def shared(text: str) -> str:
    """A text without account ids, people's names and mail addresses, so that strangers may read it."""
    return _MAIL.sub("MAIL", _PERSON.sub(r":\1/NAME", _ACCOUNT.sub("ACCOUNT", text)))


def document(scene: Scene, questions: Sequence[Question], answers: Answers) -> dict[str, object]:
    """The answers as JSON has them."""
    return {
        "when": scene.now.isoformat(timespec="seconds"),
        "region": scene.deployment.settings.region,
        "embedded_cloud": scene.deployment.target.is_local,
        "answers": [
            {
                "name": question.name,
                "asks": question.asks,
                "costs": costs(question),
                "verdict": str(finding.verdict),
                "seen": shared(finding.said),
                "see": question.see,
                "means": question.means,
            }
            for question in questions
            if (finding := answers.get(question.name))
        ],
    }


def markdown(scene: Scene, questions: Sequence[Question], answers: Answers) -> str:
    """The answers as a table that can be pasted into an issue of this repository."""
    where = "the embedded cloud" if scene.deployment.target.is_local else "AWS"
    rows = [
        f"| {question.asks} | {SIGNS[finding.verdict]} | {_cell(shared(finding.said))} |"
        for question in questions
        if (finding := answers.get(question.name))
    ]
    head = f"First hour on {where}, {scene.deployment.settings.region}, {scene.now:%Y-%m-%d}"
    return "\n".join([head, "", "| question | answer | seen |", "|---|---|---|", *rows, ""])


def write(folder: Path, scene: Scene, questions: Sequence[Question], answers: Answers) -> tuple[Path, Path]:
    """Write `first-hour.json` and `first-hour.md`; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    data, table = folder / "first-hour.json", folder / "first-hour.md"
    text = json.dumps(document(scene, questions, answers), indent=1, ensure_ascii=False)
    data.write_text(text + "\n", encoding="utf-8")
    table.write_text(markdown(scene, questions, answers), encoding="utf-8")
    return data, table


def costs(question: Question) -> str:
    """The cost of asking, in words."""
    if question.look is None:
        return "by hand"
    return {Step.RUN: "the run", Step.ENDPOINT: "the endpoint"}.get(question.after, "nothing")


HEADINGS = {
    "nothing": "Free",
    "the run": "With a run",
    "the endpoint": "With the endpoint awake",
    "by hand": "By hand, outside the check",
}
"""The headings of the assurance page, by what a question costs."""


def assurance_lists(questions: Sequence[Question]) -> str:
    """The lists of docs/assurance.md, one for each thing that a question may cost, 110 characters wide."""
    parts = []
    for cost, heading in HEADINGS.items():
        asked = [question for question in questions if costs(question) == cost]
        parts += [f"### {heading}", "", *(_entry(question) for question in asked), ""]
    return "\n".join(parts[:-1])


def _entry(question: Question) -> str:
    """A question with what stands in for its answer, and how to see it where the check cannot ask."""
    see = f" See: {question.see}." if question.look is None else ""
    text = f"- **{question.asks}** {question.without}{see}"
    unbroken = re.sub("`[^`]*`", lambda code: code[0].replace(" ", "\u00a0"), text)
    lines = textwrap.wrap(
        unbroken, width=110, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace("\u00a0", " ")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
