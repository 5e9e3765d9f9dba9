"""Output on a terminal and in a pipe: what changes in place on the one becomes few plain lines on the other.

Rich is imported when the first line is printed, so that `--help` starts without it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from json import dumps
from types import TracebackType
from typing import TYPE_CHECKING, Any

from finexpert.errors import ExitCode, UserError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def console(*, stderr: bool = False) -> Console:
    """A console that is plain in a pipe, and 100 columns wide there, so that tables stay tables in a log."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else 100)


def print_json(document: object) -> None:
    """One JSON document on stdout, for programs."""
    print(dumps(document, indent=2, default=str, ensure_ascii=False), flush=True)  # at once, to a pipe too


def print_error(error: UserError, *, json: bool = False) -> None:
    """What, where, what to do: on stderr, without a trace; `json`: one document on stdout, for programs."""
    if json:
        told = {"what": error.what, "where": error.where, "fix": error.fix}
        print_json({"error": told, "exit_code": int(error.code)})
        return
    out = console(stderr=True)
    out.print(f"[bold red]✗[/] {_plain(error.what)}", soft_wrap=True)
    if error.where:
        out.print(f"  [dim]where[/]  {_plain(error.where)}", soft_wrap=True)
    if error.fix:
        out.print(f"  [dim]do[/]     {_plain(error.fix)}", soft_wrap=True)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


@contextmanager
def may_be_left(what: str, *, where: str, fix: str) -> Iterator[None]:
    """Ctrl-C within only ends the watching. `what` was watched; `fix` says how to come back.

    Raises:
        UserError: Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        said = f"Stopped watching; {what} goes on."
        raise UserError(said, where=where, fix=fix, code=ExitCode.INTERRUPTED) from None


class Live:
    """A region that replaces itself on a terminal; in a pipe, a line whenever something new is to be said.

    Use as a context manager; the region vanishes at its end, lines stay.
    """

    def __init__(self, out: Console) -> None:
        self._out = out
        self._last_key = ""
        self._live: Any = None

    def __enter__(self) -> Live:
        if self._out.is_terminal:
            from rich.live import Live as RichLive

            self._live = RichLive(console=self._out, transient=True, refresh_per_second=8)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(self, region: RenderableType, line: str, key: str = "") -> None:
        """Show `region` (terminal), or print `line` (pipe) unless it stands for the same as the line before.

        Args:
            key: what the line stands for; the line itself if empty. An empty line is never printed.
        """
        if self._live is not None:
            self._live.update(region)
        elif line and (key or line) != self._last_key:
            self._last_key = key or line
            self._out.print(line, soft_wrap=True, markup=False)

    def line(self, text: RenderableType) -> None:
        """Print something that stays, above the region."""
        self._out.print(text, soft_wrap=isinstance(text, str))
