"""Importing large libraries in less time: PyTorch, transformers and PEFT are a million objects that stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting_imports() -> Iterator[None]:
    """What a program imports inside stays to its end, and the garbage collector never goes through it.

    The collector would go through all of it several times while it is imported, which takes a sixth of the
    processor time of a start, and at each full collection later. For a program's beginning: whatever is
    there when this ends is never collected.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
