"""One thread for the model: requests wait in a queue of limited length, in order, and the rest is turned
away."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from serving.engine import Token
from serving.requests import Generation, RequestError

logger = logging.getLogger("serving")


class Generator(Protocol):
    """What the worker wants of an engine."""

    def generate(self, asked: Generation) -> Iterator[Token]: ...


class Answer:
    """An answer in the making: the worker's thread puts tokens in, the request's thread takes them out."""

    def __init__(self) -> None:
        self._pieces: queue.Queue[Token | Exception | None] = queue.Queue()
        self.cancelled = False

    def put(self, piece: Token | Exception | None) -> None:
        """A token, the error that ended the answer, or None at its end."""
        self._pieces.put(piece)

    def __iter__(self) -> Iterator[Token]:
        """The tokens; raises what ended the answer early."""
        while (piece := self._pieces.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def cancel(self) -> None:
        """Mark the answer as no longer wanted; the model stops at the next token."""
        self.cancelled = True


class Worker:
    """Runs everything that touches the model, one after the other."""

    def __init__(self, engine: Generator, *, queue_length: int) -> None:
        self._engine = engine
        self._room = threading.BoundedSemaphore(queue_length + 1)  # one is answered, the others wait
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._open: set[Answer] = set()  # promised and not given yet
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="model")
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether new requests are taken."""
        return self._thread.is_alive() and not self._closing

    def generate(self, asked: Generation) -> Answer:
        """Queue a request.

        Raises:
            RequestError: 429 when too many wait already, 503 while the server shuts down.
        """
        if not self.ready:
            raise RequestError(503, "The server is shutting down.")
        if not self._room.acquire(blocking=False):
            raise RequestError(429, "Too many requests are waiting; try again later.")
        answer = Answer()
        self._open.add(answer)

        def job() -> None:
            try:
                self._answer(asked, answer)
            finally:
                self._open.discard(answer)
                self._room.release()

        self._jobs.put(job)
        return answer

    def run(self, change: Callable[[], None]) -> None:
        """Do something to the model between two requests and wait for it.

        Raises:
            RequestError: what it raises; 500 for what should not happen, 503 while the server shuts down.
        """
        if not self.ready:
            raise RequestError(503, "The server is shutting down.")
        done = Answer()

        def job() -> None:
            try:
                change()
                done.put(None)
            except Exception as error:
                done.put(_told(error))

        self._jobs.put(job)
        for _ in done:
            pass

    def close(self, seconds: float) -> bool:
        """Take no more requests and finish those that wait; False if that took longer than `seconds`.

        Requests without an answer by then get an error 503.
        """
        self._closing = True
        self._jobs.put(None)
        self._thread.join(seconds)
        for answer in tuple(self._open):
            answer.put(RequestError(503, "The server shut down before it could answer."))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _answer(self, asked: Generation, answer: Answer) -> None:
        try:
            for token in self._engine.generate(asked):
                if answer.cancelled:
                    break
                answer.put(token)
            answer.put(None)
        except Exception as error:
            answer.put(_told(error))


def _told(error: Exception) -> RequestError:
    """What the client gets to know of an error; of one that should not happen the log has the rest."""
    if isinstance(error, RequestError):
        return error
    logger.error("A request could not be answered", exc_info=error)
    return RequestError(500, f"The model failed: {type(error).__name__}: {error}")
