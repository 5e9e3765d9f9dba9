"""What the check says of a dataset is what the job makes of it: documents, tokens, rows and steps."""

import json
import re
import textwrap
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core.dataset import check, local_sources
from core.dataset.tokens import pieces, rows_for
from core.hyperparameters import Hyperparameters, parse
from finexpert.service.runs.datasets import token_counter
from training.data.corpus import Data, read_data
from training.data.packing import TokenizedDocument, pack
from training.data.tokenizer import load_tokenizer
from training.loop.schedule import plan

WORDS = re.findall(
    r"\S+", "revenue rose fell margin of the in quarter net sales 12.5% $3 million while costs were flat"
)


def sentence(chance: Random, most: int) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(chance.randint(3, most))).capitalize() + "."


def texts(chance: Random) -> str:
    return "\n".join(sentence(chance, chance.choice((8, 60, 400))) for _ in range(60))


def wrapped(chance: Random) -> str:
    return "\n\n".join(textwrap.fill(sentence(chance, 120), 61) for _ in range(40))


def pairs(chance: Random, most: int) -> str:
    rows = [
        {
            "question": sentence(chance, most),
            "context": sentence(chance, most),
            "answer": sentence(chance, 12),
        }
        for _ in range(50)
    ]
    return "\n".join(map(json.dumps, rows))


def dialogs(chance: Random, most: int) -> str:
    rows = []
    for _ in range(30):
        turns = [sentence(chance, most) for _ in range(2 * chance.randint(1, 6))]
        messages = [{"role": ("user", "assistant")[i % 2], "content": t} for i, t in enumerate(turns)]
        rows.append({"messages": messages})
    return "\n".join(map(json.dumps, rows))


def grouped(chance: Random) -> str:
    rows = [{"text": sentence(chance, 60), "group": f"company {n // 3 % 17}"} for n in range(90)]
    chance.shuffle(rows)
    return "\n".join(map(json.dumps, rows))


FORMS: dict[str, tuple[str, Any]] = {
    "lines": ("a.txt", texts),
    "wrapped": ("a.txt", wrapped),
    "groups": ("a.jsonl", grouped),
    "instructions": ("a.jsonl", lambda chance: pairs(chance, 20)),
    "long prompts": ("a.jsonl", lambda chance: pairs(chance, 300)),
    "dialogs": ("a.jsonl", lambda chance: dialogs(chance, 15)),
    "long dialogs": ("a.jsonl", lambda chance: dialogs(chance, 150)),
}


def read(folder: Path, weights: Path, settings: Hyperparameters, scratch: Path, length: int) -> Data:
    return read_data(
        local_sources(folder),
        None,
        settings,
        load_tokenizer(weights),
        scratch=scratch,
        length=length,
        check=lambda: None,
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("form", FORMS)
def test_check_and_job_agree_within_five_percent(form: str, seed: int, weights: Path, tmp_path: Path) -> None:
    name, make = FORMS[form]
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / name).write_text(make(Random(seed)))
    settings = parse({"max_input_length": "128", "per_device_train_batch_size": "2", "epoch": "3"})
    report = check(local_sources(folder), settings, counter=token_counter(weights))
    assert report.ok, report.errors
    data = read(folder, weights, settings, tmp_path / "scratch", report.row_length)
    rows = pack(data.of_task(""), report.row_length)
    steps = plan(len(rows), 1, settings)
    assert (report.training_documents, report.validation_documents) == (
        len(data.training),
        len(data.validation),
    )
    assert report.training_tokens == pytest.approx(data.tokens.size(data.training), rel=0.05)
    assert report.rows == pytest.approx(len(rows), rel=0.05)
    assert report.optimizer_steps == pytest.approx(steps.steps, rel=0.05)
    assert (report.prompts_cut > 0) == (form not in ("lines", "wrapped", "groups"))


@pytest.mark.parametrize("truncation", ["middle", "start", "end"])
def test_a_long_prompt_keeps_question_and_answer(truncation: str, weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    filling = "revenue rose " * 400
    asked = [f"First {n}. {filling} What was last {n}?" for n in range(6)]
    rows = [{"prompt": text, "completion": f"Answer {n}."} for n, text in enumerate(asked)]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    settings = parse({"max_input_length": "128", "prompt_truncation": truncation})
    tokenizer = load_tokenizer(weights)
    data = read(folder, weights, settings, tmp_path / "scratch", 128)
    documents = data.tokens.documents(data.training)
    for document in (documents[place] for place in range(len(documents))):
        tokens = [int(token) for token in document.tokens]
        assert len(tokens) <= 128
        text = tokenizer.decode([token if token >= 0 else ~token for token in tokens])
        learned = tokenizer.decode([token for token in tokens if token >= 0])
        assert learned.startswith("Answer ")
        assert ("First" in text) == (truncation != "start")
        assert ("What was last" in text) == (truncation != "end")


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ([10], [(0, 10)]),
        ([1], []),
        ([4, 5], [(0, 9)]),
        ([25], [(0, 10), (9, 10), (18, 7)]),
        ([6, 6, 3], [(0, 6), (6, 9)]),
        ([6, 12, 3], [(0, 6), (6, 10), (15, 6)]),
    ],
)
def test_where_documents_are_cut(parts: list[int], wanted: list[tuple[int, int]]) -> None:
    assert pieces(parts, 10) == wanted


@pytest.mark.parametrize("seed", range(20))
def test_rows_are_counted_as_they_are_packed(seed: int) -> None:
    chance = Random(seed)
    sizes = [chance.randint(2, 100) for _ in range(chance.randint(1, 400))]
    packed = pack([TokenizedDocument(i, list(range(3, 3 + size))) for i, size in enumerate(sizes)], 100)
    assert rows_for(Counter(sizes), 100) == pytest.approx(len(packed), rel=0.02, abs=1)


def test_a_job_holds_out_whole_groups_and_names_them(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.jsonl").write_text(grouped(Random(1)))
    data = read(folder, weights, parse({}), tmp_path / "scratch", 128)
    inside = {data.tokens.group(number) for number in data.training.tolist()}
    assert len(data.groups) == len(data.validation) >= 9
    assert all(data.groups)
    assert not inside & set(data.groups)


def test_the_held_out_digest_knows_documents_and_not_their_places(weights: Path, tmp_path: Path) -> None:
    found = []
    for number, names in enumerate((["a.txt", "b.txt"], ["y.txt", "x.txt"], ["a.txt"])):
        folder = tmp_path / f"data{number}"
        (folder / "validation").mkdir(parents=True)
        (folder / "t.txt").write_text("Some text to train on.\nMore of it.")
        for place, name in enumerate(names):
            (folder / "validation" / name).write_text(f"Held out {place}.\nAnd more of {place}.")
        found.append(read(folder, weights, parse({}), tmp_path / f"scratch{number}", 64).held_out_digest)
    assert found[0] == found[1] != found[2]
