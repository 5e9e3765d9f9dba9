"""Lets a model continue prompts in batches, greedily or sampled with a fixed seed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from training.data.tokenizer import Tokenizer
from training.evaluation.asks import TEMPERATURE, TOP_P, Prompt
from training.host.distributed import World
from training.model.model import AdaptedModel

#: Positions of one batch, new ones included, for each unit of per_device_eval_batch_size. Llama 2 7B keeps
#: half a megabyte of keys and values a position: 4 GiB at the default of 4.
POSITIONS_PER_BATCH = 2048
#: Prompts that begin with as many equal tokens, such as questions on one text, have them read once.
FEWEST_SHARED = 32


@dataclass(frozen=True, slots=True)
class _Row:
    """A prompt whose first ``shared`` tokens may be read once for it and its neighbours."""

    prompt: Prompt
    tokens: list[int]
    shared: int


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
        batches = list(self._batches({prompt: tokens for prompt, (tokens, _) in encoded}))
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

    def _batches(self, encoded: Mapping[Prompt, list[int]]) -> Iterator[list[_Row]]:
        """Prompts of one kind and of similar length, longest first, as many as memory is set aside for."""
        kinds: dict[tuple[int, bool, bool], dict[Prompt, list[int]]] = {}
        for prompt, tokens in encoded.items():
            kinds.setdefault((prompt.new_tokens, prompt.sampled, prompt.one_line), {})[prompt] = tokens
        for (new_tokens, _, _), group in kinds.items():
            batch: list[_Row] = []
            for row in _rows(group):
                if (len(batch) + 1) * (sum(_widths([*batch, row])) + new_tokens) > self._positions and batch:
                    yield batch
                    batch = []
                batch.append(row)
            yield batch

    def _write(self, model: AdaptedModel, batch: Sequence[_Row]) -> dict[Prompt, str]:
        kind, pad = batch[0].prompt, self._tokenizer.pad_token_id
        ends = [*model.end_marks, *self._tokenizer.end_marks, *(self._line_ends if kind.one_line else ())]
        beginning, rest = _widths(batch)
        ids = torch.full((len(batch), beginning + rest), pad)
        real = torch.zeros_like(ids)
        for place, row in enumerate(batch):
            for part, end in (
                (row.tokens[: row.shared], beginning),
                (row.tokens[row.shared :], beginning + rest),
            ):
                ids[place, end - len(part) : end] = torch.tensor(part)
                real[place, end - len(part) : end] = 1
        torch.manual_seed(self._seed)
        rows = model.generate(
            ids.to(model.device),
            real.to(model.device),
            beginning=beginning,
            max_new_tokens=kind.new_tokens,
            do_sample=kind.sampled,
            temperature=TEMPERATURE if kind.sampled else 1.0,
            top_p=TOP_P if kind.sampled else 1.0,
            pad_token_id=pad,
            eos_token_id=sorted(set(ends)) or None,
        )
        written = (_until(row, ends) for row in rows[:, ids.shape[1] :].tolist())
        texts = (self._tokenizer.decode(row).strip() for row in written)
        return {row.prompt: text for row, text in zip(batch, texts, strict=True)}

    @cached_property
    def _line_ends(self) -> list[int]:
        """The tokens that end a line."""
        return [token for token in range(len(self._tokenizer)) if "\n" in self._tokenizer.decode([token])]


def _until(row: Sequence[int], ends: Sequence[int]) -> list[int]:
    """The tokens of a row up to the first that ends it, and that one; what follows is padding."""
    end = next((place for place, token in enumerate(row) if token in ends), len(row))
    return list(row[: end + 1])


def _rows(encoded: Mapping[Prompt, list[int]]) -> list[_Row]:
    """Prompts with the same beginning side by side, the longest first; none share if no two do."""
    families: list[list[Prompt]] = []
    shared: list[int] = []
    for prompt in sorted(encoded, key=lambda prompt: encoded[prompt]):
        tokens = encoded[prompt]
        same = alike(encoded[families[-1][0]][: shared[-1]], tokens[:-1]) if families else 0
        if same >= max(FEWEST_SHARED, shared[-1] // 2 if shared else 0):
            families[-1].append(prompt)
            shared[-1] = same
        else:
            families.append([prompt])
            shared.append(len(tokens) - 1)
    alone = len(families) == len(encoded)
    order = sorted(range(len(families)), key=lambda n: -max(len(encoded[prompt]) for prompt in families[n]))
    return [_Row(p, encoded[p], 0 if alone else shared[n]) for n in order for p in families[n]]


def alike(first: Sequence[int], second: Sequence[int]) -> int:
    """With how many equal tokens two rows begin."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(first), len(second)))


def _widths(batch: Sequence[_Row]) -> tuple[int, int]:
    """Columns for what is shared, and for what stands behind it."""
    return max(row.shared for row in batch), max(len(row.tokens) - row.shared for row in batch)
