"""`finexpert docs`: answers from the company's own documents, with the page they stand on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finexpert.cli.commands.common import Json, open_deployment
from finexpert.errors import ExitCode, NotFound, UserError
from finexpert.views import display

if TYPE_CHECKING:
    import sqlite3

    from core.documents.questions import Filter
    from core.documents.search import Corpus

app = typer.Typer(
    no_args_is_help=True,
    help="Read filings and reports, search them, and ask for figures with the page they stand on. All of it"
    ' works on this machine, without a cloud. Example: finexpert docs ask "What was revenue in 2024?"',
)

Index = Annotated[Path, typer.Option("--index", metavar="DIR", help="The folder of the index.")]
Company = Annotated[
    str | None, typer.Option("--company", help="Keep to this company instead of the one understood.")
]
Year = Annotated[int | None, typer.Option("--year", help="Keep to this fiscal year.")]
Quarter = Annotated[
    str | None, typer.Option("--period", metavar="Q1…Q3|FY", help="With --year: a quarter of it.")
]
Form = Annotated[str | None, typer.Option("--form", help="Keep to this form, such as 10-K.")]
Pushed = Annotated[
    bool,
    typer.Option("--pushed", help="Take the index that was pushed, with its vectors if the app keeps some."),
]
DEFAULT = Path("documents-index")


def _given(company: str | None, year: int | None, period: str | None, form: str | None) -> dict[str, Any]:
    return {"company": company, "fiscal_year": year, "fiscal_period": period, "form": form}


@app.command()
def add(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of them.", show_default=False)],
    index: Index = DEFAULT,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Correct the cover: company, form, fiscal_year …"),
    ] = None,
    json: Json = False,
) -> None:
    """Read PDF, HTML (with inline XBRL), text, Markdown, CSV, XLSX and DOCX into an index on this machine.

    Example: finexpert docs add filings/ --set company="Example Corp"
    """
    from finexpert.service.documents import library

    def progress(number: int, total: int, name: str) -> None:
        _say(f"{number}/{total} {name}", stderr=True)

    try:
        done = library.add(
            index,
            paths,
            changes=_changes(changes or [], library.SETTABLE),
            progress=None if json else progress,
        )
    except FileNotFoundError as error:
        raise UserError(f"{error} does not exist.", fix="Name a file or a folder that does.") from None
    failed = [each for each in done if each.outcome == "failed"]
    if json:
        display.print_json({"index": str(index), "documents": [_added(each) for each in done]})
    else:
        for each in done:
            _say(_line(each))
        if not done:
            _say("No file that can be read was found.")
    if failed or not done:
        raise typer.Exit(ExitCode.FAILED)


def _changes(given: list[str], known: tuple[str, ...]) -> dict[str, str]:
    changes = dict(entry.partition("=")[::2] for entry in given)
    unknown = sorted(set(changes) - set(known))
    if unknown or any("=" not in entry for entry in given):
        raise UserError(
            f"--set knows no {', '.join(unknown) or 'entry without ='}", fix=f"Known: {', '.join(known)}."
        )
    return changes


def _line(each: Any) -> str:
    cover = each.cover
    if each.outcome == "failed":
        return f"✗ {each.name}: {each.why}"
    if cover is None:
        return f"= {each.name}: already there" + (f" ({each.why})" if each.why else "")
    parts = [cover.company, cover.form, f"{cover.fiscal_period} {cover.fiscal_year or ''}".strip()]
    end = f"to {cover.period_end}" if cover.period_end else ""
    known = " · ".join(part for part in [*parts, end, f"{each.pages} pages", f"{each.facts} figures"] if part)
    return f"✓ {each.name}: {known}" + (f" · {each.why}" if each.why else "")


def _added(each: Any) -> dict[str, Any]:
    cover = each.cover
    shown = (
        {}
        if cover is None
        else {**vars(cover), "period_end": cover.period_end and cover.period_end.isoformat()}
    )
    return {
        "document": each.name,
        "outcome": each.outcome,
        "why": each.why,
        "pages": each.pages,
        "facts": each.facts,
        **shown,
    }


@app.command("list")
def show(index: Index = DEFAULT, json: Json = False) -> None:
    """The documents of an index, and what was understood of each.

    Example: finexpert docs list --index filings-index
    """
    with _opened(index) as connection:
        rows = [dict(row) for row in connection.execute("SELECT * FROM document ORDER BY name")]
    if json:
        display.print_json({"index": str(index), "documents": rows})
        return
    for row in rows:
        parts = [
            row["company"],
            row["form"],
            f"{row['fiscal_period']} {row['fiscal_year'] or ''}".strip(),
            f"{row['pages']} pages",
        ]
        _say(f"{row['name']}: {' · '.join(part for part in parts if part)}")


@app.command()
def remove(
    names: Annotated[
        list[str], typer.Argument(help="Documents, as docs list names them.", show_default=False)
    ],
    index: Index = DEFAULT,
    json: Json = False,
) -> None:
    """Take documents out of an index. The files themselves stay.

    Example: finexpert docs remove annual-report.pdf
    """
    from core.documents import store

    with _opened(index) as connection:
        missing = [name for name in names if not store.remove(connection, name)]
    if missing:
        raise NotFound(f"Not in the index: {', '.join(missing)}", where=str(index), fix="finexpert docs list")
    _done({"removed": names}, f"✓ {len(names)} removed", json)


@app.command()
def search(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="What to look for.", show_default=False)],
    index: Index = DEFAULT,
    top: Annotated[int, typer.Option("--top", min=1, max=100, help="How many pieces.")] = 5,
    company: Company = None,
    year: Year = None,
    period: Quarter = None,
    form: Form = None,
    pushed: Pushed = False,
    json: Json = False,
) -> None:
    """The pieces of the documents that a question is about, best first, with document and page.

    Example: finexpert docs search "capital expenditures of Example Corp in 2024" --top 3
    """
    from core.documents.search import search as find

    with _corpus(context, index, pushed=pushed) as corpus:
        asked = corpus.understand(question, _given(company, year, period, form))
        found = find(corpus, asked, top=top)
    if json:
        results = [each.as_json() for each in found]
        shown = {"question": question, "filter": asked.filter.as_json(), "results": results}
        display.print_json(shown | _note(corpus))
        return
    for problem in _note(corpus).values():
        _say(problem, style="yellow")
    _say(_filtered(asked.filter), style="dim")
    for number, each in enumerate(found, 1):
        place = f"page {each.page}" if each.page else "no pages"
        _say(f"{number}. {each.document}, {place} · {each.section}".rstrip(" ·"), style="bold")
        _say(each.text.strip()[:700])
    if not found:
        _say("Nothing was found.")


def _filtered(kept: Filter) -> str:
    shown = {name: values for name, values in kept.as_json().items() if values}
    return (
        "; ".join(
            f"{name.replace('_', ' ')}: {', '.join(map(str, values))}" for name, values in shown.items()
        )
        or "all documents"
    )


@app.command()
def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="The question.", show_default=False)],
    index: Index = DEFAULT,
    company: Company = None,
    year: Year = None,
    period: Quarter = None,
    form: Form = None,
    answer_with: Annotated[
        str | None,
        typer.Option(
            "--answer-with",
            metavar="tuned|base|bedrock:MODEL",
            help="Let a model word what neither a figure nor a sentence answers. The passages go to it.",
        ),
    ] = None,
    pushed: Pushed = False,
    json: Json = False,
) -> None:
    """An exact figure, or a quoted sentence, with document and page; or why there is no answer.

    Without --answer-with and --pushed no cloud is needed and nothing leaves this machine.

    Example: finexpert docs ask "What was Example Corp's revenue in fiscal 2024?"
    """
    from core.documents.answering import answer

    generate = None
    if answer_with:
        from finexpert.service.asking import passages

        generate = passages.chosen(answer_with, lambda: open_deployment(context))
    with _corpus(context, index, pushed=pushed) as corpus:
        given = answer(corpus, corpus.understand(question, _given(company, year, period, form)), generate)
    if json:
        display.print_json({"question": question, **given.as_json(), **_note(corpus)})
        return
    for problem in _note(corpus).values():
        _say(problem, style="yellow")
    _say(f"No answer: {given.reason}." if given.refused else given.answer)
    if given.reason and not given.refused:
        _say(given.reason, style="yellow")
    for number, each in enumerate(given.citations, 1):
        place = f"page {each.page}" if each.page else "no pages"
        _say(f"[{number}] {each.document}, {place}: {each.text.strip()[:300]}", style="dim")


@app.command("train-set")
def train_set(
    folder: Annotated[
        Path, typer.Argument(help="Where to write train/ and validation/.", show_default=False)
    ],
    index: Index = DEFAULT,
    questions: Annotated[
        int, typer.Option("--questions", min=10, max=100_000, help="How many at most.")
    ] = 400,
    seed: Annotated[int, typer.Option("--seed", help="Draws the questions.")] = 0,
    json: Json = False,
) -> None:
    """Write instructions that teach a model to answer from passages, to quote, and to refuse.

    Example: finexpert docs train-set answers/ && finexpert train answers/
    """
    from core.documents.search import Corpus
    from finexpert.service.documents import exercises

    with _opened(index) as connection:
        counts = exercises.training_set(Corpus.of(connection), folder, most=questions, seed=seed)
    if not sum(counts.values()):
        raise UserError(
            "The index holds no figures to ask for.",
            where=str(index),
            fix="Add filings or reports with tables.",
        )
    shown = f"✓ {counts['train']} to train on, {counts['validation']} held out, in {folder}"
    _done({"folder": str(folder), **counts}, shown, json)


@app.command()
def evaluate(
    context: typer.Context,
    questions: Annotated[
        Path | None,
        typer.Argument(
            help="A .jsonl file of questions; without it they are made from the figures.", show_default=False
        ),
    ] = None,
    index: Index = DEFAULT,
    most: Annotated[int, typer.Option("--questions", min=1, max=10_000, help="How many to make.")] = 100,
    pushed: Pushed = False,
    json: Json = False,
) -> None:
    """Count how often search finds the page, and how often answers are right, refused or wrong.

    With --pushed, and where the app keeps vectors, once without them and once with them.

    Example: finexpert docs evaluate my-questions.jsonl
    """
    from finexpert.service.documents import exercises

    with _corpus(context, index, pushed=pushed) as corpus:
        if questions:
            try:
                entries = exercises.questions_from(questions)
            except (OSError, ValueError) as error:
                raise UserError(
                    str(error),
                    fix='Each line: {"question": "…", "answer": 12.5, "document": "a.pdf", "page": 3}',
                ) from None
        else:
            made = exercises.exercises(corpus, most=most)
            entries = [
                {"question": e.question, "answer": f"{e.value:f}", "document": e.document, "page": e.page}
                for e in made
            ]
        result = exercises.evaluate(replace(corpus, by_meaning=None), entries)
        if corpus.by_meaning:
            result["vectors"] = exercises.with_vectors(corpus, entries)
    if json:
        display.print_json(result)
        return
    _say_result(result)
    if corpus.by_meaning:
        gained, lost, p = (result["vectors"]["pages"][name] for name in ("gained", "lost", "p"))
        _say("with vectors:", style="bold")
        _say_result(result["vectors"])
        _say(f"of pages among five, vectors find {gained} more and lose {lost} (McNemar's test: p = {p:.2f})")


def _say_result(result: dict[str, Any]) -> None:
    low, high = result["intervals"]["right"] or (0.0, 0.0)
    right = f"{result['right']} right ({low:.0%} to {high:.0%})"
    _say(f"{result['questions']} questions: {right}, {result['refused']} refused, {result['wrong']} wrong")
    first, five, twenty = (result["page_recall"][k] for k in ("1", "5", "20"))
    if first is not None:
        _say(
            f"the page is found first in {first:.0%}, among five in {five:.0%}, among twenty in {twenty:.0%}"
        )


@app.command()
def push(
    context: typer.Context,
    index: Index = DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Agree to what the vectors cost, unasked.")] = False,
    json: Json = False,
) -> None:
    """Upload the index to the data bucket of the deployed app. The documents' text leaves this machine.

    With the setting retrieval=vectors, Amazon Titan in your account reads the text that is new, after you
    agree to what it costs.

    Example: finexpert docs push
    """
    from core.documents.search import Corpus
    from finexpert.service.documents import shelf, vectors

    deployment = open_deployment(context)
    with _opened(index) as connection:
        planned = vectors.plan(deployment, Corpus.of(connection))
        (pages,) = connection.execute("SELECT count(*) FROM page").fetchone()
    if planned is None and pages > vectors.MANY_PAGES:
        _say(vectors.advice(pages), stderr=True)
    if planned and planned.missing and not yes:
        typer.confirm(f"{planned.announcement} Go on?", abort=True, err=True)
    bucket = deployment.output("Storage", "DataBucketName")
    with vectors.purse(deployment, planned) as spent:
        version = shelf.push(deployment.target.client("s3"), bucket, index)
        uri = f"s3://{bucket}/{shelf.PREFIX}{version}.sqlite"
        done: dict[str, Any] = {"version": version, "uri": uri}
        more = ""
        if planned:
            usd = vectors.carry_out(deployment, planned, spent, lambda line: _say(line, stderr=True))
            done["vectors"] = {"added": len(planned.missing), "removed": len(planned.gone), "usd": usd}
            more = f", {len(planned.missing):,} vectors added (${usd:.4f}), {len(planned.gone):,} removed"
    _done(done, f"✓ {uri}{more}", json)


@app.command()
def pull(context: typer.Context, index: Index = DEFAULT, json: Json = False) -> None:
    """Fetch the index that was pushed, in the place of the one in the folder.

    Example: finexpert docs pull --index fetched-index
    """
    from finexpert.service.documents import shelf

    deployment = open_deployment(context)
    bucket = deployment.output("Storage", "DataBucketName")
    version = shelf.pull(deployment.target.client("s3"), bucket, index)
    _done({"version": version, "index": str(index)}, f"✓ version {version[:12]} is in {index}", json)


def _done(document: dict[str, Any], text: str, json: bool) -> None:
    """Print the result of a command, for a program or for a person."""
    if json:
        display.print_json(document)
    else:
        _say(text)


def _say(text: str, *, style: str = "", stderr: bool = False) -> None:
    """Print a line as it is: text from documents is never markup, and never controls the terminal."""
    plain = "".join(character for character in text if character.isprintable() or character in "\n\t")
    display.console(stderr=stderr).print(plain, style=style or None, markup=False)


def _note(corpus: Corpus) -> dict[str, str]:
    """What a reader must know of the search by meaning, if there was one."""
    problem = getattr(corpus.by_meaning, "problem", "")
    return {"note": problem} if problem else {}


@contextmanager
def _corpus(context: typer.Context, index: Path, *, pushed: bool) -> Iterator[Corpus]:
    """The index of a folder, or the pushed one, which is kept in the folder's own folder `pushed`."""
    from core.documents.search import Corpus
    from finexpert.service.documents import shelf, vectors

    by_meaning = None
    if pushed:
        deployment, index = open_deployment(context), index / "pushed"
        shelf.pull(deployment.target.client("s3"), deployment.output("Storage", "DataBucketName"), index)
        by_meaning = vectors.by_meaning(deployment)
    with _opened(index) as connection:
        yield replace(Corpus.of(connection), by_meaning=by_meaning)


@contextmanager
def _opened(index: Path) -> Iterator[sqlite3.Connection]:
    """The index, with what is wrong with it as an error for a user."""
    from core.documents import store

    try:
        with store.opened(index) as connection:
            yield connection
    except store.IndexProblem as error:
        raise UserError(str(error)) from None
