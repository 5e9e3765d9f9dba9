"""This project's training loop beside Hugging Face's Trainer, in one run: `python -m bench.training`.

On a CPU: two small Llamas with random weights, rows of 512 tokens, batches of 4, one thread, in the number
format that the trainer itself chooses; beside them the JumpStart recipe (Trainer and PEFT on concatenated
text, fp32) and Trainer in the same format. Each variant runs in its own process, by turns, several
times; tokens per CPU second count, so that other programs on the machine change little. Ratios are what to
quote. SmolLM2-135M, where `finexpert local base smollm2` has made it: seconds a step and peak memory. Where
there is a CUDA GPU, also the real shapes of Llama 2 7B, Mistral 7B and Llama 3 8B with random weights: tokens
a second, utilisation and memory against the JumpStart recipe (that part has never run so far, for lack of a
GPU). Last a whole job with the shipped base, phase by phase. No network. `--only PART` measures one part and
keeps the others' results. Results, a row for each kind of processor: bench/results/training.json.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import common
from bench import training_workers as workers
from bench.training_flops import SHAPES_7B, LlamaShape, hardware_flops, model_flops
from finexpert import paths

SHAPES = {
    "8.9M": LlamaShape(256, 688, 6, 4, 256, 8192),
    "33.7M": LlamaShape(512, 1376, 8, 8, 512, 8192),
}
PARTS = (*SHAPES, "SmolLM2-135M", "job", "gpu")
SMOLLM2 = paths.LOCAL_STATE / "bases" / "smollm2"
LENGTH, BATCH, GPU_LENGTH = 512, 4, 1024
BASELINE, OWN = "JumpStart-like (Trainer, fp32)", "ours"
#: In fp32 without dropout, so that the losses can be equal.
PLAIN, OWN_PLAIN = "Trainer, fp32, no dropout", "ours, fp32, no dropout"
#: JumpStart's job on ml.g5.2xlarge, billed seconds; public run logs of the course (docs/alternatives.md).
JUMPSTART_SECONDS = {
    "download": 300,
    "pip install": 75,
    "load": 40,
    "train and evaluate": 50,
    "reload and merge": 36,
    "upload": 46,
    "all that is billed": 804,
}
G5_GIB = 21.5
A_MATMUL = 8192


def main() -> None:
    """Run everything and write the results."""
    parser = common.command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each CPU variant (default 3)")
    parser.add_argument("--steps", type=int, default=6, help="optimizer steps of a turn (default 6)")
    parser.add_argument("--only", choices=PARTS, action="append", help="a part (default all)")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(_work(json.loads(arguments.worker))))
        return
    for part in arguments.only or PARTS:
        begin, load = time.monotonic(), os.getloadavg()[0]
        with tempfile.TemporaryDirectory() as folder:
            result = _part(part, Path(folder), arguments.rounds, arguments.steps)
        run = {"seconds": round(time.monotonic() - begin), "load_before": round(load, 1)}
        rows = common.stored("training")  # now: another part may run beside this one
        row = rows.setdefault(_kind(_machine()), {})
        row |= {"machine": _machine(), part: result | run if isinstance(result, dict) else result}
        print(json.dumps({part: row[part]}, indent=1))
        common.store("training", rows)


def _part(part: str, folder: Path, rounds: int, steps: int) -> Any:
    """Measure one part; a text says why it was not measured."""
    if part in SHAPES:
        return _cpu(folder, part, rounds, steps)
    if part == "SmolLM2-135M":
        return _smollm2(folder, rounds, steps)
    if part == "job":
        return _overhead(folder)
    import torch

    return _gpu(folder) if torch.cuda.is_available() else "no CUDA GPU here: not measured"


def _work(task: dict[str, Any]) -> dict[str, Any]:
    """Carry out one measured run in its own process."""
    if task.get("memory_gib"):
        import torch

        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(task["memory_gib"] * 2**30 / total)
    same = {
        "tokens": workers.rows_of_tokens(task["steps"] * BATCH, task["length"], task["vocabulary"]),
        "batch": BATCH,
        **{name: task[name] for name in ("precision", "dropout", "cuda")},
    }
    if task["trainer"] == "ours":
        return workers.ours(Path(task["folder"]), **same)
    return workers.hugging_face(Path(task["folder"]), **same, recompute=task.get("recompute", False))


def run_worker(**task: Any) -> dict[str, Any]:
    """A worker's answer; the folder's base must be there."""
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bench.training", "--worker", json.dumps(task)],
        env=environment,
        capture_output=True,
        text=True,
        cwd=common.ROOT,
    )
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:300]}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _task(
    folder: Path, precision: str, vocabulary: int, *, steps: int, dropout: float = 0.05
) -> dict[str, Any]:
    """A worker's task on the base in ``folder``, on a CPU."""
    task = {"folder": str(folder), "precision": precision, "vocabulary": vocabulary}
    return task | {"steps": steps, "dropout": dropout, "length": LENGTH, "cuda": False}


def _variants(precision: str) -> dict[str, tuple[str, str, float]]:
    """Name → (trainer, precision, dropout). In fp32 the baseline is Trainer in the same format."""
    same = {} if precision == "fp32" else {f"Trainer, {precision}": ("trainer", precision, 0.05)}
    return {
        BASELINE: ("trainer", "fp32", 0.05),
        **same,
        OWN: ("ours", precision, 0.05),
        PLAIN: ("trainer", "fp32", 0.0),
        OWN_PLAIN: ("ours", "fp32", 0.0),
    }


def _precision() -> str:
    """The number format that the trainer chooses on this machine's CPU."""
    import torch

    from training.model.base import choose_precision

    return "bf16" if choose_precision("auto", torch.device("cpu")) == torch.bfloat16 else "fp32"


def _cpu(folder: Path, size: str, rounds: int, steps: int) -> dict[str, Any]:
    """A small Llama, all variants by turns."""
    precision, shape = _precision(), SHAPES[size]
    variants = _variants(precision)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in variants}
    workers.make_base(folder / size, shape, half=precision == "bf16", device="cpu")
    for turn in range(rounds):
        for name, (trainer, number_format, dropout) in variants.items():
            if dropout == 0 and turn:
                continue  # losses do not differ between turns
            task = _task(folder / size, number_format, shape.vocabulary, steps=steps, dropout=dropout)
            runs[name].append(run_worker(**task, trainer=trainer))
    return {"precision": precision} | _compare(runs)


def _compare(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    speed = {name: statistics.median(run["tokens_per_second"] for run in them) for name, them in runs.items()}
    start = {name: statistics.median(run["start_cpu_seconds"] for run in them) for name, them in runs.items()}
    same = next((name for name in runs if name not in (BASELINE, OWN, PLAIN, OWN_PLAIN)), BASELINE)
    losses = list(zip(runs[PLAIN][0]["losses"], runs[OWN_PLAIN][0]["losses"], strict=True))
    return {
        "tokens_per_cpu_second": {name: round(value) for name, value in speed.items()},
        "cpu_seconds_to_first_step": {name: round(value, 2) for name, value in start.items()},
        "ours_to_jumpstart_like": round(speed[OWN] / speed[BASELINE], 3),
        "ours_to_trainer_in_the_same_precision": round(speed[OWN] / speed[same], 3),
        "largest_difference_of_losses": round(max(abs(a - b) for a, b in losses), 5),
        "losses_fp32_no_dropout": losses,
    }


def _smollm2(folder: Path, rounds: int, steps: int) -> Any:
    """A real model: seconds of processor time a step, and peak memory beside what was planned."""
    if not SMOLLM2.is_dir():
        return "finexpert local base smollm2 has not run here: not measured"
    (folder / "smollm2").symlink_to(SMOLLM2)
    precision = _precision()
    vocabulary = json.loads((SMOLLM2 / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    task = _task(folder / "smollm2", precision, vocabulary, steps=steps)
    turns: dict[str, list[dict[str, Any]]] = {f"Trainer + PEFT, {precision}": [], f"ours, {precision}": []}
    for _ in range(rounds):
        for name, runs in turns.items():
            runs.append(run_worker(**task, trainer="ours" if name.startswith("ours") else "trainer"))
    found: dict[str, Any] = {"rows": f"{BATCH} x {LENGTH} tokens", "steps": steps, "rounds": rounds}
    for name, runs in turns.items():
        if failed := [run for run in runs if "failed" in run]:
            found[name] = failed[0]
            continue
        speed = statistics.median(run["tokens_per_second"] for run in runs)
        found[name] = {
            "cpu_seconds_a_step": round(BATCH * LENGTH / speed, 2),
            "peak_gib": round(max(run["peak_gib"] for run in runs), 3),
            "predicted_peak_gib": runs[0].get("predicted_peak_gib"),
        }
    return found


def _overhead(folder: Path) -> dict[str, Any]:
    """Phases of a whole job with the shipped base, and what it uploads, beside JumpStart's job."""
    settings = {"max_steps": "10", "max_input_length": "256", "per_device_train_batch_size": "2"}
    base = common.make_job(folder / "job", common.ROOT / "base_model", settings, paths.SAMPLE)
    events = [
        json.loads(line) for line in common.run_job("shipped base", base).splitlines() if line.startswith("{")
    ]
    begins = [(event["phase"], event["seconds"]) for event in events if event["event"] == "phase"]
    phases = {name: round(end - start, 2) for (name, start), (_, end) in itertools.pairwise(begins)}
    uploaded = sum(file.stat().st_size for part in ("model", "output") for file in (base / part).rglob("*.*"))
    return {
        "jumpstart_billed_seconds": JUMPSTART_SECONDS,
        "our_phases_on_this_machine_with_the_shipped_base": phases,
        "uploaded_bytes": uploaded,
        "needs_the_gpu": ["evaluate_base", "train", "evaluate"],
        "gone": ["pip install (nothing is installed)", "reload and merge (only where it is asked for)"],
    }


def _gpu(folder: Path) -> dict[str, Any]:
    """Real shapes in bf16 on the GPU: ours, the JumpStart recipe, Trainer + PEFT + SDPA."""
    import torch

    rate = _matmul_flops()
    torch.cuda.empty_cache()
    shapes = {
        name: _gpu_shape(folder / name.replace(" ", "-"), shape, rate) for name, shape in SHAPES_7B.items()
    }
    return {"device": torch.cuda.get_device_name(), "bf16_matmul_tflops": rate / 1e12, "shapes": shapes}


def _gpu_shape(folder: Path, shape: LlamaShape, rate: float) -> dict[str, Any]:
    workers.make_base(folder, shape, half=True, device="cuda")
    task = _task(folder, "bf16", shape.vocabulary, steps=8) | {"length": GPU_LENGTH, "cuda": True}
    runs = {
        "ours": run_worker(**task, trainer="ours"),
        "JumpStart recipe (full recompute)": run_worker(**task, trainer="trainer", recompute=True),
        "Trainer + PEFT + SDPA": run_worker(**task, trainer="trainer"),
        f"ours, capped at {G5_GIB} GiB": run_worker(**task, trainer="ours", memory_gib=G5_GIB),
    }
    for run in runs.values():
        if "failed" not in run:
            recomputed = run["recomputed_layers"]
            model, hardware = model_flops(shape, GPU_LENGTH), hardware_flops(shape, GPU_LENGTH, recomputed)
            run["model_flops_utilisation"] = run["tokens_per_second"] * model / rate
            run["hardware_flops_utilisation"] = run["tokens_per_second"] * hardware / rate
            del run["losses"]
    recipe = runs["JumpStart recipe (full recompute)"].get("tokens_per_second")
    ratio = runs["ours"].get("tokens_per_second", 0) / recipe if recipe else None
    return {"runs": runs, "ours_to_jumpstart_recipe": ratio}


def _matmul_flops() -> float:
    """Operations a second of a large bf16 matrix product, the best of several."""
    import torch

    a, b = (torch.randn(A_MATMUL, A_MATMUL, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(20):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        a @ b
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begin)
    return 2 * A_MATMUL**3 / best


def _kind(machine: dict[str, Any]) -> str:
    """The row of this kind of processor: what it computes with decides more than its name."""
    return f"{machine['cpu']}, {machine['capability']}, {_precision()}"


def _machine() -> dict[str, Any]:
    """What it ran on: the processor's model, not the machine's name."""
    import torch

    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    main()
