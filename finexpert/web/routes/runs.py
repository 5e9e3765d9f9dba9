"""Runs: those there are, one while it trains, its report, two compared, and serving one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from core import hyperparameters
from core.endpoint.adapters import parse_servable
from core.evaluation.evaluation import REPORT_POLICY
from finexpert.service.asking import answerers
from finexpert.service.benchmark import report as report_of_benchmark
from finexpert.service.evaluation import comparison, results
from finexpert.service.money import plan
from finexpert.service.runs import executions, follow, names
from finexpert.service.runs.follow import Follower
from finexpert.web.context import Context
from finexpert.web.http import HTML, NOT_STORED, Problem, Request, Response, answer, bad_input
from finexpert.web.routes.endpoint import begin_wake
from infra.settings import Settings

NEWEST = 30
MOST_POINTS = 400
"""The most points of a loss curve: more than a phone has pixels for."""


def newest(request: Request, context: Context) -> Response:
    """The newest runs with what each cost."""
    return answer({"runs": context.looks.get("runs", lambda: _newest(context))})


def _newest(context: Context) -> list[dict[str, Any]]:
    entries = executions.newest_entries(context.deployment, limit=NEWEST)
    titles = names.read(context.deployment)
    return [{**_row(context, entry), "title": titles.get(entry["name"], "")} for entry in entries]


def _row(context: Context, entry: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the list. A run that has ended no longer changes, so it is read once."""
    name = str(entry["name"])
    if name in context.ended:
        return context.ended[name]
    run = executions.as_run(entry, executions.outcome_of(context.deployment, entry), {})
    jobs = follow.training_jobs(context.deployment, name)
    row = {**asdict(run), "usd": follow.usd(context.deployment, jobs, context.now())}
    if run.stopped and (not jobs or jobs[-1].get("TrainingEndTime")):
        context.ended[name] = row
    return row


def show(request: Request, context: Context, run: str) -> Response:
    """One run as it stands."""
    deployment = context.deployment

    def follower() -> Follower:
        return Follower(deployment, run)

    runner, looking = context.followed.of(run, follower)
    with looking:
        snapshot = runner.look(context.now())
    evaluation = executions.evaluation(deployment, run) if snapshot.ended else None
    progress = snapshot.progress
    accepted = snapshot.output.get("outcome") == "accepted"
    error = follow.readable_cause(snapshot.cause) or snapshot.error
    verdict = str(evaluation.get("verdict", "")) if evaluation else error
    tries = results.judged_before(deployment, run, evaluation) if evaluation else 0
    return answer(
        {
            "name": run,
            "title": names.read(deployment).get(run, ""),
            "data": answerers.trained_on(executions.describe(deployment, run)),
            "status": snapshot.status,
            "stage": follow.stage(snapshot),
            "stage_words": snapshot.doing,
            "outcome": str(snapshot.output.get("outcome", "")),
            "sentence": verdict if snapshot.ended else "",
            "step": progress.step,
            "steps": progress.steps,
            "losses": thinned(list(zip(progress.loss_steps, progress.losses, strict=True))),
            "tokens_per_second": progress.tokens_per_second,
            "eta_seconds": progress.eta_seconds,
            "seconds": snapshot.seconds,
            "usd": snapshot.usd,
            "evaluation": _primary(evaluation) if evaluation else None,
            "own_questions": results.own_questions(evaluation) if evaluation else None,
            "several_tries": results.several_tries(tries),
            "has_report": evaluation is not None,
            "can_promote": accepted,
            "error": error,
        }
    )


def thinned(points: Sequence[tuple[int, float]], most: int = MOST_POINTS) -> list[tuple[int, float]]:
    """At most about `most` of the points, evenly, and always the last one."""
    each = -(-len(points) // most) or 1
    return [point for place, point in enumerate(points, 1) if place % each == 0 or place == len(points)]


def _primary(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    primary = evaluation["primary"]
    figures = {key: primary[key] for key in ("metric", "base", "tuned", "difference", "interval")}
    failed = [str(rule["sentence"]) for rule in evaluation.get("gate", []) if not rule["passed"]]
    return {
        **figures,
        "passed": evaluation["passed"],
        "verdict": evaluation.get("verdict", ""),
        "failed": failed,
    }


def report(request: Request, context: Context, run: str) -> Response:
    """The run's report as a page."""
    return Response(
        body=results.report(context.deployment, run),
        content_type=HTML,
        headers={"Content-Security-Policy": f"{REPORT_POLICY}; sandbox", **NOT_STORED},
    )


def compare(request: Request, context: Context) -> Response:
    """Compare two runs on the items that both were measured on."""
    ids = request.run("a"), request.run("b")
    if not context.compares:
        raise Problem(
            HTTPStatus.NOT_IMPLEMENTED,
            "not_here",
            "Two runs cannot be compared here: it takes NumPy, which this server has not.",
            fix=f"finexpert runs compare {ids[0]} {ids[1]}",
        )
    deployment = context.deployment
    pair = comparison.compare(ids, (results.of_run(deployment, ids[0]), results.of_run(deployment, ids[1])))
    titles = names.read(deployment)
    return answer(pair.as_json() | {"titles": [titles.get(each, "") for each in ids]})


def benchmark(request: Request, context: Context) -> Response:
    """The newest comparison with other models, where one was made."""
    return answer({"benchmark": report_of_benchmark.stored(context.benchmark) if context.benchmark else None})


def promote(request: Request, context: Context, run: str) -> Response:
    """Serve this run's adapter, if the quality gate accepted it."""
    output = executions.output_of(executions.describe(context.deployment, run))
    if output.get("outcome") != "accepted":
        raise Problem(
            HTTPStatus.CONFLICT,
            "failed",
            "Only a run that the quality gate has accepted can be served from here.",
            where=run,
            fix="Choose an accepted one.",
        )
    return begin_wake(context, run)


def rename(request: Request, context: Context, run: str) -> Response:
    """Give a run a name for people."""
    name = request.document().get("name")
    if not isinstance(name, str):
        raise bad_input("A name is text.", where="name")
    executions.describe(context.deployment, run)  # says so if there is no such run
    kept = names.rename(context.deployment, run, name)
    context.looks.forget()
    return answer({"run": run, "title": kept})


def stop(request: Request, context: Context, run: str) -> Response:
    """Stop a run and its training job."""
    stopped = executions.stop(context.deployment, run, cause="stopped on the page")
    context.looks.forget()
    return answer({"run": run, "stopped": stopped}, HTTPStatus.ACCEPTED)


def start(request: Request, context: Context) -> Response:
    """Begin a run on a dataset of the app's own bucket."""
    document, deployment = request.document(), context.deployment
    dataset = document.get("dataset")
    wake, unjudged = (document.get(name, False) for name in ("wake", "unjudged"))
    bucket = re.escape(deployment.data_bucket)
    if not isinstance(dataset, str) or not re.fullmatch(rf"s3://{bucket}/datasets/[a-z0-9-]+/", dataset):
        raise bad_input("This is no dataset of this project.", where="dataset", fix="Drop a file first.")
    for name, value in (("wake", wake), ("unjudged", unjudged)):
        if not isinstance(value, bool):
            raise bad_input(f"{name} must be true or false.", where=name)
    title = document.get("title", "")
    if not isinstance(title, str):
        raise bad_input("A name is text.", where="title")
    chosen = overrides(document.get("hyperparameters", {}), deployment.settings)
    planned = plan.plan(deployment, training_tokens=0, now=context.now())
    if planned.admission is None:
        raise Problem(
            HTTPStatus.CONFLICT,
            "budget_reached",
            planned.refusal,
            fix="Wait for the next month, or have budget_usd raised.",
        )
    run = executions.start(
        deployment,
        dataset=dataset,
        hyperparameters=chosen,
        wake=wake,
        now=context.now(),
        title=title,
        unjudged=unjudged,
    )
    context.looks.forget()
    return answer({"run": run}, HTTPStatus.CREATED)


def overrides(given: Any, settings: Settings) -> dict[str, str]:
    """The hyperparameters that were sent, as strings.

    Raises:
        Problem: one cannot be used; each is named.
    """
    if not isinstance(given, Mapping) or not all(
        isinstance(value, (str, int, float)) for value in given.values()
    ):
        raise bad_input("hyperparameters must be an object of texts and numbers.", where="hyperparameters")
    overrides = {str(name): str(value) for name, value in given.items()}
    try:
        parse_servable({**settings.hyperparameters, **overrides}, settings.served_rank)
    except hyperparameters.HyperparameterError as error:
        raise bad_input(
            "The hyperparameters cannot be used.", where="hyperparameters", problems=tuple(error.problems)
        ) from None
    return overrides
