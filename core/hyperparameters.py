"""The trainer's settings: JumpStart's names and string forms, read strictly, all problems reported at once.

Standard library only: the command line, the validation Lambda and the container all read settings with it.

String forms: numbers as text, ``"True"``/``"False"``, ``"None"`` (= the default), ``"-1"`` (= automatic or
unlimited, where the table of :class:`Hyperparameters` says so); a value may be wrapped in JSON quotes, as
SageMaker's SDK sends it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.reading import Problems, flag, number, one_of, readers, setting, whole
from core.setting_names import meant

#: The linear layers of a Llama block, by transformers' names; Mistral, Qwen, Gemma and SmolLM have the same.
LLAMA_LINEAR_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
#: Layers that LoRA can adapt: those, and the ones of Phi (1 to 3), Falcon and GPT-NeoX. The trainer refuses
#: layers that the job's base lacks; a misspelt name is refused before there is a job.
LINEAR_LAYERS = (
    *LLAMA_LINEAR_LAYERS,
    *("dense", "fc1", "fc2", "qkv_proj", "gate_up_proj"),
    *("query_key_value", "dense_h_to_4h", "dense_4h_to_h"),
)
#: Instead of names: the layers that PEFT's table has for the base's family, or all linear ones.
CHOSEN_LAYERS = ("auto", "all-linear")

#: Tokens that max_input_length -1 stands for, as in JumpStart (less where the model's own limit is lower).
AUTOMATIC_INPUT_LENGTH = 1024
#: The highest max_input_length.
LONGEST_INPUT = 32_768

#: SageMaker's own SDKs add these to every job; they are addressed to their toolkit, not to a program.
SDK_PREFIX = "sagemaker_"

#: Characters of a value that a message quotes.
LONGEST_QUOTE = 200


class HyperparameterError(Problems):
    """One or more settings of the trainer cannot be used."""


def _text(value: object) -> str:
    text = str(value).strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    return text


def _target_modules(text: str) -> tuple[str, ...]:
    if text in CHOSEN_LAYERS:
        return (text,)
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in LINEAR_LAYERS]
    if unknown or not names:
        what = f"no supported base has a layer {', '.join(unknown)}; " if unknown else ""
        raise ValueError(
            f"{what}write {' or '.join(CHOSEN_LAYERS)}, or a comma-separated choice of"
            f" {', '.join(LINEAR_LAYERS)}"
        )
    return tuple(name for name in LINEAR_LAYERS if name in names)


def _task_weights(text: str) -> tuple[tuple[str, float], ...]:
    """``risk=2,forecasting=1``: pairs in the order given."""
    wanted = "write TASK=WEIGHT,TASK=WEIGHT with the dataset's folders and numbers from 0, not all 0"
    weights: dict[str, float] = {}
    for part in text.split(","):
        task, _, number = part.strip().rpartition("=")
        try:
            weight = float(number)
        except ValueError:
            raise ValueError(wanted) from None
        if not task or task in weights or not 0 <= weight < math.inf:
            raise ValueError(wanted)
        weights[task] = weight
    if not any(weights.values()):
        raise ValueError(wanted)
    return tuple(weights.items())


def _column(text: str) -> str:
    if len(text) > LONGEST_QUOTE or "\n" in text:
        raise ValueError("write the name of a column")
    return text


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """Every setting of a fine-tune; the defaults are the product's recipe (JumpStart's for Llama 2 7B).

    ``notices`` names the accepted settings that have no effect here, and why; the trainer logs them.
    """

    # --- the recipe
    epoch: int = setting(whole(1, 1000), 5)
    max_steps: int = setting(whole(0, 10_000_000, minus_one="as many as `epoch` gives"), -1)
    learning_rate: float = setting(number(0, 1, above_low=True), 1e-4)
    lora_r: int = setting(whole(1, 256), 8)
    lora_alpha: float = setting(number(0, 4096, above_low=True), 32.0)
    lora_dropout: float = setting(number(0, 1, below_high=True), 0.05)
    target_modules: tuple[str, ...] = setting(_target_modules, ("q_proj", "v_proj"))
    use_rslora: bool = setting(flag, False)
    use_dora: bool = setting(flag, False)
    per_device_train_batch_size: int = setting(whole(1, 1024), 4)
    gradient_accumulation_steps: int = setting(whole(1, 4096), 1)
    max_input_length: int = setting(
        whole(16, LONGEST_INPUT, minus_one=f"{AUTOMATIC_INPUT_LENGTH} tokens"), -1
    )
    seed: int = setting(whole(0, 2**31 - 1), 10)
    # --- optimizer and schedule; weight_decay as in JumpStart's job
    lr_scheduler_type: str = setting(one_of("linear", "cosine", "constant"), "linear")
    warmup_ratio: float = setting(number(0, 1, below_high=True), 0.03)
    warmup_steps: int = setting(whole(0, 10_000_000, minus_one="as warmup_ratio says"), -1)
    loraplus_lr_ratio: float = setting(number(1, 1000), 1.0)
    weight_decay: float = setting(number(0, 10), 0.1)
    max_grad_norm: float = setting(number(0, 1e6, above_low=True), 1.0)
    # --- data
    validation_split_ratio: float = setting(number(0, 0.9), 0.2)
    train_data_split_seed: int = setting(whole(0, 2**31 - 1), 0)
    max_train_samples: int = setting(whole(1, 2**31 - 1, minus_one="all documents"), -1)
    max_val_samples: int = setting(whole(1, 2**31 - 1, minus_one="all documents"), -1)
    instruction_tuned: bool = setting(flag, False)
    chat_dataset: bool = setting(flag, False)
    add_input_output_demarcation_key: bool = setting(flag, True)
    text_column: str = setting(_column, "")
    prompt_column: str = setting(_column, "")
    completion_column: str = setting(_column, "")
    prompt_truncation: str = setting(one_of("middle", "start", "end"), "middle")
    task_weights: tuple[tuple[str, float], ...] = setting(_task_weights, ())
    # --- the machine
    precision: str = setting(one_of("auto", "bf16", "fp32"), "auto")
    gradient_checkpointing: str = setting(one_of("auto", "true", "false"), "auto")
    save_steps: int = setting(whole(1, 10_000_000, minus_one="once an epoch"), -1)
    enable_fsdp: bool = setting(flag, False)
    int8_quantization: bool = setting(flag, False)
    load_in_4bit: bool = setting(flag, False)
    merge_weights: bool = setting(flag, False)
    # --- evaluation
    eval_steps: int = setting(whole(1, 10_000_000, minus_one="once an epoch"), -1)
    early_stopping_patience: int = setting(whole(1, 1000, minus_one="never"), -1)
    early_stopping_threshold: float = setting(number(0, 100), 0.0)
    per_device_eval_batch_size: int = setting(whole(1, 1024), 4)
    evaluation_items: int = setting(whole(0, 1_000_000, minus_one="every question of every set"), 200)
    max_forgetting: float = setting(number(0, 10), 0.03)
    # --- JumpStart's setting that this trainer does not need
    preprocessing_num_workers: int | None = setting(whole(1, 1024), None)

    notices: tuple[str, ...] = ()

    @property
    def quantized(self) -> bool:
        """Whether the base is kept in int8 or int4."""
        return self.int8_quantization or self.load_in_4bit

    @property
    def input_length(self) -> int:
        """Tokens in a packed row, before the model's own limit is known."""
        return AUTOMATIC_INPUT_LENGTH if self.max_input_length == -1 else self.max_input_length

    def to_strings(self) -> dict[str, str]:
        """The complete settings as SageMaker wants them: every value a string; ``parse`` reads them back."""
        return {name: _to_string(getattr(self, name)) for name in NAMES}


def _to_string(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(item if isinstance(item, str) else "=".join(map(_to_string, item)) for item in value)
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


#: Every name that ``parse`` accepts, in the order of the table above.
NAMES = tuple(readers(Hyperparameters))


def parse(mapping: Mapping[str, Any]) -> Hyperparameters:
    """Read settings as a SageMaker job gets them; what is not named keeps the recipe's value.

    Raises HyperparameterError with a line for every unknown name and every value that cannot be used.
    """
    known = readers(Hyperparameters)
    values: dict[str, Any] = {}
    problems: list[str] = []
    notices: list[str] = []
    for name, raw in mapping.items():
        text = _text(raw)
        if name.startswith(SDK_PREFIX):
            notices.append(f"{name} is meant for SageMaker's own toolkit and has no effect here")
        elif name not in known:
            problems.append(_unknown(name, text))
        elif text not in ("None", "null", ""):
            try:
                values[name] = known[name](text)
            except ValueError as error:
                problems.append(f"{name} is {_quoted(text)}: {error}")
    problems += _contradictions(values)
    if problems:
        raise HyperparameterError(problems)
    if workers := values.get("preprocessing_num_workers"):
        notices.append(
            f"preprocessing_num_workers={workers} has no effect here: the tokenizer already uses all cores"
        )
    return Hyperparameters(**values, notices=tuple(notices))


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    """Return the settings that are valid alone and contradict each other."""
    quantized = [name for name in ("int8_quantization", "load_in_4bit") if values.get(name)]
    problems, pair = [], ("prompt_column", "completion_column")
    for name, other in (pair, pair[::-1]):
        if values.get(name) and not values.get(other):
            problems.append(f"{name} is {_quoted(values[name])}: give {other} as well, or neither")
    if values.get("prompt_column") and values.get("text_column"):
        problems.append("text_column and prompt_column are both given: choose what the records hold")
    if values.get("instruction_tuned") and values.get("chat_dataset"):
        problems.append("instruction_tuned and chat_dataset are both 'True': choose what the records hold")
    if len(quantized) > 1:
        problems.append("int8_quantization and load_in_4bit are both 'True': choose one")
    if quantized and values.get("enable_fsdp"):
        problems.append(
            f"enable_fsdp is 'True': a base with {quantized[0]} cannot be sharded; set one of them to False"
        )
    return problems


def _unknown(name: str, text: str) -> str:
    likely = meant(name, NAMES)
    hint = f"did you mean {likely}?" if likely else f"known names: {', '.join(NAMES)}"
    return f"{_quoted(name)[1:-1]} is {_quoted(text)}: there is no such setting; {hint}"


def _quoted(text: str) -> str:
    """A value as a message shows it: the beginning of a long one."""
    return repr(text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…")
