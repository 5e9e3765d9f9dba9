"""Answers on the screen: who answers, what was cut, and what a title shows."""

from typing import Any

import pytest

from finexpert.errors import NotFound
from finexpert.service.asking import answerers
from finexpert.service.asking.answerers import Answerer, Base
from finexpert.service.asking.inference import Answer
from finexpert.views import answers

TINY = Base(name="Practice [model]", parameters=1_300_000)
THERE: Any = None


def test_who_answers_is_said_with_what_a_reader_must_know(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = Answerer(model="tuned", base=TINY, run="finexpert-1", data="letters", outcome="rejected")
    monkeypatch.setattr(answerers, "who", lambda deployment: (Answerer(model="base", base=TINY), refused))
    answers.introduce(THERE)
    printed = capsys.readouterr().err
    assert "base: Practice [model], not trained further" in printed and "trained on letters" in printed
    assert printed.count("its sentences mean nothing") == 1
    assert "Not accepted by the quality gate" in printed


def test_a_run_that_aws_has_forgotten_stops_no_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def forgotten(deployment: Any) -> Any:
        raise NotFound("There is no run finexpert-1.")

    monkeypatch.setattr(answerers, "who", forgotten)
    answers.introduce(THERE)
    assert "Who answers is not known: There is no run finexpert-1." in capsys.readouterr().err


def test_an_answer_that_was_cut_says_so() -> None:
    long = Answer("tuned", "p", "t", 1.25, cut=True)
    assert answers.heading(long) == "tuned (1.2 s, cut at --max-new-tokens)"
    assert answers.heading(Answer("tuned", "p", "t", 1.25)) == "tuned (1.2 s)"


@pytest.mark.parametrize(
    ("prompt", "title"), [("What is it?", "What is it?"), ("The results", "The results …")]
)
def test_only_what_is_to_be_gone_on_with_has_dots(prompt: str, title: str) -> None:
    assert str(answers.side_by_side(prompt, {"base": "a"}).title) == title
