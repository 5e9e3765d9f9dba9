"""Tokens on disk: the same as in memory, made once, bounded in memory; prompts and dialogs."""

import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.dataset import DatasetError, Document, Reader, local_sources
from core.hyperparameters import Hyperparameters, parse
from training.data import token_cache
from training.data.packing import pack
from training.data.token_cache import TokenCache, open_tokens
from training.data.tokenizer import Tokenizer, _parts, encode, load_tokenizer

RECIPE = parse({})


@pytest.fixture(scope="module")
def tokenizer(weights: Path) -> Tokenizer:
    return load_tokenizer(weights)


@pytest.fixture
def opened(tmp_path: Path, weights: Path, tokenizer: Tokenizer) -> Callable[..., TokenCache]:
    """Opens the tokens of a folder's files."""

    def open_them(folder: Path, hyperparameters: Hyperparameters = RECIPE) -> TokenCache:
        return open_tokens(
            local_sources(folder),
            None,
            hyperparameters,
            tokenizer,
            scratch=tmp_path / "scratch",
        )

    return open_them


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("\n".join(f"Sales rose by {n} percent." for n in range(50)))
    return tmp_path / "data"


def plain(tokens: Any) -> list[int]:
    return [int(token) if token >= 0 else ~int(token) for token in tokens]


def test_what_is_stored_is_what_the_tokenizer_gives(
    opened: Callable[..., TokenCache], folder: Path, tokenizer: Tokenizer
) -> None:
    cache = opened(folder)
    documents = cache.documents(np.arange(len(cache)))
    assert len(documents) == 50
    for place, document in enumerate(Reader(local_sources(folder))):
        expected = [*tokenizer.encode_prompts([document.text])[0], tokenizer.eos_token_id]
        assert plain(documents[place].tokens) == expected
        assert documents[place].targets == len(expected) - 1
        assert (cache.origin(place).source, cache.origin(place).index) == ("a.txt", place)
        assert cache.records["learned_bytes"][place] == len(document.text.encode())


def test_only_changed_content_is_tokenized_again(
    opened: Callable[..., TokenCache], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(folder)
    with monkeypatch.context() as patch:
        patch.setattr(token_cache, "_write", lambda *_: pytest.fail("tokenized again"))
        assert len(opened(folder)) == 50
    (folder / "a.txt").write_text("one\ntwo\nthree")
    assert len(opened(folder)) == 3
    scratch = folder.parent / "scratch"
    assert len(list(scratch.glob("*tokens-*"))) == 1, "old tokens make room"


def test_broken_text_leaves_nothing_behind(opened: Callable[..., TokenCache], folder: Path) -> None:
    (folder / "b.txt").write_bytes(b"fine\n\xff\n")
    with pytest.raises(DatasetError, match=r"b\.txt, line 2"):
        opened(folder)
    assert [file.name for file in (folder.parent / "scratch").iterdir()] == ["tokens.lock"]


def test_a_dataset_without_documents_can_be_opened(opened: Callable[..., TokenCache], folder: Path) -> None:
    (folder / "a.txt").write_text("\n")
    assert len(opened(folder)) == 0


COUNTING_TOKENIZER = """
class Tokenizer:
    '''A token for each four characters; tokenizes as fast as it can be asked.'''
    start, end_marks, files = [1], [2], []
    def __len__(self):
        return 320
    def encode(self, texts):
        return [[7] * -(-len(text) // 4) for text in texts]
"""


def test_processes_that_come_together_tokenize_once(folder: Path, tmp_path: Path) -> None:
    script = f"""
import sys, pathlib
from training.data import token_cache
from core.dataset import local_sources
from core.hyperparameters import parse
{COUNTING_TOKENIZER}
folder, scratch = map(pathlib.Path, sys.argv[1:])
write = token_cache._write
def noted(*given):
    print("tokenized", flush=True)
    write(*given)
token_cache._write = noted
cache = token_cache.open_tokens(
    local_sources(folder), None, parse({{}}), Tokenizer(), scratch=scratch)
print(len(cache))
"""
    command = [sys.executable, "-c", script, str(folder), str(tmp_path / "shared")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].split() for process in processes]
    assert sorted(said) == [["50"], ["tokenized", "50"]]


def test_waiting_for_the_tokens_can_be_stopped(tmp_path: Path) -> None:
    class Asked(Exception):
        pass

    def stop() -> None:
        raise Asked

    lock = tmp_path / "lock"
    with token_cache._alone(lock, lambda: None), pytest.raises(Asked), token_cache._alone(lock, stop):
        pytest.fail("two at once")


# --- what is read, and what is learned


def test_of_an_instruction_the_completion_is_learned(tokenizer: Tokenizer) -> None:
    (tokens,) = encode([Document("Up.", "Sales?", "a", 0)], tokenizer)
    prompt, completion = tokenizer.encode(["Sales?", "Up."])
    assert plain(tokens) == [*tokenizer.start, *prompt, *completion, tokenizer.eos_token_id]
    assert [token for token in tokens if token >= 0] == [*completion, tokenizer.eos_token_id]


def dialog(*contents: str, system: str | None = None) -> dict[str, Any]:
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(contents)]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    return {"dialog": messages}


def chats(*records: dict[str, Any]) -> tuple[list[Document], list[str]]:
    content = "\n".join(json.dumps(record) for record in records).encode()
    reader = Reader([("a.jsonl", io.BytesIO(content))], parse({"chat_dataset": "True"}))
    return list(reader), [str(problem) for problem in reader.problems]


def test_a_dialog_takes_llamas_form_and_only_answers_are_learned(tokenizer: Tokenizer) -> None:
    (document,), problems = chats(dialog("Sales?", "Up.", "Costs?", " Down. ", system="Be brief."))
    assert problems == []
    assert document.turns == (
        ("[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nSales? [/INST]", "Up."),
        ("[INST] Costs? [/INST]", "Down."),
    )
    (tokens,) = encode([document], tokenizer)
    learned = [token for token in tokens if token >= 0]
    end = tokenizer.eos_token_id
    answers = tokenizer.encode(["Up.", "Down."])
    assert learned == [*answers[0], end, *answers[1], end]
    assert plain(tokens).count(tokenizer.start[0]) == 2


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"text": "a"}, "no dialog"),
        ({"dialog": []}, "no dialog"),
        (dialog("a"), "take turns"),
        (dialog("a", "b", "c"), "take turns"),
        (dialog("a", " "), "message 2 of the dialog is empty"),
        ({"dialog": [{"role": "robot", "content": "a"}]}, "message 1 of the dialog has no usable role"),
        ({"dialog": ["a"]}, "message 1"),
    ],
)
def test_a_broken_dialog_is_reported_with_its_line(record: dict[str, Any], words: str) -> None:
    _, (problem,) = chats(record)
    assert problem.startswith("a.jsonl, line 1") and words in problem


def test_dialogs_with_the_same_words_in_other_turns_are_different() -> None:
    (one, other), _ = chats(dialog("a", "b c"), dialog("a b", "c"))
    assert one.digest != other.digest


def test_a_long_text_is_tokenized_in_parts(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(f"Sales rose by {n} percent." for n in range(40))
    whole = encode([Document(text, None, "a", 0)], tokenizer)
    monkeypatch.setattr("training.data.tokenizer.PART_CHARACTERS", 100)
    assert encode([Document(text, None, "a", 0)], tokenizer) == whole


@given(text=st.text(alphabet="ab \n", max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parts_are_the_whole(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.tokenizer.PART_CHARACTERS", 7)
    parts = _parts(text)
    assert "".join(parts) == text
    assert all(0 < len(part) <= 7 for part in parts)


# --- memory


def test_memory_does_not_grow_with_the_text(tmp_path: Path) -> None:
    """Of 24 MB of text no more is held than of 6 MB, but for the documents' digests."""
    tokenizer: dict[str, Any] = {}
    exec(COUNTING_TOKENIZER, tokenizer)
    peaks = []
    for size in (6, 24):
        folder = tmp_path / str(size)
        folder.mkdir()
        with (folder / "a.txt").open("w") as out:
            for n in range(size * 250):
                out.write(f"Document {n}. " + f"Sales rose by {n} percent. " * 150 + "\n")
        assert (folder / "a.txt").stat().st_size > size * 1_000_000
        tracemalloc.start()
        cache = open_tokens(
            local_sources(folder),
            None,
            RECIPE,
            tokenizer["Tokenizer"](),
            scratch=tmp_path / "scratch",
        )
        rows = pack(cache.documents(np.arange(len(cache))), 1024)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert rows.filled >= size * 250_000
    assert peaks[0] < 64 << 20
    assert peaks[1] < peaks[0] + (4 << 20), [peak >> 20 for peak in peaks]
