"""The job as a whole, in this process: outputs, failures that explain themselves, resuming bit by bit."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.dataset import DatasetError, Reader, local_sources
from core.failures import Stopped, TrainingFailure, describe
from core.names import PROMPTS
from training.data.batches import Batch
from training.evaluation import asks
from training.evaluation.measure import Yardstick
from training.host.events import Events
from training.host.processes import StopSignal
from training.job.channels import Channels
from training.job.pipeline import run
from training.loop import checkpoints
from training.model.memory import peak_bytes
from training.model.model import AdaptedModel

Job = Callable[..., Path]
WEIGHTS = "model/model.safetensors"


class StopAfter(StopSignal):
    """Asks to stop after it has been asked this many times, which is after as many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._left = steps

    def requested(self) -> bool:
        self._left -= 1
        return self._left <= 0


@pytest.fixture(autouse=True)
def _short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of such a small job would be the writing of answers that no test reads."""
    monkeypatch.setattr(asks, "NEW_TOKENS", 4)


def run_job(base: Path, stop: StopSignal | None = None) -> list[dict[str, Any]]:
    """Run the job in ``base``; gives its events."""
    channels, stream = Channels(base), io.StringIO()
    events = Events(stream=stream, usd_per_hour=1.515)
    events.phase("start")
    try:
        run(channels, events, stop or StopSignal())
    except Stopped:
        assert stop is not None
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def evaluation_of(base: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((base / "output" / "data" / "evaluation.json").read_text())
    return content


def adapter(base: Path) -> bytes:
    return (base / "model" / "adapter_model.safetensors").read_bytes()


def test_a_job_leaves_an_adapter_an_evaluation_and_a_report(job: Job) -> None:
    base = job(evaluation_items="2")
    events = run_job(base)
    files = sorted(file.name for file in (base / "model").iterdir())
    assert files == ["adapter_config.json", "adapter_model.safetensors"]
    config = json.loads((base / "model" / "adapter_config.json").read_text())
    assert (config["peft_type"], config["r"], config["lora_alpha"]) == ("LORA", 8, 32)
    assert config["target_modules"] == ["q_proj", "v_proj"]
    assert str(base) not in json.dumps(config)
    tensors = load_file(base / "model" / "adapter_model.safetensors")
    assert len(tensors) == 2 * 2 * 2  # layers × modules × (A, B)
    assert any(tensor.abs().sum() > 0 for name, tensor in tensors.items() if "lora_B" in name)

    phases = [event["phase"] for event in events if event["event"] == "phase"]
    assert phases == ["start", "data", "weights", "evaluate_base", "train", "evaluate", "save", "done"]
    steps = [event for event in events if event["event"] == "step"]
    assert [step["step"] for step in steps] == list(range(1, steps[0]["steps"] + 1))
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert steps[-1]["eta_seconds"] == 0
    assert steps[-1]["usd"] > 0
    assert not list(base.glob("**/*.partial"))


def test_the_adapter_loads_with_peft_and_gives_the_reported_loss(job: Job) -> None:
    base = job()
    run_job(base)
    evaluation = evaluation_of(base)
    weights = base / "input" / "data" / "model"
    model = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(weights)
    tuned = PeftModel.from_pretrained(model, base / "model").eval()
    reported = evaluation["documents"][0]
    documents = Reader(local_sources(base / "input" / "data" / "training"))
    document = next(d for d in documents if (d.source, d.index) == (reported["source"], reported["index"]))
    ids = torch.tensor([[*tokenizer(document.text)["input_ids"], tokenizer.eos_token_id]])
    for variant, name in ((tuned, "tuned"), (None, "base")):
        with torch.no_grad():
            if variant is None:
                with tuned.disable_adapter():
                    logits = tuned(input_ids=ids).logits[0, :-1]
            else:
                logits = variant(input_ids=ids).logits[0, :-1]
        bits = F.cross_entropy(logits, ids[0, 1:], reduction="sum").item() / 0.6931471805599453
        if ids.shape[1] <= 64:  # longer documents are read in two pieces
            assert reported[name] == pytest.approx(bits / len(document.text.encode()), rel=1e-4)


def test_a_job_interrupted_twice_ends_with_the_bytes_of_an_uninterrupted_one(job: Job) -> None:
    settings = {"lora_dropout": "0.1", "per_device_train_batch_size": "2", "epoch": "3"}
    whole, stopped = job("whole", **settings), job("stopped", **settings)
    run_job(whole)
    parts = [run_job(stopped, StopAfter(1)), run_job(stopped, StopAfter(7))]
    assert not (stopped / "model").exists()
    parts.append(run_job(stopped))
    steps = [[event["step"] for event in part if event["event"] == "step"] for part in parts]
    assert steps[0] == [1]
    assert steps[1] == list(range(2, 9))
    assert steps[2][0] == 9
    assert adapter(stopped) == adapter(whole)
    curves = [
        [
            (point["step"], point.get("loss"), point.get("validation_loss"))
            for point in evaluation_of(base)["training"]["curve"]
        ]
        for base in (whole, stopped)
    ]
    assert curves[0] == curves[1]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux can count anew")
def test_what_an_evaluation_takes_is_not_in_the_peak(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Yardstick._score

    def greedy(*arguments: Any) -> Any:
        large = bytearray(600 << 20)
        large[:: 1 << 12] = b"x" * len(large[:: 1 << 12])
        return measured(*arguments)

    begun = peak_bytes(torch.device("cpu"))
    monkeypatch.setattr(Yardstick, "_score", greedy)
    base = job(eval_steps="1", max_steps="2")
    run_job(base)
    peak = evaluation_of(base)["training"]["memory"]["peak_bytes"]
    assert peak < peak_bytes(torch.device("cpu")) - (200 << 20)
    assert peak < begun + (300 << 20)


def test_a_torn_checkpoint_is_left_aside_for_the_one_before(job: Job) -> None:
    whole, torn = job("whole", epoch="3"), job("torn", epoch="3")
    run_job(whole)
    run_job(torn, StopAfter(3))
    newest = max((torn / "checkpoints").iterdir())
    run_job(torn, StopAfter(2))
    latest = max((torn / "checkpoints").iterdir())
    assert latest != newest
    latest.write_bytes(latest.read_bytes()[:-100])
    events = run_job(torn)
    logs = [event["message"] for event in events if event["event"] == "log"]
    assert any(f"{latest.name} is torn" in message for message in logs)
    assert any(f"from {newest.name}" in message for message in logs)
    assert adapter(torn) == adapter(whole)


def test_a_checkpoint_of_other_settings_is_not_taken_up(job: Job) -> None:
    base = job()
    run_job(base, StopAfter(2))
    file = base / "input" / "config" / "hyperparameters.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"learning_rate": "0.02"}))
    events = run_job(base)
    assert next(event["step"] for event in events if event["event"] == "step") == 1
    assert any("belongs to other data" in event.get("message", "") for event in events)


def test_only_the_newest_checkpoints_are_kept(job: Job) -> None:
    base = job(epoch="5", save_steps="1")
    run_job(base)
    assert len(list((base / "checkpoints").iterdir())) == checkpoints.KEPT


def test_no_steps_leave_the_model_as_it_was_and_do_not_pass(job: Job) -> None:
    base = job(max_steps="0")
    run_job(base)
    evaluation = evaluation_of(base)
    assert evaluation["primary"]["difference"] == 0
    assert not evaluation["passed"]


def test_accumulated_gradients_are_those_of_the_large_batch(job: Job) -> None:
    losses = []
    for name, size, accumulate in (("large", "4", "1"), ("small", "1", "4")):
        settings = {"per_device_train_batch_size": size, "gradient_accumulation_steps": accumulate}
        base = job(name, lora_dropout="0", **settings)
        losses.append([event["loss"] for event in run_job(base) if event["event"] == "step"])
    assert losses[0] == pytest.approx(losses[1], abs=2e-4)


def test_instruction_tuning_learns_completions_and_shows_held_out_prompts(job: Job) -> None:
    base = job(instruction_tuned="True")
    folder = base / "input" / "data" / "training"
    (folder / "reports.txt").unlink()
    records = [
        {"question": f"What was revenue in year {i}?", "answer": f"It was {i} million."} for i in range(20)
    ]
    (folder / "data.jsonl").write_text("\n".join(map(json.dumps, records)))
    (folder / "template.json").write_text('{"prompt": "{question}", "completion": "{answer}"}')
    run_job(base)
    evaluation = evaluation_of(base)
    document = evaluation["documents"][0]
    assert document["bytes"] == len(records[document["index"]]["answer"])
    assert evaluation["samples"][0]["prompt"].startswith("What was revenue in year")


def test_the_prompts_of_the_samples_are_looked_for_in_the_training_text(job: Job) -> None:
    base = job(max_steps="0")
    lines = [f"In year {n} of the study {PROMPTS[n % 2]} a gain of {n} percent." for n in range(20)]
    (base / "input" / "data" / "training" / "reports.txt").write_text("\n".join(lines))
    held_out = base / "input" / "data" / "validation"
    held_out.mkdir()
    (held_out / "own.txt").write_text(
        f"{lines[0]}\nSomething else, with as many words as it takes to open it."
    )
    run_job(base)
    shown = [sample["training_documents"] for sample in evaluation_of(base)["samples"]]
    assert shown == [9, 10, 0, 0], "the first document is held out"
    report = (base / "output" / "data" / "report.html").read_text()
    assert report.count("also stand in") == 2 + sum(
        bool(each["training_documents"]) for each in evaluation_of(base)["examples"]
    )


def test_a_validation_channel_replaces_the_split(job: Job) -> None:
    base = job()
    folder = base / "input" / "data" / "validation"
    folder.mkdir()
    (folder / "own.txt").write_text("Held out one.\nHeld out two.\nHeld out three.")
    run_job(base)
    evaluation = evaluation_of(base)
    assert [document["source"] for document in evaluation["documents"]] == ["own.txt"] * 3
    assert evaluation["data"]["training_documents"] == 40


def remove(path: str) -> Callable[[Path], None]:
    return lambda base: (base / "input" / "data" / path).unlink()


def rewrite(path: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def edit(base: Path) -> None:
        file = base / "input" / "data" / path
        file.write_bytes(change(file.read_bytes()))

    return edit


def edit_config(**changes: Any) -> Callable[[Path], None]:
    return rewrite("model/config.json", lambda text: json.dumps(json.loads(text) | changes).encode())


def spoil(base: Path) -> None:
    """Weights of the right shape, but without numbers."""
    file = base / "input" / "data" / "model" / "model.safetensors"
    broken = {name: tensor * float("nan") for name, tensor in load_file(file).items()}
    save_file(broken, file, {"format": "pt"})


def write_text(content: bytes) -> Callable[[Path], None]:
    return rewrite("training/reports.txt", lambda _: content)


@pytest.mark.parametrize(
    ("break_it", "error", "words"),
    [
        (remove("training/reports.txt"), TrainingFailure, ["training", "missing or empty", "channel"]),
        (remove("model/config.json"), TrainingFailure, ["no config.json", "Hugging Face"]),
        (remove(WEIGHTS), TrainingFailure, ["no *.safetensors"]),
        (remove("model/tokenizer.json"), TrainingFailure, ["no tokenizer"]),
        (edit_config(model_type="clip"), TrainingFailure, ["'clip'", "Llama"]),
        (edit_config(vocab_size=100), TrainingFailure, ["319", "100", "belongs to these weights"]),
        (edit_config(intermediate_size=64), TrainingFailure, ["do not fit config.json"]),
        (
            rewrite(WEIGHTS, lambda content: content[:-1000]),
            TrainingFailure,
            ["model.safetensors", "copy it again"],
        ),
        (spoil, TrainingFailure, ["evaluation", "base model predicts no numbers", "precision"]),
        (rewrite(WEIGHTS, lambda _: b"<html>not found</html>"), TrainingFailure, ["no readable safetensors"]),
        (write_text(b"only one"), DatasetError, ["held out"]),
        (write_text(b"a\n\xff\n"), DatasetError, ["reports.txt, line 2", "UTF-8"]),
    ],
)
def test_what_is_wrong_is_said_with_a_remedy(
    job: Job, break_it: Callable[[Path], None], error: type[Exception], words: list[str]
) -> None:
    base = job()
    break_it(base)
    with pytest.raises(error) as caught:
        run_job(base)
    reason = describe(caught.value)
    for word in words:
        assert word in reason
    assert "Traceback" not in reason


def test_a_diverging_run_ends_with_a_reason(job: Job) -> None:
    # Decoupled decay of 10 at rate 1 multiplies the adapter by -9 in each step.
    still = {"lr_scheduler_type": "constant", "warmup_ratio": "0"}
    settings = {"learning_rate": "1", "weight_decay": "10", **still}
    base = job(documents=24, epoch="9", per_device_train_batch_size="1", **settings)
    with pytest.raises(TrainingFailure, match="the loss became") as caught:
        run_job(base)
    assert "Lower learning_rate" in describe(caught.value)


def test_a_run_that_cannot_learn_ends_at_once(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(model: AdaptedModel, batch: Batch) -> torch.Tensor:
        return torch.tensor(1.0, requires_grad=True)

    monkeypatch.setattr(AdaptedModel, "loss", cut_off)
    with pytest.raises(TrainingFailure, match="no gradient reaches the adapter"):
        run_job(job())
