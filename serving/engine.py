"""The model: a Llama in Hugging Face layout, its LoRA adapters, and text token by token.

Not for several threads at once: adapters are switched on the one model. `worker` sees to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from serving import adapters
from serving.requests import Generation, RequestError
from serving.settings import Settings

CONTEXT_TOKENS = 4  # of the prompt, decoded along with an answer so that its first token keeps its blank
#: A folder may name Python files of its own; transformers would ask on the terminal whether to run them.
OWN_CODE_ONLY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
#: The largest shape that is built: a settings file may claim any, and building takes time before weights do.
MOST_LAYERS, MOST_WIDTH, MOST_TOKENS = 512, 65_536, 1 << 20
UNFINISHED = "\N{REPLACEMENT CHARACTER}"  # what half of a character decodes to


@dataclass(frozen=True)
class Token:
    """A piece of the answer. The last one says why it is the last."""

    text: str
    token_id: int | None
    finish_reason: str | None = None  # "eos_token", "stop_sequence", "length"


class ModelError(Exception):
    """The model cannot be loaded; the message says why and where."""


class Engine:
    """A loaded model with its adapters."""

    def __init__(self, settings: Settings) -> None:
        """Load the model of `settings.model_dir`, and the adapters in its `adapters/` if there are any.

        Raises:
            ModelError: if there is none that can be loaded.
        """
        torch.set_num_threads(settings.threads)
        self._settings = settings
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        folder = settings.model_dir
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, **OWN_CODE_ONLY)
            _require_bounds(AutoConfig.from_pretrained(folder, **OWN_CODE_ONLY))
            self._model: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                **OWN_CODE_ONLY,
                use_safetensors=True,  # the other format is pickles, which may run a stranger's code
                # a CPU computes bfloat16 slowly, and small models fit either way
                dtype=torch.bfloat16 if self._device.type == "cuda" else torch.float32,
            )
        except Exception as error:  # which ones broken files lead to has no end
            raise ModelError(f"The model in {folder} cannot be loaded: {error}") from error
        self._model = self._model.to(self._device).eval()
        self._eos = self._end_tokens()
        longest = int(getattr(self._model.config, "max_position_embeddings", 2048))
        self.max_model_len = min(longest, settings.max_model_len or longest)
        longest_token = max((len(token) for token in self._tokenizer.get_vocab()), default=1)
        self._most_characters = self.max_model_len * longest_token
        self._linear_layers = [
            name for name, layer in self._model.named_modules() if isinstance(layer, torch.nn.Linear)
        ]
        self.adapters: list[str] = []
        for adapter in sorted((folder / "adapters").glob("*/adapter_config.json")):
            try:
                self.add_adapter(adapter.parent.name, adapter.parent)
            except RequestError as error:
                raise ModelError(error.message) from error

    # ---- adapters ------------------------------------------------------------------------------------------

    def add_adapter(self, name: str, folder: Path) -> None:
        """Load a PEFT LoRA adapter.

        Raises:
            RequestError: 400 if it cannot be loaded, 409 for a name that is taken, 507 when there are too
            many.
        """
        if not self._settings.enable_lora:
            raise RequestError(400, "This server takes no adapters: OPTION_ENABLE_LORA is false.")
        if name in self.adapters:
            raise RequestError(409, f"Adapter {name} is loaded already; delete it first.")
        if len(self.adapters) >= self._settings.max_loras:
            raise RequestError(
                507,
                f"There are {len(self.adapters)} adapters, as many as OPTION_MAX_LORAS allows. "
                "Delete one first.",
            )
        try:
            config = adapters.read_config(
                folder, most_rank=self._settings.max_lora_rank, layers=self._linear_layers
            )
            self._model = adapters.add(self._model, _module_name(name), folder, config)
        except adapters.AdapterError as error:
            raise RequestError(400, f"Adapter {name} cannot be loaded: {error}") from error
        self.adapters.append(name)

    def remove_adapter(self, name: str) -> None:
        """Unload an adapter.

        Raises:
            RequestError: 404 if it is not loaded.
        """
        self._require(name)
        self.adapters.remove(name)
        self._model = adapters.remove(self._model, _module_name(name))

    def _require(self, name: str) -> None:
        if name not in self.adapters:
            loaded = ", ".join(self.adapters) or "none"
            raise RequestError(404, f"Adapter {name} is not loaded; loaded: {loaded}.")

    # ---- text ----------------------------------------------------------------------------------------------

    def generate(self, asked: Generation) -> Iterator[Token]:
        """The answer, token by token; the last token has a finish_reason.

        Raises:
            RequestError: 404 for an unknown adapter, 422 for a prompt that does not fit.
        """
        if asked.adapter:
            self._require(asked.adapter)
        prompt = self.prompt_ids(asked)
        with self._only(asked.adapter):
            yield from _stopped(self._pieces(prompt, asked), asked.stop)

    def prompt_ids(self, asked: Generation) -> list[int]:
        """The prompt in tokens.

        Raises:
            RequestError: 422 where it is empty, or does not fit together with the answer.
        """
        if len(asked.prompt) > self._most_characters:  # cutting into tokens takes time and memory
            raise RequestError(
                422,
                f"The prompt has {len(asked.prompt)} characters; that is more than the"
                f" {self.max_model_len} tokens which the model takes can hold. Shorten it.",
            )
        prompt = self._tokenizer(asked.prompt)["input_ids"]
        if not prompt:
            raise RequestError(422, "The prompt has no tokens.")
        if len(prompt) + asked.max_new_tokens > self.max_model_len:
            raise RequestError(
                422,
                f"The prompt has {len(prompt)} tokens; with max_new_tokens {asked.max_new_tokens} that is "
                f"more than the "
                f"{self.max_model_len} which the model takes. Shorten one of them.",
            )
        return list(prompt)

    def _only(self, adapter: str | None) -> AbstractContextManager[Any]:
        """The model with that adapter alone, or with none."""
        if adapter:
            self._model.set_adapter(_module_name(adapter))
            return nullcontext()
        if not self.adapters:
            return nullcontext()
        switched_off: AbstractContextManager[Any] = self._model.disable_adapter()
        return switched_off

    def _pieces(self, prompt: list[int], asked: Generation) -> Iterator[Token]:
        answer: list[int] = []
        told = ""
        for token_id in self._token_ids(prompt, asked):
            ended = token_id in self._eos
            if not ended:
                answer.append(token_id)
            text = self._answer_text(prompt, answer)
            last = ended or len(answer) == asked.max_new_tokens
            if text.endswith(UNFINISHED) and not last:
                continue  # the rest of the character comes with the next token
            reason = ("eos_token" if ended else "length") if last else None
            yield Token(text[len(told) :], None if ended else token_id, reason)
            told = text
            if last:
                return

    @torch.inference_mode()
    def _token_ids(self, prompt: list[int], asked: Generation) -> Iterator[int]:
        generator = None
        if asked.do_sample:
            generator = torch.Generator("cpu")
            _ = generator.manual_seed(asked.seed) if asked.seed is not None else generator.seed()
        seen = list(prompt)
        inputs = torch.tensor([prompt], device=self._device)
        cache = None
        while True:
            output = self._model(input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = output.past_key_values
            token_id = choose(output.logits[0, -1].float().cpu(), seen, asked, generator)
            yield token_id
            seen.append(token_id)
            inputs = torch.tensor([[token_id]], device=self._device)

    def _answer_text(self, prompt: list[int], answer: list[int]) -> str:
        context = prompt[-CONTEXT_TOKENS:]
        before = self._tokenizer.decode(context, skip_special_tokens=True)
        both = self._tokenizer.decode(context + answer, skip_special_tokens=True)
        return str(both[len(before) :])

    def _end_tokens(self) -> set[int]:
        configured = getattr(self._model.generation_config, "eos_token_id", None)
        ids = configured if isinstance(configured, list) else [configured]
        return {int(i) for i in [*ids, self._tokenizer.eos_token_id] if i is not None}


def choose(
    logits: torch.Tensor, seen: list[int], asked: Generation, generator: torch.Generator | None
) -> int:
    """The next token of one sequence.

    Args:
        logits: [vocabulary], float, on the CPU.
        seen: token ids of the prompt and the answer so far, for the repetition penalty.
        generator: randomness when sampling; None takes the most likely token.
    """
    if asked.repetition_penalty != 1.0:  # as in CTRL (Keskar et al., 2019)
        ids = torch.tensor(sorted(set(seen)))
        values = logits[ids]
        logits = logits.clone()
        logits[ids] = torch.where(
            values > 0, values / asked.repetition_penalty, values * asked.repetition_penalty
        )
    if generator is None:
        return int(logits.argmax())
    logits = logits / asked.temperature
    if 0 < asked.top_k < logits.numel():
        least = logits.topk(asked.top_k).values[-1]
        logits = logits.masked_fill(logits < least, float("-inf"))
    probabilities, order = logits.softmax(-1).sort(descending=True)
    # keep the smallest set whose probability reaches top_p: all tokens before which less than that has come
    kept = probabilities.cumsum(0) - probabilities < asked.top_p
    return int(order[torch.multinomial(probabilities * kept, 1, generator=generator)])


def _stopped(pieces: Iterator[Token], stops: tuple[str, ...]) -> Iterator[Token]:
    """Cut the answer before the first stop text; text that may be the beginning of one waits for what
    follows."""
    if not stops:
        yield from pieces
        return
    waiting = ""
    for piece in pieces:
        waiting += piece.text
        found = min((at for at in (waiting.find(stop) for stop in stops) if at >= 0), default=None)
        if found is not None:
            yield Token(waiting[:found], piece.token_id, "stop_sequence")
            return
        held = 0 if piece.finish_reason else _beginning_of_a_stop(waiting, stops)
        yield Token(waiting[: len(waiting) - held], piece.token_id, piece.finish_reason)
        waiting = waiting[len(waiting) - held :]


def _beginning_of_a_stop(text: str, stops: tuple[str, ...]) -> int:
    """How many characters at the end of `text` may begin a stop text."""
    longest = max(len(stop) for stop in stops) - 1
    sizes = range(min(longest, len(text)), 0, -1)
    return next((size for size in sizes if any(stop.startswith(text[-size:]) for stop in stops)), 0)


def _require_bounds(config: Any) -> None:
    """Raise ValueError for a model whose settings file claims a shape that no model has."""
    shape = config.get_text_config()
    for name, most in (
        ("num_hidden_layers", MOST_LAYERS),
        ("hidden_size", MOST_WIDTH),
        ("intermediate_size", 8 * MOST_WIDTH),
        ("vocab_size", MOST_TOKENS),
    ):
        claimed = getattr(shape, name, 0) or 0
        if not isinstance(claimed, int) or claimed > most:
            raise ValueError(f"config.json says {name} {claimed!r:.40}; at most {most:,} is served")


def _module_name(adapter: str) -> str:
    """PEFT keeps adapters by name in a ModuleDict, where some names ("keys", "items") are taken."""
    return f"adapter-{adapter}"
