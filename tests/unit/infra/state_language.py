"""Samples of the state machine, and a small reading of its language, enough to fill in the paths."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from infra.settings import Settings
from infra.training.definition import definition
from infra.training.job import FineTune, TrainingJob

JOB = TrainingJob(
    settings=Settings.load({}, {}),
    role_arn="arn:aws:iam::123456789012:role/training",
    base_model_uri="s3://weights/llama/",
    code_uri="s3://assets/0123abcd.zip",
    artifact_bucket="finexpert-artifacts-123456789012-us-east-1",
)
ON_DEMAND = FineTune(
    job=JOB,
    functions={
        purpose: f"arn:aws:lambda:us-east-1:123456789012:function:finexpert-{purpose}"
        for purpose in ("validate-dataset", "admission", "read-evaluation", "finish-wake")
    },
    topic_arn="arn:aws:sns:us-east-1:123456789012:finexpert-alerts",
    serving_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130",
    hosting_role_arn="arn:aws:iam::123456789012:role/FinExpert-Hosting-us-east-1",
)
OWN_WEIGHTS = {"base_model_uri": "s3://own/llama/"}


def fine_tune(settings: Mapping[str, object], **job: Any) -> FineTune:
    """The sample with other settings, and what else differs about its job."""
    return replace(ON_DEMAND, job=replace(JOB, settings=Settings.load(settings, {}), **job))


SPOT = fine_tune({"spot": True, "training_instance_count": 2, **OWN_WEIGHTS})

RUN = "finexpert-20261123-210133-a1b2"
CONTEXT = {
    "Execution": {
        "Name": RUN,
        "StartTime": "2026-11-23T21:01:33Z",
        "Input": {"dataset": "s3://data/datasets/sample/"},
    }
}
STATE: dict[str, Any] = {
    "run": RUN,
    "job_name": RUN,
    "spot": False,
    "earlier_jobs": [],
    "adopted": {},
    "defaults": {
        "dataset": "",
        "hyperparameters": {},
        "wake": False,
        "unjudged": False,
        "name": RUN,
        "by": "",
    },
    "request": {
        "dataset": "s3://data/datasets/sample/",
        "hyperparameters": {},
        "wake": True,
        "unjudged": False,
        "name": "Q3 wording",
        "by": "ana",
    },
    "dataset": {
        "answer": {
            "hyperparameters": {"epoch": "5"},
            "sentence": "797 documents",
            "labels": {"name": "Q3 wording", "by": "ana", "data": "sample"},
        }
    },
    "admission": {"answer": {"max_runtime_seconds": 7200, "max_wait_seconds": 14400, "usd_per_hour": 1.53}},
    "stopping": {"MaxRuntimeInSeconds": 7200},
    "job": {
        "TrainingJobName": RUN,
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "FailureReason": "AlgorithmError: out of memory",
    },
    "evaluation": {
        "answer": {
            "passed": True,
            "primary": {"metric": "bits_per_byte", "base": 1.91, "tuned": 1.52},
            "artifact_uri": f"s3://artifacts/runs/{RUN}/output/model.tar.gz",
            "artifact_version": "3sL4kqtJlcpXroDTDmJ",
            "evaluation_uri": f"s3://artifacts/runs/{RUN}/evaluation.json",
            "report_uri": f"s3://artifacts/runs/{RUN}/report.html",
            "usd": 0.34,
            "sentence": "Held-out bits per byte 1.91 → 1.52, better by 0.39 (0.30 to 0.48).",
            "model_card": '{"model_overview": {"model_creator": "finexpert-1"}}',
        }
    },
    "package": {
        "ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/finexpert-models/1"
    },
    "hosting": {"status": "UPDATE_COMPLETE"},
    "waking": {"again": False},
    "woken": {"answer": {"outcome": "awake"}},
    "error": {"Error": "BudgetExceeded", "Cause": '{"errorMessage": "too dear"}'},
    "refusal": {"cause": {"errorMessage": "too dear"}},
    "Payload": {},
    "Stacks": [{"StackStatus": "UPDATE_COMPLETE"}],
}


def at(path: str) -> Any:
    """The value at a path such as `$.job.FailureReason` or `$$.Execution.Name`."""
    root: Any = CONTEXT if path.startswith("$$") else STATE
    for step in re.findall(r"[A-Za-z_]+|\d+", path.lstrip("$")):
        root = root[int(step)] if step.isdigit() else root[step]
    return root


def computed(expression: str) -> Any:
    """The value of a `.$` field: a path, or one of the intrinsic functions that the definition uses."""
    if not expression.startswith("States."):
        return at(expression)
    name, arguments = re.fullmatch(r"States\.(\w+)\((.*)\)", expression, re.DOTALL).groups()  # type: ignore[union-attr]
    parts = [part.strip() for part in re.findall(r"'[^']*'|[^,]+", arguments)]
    values = [
        part[1:-1] if part.startswith("'") else (part == "true" if part in ("true", "false") else at(part))
        for part in parts
    ]
    match name:
        case "Format":
            template, *inserts = values
            assert template.count("{}") == len(inserts), expression
            return template.format(
                *(value if isinstance(value, str) else json.dumps(value) for value in inserts)
            )
        case "JsonMerge":
            return {**values[0], **values[1]}
        case "Array":
            return values
        case "StringToJson":
            return json.loads(values[0])
    raise AssertionError(f"the definition uses an intrinsic function unknown here: {expression}")


def filled(template: Any) -> Any:
    """Parameters with every path replaced by what lies there."""
    if isinstance(template, dict):
        return {
            (key[:-2] if key.endswith(".$") else key): computed(value)
            if key.endswith(".$")
            else filled(value)
            for key, value in template.items()
        }
    return [filled(item) for item in template] if isinstance(template, list) else template


def states(fine_tune: FineTune) -> dict[str, Any]:
    return definition(fine_tune)["States"]


def targets(state: dict[str, Any]) -> Iterator[str]:
    for rule in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        if "Next" in rule:
            yield rule["Next"]
    if "Default" in state:
        yield state["Default"]
