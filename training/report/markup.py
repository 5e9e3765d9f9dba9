"""Pieces of HTML that the sections share. All text goes through ``escape`` here or where it is put in."""

from collections.abc import Iterable, Sequence
from html import escape


def mark(passed: bool) -> str:
    """Whether a rule holds, also for who does not see the sign."""
    return _sign(passed, "holds", "fails")


def signs(right: bool) -> str:
    """Whether an answer is right, also for who does not see the sign."""
    return _sign(right, "right", "wrong")


def _sign(good: bool, yes: str, no: str) -> str:
    return f'<span class="passed">✓ {yes}</span>' if good else f'<span class="failed">✗ {no}</span>'


def note(text: str) -> str:
    """A remark in small print."""
    return f'<p class="note">{escape(text)}</p>'


def facts(rows: Iterable[tuple[str, object]]) -> str:
    """A table of names and values."""
    cells = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in rows)
    return f'<table class="facts">{cells}</table>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, name: str) -> str:
    """A table with a head, which may be scrolled sideways; the first column names the rows."""
    titles = "".join(f"<th>{escape(title)}</th>" if title else "<td></td>" for title in head)
    body = "".join(
        f"<tr><th>{escape(first)}</th>" + "".join(f"<td>{escape(cell)}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(name)}"><table>'
        f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def scrolled(chart: str, name: str) -> str:
    """A chart that is scrolled sideways where it is wider than the page; empty for none."""
    label = f'tabindex="0" role="region" aria-label="{escape(name)}"'
    return chart and f'<div class="chart" {label}>{chart}</div>'


def pair(left: tuple[str, str], right: tuple[str, str]) -> str:
    """Two texts side by side, each under its name."""
    boxes = "".join(
        f"<div><small>{escape(name)}</small>{escape(text) or '—'}</div>" for name, text in (left, right)
    )
    return f'<div class="pair">{boxes}</div>'
