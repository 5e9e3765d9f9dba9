"""`finexpert docs`: answers from the company's own documents, with the page they stand on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finexpert.cli import options
from finexpert.cli.commands.common import Json, open_deployment
from finexpert.errors import ExitCode, NotFound, UserError
from finexpert.views import display
from finexpert.views.display import escape

if TYPE_CHECKING:
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
    from finexpert.views import documents

    def progress(number: int, total: int, name: str) -> None:
        documents.say(f"{number}/{total} {name}", stderr=True)

    given = library.settable(options.parse_pairs(changes or [], option="--set", example="form=10-K"))
    done = library.add(index, paths, changes=given, progress=None if json else progress)
    if json:
        display.print_json({"index": str(index), "documents": list(map(documents.added_document, done))})
    else:
        documents.say("\n".join(map(documents.added, done)) or "No file that can be read was found.")
    if not done or any(each.outcome == "failed" for each in done):
        raise typer.Exit(ExitCode.FAILED)


@app.command("list")
def show(index: Index = DEFAULT, json: Json = False) -> None:
    """List the documents of an index, and what was understood of each.

    Example: finexpert docs list --index filings-index
    """
    from core.documents import store
    from finexpert.views import documents

    with store.opened(index) as connection:
        rows = [dict(row) for row in connection.execute("SELECT * FROM document ORDER BY name")]
    if json:
        display.print_json({"index": str(index), "documents": rows})
        return
    for row in rows:
        documents.say(documents.listed(row))


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

    with store.opened(index) as connection:
        missing = [name for name in names if not store.remove(connection, name)]
    if missing:
        raise NotFound(f"Not in the index: {', '.join(missing)}", where=str(index), fix="finexpert docs list")
    display.result({"removed": names}, f"✓ {len(names)} removed", json=json)


@app.command()
def search(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="What to look for.", show_default=False)],
    index: Index = DEFAULT,
    top: Annotated[int, typer.Option("--top", min=1, max=100, help="The most pieces to show.")] = 5,
    company: Company = None,
    year: Year = None,
    period: Quarter = None,
    form: Form = None,
    pushed: Pushed = False,
    json: Json = False,
) -> None:
    """Find the pieces of the documents that a question is about, best first, with document and page.

    Example: finexpert docs search "capital expenditures of Example Corp in 2024" --top 3
    """
    from core.documents.search import search as find
    from finexpert.views import documents

    with _corpus(context, index, pushed=pushed) as corpus:
        asked = corpus.understand(question, _given(company, year, period, form))
        found = find(corpus, asked, top=top)
    kept = asked.filter.as_json()
    if json:
        results = [each.as_json() for each in found]
        display.print_json({"question": question, "filter": kept, "results": results, **corpus.note})
    else:
        documents.say_found(corpus, kept, found)


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
    """Answer with an exact figure, or a quoted sentence, with document and page; or say why there is none.

    Without --answer-with and --pushed no cloud is needed and nothing leaves this machine.

    Example: finexpert docs ask "What was Example Corp's revenue in fiscal 2024?"
    """
    from core.documents.answering import answer
    from finexpert.views import documents

    generate = None
    if answer_with:
        from finexpert.service.asking import passages

        generate = passages.chosen(answer_with, lambda: open_deployment(context))
    with _corpus(context, index, pushed=pushed) as corpus:
        given = answer(corpus, corpus.understand(question, _given(company, year, period, form)), generate)
    if json:
        display.print_json({"question": question, **given.as_json(), **corpus.note})
    else:
        documents.say_answer(corpus, given)


@app.command("train-set")
def train_set(
    folder: Annotated[
        Path, typer.Argument(help="Where to write train/ and validation/.", show_default=False)
    ],
    index: Index = DEFAULT,
    questions: Annotated[
        int, typer.Option("--questions", min=10, max=100_000, help="The most questions.")
    ] = 400,
    seed: Annotated[int, typer.Option("--seed", help="The seed that draws the questions.")] = 0,
    json: Json = False,
) -> None:
    """Write instructions that teach a model to answer from passages, to quote, and to refuse.

    Example: finexpert docs train-set answers/ && finexpert train answers/
    """
    from core.documents import store
    from core.documents.search import Corpus
    from finexpert.service.documents import exercises

    with store.opened(index) as connection:
        counts = exercises.training_set(Corpus.of(connection), folder, most=questions, seed=seed)
    if not sum(counts.values()):
        raise UserError(
            "The index holds no figures to ask for.",
            where=str(index),
            fix="Add filings or reports with tables.",
        )
    shown = f"✓ {counts['train']} to train on, {counts['validation']} held out, in {folder}"
    display.result({"folder": str(folder), **counts}, escape(shown), json=json)


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
    most: Annotated[
        int, typer.Option("--questions", min=1, max=10_000, help="The number of questions to make.")
    ] = 100,
    pushed: Pushed = False,
    json: Json = False,
) -> None:
    """Count how often search finds the page, and how often answers are right, refused or wrong.

    With --pushed, and where the app keeps vectors, once without them and once with them.

    Example: finexpert docs evaluate my-questions.jsonl
    """
    from finexpert.service.documents import exercises
    from finexpert.views import documents

    with _corpus(context, index, pushed=pushed) as corpus:
        result = exercises.measured(corpus, exercises.questions_of(corpus, questions, most=most))
    if json:
        display.print_json(result)
    else:
        documents.say_evaluation(result)


@app.command()
def push(
    context: typer.Context,
    index: Index = DEFAULT,
    yes: Annotated[
        bool, typer.Option("--yes", help="Agree to what the vectors cost without being asked.")
    ] = False,
    json: Json = False,
) -> None:
    """Upload the index to the data bucket of the deployed app. The documents' text leaves this machine.

    With the setting retrieval=vectors, Amazon Titan in your account reads the text that is new, after you
    agree to what it costs.

    Example: finexpert docs push
    """
    from core.documents import store
    from core.documents.search import Corpus
    from finexpert.service.documents import shelf, vectors

    def say(line: str) -> None:
        display.say(line, stderr=True)

    deployment = open_deployment(context)
    with store.opened(index) as connection:
        planned = vectors.plan(deployment, Corpus.of(connection))
        (pages,) = connection.execute("SELECT count(*) FROM page").fetchone()
    if planned is None and pages > vectors.MANY_PAGES:
        say(vectors.advice(pages))
    if planned and planned.missing and not yes:
        typer.confirm(f"{planned.announcement} Go on?", abort=True, err=True)
    bucket = deployment.data_bucket
    with vectors.purse(deployment, planned) as spent:
        version = shelf.push(deployment.target.client("s3"), bucket, index)
        uri = f"s3://{bucket}/{shelf.PREFIX}{version}.sqlite"
        done: dict[str, Any] = {"version": version, "uri": uri}
        more = ""
        if planned:
            usd = vectors.carry_out(deployment, planned, spent, say)
            done["vectors"] = {"added": len(planned.missing), "removed": len(planned.gone), "usd": usd}
            more = f", {len(planned.missing):,} vectors added (${usd:.4f}), {len(planned.gone):,} removed"
    display.result(done, f"✓ {uri}{more}", json=json)


@app.command()
def pull(context: typer.Context, index: Index = DEFAULT, json: Json = False) -> None:
    """Fetch the index that was pushed, in the place of the one in the folder.

    Example: finexpert docs pull --index fetched-index
    """
    from finexpert.service.documents import shelf

    deployment = open_deployment(context)
    version = shelf.pull(deployment.target.client("s3"), deployment.data_bucket, index)
    said = escape(f"✓ version {version[:12]} is in {index}")
    display.result({"version": version, "index": str(index)}, said, json=json)


@contextmanager
def _corpus(context: typer.Context, index: Path, *, pushed: bool) -> Iterator[Corpus]:
    """Open the index of a folder, or with `pushed` the pushed one, which is kept below it in `pushed/`."""
    from core.documents import store
    from core.documents.search import Corpus

    by_meaning = None
    if pushed:
        from finexpert.service.documents import shelf, vectors

        deployment, index = open_deployment(context), index / "pushed"
        shelf.pull(deployment.target.client("s3"), deployment.data_bucket, index)
        by_meaning = vectors.by_meaning(deployment)
    with store.opened(index) as connection:
        yield replace(Corpus.of(connection), by_meaning=by_meaning)
