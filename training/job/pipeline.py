"""A training job from channels to outputs: read, tokenize, load, measure, train, measure again, write."""

import json
import platform
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import torch

from core.names import PRACTICE_PARAMETERS, millions
from training.data.corpus import fingerprint
from training.evaluation.result import assemble
from training.evaluation.scores import Score, mean_loss, total_bits_per_byte
from training.host.distributed import World, join
from training.host.events import Events
from training.host.processes import StopSignal, nvidia_driver
from training.job.channels import Channels, labels, write_atomically
from training.job.preparation import prepare, read_request
from training.loop import checkpoints
from training.loop.loop import Training, train
from training.loop.schedule import plan
from training.model.memory import begin_peak, fit_layers, peak_bytes
from training.model.memory_plan import describe_plan
from training.model.merge import merge
from training.model.model import AdaptedModel
from training.model.weights import weight_files
from training.report import render

PACKAGES = ("torch", "transformers", "peft", "safetensors", "tokenizers", "numpy")


def run(channels: Channels, events: Events, stop: StopSignal) -> None:
    """Train and measure what the job in ``channels`` asks for, and write its outputs there.

    Raises TrainingFailure and DatasetError with what to do, and Stopped after SIGTERM.
    """
    request = read_request(channels)
    world = join()
    hyperparameters = request.hyperparameters
    for notice in hyperparameters.notices:
        events.log(notice)

    events.phase("data")
    prepared = prepare(request, world, events, stop)
    stop.check()

    events.phase("weights")
    model = AdaptedModel(request.weights, hyperparameters, world.device, world.size)
    adapter = channels.channel("adapter")
    start = model.load_adapter(adapter) if adapter else None
    if start:
        events.log("going on from the adapter in the channel of that name")
    precision = "bf16" if model.precision == torch.bfloat16 else "fp32"
    base_model = [request.config, weight_files(request.weights), precision, start]
    identity = fingerprint(prepared.data, hyperparameters, [checkpoints.FORMAT, *base_model])
    resumed = checkpoints.newest_checkpoint(channels.checkpoints, identity, world, events)
    course = plan(
        sum(group.taken for group in prepared.among),
        world.size,
        hyperparameters,
        among=prepared.among,
        global_batch=resumed.global_batch if resumed else None,
    )
    adapter_size = sum(p.numel() for p in model.adapter.values())
    memory = fit_layers(model, hyperparameters, prepared.yardstick.length)
    events.log(
        f"{model.parameters:,} parameters in {precision} on {world.size} × {_device(world)}"
        f"{', sharded' if model.sharded else ''} ({model.kernels}), {adapter_size:,} trainable;"
        f" {course.steps} steps of {course.global_batch} rows"
    )
    events.log(describe_plan(memory, model.layers))

    events.phase("evaluate_base")
    base = prepared.yardstick.measure(model, adapter=False)
    watched = prepared.yardstick.watched
    before = _emit_scores(events, [base.held_out[place] for place in watched], "base")

    peaks: list[int] = []

    def held_out() -> dict[str, float]:
        peaks.append(peak_bytes(world.device))
        scores = _emit_scores(events, prepared.yardstick.watched_scores(model), "tuned")
        begin_peak(world.device)
        return scores

    events.phase("train")
    training = Training(
        model=model,
        rows=prepared.rows,
        plan=course,
        hyperparameters=hyperparameters,
        world=world,
        events=events,
        checkpoint_folder=channels.checkpoints,
        fingerprint=identity,
        resumed=resumed,
        stop_requested=stop.requested,
        measure=held_out,
    )
    begin_peak(world.device)  # the plan is of the steps; the evaluation has its own batches
    outcome = train(training)
    peak = max([*peaks, peak_bytes(world.device)])
    gib = [f"{size / 2**30:.2f} GiB" for size in (peak, memory.predicted)]
    events.log(f"peak memory was {gib[0]} in the steps, {gib[1]} were predicted")

    events.phase("evaluate")
    tuned = prepared.yardstick.measure(model, adapter=True)
    after = _emit_scores(events, [tuned.held_out[place] for place in watched], "tuned")

    events.phase("save")
    if world.first:
        _save_adapter(model, channels)
        if hyperparameters.merge_weights:
            size = merge(request.weights, channels.model_output, channels.merged)
            events.log(f"{size / 1e6:,.1f} MB of merged weights are in {channels.merged}")
        named = labels()
        family = str(request.config.get("model_type", "model")).capitalize()
        details = {
            "run": named
            | {
                "base": named["base"] or f"{family} with {millions(model.parameters)} parameters",
                "practice": model.parameters < PRACTICE_PARAMETERS,
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
            },
            "training": {
                "steps": outcome.steps,
                "planned_steps": course.steps,
                "kept_step": outcome.kept_step,
                "steps_per_epoch": course.steps_per_epoch,
                "global_batch_rows": course.global_batch,
                "processes": world.size,
                "base_parameters": model.parameters,
                "trainable_parameters": adapter_size,
                "recomputed_layers": memory.recomputed,
                "memory": {"predicted_bytes": memory.predicted, "peak_bytes": peak},
                "curve": [
                    {"step": 0, "epoch": 0.0} | before,
                    *outcome.curve,
                    {"step": outcome.kept_step, "epoch": outcome.kept_step / course.steps_per_epoch} | after,
                ],
            },
            "data": prepared.summary,
            "settings": hyperparameters.to_strings(),
            "versions": _versions(world, precision),
            "timings": events.seconds,
            "cost": {
                "usd_per_hour": events.usd_per_hour,
                "usd": events.usd,
                "seconds": events.elapsed,
                "evaluation_seconds": prepared.yardstick.seconds,
                "evaluation_share": prepared.yardstick.seconds / events.elapsed,
            },
        }
        evaluation = assemble(
            yardstick=prepared.yardstick,
            base=base,
            tuned=tuned,
            overlaps=prepared.overlaps,
            max_forgetting=hyperparameters.max_forgetting,
            details=details,
        )
        text = json.dumps(evaluation, indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(channels.data_output / "evaluation.json", text + "\n")
        write_atomically(channels.data_output / "report.html", render(evaluation))
    events.phase("done")
    world.leave()


def _emit_scores(events: Events, scores: Sequence[Score], model: str) -> dict[str, float]:
    figures = {"loss": round(mean_loss(scores), 5), "bits_per_byte": round(total_bits_per_byte(scores), 5)}
    events.emit("evaluation", split="validation", model=model, **figures)
    return {f"validation_{name}": value for name, value in figures.items()}


def _save_adapter(model: AdaptedModel, channels: Channels) -> None:
    """Write the adapter into model/, whole or not at all, and nothing else beside it."""
    partial = channels.model_output / ".partial"  # inside, since model/ may be a mount
    shutil.rmtree(partial, ignore_errors=True)
    model.save_adapter(partial)
    for file in sorted(partial.iterdir(), reverse=True):  # weights before the settings that announce them
        file.replace(channels.model_output / file.name)
    partial.rmdir()


def _versions(world: World, precision: str) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found | {"device": _device(world), "precision": precision}


def _device(world: World) -> str:
    if world.device.type == "cuda":
        return f"{torch.cuda.get_device_name(world.device)} (driver {nvidia_driver() or 'not known'})"
    return f"CPU ({torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads)"
