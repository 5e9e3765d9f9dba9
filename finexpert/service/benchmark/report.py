"""The benchmark as one HTML file and as a Markdown table."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from finexpert.errors import UserError

PUBLISHED = Path(__file__).with_name("published.json")
STYLE = Path(__file__).with_name("report.css")
MOST_DIFFERENT = 20
ROW = (
    *("name", "correct", "wrong", "refused", "failed"),
    *("usd", "usd_per_correct", "latency_p50", "latency_p95"),
)


def documented(result: Mapping[str, Any]) -> dict[str, Any]:
    """The document of `finexpert benchmark run --json`: the keys that programs may rely on, and no others."""
    rows = [{key: row[key] for key in ROW} for row in result["contestants"]]
    return {"contestants": rows, "pairs": result["pairs"]}


def write(result: Mapping[str, Any], folder: Path) -> None:
    """Write the result, the page and the table into a folder that only its owner can read."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    (folder / "benchmark.json").write_text(text, encoding="utf-8")
    (folder / "benchmark.html").write_text(html(result), encoding="utf-8")
    (folder / "benchmark.md").write_text(markdown(result), encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """The result of a benchmark that was run, for the page and for `finexpert benchmark report`.

    Raises:
        UserError: there is none, or it is torn.
    """
    try:
        result: dict[str, Any] = json.loads((folder / "benchmark.json").read_text(encoding="utf-8"))
        markdown(result)
    except (OSError, ValueError, KeyError, TypeError, LookupError, AttributeError, RecursionError):
        raise UserError(
            "There is no benchmark here.", where=str(folder), fix="finexpert benchmark run"
        ) from None
    return result


def stored(folder: Path) -> dict[str, Any] | None:
    """The result of the newest benchmark in a folder, as a sentence and rows; None where there is none."""
    try:
        result = json.loads((folder / "benchmark.json").read_text(encoding="utf-8"))
        rows = [{key: row.get(key) for key in ROW if key != "latency_p95"} for row in result["contestants"]]
        return {"sentence": verdict(result), "contestants": rows}
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None  # none was run here, or it was interrupted while it was written


def verdict(result: Mapping[str, Any]) -> str:
    """The result in a sentence."""
    rows = sorted(result["contestants"], key=lambda row: -row["correct"])
    best, total = rows[0], len(result["answers"])
    sure = [_ranked(pair) for pair in result["pairs"] if pair["finding"] != "cannot tell"]
    beaten = {loser for winner, loser in sure if winner == best["name"]}
    lead = f"{best['name']} answers {best['correct']} of {total} questions correctly"
    others = [row["name"] for row in rows[1:]]
    if not others:
        return f"{lead}."
    if beaten == set(others):
        return f"{lead} and is better than {_listed(others)}."
    open_ = [name for name in others if name not in beaten]
    wanted = [p["needed"] for p in result["pairs"] if best["name"] in (p["a"], p["b"]) and p["needed"]]
    more = f" About {max(wanted):,} questions would be needed." if wanted else ""
    begin = f" and is better than {_listed(sorted(beaten))}" if beaten else ""
    unclear = f"These questions do not show whether it is better than {_listed(open_)}."
    return f"{lead}{begin}. {unclear}{more}"


def _ranked(pair: Mapping[str, Any]) -> tuple[str, str]:
    """The better one of a pair, and the other."""
    return (pair["a"], pair["b"]) if pair["finding"] == "a better" else (pair["b"], pair["a"])


def _finding(pair: Mapping[str, Any]) -> str:
    """A finding with names, and how many questions would be needed where it is open."""
    if pair["finding"] != "cannot tell":
        return f"{_ranked(pair)[0]} is better"
    return f"cannot tell; about {pair['needed']:,} questions would" if pair["needed"] else "cannot tell"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


Table = tuple[Sequence[str], list[list[str]]]
"""The headings of a table and its rows."""


def markdown(result: Mapping[str, Any]) -> str:
    """The verdict, a table of contestants, notes on it, and a table of pairs."""
    parts = [verdict(result), _in_markdown(_contestants(result)), "\n".join(notes(result))]
    parts += [_in_markdown(_asked_as(result)), _in_markdown(_pairs(result))]
    return "\n\n".join(filter(None, parts)) + "\n"


def _in_markdown(table: Table) -> str:
    """A table in Markdown; "" where it has no rows."""
    head, rows = table
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]]) if rows else ""


def _contestants(result: Mapping[str, Any]) -> Table:
    head = ("contestant", "kind", "correct", "wrong", "of these: wrong scale", "refused", "failed", "$")
    shown = ("name", "kind", "correct", "wrong", "wrong_scale", "refused", "failed")
    rows = [
        [
            *(str(row[key]) for key in shown),
            f"{row['usd']:.4f}",
            "–" if row["usd_per_correct"] is None else f"{row['usd_per_correct']:.5f}",
            "–" if row["latency_p50"] is None else f"{row['latency_p50']:.2f}",
        ]
        for row in result["contestants"]
    ]
    return (*head, "$ a correct answer", "seconds, median"), rows


def _asked_as(result: Mapping[str, Any]) -> Table:
    """The chat template and the stop marks with which each contestant gets the same prompt."""
    asked_as = result.get("made", {}).get("asked_as", {})
    return ("contestant", "how it is asked, and where its answer ends"), list(map(list, asked_as.items()))


def _pairs(result: Mapping[str, Any]) -> Table:
    rows = [
        [
            f"{pair['a']} − {pair['b']}",
            f"{pair['difference']:+.1%}",
            f"{pair['interval'][0]:+.1%} to {pair['interval'][1]:+.1%}",
            f"{pair['p']:.3f}",
            _finding(pair),
        ]
        for pair in result["pairs"]
    ]
    return ("pair", "difference", "95 % interval", "p (Holm)", "finding"), rows


def notes(result: Mapping[str, Any]) -> list[str]:
    """Sentences on what the table lacks: repetitions, the endpoint's time, dollars of failed requests."""
    made, lost = result.get("made", {}), sum(row.get("lost_usd", 0.0) for row in result["contestants"])
    found = []
    asked = any(not row["kind"].startswith("answers:") for row in result["contestants"])
    if (times := made.get("repetitions", 1)) > 1 and asked:
        found.append(
            f"Each question was asked {times} times and counts once, with the share of each outcome."
        )
    if any("hour" in source for source in made.get("prices", {}).values()):
        found.append(
            "The endpoint's dollars are those of the time that it took to answer, not of its waiting."
        )
    if lost:
        found.append(
            f"${lost:.4f} of the dollars are the most that requests without an answer may have cost."
        )
    return found


def html(result: Mapping[str, Any]) -> str:
    """One file: verdict, matrix, cost and correct answers, questions that differ most, published figures."""
    different = [row for row in result["answers"] if len({g["outcome"] for g in row["given"].values()}) > 1]
    parts = [
        f"<h1>Benchmark</h1><p class=verdict>{escape(verdict(result))}</p>",
        _in_html(_contestants(result)),
        *(f"<p>{escape(note)}</p>" for note in notes(result)),
        _plot(result["contestants"], len(result["answers"])),
        f"<h2>In pairs</h2>{_in_html(_pairs(result))}",
        f"<h2>Where they differ: {len(different)} questions, at most {MOST_DIFFERENT} of them here</h2>",
        *(_question(row) for row in different[:MOST_DIFFERENT]),
        "<h2>Published elsewhere</h2>",
        "<p>Other prompts, splits and graders: nothing is computed with them.</p>",
        _in_html(_published()),
        f"<h2>How each is asked</h2>{_in_html(_asked_as(result))}",
        f"<h2>How it was made</h2><pre>{escape(json.dumps(result.get('made', {}), indent=1))}</pre>",
    ]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Benchmark</title><style>{STYLE.read_text(encoding='utf-8')}</style><main>{''.join(parts)}</main></html>"
    )


def _in_html(table: Table) -> str:
    head, rows = table
    cells = "".join(f"<th>{escape(each)}</th>" for each in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class=wide><table><tr>{cells}</tr>{body}</table></div>"


def _plot(rows: Sequence[Mapping[str, Any]], total: int) -> str:
    """Dollars to the right, correct answers upwards."""
    most = max((row["usd"] for row in rows), default=0.0) or 1.0
    dots = ""
    for row in rows:
        x, y = 60 + 500 * row["usd"] / most, 220 - 190 * row["correct"] / total
        dots += f"<circle cx={x:.0f} cy={y:.0f} r=5 fill=#2266cc></circle>"
        dots += f"<text x={x + 8:.0f} y={y - 5:.0f}>{escape(row['name'])}</text>"
    axes = "<path d='M60 30V220H600' fill=none stroke=#888 />"
    across = f"<text x=60 y=245>$0</text><text x=540 y=245>${most:.4f}</text>"
    upwards = f"<text x=5 y=35>{total}</text><text x=30 y=222>0</text>"
    drawn = f"{axes}{across}{upwards}{dots}"
    title = "Cost and correct answers"
    return f"<h2>{title}</h2><svg viewBox='0 0 700 255' role=img aria-label='{title}'>{drawn}</svg>"


def _question(row: Mapping[str, Any]) -> str:
    given = [[name, answer["outcome"], answer["answer"]] for name, answer in row["given"].items()]
    right = ", ".join(row["right"]) + (f" {row['scale']}" if row["scale"] else "")
    said = f"<h3>{escape(row['question'])}</h3><p>Right: {escape(right)}</p>"
    return said + _in_html((("contestant", "outcome", "answer"), given))


def _published() -> Table:
    found = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    rows = [[e["test"], e["model"], e["metric"], f"{e['value']:g}", e["source"]] for e in found]
    return ("test", "model", "metric", "value", "source"), rows
