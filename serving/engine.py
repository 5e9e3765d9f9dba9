"""The model: a causal language model in Hugging Face layout, its LoRA adapters, and text token by token.

One thread at a time may use it, because adapters are switched on the one model; `worker` keeps to that.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    StoppingCriteriaList,
)

from serving import adapters
from serving.requests import Generation, RequestError
from serving.settings import Settings

CONTEXT_TOKENS = 4  # of the prompt, decoded along with an answer so that its first token keeps its blank
#: A folder may bring Python files; transformers would ask on the terminal whether to run them.
OWN_CODE_ONLY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
#: The largest shape that is built: a settings file may claim any, and building takes time before weights do.
MOST_LAYERS, MOST_EXPERTS, MOST_WIDTH, MOST_TOKENS = 512, 1024, 65_536, 1 << 20
NUMBERS_A_BYTE = 2  # of quantized weights; others have fewer
UNFINISHED = "\N{REPLACEMENT CHARACTER}"  # what half of a character decodes to


@dataclass(frozen=True)
class Token:
    """A piece of the answer. The last one says why it is the last."""

    text: str
    token_id: int | None
    finish_reason: str | None = None  # "eos_token", "stop_sequence", "length"


class Sink(Protocol):
    """The receiver of an answer, token by token."""

    @property
    def cancelled(self) -> bool: ...

    def put(self, piece: Token) -> None: ...


class ModelError(Exception):
    """The model cannot be loaded; the message says why and where."""


SAMPLING = ("temperature", "top_k", "top_p", "repetition_penalty")


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
            _require_bounds(AutoConfig.from_pretrained(folder, **OWN_CODE_ONLY), folder)
            self._model: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                **OWN_CODE_ONLY,
                use_safetensors=True,  # the other format is pickles, which may run a stranger's code
                # a CPU computes bfloat16 slowly, and small models fit either way
                dtype=torch.bfloat16 if self._device.type == "cuda" else torch.float32,
            )
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # what broken files lead to has no end; Rust's panics are no Exception
            raise ModelError(f"The model in {folder} cannot be loaded: {error}") from error
        self._model = self._model.to(self._device).eval()
        self._eos = self._end_tokens()
        # As vLLM does: what a request leaves out is what generation_config.json says, if anything.
        said = self._model.generation_config.to_diff_dict()
        self.sampling: dict[str, float] = {
            name: said[name] for name in SAMPLING if said.get(name) is not None
        }
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

    def generate(self, asked: Generation, answer: Sink) -> None:
        """Put the answer into ``answer``, token by token; the last token has a finish_reason.

        Raises:
            RequestError: 404 for an unknown adapter, 422 for a prompt that does not fit.
        """
        if asked.adapter:
            self._require(asked.adapter)
        prompt = self.prompt_ids(asked)
        pieces = Pieces(self._tokenizer, prompt, self._eos, asked, answer)
        inputs = torch.tensor([prompt], device=self._device)
        _ = torch.seed() if asked.seed is None else torch.manual_seed(asked.seed)
        with self._only(asked.adapter):
            self._model.generate(
                input_ids=inputs,
                attention_mask=torch.ones_like(inputs),
                generation_config=_generation_config(asked),
                stopping_criteria=StoppingCriteriaList([pieces]),
            )

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
                f"more than the {self.max_model_len} which the model takes. Shorten one of them.",
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

    def _end_tokens(self) -> set[int]:
        configured = getattr(self._model.generation_config, "eos_token_id", None)
        ids = configured if isinstance(configured, list) else [configured]
        return {int(i) for i in [*ids, self._tokenizer.eos_token_id] if i is not None}


class Pieces:
    """Turns tokens into pieces of text as transformers' ``generate`` makes them, and tells it when to stop.

    It is a stopping criterion and no streamer: which of the two ``generate`` asks first differs between
    versions, and a token after the end would cost a pass. The answer is cut before the first stop text; text
    that may be the beginning of one waits for what follows.
    """

    def __init__(
        self, tokenizer: Any, prompt: list[int], eos: set[int], asked: Generation, answer: Sink
    ) -> None:
        self._tokenizer = tokenizer
        self._context = prompt[-CONTEXT_TOKENS:]
        self._eos = eos
        self._asked = asked
        self._answer = answer
        self._ids: list[int] = []
        self._sent = 0  # characters of the answer that the client has

    def __call__(self, ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """Take the sequence so far, [1, T]; True where the answer has its end or its reader has gone."""
        over = self._answer.cancelled or self._take(int(ids[0, -1]))
        return torch.full((1,), over, device=ids.device)

    def _take(self, token_id: int) -> bool:
        """Send what this token adds to the text; True if it was the last one."""
        at_end = token_id in self._eos
        if not at_end:
            self._ids.append(token_id)
        reason = "eos_token" if at_end else "length" if len(self._ids) == self._asked.max_new_tokens else None
        text = self._text()
        if text.endswith(UNFINISHED) and reason is None:
            return False  # the rest of the character comes with the next token
        ready = len(text) - (0 if reason else _beginning_of_a_stop(text[self._sent :], self._asked.stop))
        found = [at for stop in self._asked.stop if (at := text.find(stop, self._sent)) >= 0]
        if found:
            ready, reason = min(found), "stop_sequence"
        self._answer.put(Token(text[self._sent : ready], None if at_end else token_id, reason))
        self._sent = ready
        return reason is not None

    def _text(self) -> str:
        """The answer so far, decoded behind the prompt's end so that its first token keeps its blank."""
        before = self._tokenizer.decode(self._context, skip_special_tokens=True)
        both = self._tokenizer.decode(self._context + self._ids, skip_special_tokens=True)
        return str(both[len(before) :])


def _generation_config(asked: Generation) -> GenerationConfig:
    """The request's parameters as transformers names them; the model's own ones are not used."""
    sampling = {"temperature": asked.temperature, "top_k": asked.top_k, "top_p": asked.top_p}
    return GenerationConfig(
        max_new_tokens=asked.max_new_tokens,
        do_sample=asked.do_sample,
        repetition_penalty=asked.repetition_penalty,
        use_cache=True,
        **(sampling if asked.do_sample else {}),
    )


def _beginning_of_a_stop(text: str, stops: tuple[str, ...]) -> int:
    """The number of characters at the end of `text` that may begin a stop text."""
    longest = max(map(len, stops), default=1) - 1
    sizes = range(min(longest, len(text)), 0, -1)
    return next((size for size in sizes if any(stop.startswith(text[-size:]) for stop in stops)), 0)


def _require_bounds(config: Any, folder: Path) -> None:
    """Raise ValueError for a settings file that claims a shape that no model has, or not these weights."""
    shape = config.get_text_config()
    for name, most in (
        ("num_hidden_layers", MOST_LAYERS),
        ("num_local_experts", MOST_EXPERTS),
        ("num_experts", MOST_EXPERTS),
        ("n_routed_experts", MOST_EXPERTS),
        ("hidden_size", MOST_WIDTH),
        ("intermediate_size", 8 * MOST_WIDTH),
        ("vocab_size", MOST_TOKENS),
    ):
        claimed = getattr(shape, name, 0) or 0
        if not isinstance(claimed, int) or claimed > most:
            raise ValueError(f"config.json says {name} {claimed!r:.40}; at most {most:,} is served")
    with torch.device("meta"):  # takes no memory, as loading would
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    numbers = sum(parameter.numel() for parameter in model.parameters())
    held = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    if numbers > held * NUMBERS_A_BYTE:
        raise ValueError(
            f"config.json is of a model of {numbers:,} numbers, and the weights have {held:,} bytes"
        )


def _module_name(adapter: str) -> str:
    """PEFT keeps adapters by name in a ModuleDict, where some names ("keys", "items") are taken."""
    return f"adapter-{adapter}"
