"""Lets a model continue prompts in batches, greedily or sampled with a fixed seed."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import torch

from training.data.tokenizer import Tokenizer
from training.evaluation.asks import TEMPERATURE, TOP_P, Prompt
from training.host.distributed import World
from training.model.model import AdaptedModel

#: Positions of one batch, new ones included, for each unit of per_device_eval_batch_size. Llama 2 7B keeps
#: half a megabyte of keys and values a position: 4 GiB at the default of 4.
POSITIONS_PER_BATCH = 2048


class Writer:
    """Continues prompts with one tokenizer, shared out over all processes.

    ``truncated`` counts the different prompts that were cut at the start to fit the model's context.
    """

    def __init__(
        self, tokenizer: Tokenizer, *, seed: int, batch_size: int, world: World, on_batch: Callable[[], None]
    ) -> None:
        self._tokenizer, self._seed, self._world, self._on_batch = tokenizer, seed, world, on_batch
        self._positions = batch_size * POSITIONS_PER_BATCH
        self.truncated = 0

    def write(self, model: AdaptedModel, prompts: Sequence[Prompt], *, adapter: bool) -> dict[Prompt, str]:
        """Each prompt's continuation, without the prompt; ``adapter`` False = the base."""
        encoded = [(prompt, self._encode(prompt, model.max_positions)) for prompt in dict.fromkeys(prompts)]
        self.truncated = sum(cut for _, (_, cut) in encoded)
        batches = list(self._batches([(prompt, tokens) for prompt, (tokens, _) in encoded]))
        mine = self._world.share(batches)
        written: dict[Prompt, str] = {}
        with model.evaluating(adapter=adapter):
            for turn in range(-(-len(batches) // self._world.size)):
                self._on_batch()
                # As in scoring: a process that has no batch left repeats one, since the others wait for it.
                written |= self._write(model, mine[turn] if turn < len(mine) else batches[0])
        return {prompt: text for part in self._world.gather(written) for prompt, text in part.items()}

    def _encode(self, prompt: Prompt, positions: int) -> tuple[list[int], bool]:
        """(tokens, whether it was cut); what is cut is the middle, between the start mark and the end."""
        (tokens,) = self._tokenizer.encode_prompts([prompt.text])
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
        kind = batch[0][0]
        ends = [*model.end_marks, *self._tokenizer.end_marks, *(self._line_ends if kind.one_line else ())]
        pad, width = self._tokenizer.pad_token_id, max(len(tokens) for _, tokens in batch)
        ids = torch.tensor([[pad] * (width - len(tokens)) + tokens for _, tokens in batch])
        real = torch.tensor([[0] * (width - len(tokens)) + [1] * len(tokens) for _, tokens in batch])
        torch.manual_seed(self._seed)
        rows = model.generate(
            ids.to(model.device),
            real.to(model.device),
            max_new_tokens=kind.new_tokens,
            do_sample=kind.sampled,
            temperature=TEMPERATURE if kind.sampled else 1.0,
            top_p=TOP_P if kind.sampled else 1.0,
            pad_token_id=pad,
            eos_token_id=sorted(set(ends)) or None,
        )
        written = (_until(row, ends) for row in rows[:, width:].tolist())
        texts = (self._tokenizer.decode(row).strip() for row in written)
        return {prompt: text for (prompt, _), text in zip(batch, texts, strict=True)}

    @cached_property
    def _line_ends(self) -> list[int]:
        """The tokens that end a line."""
        return [token for token in range(len(self._tokenizer)) if "\n" in self._tokenizer.decode([token])]


def _until(row: Sequence[int], ends: Sequence[int]) -> list[int]:
    """The tokens of a row up to the first that ends it, and that one; what follows is padding."""
    end = next((place for place, token in enumerate(row) if token in ends), len(row))
    return list(row[: end + 1])
