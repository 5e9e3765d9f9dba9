"""What a model writes: prompts continued in batches, greedily or sampled with a fixed seed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from training.distributed import World
from training.evaluation.asks import TEMPERATURE, TOP_P, Prompt
from training.model import AdaptedModel

#: Positions of one batch, new ones included, for each unit of per_device_eval_batch_size. Llama 2 7B keeps
#: half a megabyte of keys and values a position: 4 GiB at the default of 4.
POSITIONS_PER_BATCH = 2048


class Writer:
    """Continues prompts with one tokenizer, shared out over all processes.

    ``truncated`` counts the different prompts that were cut at the start to fit the model's context.
    """

    def __init__(
        self, tokenizer: Any, *, seed: int, batch_size: int, world: World, on_batch: Callable[[], None]
    ) -> None:
        self._tokenizer, self._seed, self._world, self._on_batch = tokenizer, seed, world, on_batch
        self._positions = batch_size * POSITIONS_PER_BATCH
        self._line_ends: torch.Tensor | None = None
        self.truncated = 0

    def write(self, model: AdaptedModel, prompts: Sequence[Prompt], *, adapter: bool) -> dict[Prompt, str]:
        """Each prompt's continuation, without the prompt; ``adapter`` False = the base."""
        encoded = [(prompt, self._encode(prompt, model.max_positions)) for prompt in dict.fromkeys(prompts)]
        self.truncated = sum(cut for _, (_, cut) in encoded)
        batches = list(self._batches([(prompt, tokens) for prompt, (tokens, _) in encoded]))
        mine = self._world.share(batches)
        written: dict[Prompt, str] = {}
        with model.evaluating(adapter=adapter), torch.no_grad():
            for turn in range(-(-len(batches) // self._world.size)):
                self._on_batch()
                # As in scoring: a process without a batch of its own left repeats one for the others' sake.
                written |= self._write(model, mine[turn] if turn < len(mine) else batches[0])
        return {prompt: text for part in self._world.gather(written) for prompt, text in part.items()}

    def _encode(self, prompt: Prompt, positions: int) -> tuple[list[int], bool]:
        """(tokens, whether it was cut); what is cut is the middle, between the start mark and the end."""
        tokens: list[int] = self._tokenizer(prompt.text, verbose=False)["input_ids"]
        room = max(positions - prompt.new_tokens, 2)
        return (tokens, False) if len(tokens) <= room else (tokens[:1] + tokens[1 - room :], True)

    def _batches(self, encoded: list[tuple[Prompt, list[int]]]) -> Iterator[list[tuple[Prompt, list[int]]]]:
        """Prompts of one kind and of similar length, longest first, as many as memory is set aside for."""
        kinds: dict[tuple[int, bool, bool], list[tuple[Prompt, list[int]]]] = {}
        for prompt, tokens in encoded:
            kind = (prompt.new_tokens, prompt.sampled, prompt.one_line)
            kinds.setdefault(kind, []).append((prompt, tokens))
        for (new_tokens, _, _), group in kinds.items():
            group.sort(key=lambda entry: -len(entry[1]))
            start = 0
            while start < len(group):
                size = max(self._positions // (len(group[start][1]) + new_tokens), 1)
                yield group[start : start + size]
                start += size

    def _write(self, model: AdaptedModel, batch: list[tuple[Prompt, list[int]]]) -> dict[Prompt, str]:
        tokenizer, kind = self._tokenizer, batch[0][0]
        pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        width = max(len(tokens) for _, tokens in batch)
        ids = torch.tensor([[pad] * (width - len(tokens)) + tokens for _, tokens in batch])
        mask = torch.tensor([[0] * (width - len(tokens)) + [1] * len(tokens) for _, tokens in batch])
        options: dict[str, Any] = {"do_sample": False}
        if kind.sampled:
            options = {"do_sample": True, "temperature": TEMPERATURE, "top_p": TOP_P, "top_k": 0}
        if kind.one_line:
            options["stopping_criteria"] = StoppingCriteriaList([_AtLineEnd(self._ends(model.device))])
        torch.manual_seed(self._seed)
        with torch.autocast(model.device.type, model.precision, enabled=model.precision != torch.float32):
            rows = model.model.generate(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                max_new_tokens=kind.new_tokens,
                pad_token_id=pad,
                use_cache=True,
                synced_gpus=model.sharded,
                **options,
            )
        texts = (tokenizer.decode(row[width:], skip_special_tokens=True).strip() for row in rows)
        return {prompt: text for (prompt, _), text in zip(batch, texts, strict=True)}

    def _ends(self, device: torch.device) -> torch.Tensor:
        """The tokens that end a line."""
        if self._line_ends is None:
            pieces = self._tokenizer.batch_decode([[token] for token in range(len(self._tokenizer))])
            ends = [token for token, piece in enumerate(pieces) if "\n" in piece]
            self._line_ends = torch.tensor(ends, dtype=torch.int64)
        return self._line_ends.to(device)


class _AtLineEnd(StoppingCriteria):  # type: ignore[misc]
    """Ends the rows whose newest token ends a line."""

    def __init__(self, line_ends: torch.Tensor) -> None:
        self._line_ends = line_ends

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        return torch.isin(input_ids[:, -1], self._line_ends)
