"""Output on a terminal and in a pipe: what changes in place on the one is a few plain lines on the other."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from json import dumps
from typing import IO, Any, Self

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from finexpert.errors import ExitCode, UserError, explain, is_aws
from finexpert.service.deployment import Deployment
from finexpert.text import plain, printable


class PrintableConsole(Console):
    """A console that writes no control characters but Rich's own, and leaves lines of text whole."""

    def print(self, *objects: Any, **named: Any) -> None:
        whole = all(isinstance(each, (str, Text)) for each in objects)
        super().print(*objects, **{"soft_wrap": whole, **named})

    def render(self, *arguments: Any, **named: Any) -> Iterator[Segment]:
        for segment in super().render(*arguments, **named):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def console(*, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> Console:
    """A console that is plain in a pipe, and 100 columns wide there, so that tables stay tables in a log."""
    stream = sys.stderr if stderr else sys.stdout
    width = width or (None if stream.isatty() else 100)
    return PrintableConsole(stderr=stderr, file=file, highlight=False, width=width)


def print_json(document: object) -> None:
    """One JSON document on stdout, for programs."""
    text = dumps(document, indent=2, default=plain, ensure_ascii=False)
    escaped = "".join(char if printable(char) else f"\\u{ord(char):04x}" for char in text)
    print(escaped, flush=True)  # at once, to a pipe too


def say(text: RenderableType, *, stderr: bool = False, style: str = "", markup: bool = True) -> None:
    """Print a line, table or the like on stdout or stderr; a text is Rich's markup unless `markup` is off."""
    console(stderr=stderr).print(text, style=style or None, markup=markup)


def result(document: object, text: str, *, json: bool) -> None:
    """Print a command's result: the document for programs, or the text (Rich's markup) for people."""
    if json:
        print_json(document)
    else:
        say(text)


def print_text(text: str, *, flush: bool = False) -> None:
    """Print foreign text without characters that would control the terminal; no markup, no wrapping."""
    print(printable(text), end="" if text.endswith("\n") else "\n", flush=flush)


def print_error(error: UserError, *, json: bool = False) -> None:
    """What, where, what to do: on stderr, without a trace; `json`: one document on stdout, for programs."""
    if json:
        shown = {"what": error.what, "where": error.where, "fix": error.fix}
        print_json({"error": shown, "exit_code": int(error.code)})
        return
    say(f"[bold red]✗[/] {escape(error.what)}", stderr=True)
    if error.where:
        say(f"  [dim]where[/]  {escape(error.where)}", stderr=True)
    if error.fix:
        say(f"  [dim]do[/]     {escape(error.fix)}", stderr=True)


def figures_table(first: str, figures: Sequence[str], last: str) -> Table:
    """An empty table of figures, aligned at their right, between a name and a word about them."""
    table = Table(first, box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for heading in figures:
        table.add_column(heading, justify="right")
    table.add_column(last)
    return table


def print_rows(headings: Sequence[str], rows: Iterable[Sequence[str]], *, whole: int = 0) -> None:
    """Print rows (of Rich's markup) as a table without lines; nothing where there are none.

    Args:
        whole: the column that stays in one piece; see `print_table`.
    """
    table = Table(*headings, box=None, header_style="dim")
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        print_table(console(), table, whole=whole)


LEAST_WIDTH = 10
"""Columns of a terminal that a further column of a table has at least."""


def print_parts(out: Console, parts: Iterable[RenderableType]) -> None:
    """Print tables and lines one below the other, none of them shortened."""
    for part in parts:
        if isinstance(part, Table):
            print_table(out, part)
        else:
            out.print(part)


@contextmanager
def may_be_left(what: str, *, where: str, fix: str) -> Iterator[None]:
    """Ctrl-C, or an error of AWS or the network, within only ends the watching: `what` goes on.

    Args:
        fix: how to watch again. It must not begin `what` a second time.

    Raises:
        UserError: Ctrl-C, or the error with `fix` as its remedy, after signing in again where that is needed.
    """
    try:
        yield
    except KeyboardInterrupt:
        said = f"Stopped watching; {what} goes on."
        raise UserError(said, where=where, fix=fix, code=ExitCode.INTERRUPTED) from None
    except Exception as error:
        known = explain(error) if is_aws(error) or isinstance(error, OSError) else None
        if known is None:
            raise
        said = f"Watching ended, {what} goes on: {known.what}"
        first = f"{known.cure} " if known.cure else ""
        raise UserError(said, where=where, fix=first + fix) from error


def print_table(out: Console, table: Table, *, whole: int = 0) -> None:
    """Print a table in which nothing is shortened: cells fold, and the column `whole` stays in one piece.

    Names that other commands take stand in that column. Where it does not fit, lines are longer than the
    terminal is wide.
    """
    for column in table.columns:
        column.overflow = "fold"
    names = table.columns[whole]
    names.no_wrap = True
    lines = [line for cell in names.cells for line in _plain_of(cell).splitlines()]
    names.min_width = max(map(cell_len, [*lines, _plain_of(names.header)]))
    out.print(
        table, width=max(out.width, names.min_width + LEAST_WIDTH * (len(table.columns) - 1)), crop=False
    )


def _plain_of(cell: RenderableType) -> str:
    return Text.from_markup(cell).plain if isinstance(cell, str) else str(cell)


def settings_note(deployment: Deployment) -> str:
    """A warning that this shell's settings differ from the deployed app's; "" where they are the same."""
    if deployment.problem:
        return f"! the deployed app's settings cannot be read, this shell's are used: {deployment.problem}"
    if not deployment.differences:
        return ""
    shown = ", ".join(
        f"{name} {written(ours)} (here {written(here)})"
        for name, (ours, here) in deployment.differences.items()
    )
    return f"! the deployed app has {shown}. The next cdk deploy would change it to this shell's settings."


def written(value: Any) -> str:
    """A setting as it is written in the environment or after `-c`."""
    if value is None or value == "":
        return '""' if value == "" else "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


class Live:
    """A region that replaces itself on a terminal; in a pipe, a line whenever something new is to be said.

    Use as a context manager; the region vanishes at its end, lines stay.
    """

    def __init__(self, out: Console) -> None:
        self._out = out
        self._last_key = ""
        self._live: Any = None

    def __enter__(self) -> Self:
        if self._out.is_terminal:
            from rich.live import Live as RichLive

            self._live = RichLive(console=self._out, transient=True, refresh_per_second=8)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
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
            self._out.print(line, markup=False)

    def line(self, text: RenderableType) -> None:
        """Print something that stays, above the region."""
        self._out.print(text)
