"""Is the model ready: licence, weights, and does a step of its training fit into a GPU?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import hyperparameters
from core.aws.errors import error_text, is_missing
from core.aws.s3 import sizes
from core.endpoint import weights as hub_weights
from core.endpoint.weights import HubModel
from finexpert.doctor import Finding, bad, good, unknown, warning
from finexpert.service.deployment import Deployment, base_bytes, base_config, base_place
from finexpert.service.runs import base_model
from finexpert.text import counted, size

if TYPE_CHECKING:
    from training.model.memory_plan import MemoryPlan


LEAST_ROOM = 0.05
"""The share of the memory that must stay free where all layers are recomputed already."""


def licence(deployment: Deployment) -> Finding:
    """Is the licence of the base weights accepted, where they need it?"""
    settings = deployment.settings
    if settings.own_weights:
        return good("not needed: the base weights are your own")
    model = settings.licensed_model
    if not settings.gated:
        return good(
            f"JumpStart gives {model} to everyone; read {hub_weights.licence(model) or 'its licence'}"
        )
    if settings.accept_eula:
        return good(f"accept_eula is true: you have accepted the licence of {model}")
    return bad(
        f"accept_eula is false, and AWS hands out {model} only with its licence accepted",
        f"Read {hub_weights.licence(model) or 'it in JumpStart'}, then deploy with -c accept_eula=true",
    )


def hub(deployment: Deployment) -> Finding:
    """Where does AWS's hub say that the base weights are, and did the deployed app find them there?"""
    settings = deployment.settings
    if settings.own_weights:
        return good("not asked: the base weights are your own")
    try:
        found = _in_the_hub(deployment)
    except hub_weights.Unusable as unusable:
        return bad(str(unusable), "finexpert data weights FOLDER uploads them.")
    except Exception as error:
        if is_missing(error):
            return bad(
                f"the hub has no {settings.base_model} {settings.base_model_version}".rstrip(),
                "Correct base_model: the ids stand in JumpStart's list of models, in the SageMaker console.",
            )
        return unknown(
            f"the hub could not be read ({error_text(error)}): the weights at"
            f" {settings.base_model_location('')} are not confirmed",
            "Allow sagemaker:DescribeHubContent, or set base_model_uri.",
        )
    return judge_hub(found, deployed=deployment.stored.base_model_uri if deployment.stored else "")


def judge_hub(found: HubModel, *, deployed: str) -> Finding:
    """Compare the hub's answer with where the deployed app reads the weights ("" where none is deployed)."""
    instances = (
        f"{found.training_instance_type or '?'} to train, {found.hosting_instance_type or '?'} to host"
    )
    said = (
        f"{found}: weights {found.weights}, training artifact {found.training or 'none'}, licence"
        f" {found.licence or 'none'}; JumpStart takes {instances}"
    )
    if deployed and deployed != found.weights:
        return bad(
            f"{said}. The deployed app reads {deployed}",
            "cdk deploy --all takes the hub's. Train again after it: an adapter belongs to its base. Or stay,"
            f" with -c base_model_uri={deployed}",
        )
    if found.status != "Supported":
        return unknown(f"{said}. The hub says: {found.status.lower()}", "Choose another base_model in time.")
    return good(said)


def weights(deployment: Deployment) -> Finding:
    """Are there base weights that the job can read, where it will read them?"""
    settings = deployment.settings
    if not settings.own_weights:
        if settings.gated and not settings.accept_eula:
            return unknown("the hub lists the files once the licence is accepted")
        links = hub_weights.files(
            deployment.target.client("sagemaker"), _in_the_hub(deployment), accept_eula=settings.gated
        )
        return judge_files(settings.base_model_location(""), dict.fromkeys(links, 0))
    where = base_place(deployment)
    return judge_files(str(where), sizes(deployment.target.client("s3"), where))


def judge_files(where: str, files: dict[str, int]) -> Finding:
    """Judge the files there by their names and bytes; 0 bytes: not known."""
    shards = [name for name in files if "/" not in name and name.endswith(".safetensors")]
    if shards and "config.json" in files:
        total = sum(files[name] for name in shards)
        found = f"{size(total)} of weights" if total else counted(len(shards), "safetensors file")
        return good(f"{found} at {where}")
    pickled = any(name.endswith((".bin", ".pth", ".pt")) for name in files)
    said = f"{where} has no config.json with *.safetensors beside it"
    return bad(
        f"{said}, only weights that the job does not read (pickled)" if pickled and not shards else said,
        "Upload a model in Hugging Face layout, with base_model_uri set: finexpert data weights my-model/",
    )


def memory(deployment: Deployment) -> Finding:
    """Does one optimizer step fit into a GPU of the training instance?"""
    settings = deployment.settings
    recipe = hyperparameters.parse(settings.hyperparameters)
    if settings.own_weights:
        config, size_of_weights = base_config(deployment), base_bytes(deployment)
    elif settings.licensed_model in base_model.SHAPES:
        config, size_of_weights = base_model.SHAPES[settings.licensed_model]
    else:
        return unknown(f"the shape of {settings.licensed_model} is not known here; the job plans with it")
    plan = base_model.fit(config, size_of_weights, recipe, settings.training_instance_type)
    return judge_memory(plan, config["num_hidden_layers"], settings.training_instance_type)


def judge_memory(plan: MemoryPlan | None, layers: int, instance_type: str) -> Finding:
    """Say in words whether the step fits into the memory."""
    if plan is None:
        return unknown(f"the GPU memory of {instance_type} is not known here")
    from training.model.memory_plan import describe_plan  # imports PyTorch

    step = f"{instance_type}: a training step, {describe_plan(plan, layers)}"
    room = 1 - plan.predicted / plan.available
    if plan.fits and plan.recomputed < layers:
        return good(f"{step}; if it gets tight, {layers - plan.recomputed} more layers can be recomputed")
    if plan.fits and room < LEAST_ROOM:
        return warning(
            f"{step}: {room:.1%} of room, {LEAST_ROOM:.0%} is safe",
            "Lower max_input_length or per_device_train_batch_size, or choose an instance with a larger GPU.",
        )
    if plan.fits:
        return good(step)
    return bad(step, "Choose an instance with a larger GPU, or change those two hyperparameters.")


def _in_the_hub(deployment: Deployment) -> HubModel:
    settings, client = deployment.settings, deployment.target.client("sagemaker")
    return hub_weights.ask(client, settings.base_model, settings.base_model_version)
