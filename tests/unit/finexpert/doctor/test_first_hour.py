"""The first hour's check: free questions first, consent before each cost, the endpoint asleep at the end."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from finexpert import paths
from finexpert.doctor import Finding, Verdict, bad, good
from finexpert.doctor.first_hour import (
    Answers,
    Doing,
    Question,
    Scene,
    Step,
    assurance_lists,
    document,
    markdown,
    shared,
    walk,
    write,
)
from finexpert.doctor.questions import QUESTIONS
from finexpert.errors import NotDeployed, UserError
from tests.fakes.deployment import deployment

NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)


def question(name: str, after: Step = Step.NOTHING, look: Any = None) -> Question:
    said = look or (lambda scene: good(f"{name} seen"))
    return Question(name=name, asks=f"{name}?", after=after, look=said, without="", see="", means="x")


class Account:
    """Records what was done, and what was asked of the person."""

    def __init__(self, *, fails: Step | None = None, present: set[Step] | None = None) -> None:
        self.done: list[str] = []
        self.asked: list[str] = []
        self.fails, self.present = fails, present or set()

    def steps(self) -> dict[Step, Doing]:
        return {step: self.doing(step) for step in (Step.RUN, Step.ENDPOINT, Step.SLEEP)}

    def doing(self, step: Step) -> Doing:
        def act(scene: Scene) -> None:
            self.done.append(step.name)
            scene.woken = step is Step.ENDPOINT or (scene.woken and step is not Step.SLEEP)
            if step is self.fails:
                raise UserError(f"no {step}")

        costs = "" if step is Step.SLEEP else f"{step.name} costs at most $3"
        return Doing(announce=lambda scene: costs, needed=lambda scene: step not in self.present, act=act)


def scene() -> Scene:
    return Scene(deployment(region="us-east-1"), NOW)


ALL = [
    question("free"),
    question("ran", Step.RUN),
    question("tagged", Step.ENDPOINT),
    question("answered", Step.ENDPOINT),
    question("stopped", Step.SLEEP),
    question("left"),
]


def walked(
    account: Account, *, agrees: bool = True, questions: list[Question] = ALL, **needed: Any
) -> Answers:
    """The answers; `needed` takes the place of a step's own, by the step's name."""
    steps = account.steps()
    steps |= {Step[name]: replace(steps[Step[name]], needed=need) for name, need in needed.items()}

    def agree(announced: str) -> bool:
        account.asked.append(announced)
        return agrees

    return walk(scene(), questions, steps, agree=agree, tell=lambda asked, found: None)


def test_each_step_that_costs_is_announced_once_and_done_in_order() -> None:
    account = Account()
    answers = walked(account)
    assert account.asked == ["RUN costs at most $3", "ENDPOINT costs at most $3"]
    assert account.done == ["RUN", "ENDPOINT", "SLEEP"]
    assert [answer.verdict for answer in answers.values()] == [Verdict.GOOD] * 6


def test_without_consent_nothing_is_done_and_the_free_questions_are_answered() -> None:
    account = Account()
    answers = walked(account, agrees=False)
    assert "RUN" not in account.done and "ENDPOINT" not in account.done
    seen = {name: answer.verdict for name, answer in answers.items()}
    assert seen["free"] is seen["left"] is Verdict.GOOD
    assert seen["ran"] is seen["tagged"] is seen["answered"] is Verdict.UNKNOWN
    assert "needs an awake endpoint" in answers["tagged"].said


def test_what_is_not_deployed_is_not_offered() -> None:
    def absent(scene: Scene) -> bool:
        raise NotDeployed("The stack is not deployed here.")

    account = Account()
    answers = walked(account, questions=ALL[:2], RUN=absent)
    assert account.asked == account.done == []
    assert answers["ran"].said == "not looked at: the app is not deployed yet"


def test_what_is_there_already_is_not_paid_for_again() -> None:
    account = Account(present={Step.RUN, Step.ENDPOINT, Step.SLEEP})
    walked(account)
    assert account.asked == account.done == []


def test_a_wake_that_fails_is_undone_and_the_others_are_still_asked() -> None:
    account = Account(fails=Step.ENDPOINT)
    answers = walked(account)
    assert account.done == ["RUN", "ENDPOINT", "SLEEP"]
    assert "failed: no an awake endpoint" in answers["tagged"].said
    assert answers["left"].verdict is Verdict.GOOD


def test_an_interrupted_check_puts_the_endpoint_to_sleep() -> None:
    def interrupted(scene: Scene) -> Finding:
        raise KeyboardInterrupt

    account = Account()
    with pytest.raises(KeyboardInterrupt):
        walked(account, questions=[question("tagged", Step.ENDPOINT, interrupted)])
    assert account.done == ["ENDPOINT", "SLEEP"]


def test_a_look_that_breaks_is_not_seen_and_ends_nothing() -> None:
    def broken(scene: Scene) -> Finding:
        raise UserError("AWS refused")

    answers = walked(Account(), questions=[question("a", look=broken), question("b")])
    assert answers["a"].verdict is Verdict.UNKNOWN and answers["a"].said == "AWS refused"
    assert answers["b"].verdict is Verdict.GOOD


def test_what_is_shared_names_no_account_and_no_address(tmp_path: Path) -> None:
    asked = [question("identity")]
    said = "account 111122223333, arn:aws:iam::111122223333:user/ana | you@example.com, job-20261129-201512"
    answers = {"identity": bad(said, "")}
    table = markdown(scene(), asked, answers)
    assert "1111" not in table and "example" not in table and "ana" not in table
    cleaned = "account ACCOUNT, arn:aws:iam::ACCOUNT:user/NAME | MAIL, job-20261129-201512"
    assert shared(said) == cleaned
    assert f"| identity? | otherwise | {cleaned.replace('|', chr(92) + '|')} |" in table
    assert (
        shared("arn:aws:sts::111122223333:assumed-role/Desk/ana@x.org")
        == "arn:aws:sts::ACCOUNT:assumed-role/NAME"
    )
    data, page = write(tmp_path / "out", scene(), asked, answers)
    read = json.loads(data.read_text())
    assert read == document(scene(), asked, answers)
    assert read["answers"][0]["verdict"] == "bad" and read["embedded_cloud"] is True
    assert read["answers"][0]["see"] == asked[0].see, "how else to see it stands here alone"
    assert page.read_text() == table and data.name == "first-hour.json"


def test_the_questions_stand_in_the_order_of_their_cost() -> None:
    looked = [asked for asked in QUESTIONS if asked.look]
    order = [Step.NOTHING, Step.RUN, Step.ENDPOINT, Step.SLEEP]
    steps = [order.index(asked.after) for asked in looked[:-1]]
    assert steps == sorted(steps)
    assert looked[-1].name == "leftovers", "what is left can be asked when all else is done"
    assert len({asked.name for asked in QUESTIONS}) == len(QUESTIONS)
    assert [asked.name for asked in QUESTIONS if not (asked.means and asked.without and asked.see)] == []


def test_the_last_lists_of_the_assurance_page_are_those_of_the_questions() -> None:
    page = (paths.ROOT / "docs" / "assurance.md").read_text(encoding="utf-8")
    assert page.endswith(assurance_lists(QUESTIONS) + "\n"), "python -m tools.first_hour writes it"
