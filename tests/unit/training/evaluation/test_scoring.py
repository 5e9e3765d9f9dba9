"""Likelihoods and continuations: those of transformers itself, though packed and batched."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from core.hyperparameters import parse
from training.data.packing import Scored, TokenizedDocument
from training.data.tokenizer import Tokenizer, load_tokenizer
from training.evaluation.asks import Continuation, Prompt
from training.evaluation.generation import Writer
from training.evaluation.items import paragraphs
from training.evaluation.measure import encode
from training.evaluation.scores import Score
from training.evaluation.scoring import score
from training.host.distributed import World
from training.model.model import AdaptedModel

ALONE = World(0, 1, torch.device("cpu"))
TEXTS = [text[:40] for text in paragraphs("general.txt")[:6]]
CHOICES = [
    Continuation(prompt, f" {choice}")
    for prompt in ("Question: Which one?\nAnswer:", "Net revenue rose by")
    for choice in ("12 percent", "no", "a lease liability")
]


@pytest.fixture(scope="module")
def model(weights: Path) -> AdaptedModel:
    """The tiny model with an adapter that changes what it says."""
    settings = parse({"precision": "fp32", "lora_dropout": "0"})
    adapted = AdaptedModel(weights, settings, ALONE.device)
    torch.manual_seed(1)
    for name, parameter in adapted.adapter.items():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    return adapted


@pytest.fixture(scope="module")
def tokenizer(weights: Path) -> Tokenizer:
    return load_tokenizer(weights)


def scores(
    model: AdaptedModel, tokenizer: Tokenizer, asks: list[Continuation], *, adapter: bool
) -> list[Score]:
    encoded = encode(asks, tokenizer)
    return score(model, encoded, adapter=adapter, length=64, batch_size=3, world=ALONE)


@pytest.mark.parametrize(
    "texts", [[Continuation("", text) for text in TEXTS], CHOICES], ids=["texts", "choices"]
)
def test_likelihoods_are_those_of_transformers_to_one_in_ten_thousand(
    model: AdaptedModel, tokenizer: Tokenizer, weights: Path, texts: list[Continuation]
) -> None:
    plain = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32).eval()
    for ask, result in zip(texts, scores(model, tokenizer, texts, adapter=False), strict=True):
        ids = torch.tensor(tokenizer.encode_prompts([ask.prompt + ask.text]))
        prompt = len(tokenizer.encode_prompts([ask.prompt])[0])
        labels = ids.clone()
        labels[:, :prompt] = -100
        with torch.no_grad():
            loss = plain(input_ids=ids, labels=labels).loss.item()
        assert result.tokens == ids.shape[1] - prompt
        assert result.nats / result.tokens == pytest.approx(loss, abs=1e-4)
        assert result.bytes == len(ask.text.encode())


def test_the_tuned_likelihoods_are_other_ones(model: AdaptedModel, tokenizer: Tokenizer) -> None:
    base, tuned = (scores(model, tokenizer, CHOICES, adapter=adapter) for adapter in (False, True))
    assert all(abs(a.nats - b.nats) > 1e-3 for a, b in zip(base, tuned, strict=True))


def test_a_score_does_not_depend_on_what_else_is_asked(model: AdaptedModel, tokenizer: Tokenizer) -> None:
    together = scores(model, tokenizer, CHOICES, adapter=True)
    for ask, result in zip(CHOICES, together, strict=True):
        (alone,) = scores(model, tokenizer, [ask], adapter=True)
        assert alone.nats == pytest.approx(result.nats, abs=1e-4)
    assert encode([], tokenizer) == []


@pytest.mark.parametrize(("length", "tokens"), [(16, 2 + 12 + 4), (8, 2 + 4 + 2 + 6 + 2 + 2 + 4)])
def test_a_prompt_that_several_continue_is_read_once_for_each_row(
    model: AdaptedModel, monkeypatch: pytest.MonkeyPatch, length: int, tokens: int
) -> None:
    documents = [
        Scored(TokenizedDocument(0, [0, 5, 6, *end], first), 3)
        for end, first in (([7], 3), ([8], 3), ([9], 2), ([9, 8], 3), ([9, 7], 3), ([10], 3))
    ]

    def scored(some: list[Scored]) -> list[float]:
        found = score(model, some, adapter=True, length=length, batch_size=2, world=ALONE)
        assert [each.tokens for each in found] == [each.document.targets for each in some]
        return [each.nats for each in found]

    alone = [scored([document])[0] for document in documents]
    read: list[int] = []
    forward = model.hidden
    monkeypatch.setattr(model, "hidden", lambda batch: read.append(batch.tokens) or forward(batch))
    assert scored(documents) == pytest.approx(alone, abs=1e-4)
    assert sum(read) == tokens


def writer(tokenizer: Tokenizer, world: World = ALONE) -> Writer:
    return Writer(tokenizer, seed=10, batch_size=1, world=world, on_batch=lambda: None)


def test_batched_continuations_are_those_written_alone(model: AdaptedModel, tokenizer: Tokenizer) -> None:
    prompts = [Prompt(text, 6) for text in ("Net", "Net revenue rose by 4 percent", "Credit losses of", "a")]
    together = writer(tokenizer).write(model, prompts, adapter=True)
    for prompt in prompts:
        assert writer(tokenizer).write(model, [prompt], adapter=True) == {prompt: together[prompt]}


def test_prompts_that_begin_alike_have_their_beginning_read_once(
    model: AdaptedModel, tokenizer: Tokenizer
) -> None:
    text = "Net revenue rose by 4 percent, and the margin fell. " * 4
    asked = ("Why?", "Which of the segments grew most of all?", "By how much?", "No")
    prompts = [Prompt(text + question, 6) for question in asked]
    prompts += [Prompt("Credit losses of the bank. " * 5, 6), Prompt("a", 6)]
    read: list[int] = []
    embedding = model.base.get_input_embeddings()
    counting = embedding.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].numel()))
    together = writer(tokenizer).write(model, prompts, adapter=True)
    counting.remove()
    for prompt in prompts:
        assert writer(tokenizer).write(model, [prompt], adapter=True) == {prompt: together[prompt]}
    beginning, size = len(tokenizer.encode([text])[0]), len(prompts)
    assert sum(read[:2]) <= 3 * (beginning + 1) + size * 20, "three beginnings, and what stands behind them"


def test_sampling_is_repeatable_and_not_greedy(model: AdaptedModel, tokenizer: Tokenizer) -> None:
    greedy, sampled = Prompt("Net revenue", 12), Prompt("Net revenue", 12, sampled=True)
    first, second = (writer(tokenizer).write(model, [greedy, sampled], adapter=False) for _ in range(2))
    assert first == second
    assert first[greedy] != first[sampled]


def test_a_long_prompt_keeps_its_start_mark_and_its_end(model: AdaptedModel, tokenizer: Tokenizer) -> None:
    ends = "Question: Which?\nAnswer:"
    long, longer = (Prompt("Net revenue rose. " * count + ends, 8) for count in (40, 80))
    writes = writer(tokenizer)
    written = writes.write(model, [long, longer, Prompt(ends, 8)], adapter=False)
    assert writes.truncated == 2
    assert written[long] == written[longer]  # what was cut is all that they differ in


def test_a_one_line_answer_ends_with_its_line(
    model: AdaptedModel, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = writer(tokenizer).write(model, [Prompt("Net revenue rose by", 16)], adapter=True)
    third = tokenizer.encode([next(iter(free.values()))])[0][2]
    ending = writer(tokenizer)
    monkeypatch.setattr(ending, "_line_ends", [third])  # as if that token ended a line
    line = ending.write(model, [Prompt("Net revenue rose by", 16, one_line=True)], adapter=True)
    (whole,), (short,) = free.values(), line.values()
    assert whole.startswith(short)
    assert len(short) < len(whole)
