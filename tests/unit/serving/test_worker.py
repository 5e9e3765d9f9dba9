"""The queue in front of the model: order, limits, shut-down. Without a model."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from serving.engine import Sink, Token
from serving.requests import Generation, RequestError
from serving.worker import Answer, Worker

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Panic(BaseException):
    """What pyo3 raises where Rust panics: no Exception."""


class Slow:
    """Answers when it is allowed to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.produced = 0

    def generate(self, asked: Generation, answer: Sink) -> None:
        self.begun.set()
        if asked.prompt == "broken":
            raise RuntimeError("out of memory")
        if asked.prompt == "panic":
            raise Panic("out of memory")
        for number in range(3):
            assert self.go.wait(60)
            if answer.cancelled:
                return
            self.produced += 1
            answer.put(Token(f"{asked.prompt}{number} ", number, "length" if number == 2 else None))


@pytest.fixture
def slow() -> Iterator[Slow]:
    engine = Slow()
    yield engine
    engine.go.set()


async def text(answer: Answer) -> str:
    return "".join([token.text async for token in answer])


async def begun(slow: Slow) -> None:
    assert await asyncio.to_thread(slow.begun.wait, 10)


async def test_answers_come_in_order_and_the_surplus_is_turned_away(slow: Slow) -> None:
    worker = Worker(slow.generate, queue_length=1)
    first = worker.generate(Generation("a"))
    await begun(slow)
    second = worker.generate(Generation("b"))
    with pytest.raises(RequestError) as refused:
        worker.generate(Generation("c"))
    assert refused.value.status == 429
    slow.go.set()
    assert (await text(first), await text(second)) == ("a0 a1 a2 ", "b0 b1 b2 ")
    assert await text(worker.generate(Generation("d"))) == "d0 d1 d2 ", "there is room again"


async def test_a_cancelled_answer_stops_the_model(slow: Slow) -> None:
    worker = Worker(slow.generate, queue_length=1)
    answer, waiting = worker.generate(Generation("a")), worker.generate(Generation("b"))
    await begun(slow)
    slow.begun.clear()
    answer.cancel()
    waiting.cancel()
    slow.go.set()
    assert (await text(answer), await text(waiting)) == ("", "")
    assert slow.produced == 0
    assert not slow.begun.is_set(), "what was cancelled in the queue is not begun"


@pytest.mark.parametrize("prompt", ["broken", "panic"])
async def test_a_failure_ends_one_answer_and_not_the_worker(slow: Slow, prompt: str) -> None:
    worker = Worker(slow.generate, queue_length=2)
    with pytest.raises(RequestError, match="out of memory") as failed:
        await text(worker.generate(Generation(prompt)))
    assert failed.value.status == 500
    slow.go.set()
    assert await text(worker.generate(Generation("a"))) == "a0 a1 a2 "


async def test_changes_to_the_model_wait_for_the_request_before_them(slow: Slow) -> None:
    worker = Worker(slow.generate, queue_length=1)
    answer = worker.generate(Generation("a"))
    await begun(slow)
    seen: list[int] = []
    change = asyncio.create_task(worker.run(lambda: seen.append(slow.produced)))
    await asyncio.sleep(0)  # it has queued its change
    slow.go.set()
    await asyncio.wait_for(change, 10)
    assert seen == [3]
    assert await text(answer) == "a0 a1 a2 "
    with pytest.raises(RequestError, match="no such adapter"):
        await worker.run(_refuse)


async def test_a_change_without_end_makes_the_server_unhealthy(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As loading a hostile adapter may: PEFT gives no way to stop it."""
    loading, released = threading.Event(), threading.Event()

    def load() -> None:
        loading.set()
        assert released.wait(60)

    async def over_once_it_loads(waiting: object, seconds: float) -> None:
        assert seconds == 7
        assert await asyncio.to_thread(loading.wait, 60)
        raise TimeoutError

    monkeypatch.setattr(asyncio, "wait_for", over_once_it_loads)
    worker = Worker(slow.generate, queue_length=1, change_seconds=7)
    try:
        with pytest.raises(RequestError, match="longer than 7 s") as late:
            await worker.run(load)
        assert late.value.status == 504
        assert not worker.ready, "its health check fails, so that it is started again"
        with pytest.raises(RequestError) as refused:
            worker.generate(Generation("a"))
        assert refused.value.status == 503
    finally:
        released.set()


async def test_a_change_whose_turn_does_not_come_is_taken_back(slow: Slow) -> None:
    worker = Worker(slow.generate, queue_length=1, change_seconds=0.05)
    answer = worker.generate(Generation("a"))
    await begun(slow)
    changed: list[bool] = []
    with pytest.raises(RequestError, match="nothing was changed") as busy:
        await worker.run(lambda: changed.append(True))
    assert (busy.value.status, worker.ready) == (503, True)
    slow.go.set()
    assert await text(answer) == "a0 a1 a2 "
    assert await worker.close(60)  # all that was queued has been done
    assert changed == []


async def test_closing_finishes_what_waits_and_takes_no_more(slow: Slow) -> None:
    worker = Worker(slow.generate, queue_length=2)
    answers = [worker.generate(Generation(name)) for name in "ab"]
    closing = asyncio.create_task(worker.close(10))
    await asyncio.sleep(0)
    with pytest.raises(RequestError) as refused:
        worker.generate(Generation("c"))
    assert refused.value.status == 503
    slow.go.set()
    assert await closing
    assert [await text(answer) for answer in answers] == ["a0 a1 a2 ", "b0 b1 b2 "]


async def test_who_has_no_answer_when_time_is_up_is_reported(slow: Slow) -> None:
    worker = Worker(slow.generate, queue_length=2)
    answers = [worker.generate(Generation(name)) for name in "ab"]
    assert not await worker.close(0.05), "it still waits for the model"
    for answer in answers:
        with pytest.raises(RequestError, match="shut down before") as refused:
            await text(answer)
        assert refused.value.status == 503
    slow.go.set()


def _refuse() -> None:
    raise RequestError(404, "no such adapter")
