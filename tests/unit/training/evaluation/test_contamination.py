"""Overlap with the training text: shared stretches, set phrases and copies, in any case and punctuation."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.contamination import MOST_DOCUMENTS, WORDS, Overlaps, Text, find_overlaps

WORDLIST = [f"word{number}" for number in range(5000)]


def text(seed: int, words: int) -> list[str]:
    return random.Random(seed).choices(WORDLIST, k=words)


def search(held_out: Iterable[str | Text], training: Iterable[str | Text]) -> Overlaps:
    """Look for held-out documents, named by their number."""
    texts = [Text("", each) if isinstance(each, str) else each for each in held_out]
    documents = [(str(number), each) for number, each in enumerate(texts)]
    trained = (Text("", each) if isinstance(each, str) else each for each in training)
    return find_overlaps(lambda: iter(documents), {}, trained)


def test_a_shared_stretch_is_left_out_and_the_rest_is_kept() -> None:
    held_out, other = text(1, 60), text(2, 60)
    whole = " ".join(held_out)
    for shared in (WORDS, WORDS - 1):
        training = " ".join([*other[:30], *held_out[20 : 20 + shared], *other[30:]])
        result = search([whole], [training])
        assert not result.documents
        if shared < WORDS:
            assert not result.stretches
            continue
        ((start, end),) = result.stretches["0"]
        assert whole[start:end].split() == held_out[20 : 20 + WORDS]


def test_a_document_is_dropped_beyond_half() -> None:
    held_out = text(1, 60)
    for shared, dropped in ((26, False), (40, True)):
        # In two training documents, so that neither alone is a copy.
        training = [" ".join([*held_out[:20], "x"]), " ".join(["y", *held_out[20 - WORDS + 1 : shared]])]
        result = search([" ".join(held_out)], training)
        assert ("0" in result.documents) is dropped
        assert ("0" in result.stretches) is not dropped


def test_case_punctuation_and_line_ends_do_not_hide_a_copy() -> None:
    sentence = "The company's revenue rose by 4.5 percent, to 12 million; volumes were flat in all regions."
    copy = "X " + sentence.upper().replace(",", " –").replace(" ", "\n")
    assert search([sentence], [copy]).documents


def test_a_copy_with_every_fifteenth_word_changed_is_found() -> None:
    held_out = text(1, 120)
    changed = [word if place % 15 else "other" for place, word in enumerate(held_out)]
    assert search([" ".join(held_out)], [" ".join(changed)]).documents


def test_a_set_phrase_of_many_documents_is_ignored_but_a_repeated_copy_is_not() -> None:
    phrase, held_out = text(7, 30), text(1, 80)
    many = [" ".join([*text(100 + n, 50), *phrase]) for n in range(MOST_DOCUMENTS + 1)]
    document = " ".join([*held_out, *phrase])
    assert search([document], many) == Overlaps()
    assert search([document], many[:MOST_DOCUMENTS]).stretches
    copies = [" ".join([*text(200 + n, 20), *held_out]) for n in range(MOST_DOCUMENTS + 5)]
    assert search([document], copies).documents


def test_figures_of_a_table_are_one_word_each() -> None:
    row = " ".join(f"{n},{n}00.{n}" for n in range(101, 105))
    assert search([f"{row} are all four"], [f"other words and {row} again"]) == Overlaps()


def test_two_training_documents_do_not_make_one_sequence() -> None:
    held_out = text(1, 60)
    parts = [" ".join(held_out[:12]), " ".join(held_out[12:24])]
    assert search([" ".join(held_out)], parts) == Overlaps()


@pytest.mark.parametrize(("words", "found"), [(12, True), (8, True), (7, False), (0, False)])
def test_a_short_text_is_compared_whole(words: int, found: bool) -> None:
    short = text(3, words)
    training = " ".join([*text(4, 50), *short, *text(5, 50)])
    assert bool(search([" ".join(short)], [training]).documents) is found


def test_prompts_of_the_training_text_are_searched_for_documents_and_questions() -> None:
    question = " ".join(text(3, 25))
    training = [Text(f"Context. {question} Answer:", "positive")]
    documents = [("0", Text("", " ".join(text(9, 40))))]
    result = find_overlaps(lambda: documents, {"sentiment:1": f"{question} negative"}, iter(training))
    assert list(result.items) == ["sentiment:1"]
    assert search([question], training).documents


def test_with_prompts_the_same_answer_to_another_question_is_no_copy() -> None:
    table, answer = " ".join(text(3, 60)), "the bonds of Alder are new this year and last"
    held_out = Text(f"{table} Which bonds?", answer)
    assert search([held_out], [Text(" ".join(text(4, 60)), answer)]) == Overlaps()
    assert search([held_out], [Text(f"{table} What else?", " ".join(text(5, 9)))]) == Overlaps()
    assert search([held_out], [Text(f"{table} Which bonds", answer.upper())]).documents


def test_with_prompts_a_short_answer_counts_with_its_prompt() -> None:
    prompt = " ".join(text(3, 30))
    assert search([Text(prompt, "up")], [Text(prompt + " ?", "up")]).documents
    assert search([Text(prompt, "up")], [Text(prompt + " ?", "down")]) == Overlaps()


def test_an_opening_is_counted_only_where_all_its_words_stand_in_a_row() -> None:
    short, long = "Results for the year", " ".join(text(3, WORDS + 2))
    broken = " ".join(text(4, WORDS + 2))
    training: list[str | Text] = [
        f"RESULTS, for the\nyear: {long}",
        "results for the last year",
        Text(f"q {long} a", "x"),
        f"{long.rpartition(' ')[0]} and results for the year",
        broken.rpartition(" ")[0],
    ]
    texts = (Text("", each) if isinstance(each, str) else each for each in training)
    openings = [short, long, broken, "in no text", ""]
    assert find_overlaps(lambda: (), {}, texts, openings) == Overlaps(openings={short: 2, long: 2})


def test_documents_and_items_are_told_apart() -> None:
    texts = [" ".join(text(seed, 30)) for seed in range(6)]
    documents = [(str(number), Text("", each)) for number, each in enumerate(texts[:3])]
    training = (Text("", each) for each in (texts[5], texts[1], texts[4]))
    result = find_overlaps(lambda: documents, {"a:1": texts[3], "a:2": texts[4]}, training)
    assert list(result.documents) == ["1"]
    assert list(result.items) == ["a:2"]
    assert result.items["a:2"] == " ".join(texts[4].split()[:WORDS])


def test_a_large_training_side_is_read_as_a_stream() -> None:
    held_out = text(1, 40)
    training = [" ".join(text(seed, 3000)) for seed in range(10, 60)] + [" ".join(["x", *held_out])]
    assert list(search([" ".join(text(2, 40)), " ".join(held_out)], iter(training)).documents) == ["1"]


@given(
    st.lists(st.lists(st.sampled_from("abcde"), max_size=40), max_size=4),
    st.lists(st.sampled_from("abcde"), max_size=60),
)
def test_it_finds_what_a_plain_search_finds(held_out: list[list[str]], training: list[str]) -> None:
    joined = f" {' '.join(training)} "

    def shared(words: list[str], length: int) -> list[bool]:
        pieces = [words[i : i + length] for i in range(len(words) - length + 1)]
        return [f" {' '.join(piece)} " in joined for piece in pieces]

    def plainly(words: list[str]) -> bool:
        if len(words) < 8:
            return False
        length = min(len(words), WORDS)
        begins = [place for place, found in enumerate(shared(words, length)) if found]
        covered = {place + offset for place in begins for offset in range(length)}
        copied = shared(words, 5)
        return len(covered) > len(words) / 2 or sum(copied) >= 0.6 * len(copied)

    found = search([" ".join(words) for words in held_out], [" ".join(training)]).documents
    assert list(found) == [str(number) for number, words in enumerate(held_out) if plainly(words)]
