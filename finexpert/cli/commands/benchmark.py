"""`finexpert benchmark`: your model beside others, on your questions, graded alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finexpert.cli.commands.common import Json, open_deployment
from finexpert.errors import UserError

if TYPE_CHECKING:
    from finexpert.service.benchmark.contestants import Asker, Contestant
    from finexpert.service.benchmark.money import Purse
    from finexpert.service.benchmark.questions import Item
    from finexpert.service.deployment import Deployment

app = typer.Typer(
    no_args_is_help=True,
    help="Compare your model with others on your own questions: same prompts, same grading."
    " Example: finexpert benchmark run questions.jsonl --contestant a=tuned --contestant b=answers:b.csv",
)

MADE = 100
"""How many questions are made from the documents where --most names no number."""

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
Index = Annotated[Path, typer.Option("--index", metavar="DIR", help="Documents for contestants with +docs.")]
SendTo = Annotated[
    list[str] | None,
    typer.Option("--send-to", metavar="SERVICE", help="Agree that questions leave for this service."),
]
Data = Annotated[
    str,
    typer.Option("--data", metavar="internal|public", help="Whether the questions may leave your account."),
]
Limit = Annotated[float, typer.Option("--limit-usd", min=0.0, help="Dollars that the run may cost at most.")]
Most = Annotated[int | None, typer.Option("--most", min=1, help="Ask the first so many questions only.")]


@app.command()
def plan(
    questions: Questions,
    contestant: Contestants,
    index: Index = Path("documents-index"),
    most: Most = None,
    json: Json = False,
) -> None:
    """What would be sent where, and the most that it may cost. Nothing is sent.

    Example: finexpert benchmark plan questions.jsonl --contestant nova=bedrock:amazon.nova-lite-v1:0
    """
    from finexpert.service.benchmark import running
    from finexpert.views import display

    items, named = _read(questions, contestant, most, index)
    plans = running.plan(items, named, _passages(named, index))
    if json:
        display.print_json({"questions": len(items), "contestants": [vars(each) for each in plans]})
        return
    for each in plans:
        display.console().print(_planned(each), markup=False, soft_wrap=True)


def _planned(each: Any) -> str:
    sent = f"; {each.requests} prompts, at most {each.input_tokens:,} tokens, leave for"
    leaves = f"{sent} {each.receiver}" if each.receiver else ""
    worst = "price not known" if each.worst_usd is None else f"at most ${each.worst_usd:.4f}"
    return f"{each.name} ({each.written}): {worst}{leaves}"


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
    out: Annotated[Path, typer.Option("--out", help="Where answers and report are kept.")] = Path(
        "out/benchmark"
    ),
    json: Json = False,
) -> None:
    """Ask every contestant, grade, compare, and write a report. A run that was interrupted goes on.

    Nothing is sent to a service that --send-to does not name.

    Example: finexpert benchmark run questions.jsonl --contestant a=answers:a.csv --contestant b=answers:b.csv
    """
    from finexpert.service.benchmark import contestants as who
    from finexpert.service.benchmark import report, running
    from finexpert.views import display

    if data not in {"internal", "public"}:
        raise UserError(f"--data {data} is neither internal nor public", fix="Write one of them.")
    items, named = _read(questions, contestant, most, index)
    who.refuse_without_consent(named, send_to or [], data)
    passages = _passages(named, index)
    plans = running.plan(items, named, passages)
    running.admit(plans, limit_usd)
    err = display.console(stderr=True)
    for each in plans:
        if each.receiver:
            err.print(_planned(each), markup=False, soft_wrap=True)
    deployment, askers = _askers(context, named, data, err.print)
    worst = sum(each.worst_usd or 0.0 for each in plans)
    with _purse(deployment, worst, err.print) as purse:
        result = running.run(
            items,
            named,
            askers,
            passages=passages,
            cache=running.Cache(out / "answers.jsonl"),
            limit_usd=limit_usd,
            progress=lambda line: err.print(line, markup=False, soft_wrap=True),
            spent=purse.spent if purse else lambda usd: None,
        )
    result["made"] = {
        "questions": str(questions),
        "asked": len(items),
        "contestants": {each.name: each.written for each in named},
        "temperature": 0,
        "repetitions": 1,
        "most_tokens": who.MOST_TOKENS,
        "prices": who.PRICES["date"],
    }
    report.write(result, out)
    if json:
        display.print_json(report.documented(result))
        return
    display.console().print(report.markdown(result), markup=False, soft_wrap=True)
    display.console().print(f"report: {out / 'benchmark.html'}", markup=False, soft_wrap=True)


@app.command("report")
def show(
    folder: Annotated[Path, typer.Argument(help="The folder of a run.")] = Path("out/benchmark"),
    json: Json = False,
) -> None:
    """The table of a benchmark that was run.

    Example: finexpert benchmark report out/benchmark
    """
    from finexpert.service.benchmark import report
    from finexpert.views import display

    result = report.read(folder)
    if json:
        display.print_json(report.documented(result))
        return
    display.console().print(report.markdown(result), markup=False, soft_wrap=True)


def _read(
    questions: Path, contestant: list[str], most: int | None, index: Path
) -> tuple[list[Item], list[Contestant]]:
    from finexpert.service.benchmark import contestants as who
    from finexpert.service.benchmark import questions as asked

    named = [who.parse(each) for each in contestant]
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
        try:
            with store.opened(index) as connection:
                corpus = Corpus.of(connection)
                found = search(corpus, corpus.understand(question), top=5)
        except store.IndexProblem as error:
            raise UserError(str(error)) from None
        return "\n\n".join(f"{each.document}, page {each.page}\n{each.text}" for each in found)

    return passages


def _askers(
    context: typer.Context, named: list[Contestant], data: str, say: Callable[..., None]
) -> tuple[Deployment | None, dict[str, Asker]]:
    from finexpert.service.benchmark import contestants as who

    kinds = {each.kind for each in named}
    deployment = open_deployment(context) if kinds & {"tuned", "base", "bedrock"} else None
    if deployment and "bedrock" in kinds:
        kept = who.retention(deployment.target.client("bedrock"))
        who.refuse_retention(kept, data)
        say(f"bedrock, {deployment.settings.region}: the account's data retention is {kept}", markup=False)
    for receiver in {each.receiver for each in named if each.kind == "openai" and each.receiver}:
        say(f"{receiver}: how long it keeps what it gets is in its own terms", markup=False)
    askers: dict[str, Asker] = {}
    for each in named:
        if each.kind == "openai":
            askers[each.name] = who.openai(each)
        elif each.kind == "bedrock" and deployment:
            askers[each.name] = who.bedrock(deployment.target.client("bedrock-runtime"), each)
        elif deployment and each.kind != "answers":
            askers[each.name] = who.endpoint(deployment, each)
    return deployment, askers


@contextmanager
def _purse(
    deployment: Deployment | None, worst_usd: float, say: Callable[..., None]
) -> Iterator[Purse | None]:
    """The month's money, where there is a deployment whose month it is."""
    from finexpert.service.benchmark.money import Purse
    from finexpert.service.money import costs

    if deployment is None or not worst_usd:
        yield None
    elif costs.absence(deployment):
        say("The app is not deployed here, so only --limit-usd is checked.", markup=False)
        yield None
    else:
        with Purse(deployment, worst_usd) as purse:
            yield purse
