"""Blocking work off the event loop, one thread a call.

asyncio's own pool is bounded, and what we run calls back into this very server (S3, STS): with all of its
threads waiting for an answer that needs one of them, nothing would move again.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Await `function(*args, **kwargs)`, run in a separate thread with the request's account and region."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = context.run(function, *args, **kwargs)
        except BaseException as raised:
            error = raised
        loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, daemon=True, name=f"sagemaker-{function.__name__}").start()
    return await future
