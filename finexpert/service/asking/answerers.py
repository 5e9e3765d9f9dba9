"""Who answers: which model it is, what it was trained on, and whether the quality gate accepted it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.endpoint import weights
from core.endpoint.hosting import BASE
from core.names import LLAMA_2_7B, PRACTICE_PARAMETERS, dataset_name, millions
from finexpert.errors import NotFound, NothingToServe
from finexpert.service.deployment import Deployment, base_bytes, base_config, base_place
from finexpert.service.endpoint import artifacts, switch
from finexpert.service.runs import executions, names

CONTEXT_TOKENS = 4096
"""What the endpoint reads and writes at once, where the base model itself takes no less."""
_BYTES = {"float32": 4, "F32": 4}


@dataclass(frozen=True, kw_only=True)
class Base:
    """The base model. `parameters` is None where the weights cannot be read from here."""

    name: str
    parameters: int | None = None
    context_tokens: int = CONTEXT_TOKENS

    @property
    def practice(self) -> bool:
        """Whether it is a practice model, too small to write meaningful text."""
        return self.parameters is not None and self.parameters < PRACTICE_PARAMETERS


LLAMA = Base(name=LLAMA_2_7B, parameters=6_738_415_616)
"""The base model of the recipe."""


@dataclass(frozen=True, kw_only=True)
class Answerer:
    """One model behind the endpoint.

    Args:
        model: "base" or "tuned".
        run: whose adapter it is; "" for the base model.
        title: what people call the run; "" where it has no name.
        data: name of the dataset that it was trained on; "" where that is not known.
        outcome: "accepted" or "rejected" by the quality gate, "unknown" where AWS has forgotten it, "" where
            there was no verdict.
    """

    model: str
    base: Base
    run: str = ""
    title: str = ""
    data: str = ""
    outcome: str = ""

    @property
    def description(self) -> str:
        """`Llama 2 7B, trained on letters (run …)`, or that it is the base model as published."""
        if not self.run:
            return f"{self.base.name}, not trained further" if self.model == "base" else self.base.name
        named = f"“{self.title}”, " if self.title else ""
        return f"{self.base.name}, trained on {self.data or 'data that is not known'} ({named}run {self.run})"

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences that a reader of the model's answers must know."""
        found = []
        if self.base.practice:
            found.append(
                f"Practice model ({millions(self.base.parameters or 0)} parameters): its sentences mean"
                " nothing. It shows how the product works."
            )
        if self.outcome == "unknown":
            found.append("Whether the quality gate accepted it is no longer known.")
        elif self.run and self.outcome != "accepted":
            found.append(
                "Not accepted by the quality gate: it is not shown to be better than the base model."
            )
        return tuple(found)

    def as_json(self) -> dict[str, Any]:
        """The fields with the derived sentences, for `--json` and the page."""
        shown = asdict(self) | {"description": self.description, "warnings": list(self.warnings)}
        return shown | {"base": asdict(self.base) | {"practice": self.base.practice}}


def who(deployment: Deployment) -> tuple[Answerer, ...]:
    """The models that answer, or would answer after a wake, in the order of `switch.models`."""
    base = base_model(deployment)
    artifact = switch.read(deployment).artifact or _newest(deployment)
    return tuple(
        Answerer(model=name, base=base) if name == "base" else _tuned(deployment, base, artifact)
        for name in switch.models(deployment)
    )


def trained_on(execution: Mapping[str, Any]) -> str:
    """The name of a run's dataset, from DescribeExecution: `letters` for `s3://…/datasets/letters-1a2b3c4d/`."""
    return dataset_name(str(json.loads(execution.get("input") or "{}").get("dataset", "")))


def _newest(deployment: Deployment) -> str:
    try:
        return artifacts.newest(deployment)
    except NothingToServe:
        return ""


def _tuned(deployment: Deployment, base: Base, artifact: str) -> Answerer:
    run, data = artifacts.run_of(artifact), ""
    if artifact == BASE or not run:
        return Answerer(model="tuned", base=base)
    try:
        execution = executions.describe(deployment, run)
    except NotFound:  # Step Functions forgets an execution after 90 days; the bucket keeps the evaluation
        evaluation = executions.evaluation(deployment, run)
        outcome = "unknown" if evaluation is None else "accepted" if evaluation["passed"] else "rejected"
    else:
        data = trained_on(execution)
        outcome = str(executions.output_of(execution).get("outcome", ""))
    title = names.read(deployment).get(run, "")
    return Answerer(model="tuned", base=base, run=run, title=title, data=data, outcome=outcome)


def base_model(deployment: Deployment) -> Base:
    """The base model of the settings. JumpStart's weights are not read: what they are is known."""
    settings = deployment.settings
    if not settings.own_weights:
        default = settings.licensed_model == weights.LLAMA_2_7B
        return LLAMA if default else Base(name=settings.licensed_model)
    try:
        return described(base_config(deployment), base_bytes(deployment))
    except Exception:  # another account's bucket, or one that is not there yet: the name is all that is known
        place = base_place(deployment)
        return Base(name=place.key.rstrip("/").rpartition("/")[2] or place.bucket)


def described(config: Mapping[str, Any], weight_bytes: int) -> Base:
    """The base model, from its config.json and the size of its weights."""
    stored = str(config.get("dtype") or config.get("torch_dtype") or "")
    parameters = weight_bytes // _BYTES.get(stored, 2) or None
    name = str(config.get("_name_or_path") or "").rstrip("/").rpartition("/")[2]
    family = str(config.get("model_type") or "model").capitalize()
    longest = config.get("max_position_embeddings")
    return Base(
        name=name or (f"{family} with {millions(parameters)} parameters" if parameters else family),
        parameters=parameters,
        context_tokens=min(CONTEXT_TOKENS, longest if isinstance(longest, int) else CONTEXT_TOKENS),
    )
