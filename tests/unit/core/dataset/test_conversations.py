"""Instructions and dialogs, by whatever names and templates they come."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.dataset import check, local_sources
from core.dataset.templates import parse_template
from core.hyperparameters import parse
from tests.unit.core.dataset.reading import json_lines, pairs_of, read


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("prompt", "completion"),
        ("prompt", "response"),
        ("Question", "Answer"),
        ("query", "response"),
        ("input", "output"),
        ("context", "target"),
        ("user", "assistant"),
    ],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_pairs_are_recognised_and_their_answers_learned(asked: str, answered: str, suffix: str) -> None:
    rows = [{"id": n, asked: f"What of {n}, then?", answered: f"It rose by {n}."} for n in range(30)]
    lines = [f'{n},"What of {n}, then?",It rose by {n}.' for n in range(30)]
    table = "\n".join([f"id,{asked},{answered}", *lines])
    content = table if suffix == ".csv" else json_lines(rows)
    documents = read(f"a{suffix}", content)
    assert pairs_of(documents) == [(f"What of {n}, then?", f"It rose by {n}.") for n in range(30)]


def test_alpaca_takes_jumpstarts_template() -> None:
    rows = [
        {"instruction": f"Sum {n}.", "input": "" if n else "1 2", "output": str(n), "text": ""}
        for n in range(9)
    ]
    (first, second, *_), settings = read("a.json", json.dumps(rows)), {"instruction_tuned": "True"}
    assert first.prompt is not None and "### Instruction:\nSum 0.\n\n### Input:\n1 2" in first.prompt
    assert second.prompt is not None and "Sum 1.\n\n### Input:\n\n" in second.prompt
    assert read("a.json", json.dumps(rows), **settings)[0] == first


def test_an_input_may_be_null_or_missing_and_values_may_be_objects() -> None:
    rows = [
        {
            "instruction": "A",
            "context": None,
            "response": {"sentiment": "positive", "score": 0.5, "note": None},
        },
        {"instruction": "B", "response": ["x", True]},
    ]
    answers = [document.text for document in read("a.jsonl", json_lines(rows))]
    assert answers == ['{"sentiment": "positive", "score": 0.5, "note": null}', '["x", true]']


@pytest.mark.parametrize(
    ("template", "record", "wanted"),
    [
        (
            {"prompt": "{User Question}", "completion": "{a-b}"},
            {"User Question": "Q", "a-b": "A"},
            ("Q", "A"),
        ),
        (
            {"prompt": "{m[x]} {t[1]}", "completion": "{a}"},
            {"m": {"x": 1}, "t": ["p", "q"], "a": "A"},
            ("1 q", "A"),
        ),
        ({"prompt": '{{"q": {q}}}', "completion": "{{{a}}}"}, {"q": "Q", "a": "A"}, ('{"q": Q}', "{A}")),
        ({"prompt": "{q}{c}", "completion": "{a:.2f}"}, {"q": "Q", "c": None, "a": 2}, ("Q", "2.00")),
    ],
)
def test_a_template_is_filled_as_str_format_does(
    template: dict[str, str], record: dict[str, Any], wanted: tuple[str, str]
) -> None:
    assert parse_template(json.dumps(template)).fill(record, demarcation=False) == wanted


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("no placeholder", "the prompt has no {column}"),
        ("{}", "a placeholder has no name"),
        ("{q", "cannot be filled"),
        ("{q:>999999999}", "cannot be used"),
        ("{q!x}", "not known"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(prompt: str, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_template(json.dumps({"prompt": prompt, "completion": "{a}"}))
    assert words in str(caught.value)


def test_a_template_never_reaches_what_python_keeps_in_objects() -> None:
    template = parse_template('{"prompt": "{q.__class__}", "completion": "{a}"}')
    assert template.missing({"q": "x", "a": "y"}) == ["q.__class__"]


def test_a_misspelt_placeholder_is_one_error_that_names_the_columns(tmp_path: Path) -> None:
    (tmp_path / "template.json").write_text('{"prompt": "{questions}", "completion": "{a}"}')
    rows = [{"question": f"{n}?", "a": f"{n}."} for n in range(40)]
    (tmp_path / "a.jsonl").write_text(json_lines(rows))
    (error,) = check(local_sources(tmp_path), parse({"instruction_tuned": "True"})).errors
    assert "no record has questions" in error and "'question', 'a'" in error


MESSAGES = [{"role": "user", "content": "Sales?"}, {"role": "assistant", "content": "Up."}]
SHAREGPT = [{"from": "human", "value": "Sales?"}, {"from": "gpt", "value": "Up."}]


@pytest.mark.parametrize(
    "record",
    [
        {"id": "7", "dialog": MESSAGES},
        {"messages": MESSAGES},
        {"id": "7", "conversations": SHAREGPT},
        {"messages": [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in MESSAGES]},
        {"messages": [{**m, "content": [{"text": m["content"]}]} for m in MESSAGES], "schemaVersion": "x"},
        MESSAGES,
        {"text": "<s>[INST] Sales? [/INST] Up. </s>"},
        {"text": "<|im_start|>user\nSales?<|im_end|>\n<|im_start|>assistant\nUp.<|im_end|>\n"},
    ],
    ids=["dialog", "messages", "sharegpt", "parts", "bedrock", "bare", "llama", "chatml"],
)
def test_dialogs_are_recognised_whatever_they_are_called(record: Any) -> None:
    line = json.dumps(record)
    for content in (f"{line}\n{line.replace('Sales', 'Costs')}", f"[{line}, {line}]"):
        first, *_ = read("a.jsonl", content)
        assert first.messages == (("user", "Sales?"), ("assistant", "Up."))
        assert first.turns == (("[INST] Sales? [/INST]", "Up."),)


def test_a_system_message_comes_from_wherever_it_stands() -> None:
    beside = {"system": "Be brief.", "conversations": SHAREGPT}
    within = {"messages": [{"role": "system", "content": "Be brief."}, *MESSAGES]}
    marked = {"text": "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nSales? [/INST] Up."}
    for record in (beside, within, marked):
        (document,) = read("a.jsonl", json.dumps(record))
        assert document.messages[0] == ("system", "Be brief.")
        assert document.prompt == "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nSales? [/INST]"
