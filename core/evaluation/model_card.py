"""The run card: evaluation.json in the schema of SageMaker's model cards, registered with the model package.

A package's card takes of the overview only the creator and the artifact (SageMaker developer guide, "Model
package model card schema"); lengths and names are those of `sagemaker.core.shapes.model_card_shapes`.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from core.evaluation.adoption import channels
from core.names import Figure

#: The service takes 100,000 characters; the card also travels in the execution's state (256 KiB in all).
MOST_CHARACTERS = 60_000
MOST_METRICS = 40
MOST_HYPERPARAMETERS = 100
NAME, SHORT, NOTES, LONG = 63, 255, 1024, 2048

PURPOSE = "Goes on with, and answers questions on, financial text of the kind that it was tuned on."
INTENDED = (
    "Drafting and reading aid for people who check what it writes. A LoRA adapter: it works only on the base"
    " model named under the training details."
)
LIMITS = (
    "Not investment advice, and no source of facts: a language model states wrong figures fluently."
    " The held-out comparison speaks for text of the same kind as the training data, not for other text."
    " The base model's own licence and limits apply."
)
UNRATED = "No person has rated it yet; the program that trained the model wrote this card."


def content(
    evaluation: Mapping[str, Any],
    *,
    run: str,
    labels: Mapping[str, str],
    job: Mapping[str, Any],
    artifact_uri: str,
    usd: float,
) -> str:
    """ModelCardContent: one line of ASCII JSON, at most MOST_CHARACTERS.

    Args:
        evaluation: evaluation.json; what the gate reads of it has been checked, what else is absent is left
            out.
        labels: what people call the run and its data, and who started it.
        job: DescribeTrainingJob's answer.
        usd: what the job cost.
    """
    card = {
        "model_overview": {"model_creator": run, "model_artifact": [artifact_uri]},
        "intended_uses": {
            "purpose_of_model": PURPOSE,
            "intended_uses": INTENDED,
            "factors_affecting_model_efficiency": _cut(_factors(evaluation), LONG),
            "risk_rating": "Unknown",
            "explanations_for_risk_rating": UNRATED,
        },
        "training_details": _training(evaluation, job, usd),
        "evaluation_details": [_evaluation(evaluation, job)],
        "additional_information": {
            "caveats_and_recommendations": LIMITS,
            "custom_details": _texts(evaluation.get("versions")) | {"run": run} | _texts(labels),
        },
    }
    text = json.dumps(card)
    if len(text) > MOST_CHARACTERS:  # metrics beyond the gate's are what can be many
        card["evaluation_details"] = [_evaluation({**evaluation, "metrics": []}, job)]
        text = json.dumps(card)
    return text


def _training(evaluation: Mapping[str, Any], job: Mapping[str, Any], usd: float) -> dict[str, Any]:
    """The model's origin: job, base model, data with their digest, settings, cost."""
    data = _mapping(evaluation.get("data"))
    settings = _texts(evaluation.get("settings") or job.get("HyperParameters"))
    seconds = float(job.get("BillableTimeInSeconds") or job.get("TrainingTimeInSeconds") or 0)
    documents, tokens = data.get("training_documents"), data.get("training_tokens")
    learnt = f"LoRA on {documents} documents, {tokens} tokens. " if documents is not None else ""
    details: dict[str, Any] = {
        "training_datasets": [_cut(uri, NOTES) for uri in (channels(job).get("training", ""),) if uri],
        "training_metrics": [
            {"name": "billable_seconds", "value": seconds},
            {
                "name": "usd",
                "value": usd,
                "notes": "billed time × price of instances and volumes",
            },
        ],
        "hyper_parameters": [
            {"name": name, "value": value} for name, value in list(settings.items())[:MOST_HYPERPARAMETERS]
        ],
    }
    if job.get("TrainingJobArn"):
        details["training_arn"] = job["TrainingJobArn"]
    image = _mapping(job.get("AlgorithmSpecification")).get("TrainingImage")
    if image:
        details["training_environment"] = {"container_image": [image]}
    base = channels(job).get("model", "") or "given to the job, not named"
    digest = data.get("sha256") or "not stated"
    observations = f"{learnt}Base model: {base}. SHA-256 of the documents on both sides: {digest}."
    return {"training_observations": _cut(observations, NOTES), "training_job_details": details}


def _evaluation(evaluation: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """The measurements: the gate's figure first, then every metric with its interval."""
    primary, given = evaluation["primary"], channels(job)
    names = [name for name in Figure if name != primary["metric"]]
    others = [
        metric
        for metric in _mappings(evaluation.get("metrics"))
        if metric.get("name") in names and {"base", "tuned"} <= metric.keys()
    ]
    rules = " ".join(str(rule.get("sentence", "")) for rule in _mappings(evaluation.get("gate")))
    return {
        "name": "base against tuned, inside the training job",
        "evaluation_observation": _cut(f"{evaluation.get('verdict', '')} {rules}".strip(), LONG),
        "datasets": [uri for uri in (given.get("validation") or given.get("training"),) if uri],
        "metadata": {"passed": "yes" if evaluation["passed"] else "no"},
        "metric_groups": [
            _group(str(metric.get("name") or metric.get("metric")), metric)
            for metric in [primary, *others[:MOST_METRICS]]
        ],
    }


def _group(name: str, metric: Mapping[str, Any]) -> dict[str, Any]:
    """One metric: base, tuned, the difference and its interval, and on how much it rests."""
    interval = metric.get("interval")
    low, high = interval if isinstance(interval, list) and len(interval) == 2 else (None, None)
    values: dict[str, Any] = {name: metric.get(name) for name in ("base", "tuned", "difference")}
    values |= {"interval_low": low, "interval_high": high}
    values |= {name: metric.get(name) for name in ("win_rate", "p_adjusted", "items")}
    data: list[dict[str, Any]] = [
        {"name": name, "type": "number", "value": value}
        for name, value in values.items()
        if type(value) in (int, float) and math.isfinite(value)
    ]
    notes = " · ".join(str(metric[key]) for key in ("about", "unit", "finding") if metric.get(key))
    if notes and data:
        data[0]["notes"] = _cut(notes, NOTES)
    return {"name": _cut(name, NAME), "metric_data": data}


def _factors(evaluation: Mapping[str, Any]) -> str:
    overlap = _mapping(evaluation.get("contamination")).get("overlapping_documents")
    left_out = (
        f" {overlap} held-out documents overlap with the training text and are left out of the claim."
        if overlap is not None
        else ""
    )
    return f"How close a text is to the training data; long texts are cut at the row length.{left_out}"


def _texts(value: Any) -> dict[str, str]:
    return {_cut(str(k), SHORT): _cut(str(v), SHORT) for k, v in _mapping(value).items()}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> Iterable[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
