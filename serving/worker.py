"""One thread for the model: requests wait in a queue of limited length, in order; more are turned away."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

from serving.engine import Sink, Token
from serving.requests import Generation, RequestError

CHANGE_SECONDS = 50.0  # for a change of the model; the cloud waits for a minute
logger = logging.getLogger("serving")


class Answer:
    """An answer in the making: the model's thread puts tokens in, the request takes them out."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[Token | RequestError | None] = asyncio.Queue()
        self.cancelled = False

    def put(self, piece: Token | RequestError | None) -> None:
        """Add a token, the error that ended the answer, or None at its end; from any thread."""
        self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)

    async def __aiter__(self) -> AsyncIterator[Token]:
        """Give the tokens; raise what ended the answer early."""
        while (piece := await self._pieces.get()) is not None:
            if isinstance(piece, RequestError):
                raise piece
            yield piece

    def cancel(self) -> None:
        """Mark the answer as no longer wanted; the model stops at the next token."""
        self.cancelled = True


class Worker:
    """Runs everything that touches the model, one after the other.

    Args:
        generate: answers a request into a sink.
        queue_length: requests that wait while one is answered.
        change_seconds: the longest that a change of the model may take, and that it waits for its turn.
    """

    def __init__(
        self,
        generate: Callable[[Generation, Sink], None],
        *,
        queue_length: int,
        change_seconds: float = CHANGE_SECONDS,
    ) -> None:
        self._generate = generate
        self._change_seconds = change_seconds
        self._most = queue_length + 1  # one is answered, the others wait
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._open: set[Answer] = set()  # promised and not given yet
        self.ready = True
        """Whether new requests are taken."""

    def generate(self, asked: Generation) -> Answer:
        """Queue a request.

        Raises:
            RequestError: 429 when too many wait already, 503 while the server shuts down.
        """
        self._require_ready()
        if len(self._open) >= self._most:
            raise RequestError(429, "Too many requests are waiting; try again later.")
        answer = Answer()
        self._open.add(answer)
        self._thread.submit(self._answer, asked, answer)
        return answer

    async def run(self, change: Callable[[], None]) -> None:
        """Do something to the model between two requests and wait for it.

        Raises:
            RequestError: what it raises; 500 for what should not happen, 503 while the server shuts down or
            where its turn did not come, 504 when it takes too long: the server is then no longer ready.
        """
        self._require_ready()
        changing = self._thread.submit(change)
        limit = self._change_seconds
        try:
            await asyncio.wait_for(asyncio.wrap_future(changing), limit)
        except TimeoutError:
            if changing.cancel():  # it has not begun
                raise RequestError(
                    503, f"The model answered other requests for {limit:g} s; nothing was changed. Try again."
                ) from None
            self.ready = False  # the model's thread may never come back
            raise RequestError(504, f"That took longer than {limit:g} s; start the server again.") from None
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            raise _refusal(error) from error

    async def close(self, seconds: float) -> bool:
        """Take no more requests and finish those that wait; False if that took longer than `seconds`.

        Requests without an answer by then get an error 503.
        """
        self.ready = False
        last = asyncio.get_running_loop().run_in_executor(self._thread, lambda: None)  # after all the others
        done, _ = await asyncio.wait([last], timeout=seconds)
        for answer in tuple(self._open):
            answer.put(RequestError(503, "The server shut down before it could answer."))
        return bool(done)

    def _require_ready(self) -> None:
        if not self.ready:
            raise RequestError(503, "The server is shutting down.")

    def _answer(self, asked: Generation, answer: Answer) -> None:
        problem = None
        try:
            if not answer.cancelled:
                self._generate(asked, answer)
        except BaseException as error:  # a tokenizer in Rust that panics raises no Exception
            problem = _refusal(error)
        self._open.discard(answer)
        answer.put(problem)


def _refusal(error: BaseException) -> RequestError:
    """The client's message for an error; the log has the rest of an unexpected one."""
    if isinstance(error, RequestError):
        return error
    logger.error("A request could not be answered", exc_info=error)
    return RequestError(500, f"The model failed: {type(error).__name__}: {error}")
