"""Answers while they are written: pieces, the end, a failure in the middle, and a reader who leaves."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from finexpert.errors import Asleep
from finexpert.service.asking import history
from finexpert.service.asking.answerers import Base
from finexpert.service.asking.inference import Answer, OnText
from finexpert.service.asking.stores import FileStore
from finexpert.web import routes
from finexpert.web.context import Context
from finexpert.web.http import JSON, Problem, Request, Response
from tests.unit.finexpert.web.web_app import NOW, whole

Said = Callable[[OnText], list[Answer]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, context: Context) -> Callable[..., Response]:
    """Asks while the endpoint says what is given."""
    monkeypatch.setattr(routes.ask, "PACE_SECONDS", 0.0)
    monkeypatch.setattr(routes.ask.switch, "models", lambda deployment: {"base": "a", "tuned": "b"})

    def ask(said: Said, **changes: Any) -> Response:
        def answering(
            deployment: object, prompt: str, chosen: Mapping[str, Any], *, on_text: OnText
        ) -> list[Answer]:
            return said(on_text)

        monkeypatch.setattr(routes.ask.inference, "ask", answering)
        body = json.dumps({"prompt": "Revenue"}).encode()
        request = Request(method="POST", path="/api/ask", headers={"content-type": JSON}, body=body)
        return routes.ask.ask(request, replace(context, **changes))

    return ask


def events(response: Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in whole(response).splitlines()]


def both(on_text: OnText) -> list[Answer]:
    for text in ("It", "It rose"):
        on_text("base", text)
        on_text("tuned", text)
        time.sleep(0.01)
    return [Answer(model, "Revenue", "It rose", 0.02) for model in ("base", "tuned")]


def test_pieces_come_before_the_answers_and_then_the_end(say: Any) -> None:
    received = events(say(both))
    assert received[0]["event"] == "text"
    assert [event["event"] for event in received[-3:]] == ["answer", "answer", "end"]
    assert {event["text"] for event in received if event["event"] == "text"} <= {"It", "It rose"}
    answer = {"model": "tuned", "text": "It rose", "seconds": 0.02, "cut": False}
    assert received[-2:] == [{"event": "answer", **answer}, {"event": "end", "forgotten": 0}]


def test_where_nothing_is_streamed_the_answers_come_whole(say: Any) -> None:
    assert [event["event"] for event in events(say(both, streams=False))] == ["answer", "answer", "end"]


def test_what_fails_before_the_first_word_is_the_status(say: Any) -> None:
    def asleep(on_text: OnText) -> list[Answer]:
        raise Asleep("Hosting is asleep.")

    with pytest.raises(Asleep):
        say(asleep)


def test_what_fails_in_the_middle_is_an_event_and_the_last_but_the_end(say: Any) -> None:
    def breaks(on_text: OnText) -> list[Answer]:
        on_text("base", "It")
        time.sleep(0.05)
        raise Asleep("put to sleep meanwhile")

    received = events(say(breaks))
    assert [event["event"] for event in received] == ["text", "error", "end"]
    assert received[1]["error"]["code"] == "asleep"


def test_only_the_newest_text_is_sent_when_the_reader_is_slow(say: Any) -> None:
    done = Event()

    def quick(on_text: OnText) -> list[Answer]:
        for length in range(1, 500):
            on_text("base", "x" * length)
        done.set()
        return []

    response = say(quick)
    assert done.wait(60)
    assert len([event for event in events(response) if event["event"] == "text"]) < 10


def test_a_reader_who_leaves_ends_the_answer(say: Any) -> None:
    stopped = Event()

    def endless(on_text: OnText) -> list[Answer]:
        try:
            while True:
                on_text("base", "and on")
                time.sleep(0.005)
        finally:
            stopped.set()

    body = say(endless).body
    assert isinstance(body, Iterator)
    next(body)
    assert not stopped.is_set()
    body.close()  # type: ignore[attr-defined]
    assert stopped.wait(60)


def test_sampling_is_asked_for_by_the_temperature(context: Context) -> None:
    assert routes.ask.generation({}, context) == {"max_new_tokens": 64, "do_sample": False}
    warm = routes.ask.generation({"temperature": 0.7, "top_p": 0.9, "seed": 3}, context)
    assert warm == {"max_new_tokens": 64, "do_sample": True, "temperature": 0.7, "top_p": 0.9, "seed": 3}
    with pytest.raises(Problem, match="max_new_tokens"):
        routes.ask.generation({"max_new_tokens": context.limits.new_tokens + 1}, context)


def test_the_models_own_context_limits_an_answer(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Base(name="Small", context_tokens=512)
    monkeypatch.setattr(routes.ask.answerers, "base_model", lambda deployment: small)
    assert routes.ask.generation({"max_new_tokens": 511}, context)["max_new_tokens"] == 511
    with pytest.raises(Problem, match="whole number from 1 to 511"):
        routes.ask.generation({"max_new_tokens": 512}, context)


def test_a_follow_up_goes_on_from_what_each_model_said(
    context: Context, monkeypatch: pytest.MonkeyPatch, ask: Any, tmp_path: Path
) -> None:
    store = FileStore(tmp_path)
    asked: list[Mapping[str, str]] = []

    def answering(deployment: object, prompts: Any, chosen: object, *, on_text: OnText) -> list[Answer]:
        asked.append(prompts)
        return [Answer(model, "", "It rose.", 0.1, True) for model in prompts]

    monkeypatch.setattr(routes.ask.switch, "models", lambda deployment: {"base": "a", "tuned": "b"})
    monkeypatch.setattr(routes.ask.inference, "ask", answering)
    here = replace(context, history=lambda user: store)
    for number, prompt in enumerate(("Revenue?", "And cash?")):
        answers = [{"model": "base", "text": f"B{number}"}, {"model": "tuned", "text": f"T{number}"}]
        turn = {"id": str(number), "prompt": prompt, "answers": answers}
        history.add_turn(store, "thread", turn, NOW)
    for turns in (0, 1, 2):
        body = json.dumps({"prompt": "Shorter", "thread": "thread", "turns": turns}).encode()
        request = Request(method="POST", path="/api/ask", headers={"content-type": JSON}, body=body)
        received = events(routes.ask.ask(request, here))
    assert [prompts["tuned"] for prompts in asked] == [
        "Shorter",
        "Revenue? T0\n\nShorter",
        "Revenue? T0\n\nAnd cash? T1\n\nShorter",
    ]
    assert asked[2]["base"].startswith("Revenue? B0")
    assert received[0]["cut"] is True
