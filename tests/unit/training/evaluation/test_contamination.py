"""Overlap with the training text: found by 13 words, not by set phrases, whatever case and punctuation."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.contamination import WORDS, find_overlaps, overlapping

WORDLIST = [f"word{number}" for number in range(5000)]


def text(seed: int, words: int) -> list[str]:
    return random.Random(seed).choices(WORDLIST, k=words)


def test_thirteen_shared_words_are_an_overlap_and_twelve_are_none() -> None:
    held_out, other = text(1, 60), text(2, 60)
    for shared, found in ((WORDS, True), (WORDS - 1, False)):
        training = " ".join([*other[:30], *held_out[20 : 20 + shared], *other[30:]])
        result = overlapping([" ".join(held_out)], [training])
        assert result == ({0: " ".join(held_out[20 : 20 + WORDS])} if found else {})


def test_case_punctuation_and_line_ends_do_not_hide_an_overlap() -> None:
    sentence = "The company's revenue rose by 4.5 percent, to 12 million; volumes were flat in all regions."
    assert overlapping([sentence], ["X " + sentence.upper().replace(",", " –").replace(" ", "\n")])


def test_two_training_documents_do_not_make_one_sequence() -> None:
    held_out = text(1, 40)
    assert not overlapping([" ".join(held_out)], [" ".join(held_out[:12]), " ".join(held_out[12:24])])


@pytest.mark.parametrize(("words", "found"), [(12, True), (8, True), (7, False), (0, False)])
def test_a_short_text_is_compared_whole(words: int, found: bool) -> None:
    short = text(3, words)
    training = " ".join([*text(4, 50), *short, *text(5, 50)])
    assert bool(overlapping([" ".join(short)], [training])) is found
    assert not overlapping([" ".join(short)], [" ".join(short[:-1])])


def test_documents_and_items_are_told_apart() -> None:
    texts = [" ".join(text(seed, 30)) for seed in range(6)]
    result = find_overlaps(
        iter(texts[:3]), {"a:1": texts[3], "a:2": texts[4]}, [texts[5], texts[1], texts[4]]
    )
    assert list(result.documents) == [1]
    assert list(result.items) == ["a:2"]
    assert result.items["a:2"] == " ".join(texts[4].split()[:WORDS])


def test_a_large_training_side_is_read_as_a_stream() -> None:
    held_out = text(1, 40)

    def training() -> "list[str]":
        return [" ".join(text(seed, 3000)) for seed in range(10, 60)] + [" ".join(["x", *held_out])]

    assert list(overlapping([" ".join(text(2, 40)), " ".join(held_out)], iter(training()))) == [1]


@given(
    st.lists(st.lists(st.sampled_from("abcde"), max_size=40), max_size=4),
    st.lists(st.sampled_from("abcde"), max_size=60),
)
def test_it_finds_what_a_plain_search_finds(held_out: list[list[str]], training: list[str]) -> None:
    joined = f" {' '.join(training)} "

    def plainly(words: list[str]) -> bool:
        length = min(len(words), WORDS)
        pieces = [words[i : i + length] for i in range(len(words) - length + 1)]
        return length >= 8 and any(f" {' '.join(piece)} " in joined for piece in pieces)

    found = overlapping([" ".join(words) for words in held_out], [" ".join(training)])
    assert list(found) == [number for number, words in enumerate(held_out) if plainly(words)]
