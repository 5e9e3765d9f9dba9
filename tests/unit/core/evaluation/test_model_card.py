"""The run card: AWS's own shapes take it, it says what evaluation.json says, and it stays small."""

import json
from typing import Any

import botocore.session
import pytest
from sagemaker.core.shapes.model_card_shapes import ModelCardContent

from core.evaluation import model_card

COMPARISON = {
    "base": 2.617,
    "tuned": 2.234,
    "difference": -0.383,
    "interval": [-0.435, -0.34],
    "win_rate": 1.0,
    "items": 139,
}
EVALUATION: dict[str, Any] = {
    "passed": True,
    "primary": {"metric": "held_out_bits_per_byte"} | COMPARISON,
    "verdict": "The tuned model understands this kind of text better.",
    "gate": [{"name": "forgetting", "passed": True, "sentence": "General text changed by +0.017."}],
    "metrics": [
        {"name": "held_out_bits_per_byte", "unit": "bits a byte"} | COMPARISON,
        {"name": "sentiment_accuracy", "unit": "share right", "about": "Sentences.", "p_adjusted": 0.4}
        | {"base": 0.3, "tuned": 0.5, "difference": 0.2, "interval": [0.1, 0.3], "items": 126},
    ],
    "contamination": {"overlapping_documents": 3},
    "data": {"sha256": "ab" * 32, "training_documents": 127, "training_tokens": 24000},
    "settings": {"epoch": "5", "lora_r": "8"},
    "versions": {"torch": "2.13.0"},
}
JOB = {
    "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/finexpert-1",
    "AlgorithmSpecification": {
        "TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/training:2.9.0"
    },
    "InputDataConfig": [
        {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": f"s3://bucket/{name}/"}}}
        for name in ("training", "model")
    ],
    "BillableTimeInSeconds": 800,
}


LABELS = {"name": "Q3 wording", "by": "ana", "data": "letters"}


def card(evaluation: dict[str, Any], job: dict[str, Any] = JOB) -> tuple[str, dict[str, Any]]:
    uri = "s3://artifacts/runs/finexpert-1/output/model.tar.gz"
    text = model_card.content(
        evaluation, run="finexpert-1", labels=LABELS, job=job, artifact_uri=uri, usd=0.34
    )
    return text, json.loads(text)


def shape() -> Any:
    model = botocore.session.get_session().get_service_model("sagemaker")
    return model.operation_model("CreateModelPackage").input_shape.members["ModelCard"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("evaluation", "job"),
    [
        (EVALUATION, JOB),
        ({"passed": False, "primary": EVALUATION["primary"]}, {}),
        (EVALUATION | {"metrics": "?", "gate": None, "settings": [], "data": 3, "versions": None}, JOB),
    ],
    ids=["whole", "only what the gate needs", "other shapes than promised"],
)
def test_awss_own_shapes_take_it(evaluation: dict[str, Any], job: dict[str, Any]) -> None:
    text, content = card(evaluation, job)
    # A member that the shapes do not know would be lost on the way through them.
    through = ModelCardContent.model_validate(content).model_dump(exclude_unset=True, mode="json")
    assert through == content
    assert set(content["model_overview"]) == {"model_creator", "model_artifact"}
    assert len(text) <= shape().members["ModelCardContent"].metadata["max"]
    assert text.isascii() and "\n" not in text


def test_it_says_what_was_measured_on_what_and_for_how_much() -> None:
    _, content = card(EVALUATION)
    (evaluated,) = content["evaluation_details"]
    groups = {
        g["name"]: {m["name"]: m["value"] for m in g["metric_data"]} for g in evaluated["metric_groups"]
    }
    assert list(groups) == ["held_out_bits_per_byte", "sentiment_accuracy"]
    assert groups["held_out_bits_per_byte"] == {
        "base": 2.617,
        "tuned": 2.234,
        "difference": -0.383,
        "interval_low": -0.435,
        "interval_high": -0.34,
        "win_rate": 1.0,
        "items": 139,
    }
    assert evaluated["metadata"] == {"passed": "yes"}
    details = content["training_details"]
    assert "s3://bucket/model/" in details["training_observations"]
    assert "ab" * 32 in details["training_observations"]
    job = details["training_job_details"]
    assert job["training_datasets"] == ["s3://bucket/training/"]
    assert {"name": "lora_r", "value": "8"} in job["hyper_parameters"]
    assert {m["name"]: m["value"] for m in job["training_metrics"]} == {"billable_seconds": 800, "usd": 0.34}
    assert "3 held-out documents overlap" in content["intended_uses"]["factors_affecting_model_efficiency"]


def test_figures_that_are_none_are_left_out() -> None:
    metric = {"name": "loss", "base": float("nan"), "tuned": True, "difference": 0.5, "interval": [None]}
    text, content = card(EVALUATION | {"metrics": [metric]})
    assert content["evaluation_details"][0]["metric_groups"][1]["metric_data"] == [
        {"name": "difference", "type": "number", "value": 0.5}
    ]
    assert "NaN" not in text


def test_however_much_was_measured_the_card_fits() -> None:
    metric = EVALUATION["metrics"][1] | {"about": "ä" * 5000}
    many = [metric | {"name": f"{n} " + "x" * 100} for n in range(500)]
    settings = {f"{n} " + "s" * 300: "v" * 3000 for n in range(300)}
    text, content = card(EVALUATION | {"metrics": many, "settings": settings, "verdict": "v" * 9000})
    assert len(text) <= model_card.MOST_CHARACTERS
    ModelCardContent.model_validate(content)
    assert content["evaluation_details"][0]["metric_groups"][0]["name"] == "held_out_bits_per_byte"
