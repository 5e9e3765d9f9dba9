"""Ask base and tuned model behind the live endpoint a file of questions, and put the figures into a report.

What needs likelihoods (held-out text, choices) cannot be asked there: the run's own figures stay, and what
was not measured is named.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from core.dataset import Question
from finexpert.errors import UserError
from finexpert.service.asking.inference import Answer, first_line
from training.evaluation.asks import Answers, Prompt
from training.evaluation.comparisons import compare_all
from training.evaluation.contamination import Overlaps
from training.evaluation.metrics import REGISTRY
from training.evaluation.metrics.base import Items, Material, Metric
from training.evaluation.sections import rounded, sections

#: Asks one prompt with a number of new tokens: the answers of base and tuned.
Ask = Callable[[str, int], Sequence[Answer]]

NO_LIKELIHOODS = "the endpoint gives no likelihoods"
NOT_NEW = "not asked through the endpoint: the figure is that of the training job"


def measure(ask: Ask, questions: Sequence[Question], of_run: Mapping[str, Any]) -> dict[str, Any]:
    """The run's evaluation with the questions' metrics as the endpoint answers today.

    Raises:
        UserError: no question can be asked there, or the endpoint serves one model only.
    """
    metrics, items = _written_metrics(questions)
    prompts = list(dict.fromkeys(prompt for metric in metrics for prompt in _prompts(items[metric.name])))
    if not prompts:
        raise UserError(
            f"None of these questions can be asked there: {NO_LIKELIHOODS}, which choices need.",
            where="--endpoint",
            fix="Leave out --endpoint, or give questions without choices.",
        )
    answers = {"base": Answers(), "tuned": Answers()}
    for prompt in prompts:
        given = {answer.model: answer.text for answer in ask(prompt.text, prompt.new_tokens)}
        if given.keys() < answers.keys():
            raise _one_model(*given)
        for model, side in answers.items():
            side.texts[prompt] = first_line(given[model])
    seed = int(of_run["statistics"]["seed"])
    outcome = compare_all(
        metrics, items, answers["base"], answers["tuned"], overlaps=Overlaps(), tasks=[], seed=seed
    )
    measured = sections(outcome, max_forgetting=0.0)
    document: dict[str, Any] = rounded(
        _merged(of_run, measured, has_choices=any(q.choices for q in questions))
    )
    return document


def _one_model(served: str) -> UserError:
    if served == "base":
        return UserError(
            "The endpoint serves the base model alone.",
            where="--endpoint",
            fix="Serve the run: finexpert wake RUN. Or leave out --endpoint.",
        )
    return UserError(
        "The endpoint serves no base model beside the tuned one.",
        where="--endpoint",
        fix="Set hosting to components and deploy, or leave out --endpoint.",
    )


def _written_metrics(questions: Sequence[Question]) -> tuple[tuple[Metric, ...], dict[str, Items]]:
    """The metrics of written answers, over these questions alone."""
    material = Material(held_out=(), sizes=(), openings=(), questions=questions, prompts=(), limit=-1, seed=0)
    chosen = tuple(metric for metric in REGISTRY if metric.name in ("own_exact_match", "faithfulness"))
    items = {}
    for metric in chosen:
        asked = tuple(item for item in metric.items(material).asked if item.question in questions)
        items[metric.name] = Items(asked, len(asked))
    return chosen, items


def _prompts(items: Items) -> Iterable[Prompt]:
    return (ask for item in items.asked for ask in item.asks if isinstance(ask, Prompt))


def _merged(of_run: Mapping[str, Any], measured: Mapping[str, Any], *, has_choices: bool) -> dict[str, Any]:
    """The run's evaluation, in which the new figures stand where its own did."""
    new = {metric["name"]: metric for metric in measured["metrics"]}
    kept = [metric for metric in of_run["metrics"] if metric["name"] not in new]
    own = [question for question in of_run["questions"] if question["metric"] not in new]
    again = {*new, *(entry["name"] for entry in measured["not_measured"])}
    missing = [entry for entry in of_run["not_measured"] if entry["name"] not in again]
    if has_choices:
        missing = [entry for entry in missing if entry["name"] != "own_choice_accuracy"]
        missing.append({"name": "own_choice_accuracy", "reason": NO_LIKELIHOODS})
    return {
        **of_run,
        "metrics": [*kept, *new.values()],
        "not_measured": [*missing, *measured["not_measured"]],
        "items": {**of_run["items"], **measured["items"]},
        "questions": [*measured["questions"], *own],
        "asked_again": {"through": "endpoint", "metrics": sorted(new), "others": NOT_NEW},
    }
