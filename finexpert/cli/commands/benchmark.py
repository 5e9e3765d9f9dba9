"""`finexpert benchmark`: your model beside others, on your questions, graded alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finexpert.cli.commands.common import Json, open_deployment
from finexpert.errors import UserError
from finexpert.views import display

if TYPE_CHECKING:
    from finexpert.service.benchmark.contestants import Contestant
    from finexpert.service.benchmark.questions import Item

app = typer.Typer(
    no_args_is_help=True,
    help="Compare your model with others on your own questions: same prompts, same grading."
    " Example: finexpert benchmark run questions.jsonl --contestant a=tuned --contestant b=answers:b.csv",
)

MADE = 100
"""The number of questions that are made from the documents where --most names none."""

Questions = Annotated[
    Path,
    typer.Argument(
        help="A file of questions (.jsonl, .json, .csv), or `documents`: made from the index's figures.",
        show_default=False,
    ),
]
Contestants = Annotated[
    list[str],
    typer.Option(
        "--contestant",
        metavar="NAME=KIND",
        help="tuned, base, bedrock:MODEL, openai:URL#MODEL, answers:FILE.csv",
    ),
]
Index = Annotated[
    Path, typer.Option("--index", metavar="DIR", help="The index of documents for contestants with +docs.")
]
SendTo = Annotated[
    list[str] | None,
    typer.Option("--send-to", metavar="SERVICE", help="Agree that questions leave for this service."),
]
Data = Annotated[
    str,
    typer.Option("--data", metavar="internal|public", help="Whether the questions may leave your account."),
]
Limit = Annotated[float, typer.Option("--limit-usd", min=0.0, help="Dollars that the run may cost at most.")]
Price = Annotated[
    list[str] | None,
    typer.Option("--price", metavar="NAME=INPUT/OUTPUT", help="Dollars per million tokens of a service."),
]
Repetitions = Annotated[
    int, typer.Option("--repetitions", min=1, max=20, help="How often each question is asked.")
]
Most = Annotated[
    int | None, typer.Option("--most", min=1, help="Ask only this many questions, the first ones.")
]


@app.command()
def plan(
    questions: Questions,
    contestant: Contestants,
    index: Index = Path("documents-index"),
    most: Most = None,
    repetitions: Repetitions = 1,
    price: Price = None,
    json: Json = False,
) -> None:
    """Show what would be sent where, and the most that it may cost. Nothing is sent.

    Example: finexpert benchmark plan questions.jsonl --contestant nova=bedrock:amazon.nova-lite-v1:0
    """
    from finexpert.service.benchmark import conducting, planning

    items, named = _read(questions, contestant, price, most, index)
    plans = planning.plan(items, named, _passages(named, index), repetitions)
    if json:
        display.print_json({"questions": len(items), "contestants": [vars(each) for each in plans]})
        return
    for each in plans:
        display.console().print(conducting.planned(each), markup=False)


@app.command()
def run(
    context: typer.Context,
    questions: Questions,
    contestant: Contestants,
    index: Index = Path("documents-index"),
    send_to: SendTo = None,
    data: Data = "internal",
    limit_usd: Limit = 3.0,
    most: Most = None,
    repetitions: Repetitions = 1,
    price: Price = None,
    out: Annotated[Path, typer.Option("--out", help="Where answers and report are kept.")] = Path(
        "out/benchmark"
    ),
    json: Json = False,
) -> None:
    """Ask every contestant, grade, compare, and write a report. A run that was interrupted goes on.

    Nothing is sent to a service that --send-to does not name.

    Example: finexpert benchmark run questions.jsonl --contestant a=answers:a.csv --contestant b=answers:b.csv
    """
    from finexpert.service.benchmark import conducting, report

    if data not in {"internal", "public"}:
        raise UserError(f"--data {data} is neither internal nor public", fix="Write one of them.")
    items, named = _read(questions, contestant, price, most, index)
    err = display.console(stderr=True)
    result = conducting.conduct(
        items,
        named,
        terms=conducting.Terms(
            send_to=send_to or [], data=data, limit_usd=limit_usd, repetitions=repetitions
        ),
        out=out,
        deployment=lambda: open_deployment(context),
        passages=_passages(named, index),
        source=str(questions),
        say=lambda line: err.print(line, markup=False),
    )
    if json:
        display.print_json(report.documented(result))
        return
    display.console().print(report.markdown(result), markup=False)
    display.console().print(f"report: {out / 'benchmark.html'}", markup=False)


@app.command("report")
def show(
    folder: Annotated[Path, typer.Argument(help="The folder of a run.")] = Path("out/benchmark"),
    json: Json = False,
) -> None:
    """Show the table of a benchmark that was run.

    Example: finexpert benchmark report out/benchmark
    """
    from finexpert.service.benchmark import report

    result = report.read(folder)
    if json:
        display.print_json(report.documented(result))
        return
    display.console().print(report.markdown(result), markup=False)


def _read(
    questions: Path, contestant: list[str], price: list[str] | None, most: int | None, index: Path
) -> tuple[list[Item], list[Contestant]]:
    from finexpert.service.benchmark import contestants as who
    from finexpert.service.benchmark import questions as asked

    named = who.priced([who.parse(each) for each in contestant], price or [])
    names = [each.name for each in named]
    if len(set(names)) < len(names):
        raise UserError("Two contestants have one name.", fix="Give each its own.")
    if str(questions) == "documents" and not questions.exists():
        return asked.from_documents(index, most or MADE), named
    return asked.read(questions)[:most], named


def _passages(named: list[Contestant], index: Path) -> Any:
    """The passages of the documents for a question, where a contestant wants them."""
    if not any(each.docs for each in named):
        return None
    from core.documents import store
    from core.documents.search import Corpus, search

    def passages(question: str) -> str:
        with store.opened(index) as connection:
            corpus = Corpus.of(connection)
            found = search(corpus, corpus.understand(question), top=5)
        return "\n\n".join(f"{each.document}, page {each.page}\n{each.text}" for each in found)

    return passages
