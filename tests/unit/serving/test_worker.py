"""The queue in front of the model: order, limits, shut-down. Without a model."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from serving.engine import Token
from serving.requests import Generation, RequestError
from serving.worker import Worker


class Slow:
    """Answers when it is allowed to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.produced = 0

    def generate(self, asked: Generation) -> Iterator[Token]:
        self.begun.set()
        if asked.prompt == "broken":
            raise RuntimeError("out of memory")
        for number in range(3):
            assert self.go.wait(10)
            self.produced += 1
            yield Token(f"{asked.prompt}{number} ", number, "length" if number == 2 else None)


@pytest.fixture
def slow() -> Iterator[Slow]:
    engine = Slow()
    yield engine
    engine.go.set()


def text(answer: object) -> str:
    return "".join(token.text for token in answer)  # type: ignore[attr-defined]


def test_answers_come_in_order_and_the_surplus_is_turned_away(slow: Slow) -> None:
    worker = Worker(slow, queue_length=1)
    first = worker.generate(Generation("a"))
    assert slow.begun.wait(10)
    second = worker.generate(Generation("b"))
    with pytest.raises(RequestError) as refused:
        worker.generate(Generation("c"))
    assert refused.value.status == 429
    slow.go.set()
    assert (text(first), text(second)) == ("a0 a1 a2 ", "b0 b1 b2 ")
    assert text(worker.generate(Generation("d"))) == "d0 d1 d2 ", "there is room again"


def test_a_cancelled_answer_stops_the_model(slow: Slow) -> None:
    worker = Worker(slow, queue_length=1)
    answer = worker.generate(Generation("a"))
    assert slow.begun.wait(10)
    answer.cancel()
    slow.go.set()
    assert text(answer) == ""
    assert slow.produced == 1


def test_a_failure_ends_one_answer_and_not_the_worker(slow: Slow) -> None:
    worker = Worker(slow, queue_length=2)
    with pytest.raises(RequestError, match="out of memory") as failed:
        text(worker.generate(Generation("broken")))
    assert failed.value.status == 500
    slow.go.set()
    assert text(worker.generate(Generation("a"))) == "a0 a1 a2 "


def test_changes_to_the_model_wait_for_the_request_before_them(slow: Slow) -> None:
    worker = Worker(slow, queue_length=1)
    answer = worker.generate(Generation("a"))
    assert slow.begun.wait(10)
    seen: list[int] = []
    change = threading.Thread(target=worker.run, args=(lambda: seen.append(slow.produced),))
    change.start()
    slow.go.set()
    change.join(10)
    assert seen == [3]
    text(answer)
    with pytest.raises(RequestError, match="no such adapter"):
        worker.run(_refuse)


def test_closing_finishes_what_waits_and_takes_no_more(slow: Slow) -> None:
    worker = Worker(slow, queue_length=2)
    answers = [worker.generate(Generation(name)) for name in "ab"]
    closing = threading.Thread(target=worker.close, args=(10,))
    closing.start()
    while worker.ready:
        closing.join(0.01)
    with pytest.raises(RequestError) as refused:
        worker.generate(Generation("c"))
    assert refused.value.status == 503
    slow.go.set()
    closing.join(10)
    assert [text(answer) for answer in answers] == ["a0 a1 a2 ", "b0 b1 b2 "]


def test_who_has_no_answer_when_time_is_up_is_told(slow: Slow) -> None:
    worker = Worker(slow, queue_length=2)
    answers = [worker.generate(Generation(name)) for name in "ab"]
    assert not worker.close(0.05), "it still waits for the model"
    for answer in answers:
        with pytest.raises(RequestError, match="shut down before") as refused:
            text(answer)
        assert refused.value.status == 503


def _refuse() -> None:
    raise RequestError(404, "no such adapter")
