"""Packing: every token predicted once, nothing seen across documents, results as if each stood alone."""

from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from core.hyperparameters import parse
from tests.fakes.training_jobs import logits_of, stirred
from training.data.batches import NO_TARGET, Length, collate
from training.data.packing import Piece, TokenizedDocument, pack
from training.model.attention import packed_attention
from training.model.cross_entropy import LOGIT_CHUNK, Output, summed_cross_entropy, token_losses
from training.model.model import AdaptedModel

CPU = torch.device("cpu")


def numbered(lengths: list[int], learn_from: list[int] | None = None) -> list[TokenizedDocument]:
    """Documents whose tokens all differ, so that each can be followed."""
    documents, start = [], 0
    for index, length in enumerate(lengths):
        first = learn_from[index] if learn_from else 1
        documents.append(TokenizedDocument(index, list(range(start, start + length)), first))
        start += length
    return documents


def learned(piece: Piece) -> list[int]:
    return [token for token in piece.tokens[1:].tolist() if token >= 0]


document_lengths = st.lists(st.integers(1, 70), min_size=1, max_size=25)


@given(document_lengths, st.integers(2, 40))
def test_every_token_but_the_first_is_predicted_exactly_once(lengths: list[int], length: int) -> None:
    documents = numbered(lengths)
    rows = pack(documents, length)
    predicted = [token for row in rows for piece in row for token in learned(piece)]
    assert sorted(predicted) == sorted(token for d in documents for token in d.tokens[1:])
    assert all(sum(len(piece.tokens) for piece in row) <= length for row in rows)


@given(document_lengths, st.integers(2, 40))
def test_a_document_that_fits_is_never_cut(lengths: list[int], length: int) -> None:
    rows = pack(numbered(lengths), length)
    whole = [len(piece.tokens) for row in rows for piece in row]
    for size in lengths:
        if 2 <= size <= length:
            assert size in whole


@given(
    st.lists(st.tuples(st.integers(2, 60), st.integers(1, 60)), min_size=1, max_size=10), st.integers(2, 30)
)
def test_of_a_prompt_nothing_is_predicted(shapes: list[tuple[int, int]], length: int) -> None:
    documents = numbered([size for size, _ in shapes], [min(prompt, size) for size, prompt in shapes])
    rows = pack(documents, length)
    predicted = sorted(t for row in rows for piece in row for t in learned(piece))
    assert predicted == sorted(t for d in documents for t in d.tokens[d.learn_from :])
    assert len(predicted) == sum(document.targets for document in documents)


@given(st.lists(st.integers(2, 64), min_size=30, max_size=80))
def test_rows_are_well_filled(lengths: list[int]) -> None:
    rows = pack(numbered(lengths), 64)
    # Best fit decreasing needs at most 11/9 of the optimum and 4 rows (Johnson 1974).
    assert len(rows) <= 11 / 9 * -(-sum(lengths) // 64) + 4 + sum(size > 32 for size in lengths)


def test_rows_too_short_to_predict_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        pack(numbered([3]), 1)


@given(document_lengths)
def test_labels_are_the_next_token_of_the_same_document(lengths: list[int]) -> None:
    rows = pack(numbered(lengths), 32)
    if not rows:
        return
    batch = collate(rows, CPU)
    wanted = batch.labels != NO_TARGET
    places = wanted.nonzero()
    for b, t in places.tolist():
        assert batch.labels[b, t] == batch.input_ids[b, t + 1]
        assert batch.documents[b, t] == batch.documents[b, t + 1]
    assert batch.targets == sum(max(length - 1, 0) for length in lengths)


@pytest.fixture(scope="module")
def model(weights: Path) -> AdaptedModel:
    return stirred(AdaptedModel(weights, parse({"precision": "fp32", "lora_dropout": "0"}), CPU))


def test_packed_losses_equal_those_of_each_document_alone(model: AdaptedModel) -> None:
    chance = torch.Generator().manual_seed(0)
    documents = [
        TokenizedDocument(i, torch.randint(3, 320, (length,), generator=chance).tolist())
        for i, length in enumerate((5, 17, 31, 2, 40, 9, 24, 64))
    ]
    with model.evaluating(adapter=True):
        packed: dict[int, list[float]] = {}
        batch = collate(pack(documents, 64), CPU)
        losses = model.token_losses(batch).tolist()
        for loss, index in zip(losses, batch.documents[batch.labels != NO_TARGET].tolist(), strict=True):
            packed.setdefault(index, []).append(loss)
        for document in documents:
            ids = torch.tensor([document.tokens])
            logits = logits_of(model, ids)[0, :-1].detach()
            alone = F.cross_entropy(logits, ids[0, 1:], reduction="none")
            assert torch.allclose(torch.tensor(packed[document.index]), alone, atol=1e-5)


@given(
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=3), st.integers(0, 3)
)
def test_attention_is_causal_in_documents_closed_between(lengths: list[list[int]], padding: int) -> None:
    width = max(map(sum, lengths)) + padding
    chance = torch.Generator().manual_seed(width)
    states = [torch.randn(len(lengths), heads, width, 4, generator=chance) for heads in (4, 2, 2)]
    ours, plain = ([state.clone().requires_grad_() for state in states] for _ in range(2))
    module = SimpleNamespace(num_key_value_groups=2, is_causal=True)
    given_out, _ = packed_attention(module, ours[0], ours[1], ours[2], None, document_lengths=lengths)
    mask = torch.zeros(len(lengths), 1, width, width, dtype=torch.bool)
    for b, row in enumerate(lengths):
        for begin, length in zip(accumulate(row, initial=0), row, strict=False):
            mask[b, 0, begin : begin + length, begin : begin + length] = torch.ones(length, length).tril()
    real = mask.any(-1).squeeze(1)  # on padding nothing is asked for
    query, key, value = plain[0], *(state.repeat_interleave(2, dim=1) for state in plain[1:])
    seen = mask | torch.eye(width, dtype=torch.bool)
    scores = (query @ key.transpose(2, 3) / 2).masked_fill(~seen, -torch.inf)
    expected = (scores.softmax(-1) @ value).transpose(1, 2)
    assert torch.allclose(given_out[real], expected[real], atol=1e-6)
    for out in (given_out, expected):
        out[real].square().sum().backward()  # type: ignore[no-untyped-call]
    for mine, reference in zip(ours, plain, strict=True):
        assert mine.grad is not None
        assert reference.grad is not None
        assert torch.allclose(mine.grad, reference.grad, atol=1e-5)


@pytest.mark.parametrize("window", [None, 3])
def test_branches_see_their_beginning_and_themselves(window: int | None) -> None:
    shared, branches, plain = 4, (3, 1, 2), 5
    chance = torch.Generator().manual_seed(1)
    width = plain + shared + sum(branches)
    states = [torch.randn(1, heads, width, 4, generator=chance) for heads in (4, 2, 2)]
    module = SimpleNamespace(num_key_value_groups=2, is_causal=True)

    def attended(lengths: list[Length], places: list[int]) -> torch.Tensor:
        query, key, value = (state[:, :, places] for state in states)
        options: dict[str, Any] = {"document_lengths": [lengths], "sliding_window": window}
        return packed_attention(module, query, key, value, None, **options)[0][0]

    begins = list(accumulate(branches, initial=plain + shared))
    places = [*range(shared), *(shared + place for size in branches for place in range(size))]
    owners = [-1] * shared + [number for number, size in enumerate(branches) for _ in range(size)]
    back = torch.tensor(
        [
            [i - j if b in (-1, a) else -1 for j, b in zip(places, owners, strict=True)]
            for i, a in zip(places, owners, strict=True)
        ]
    )
    together = attended([plain, back], list(range(width)))
    for size, begin in zip(branches, begins, strict=False):
        alone = [*range(plain, plain + shared), *range(begin, begin + size)]
        assert torch.allclose(together[alone], attended([shared + size], alone), atol=1e-6)
    assert torch.allclose(together[:plain], attended([plain], list(range(plain))), atol=1e-6)


def test_gradients_of_packed_rows_equal_those_of_single_documents(model: AdaptedModel) -> None:
    documents = [TokenizedDocument(i, list(range(3 + i, 20 + 2 * i))) for i in range(4)]
    gradients = []
    for rows in ([pack(documents, 64)], [pack([document], 64) for document in documents]):
        for parameter in model.adapter.values():
            parameter.grad = None
        for part in rows:
            model.loss(collate(part, CPU)).backward()  # type: ignore[no-untyped-call]
        gradients.append([parameter.grad for parameter in model.adapter.values()])
    for together, single in zip(*gradients, strict=True):
        assert together is not None
        assert single is not None
        assert torch.allclose(together, single, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"scale": 0.25}, {"cap": 2.0}, {"bias": True}], ids=str)
def test_chunked_cross_entropy_is_the_plain_one(changes: dict[str, Any]) -> None:
    chance = torch.Generator().manual_seed(1)
    weight = torch.randn(50, 8, generator=chance)
    bias = torch.randn(50, generator=chance) if changes.get("bias") else None
    output = Output(weight, **changes | {"bias": bias})
    labels = torch.randint(0, 50, (2, LOGIT_CHUNK), generator=chance)
    labels[:, ::7] = NO_TARGET
    hidden = torch.randn(2, LOGIT_CHUNK, 8, generator=chance)
    ours, plain = hidden.clone().requires_grad_(), hidden.clone().requires_grad_()
    total = summed_cross_entropy(ours, output, labels)
    logits = F.linear(plain, weight, bias) * output.scale
    if output.cap:
        logits = output.cap * torch.tanh(logits / output.cap)
    expected = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
    assert torch.allclose(total, expected, rtol=1e-5)
    (total / 3).backward()  # type: ignore[no-untyped-call]
    (expected / 3).backward()  # type: ignore[no-untyped-call]
    assert ours.grad is not None
    assert plain.grad is not None
    assert torch.allclose(ours.grad, plain.grad, atol=1e-5)
    assert torch.allclose(token_losses(hidden, output, labels).sum(), expected, rtol=1e-5)
