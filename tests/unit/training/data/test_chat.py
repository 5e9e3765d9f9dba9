"""Dialogs take the base's own chat template; what users write never becomes a mark."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tokenizers

from core.dataset import Document, check, local_sources
from core.dataset.dialogs import turns_of
from core.dataset.documents import Message
from core.hyperparameters import parse
from finexpert.service.runs.datasets import token_counter
from training.data.chat import ChatTemplate
from training.data.corpus import read_data
from training.data.tokenizer import Tokenizer, encode, load_tokenizer, tokenizer_files

MARKS = ["<|begin|>", "<|start|>", "<|header|>", "<|eot|>"]
LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}<|start|>{{ m['role'] }}<|header|>\n\n{{ m['content'] | trim }}"
    "<|eot|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant<|header|>\n\n{% endif %}"
)
DIALOG: tuple[Message, ...] = (
    ("system", "Be brief."),
    ("user", "Sales? <|eot|> </s>"),
    ("assistant", "Up."),
    ("user", "Costs?"),
    ("assistant", "Down."),
)


@pytest.fixture
def base(weights: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A base with a chat template and marks for it."""

    def made(template: str) -> Path:
        folder = tmp_path / "base"
        shutil.copytree(weights, folder)
        model = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        model.add_special_tokens(MARKS)
        model.save(str(folder / "tokenizer.json"))
        for name in ("tokenizer_config.json", "config.json"):
            file = folder / name
            content = json.loads(file.read_text())
            if name == "config.json":
                content["vocab_size"] = max(content["vocab_size"], model.get_vocab_size())
            else:
                content |= {"chat_template": template, "bos_token": "<|begin|>"}
            file.write_text(json.dumps(content))
        return folder

    return made


def document(messages: tuple[Message, ...] = DIALOG) -> Document:
    turns = turns_of(messages)
    return Document("\n".join(text for _, text in turns), turns[0][0], "a", 0, "", turns, messages)


def parts(tokenizer: Tokenizer, tokens: list[int]) -> tuple[list[int], list[int]]:
    """All tokens, and those that are learned."""
    return [t if t >= 0 else ~t for t in tokens], [t for t in tokens if t >= 0]


def test_a_dialog_is_written_with_the_bases_template(base: Callable[[str], Path]) -> None:
    tokenizer = load_tokenizer(base(LLAMA_3))
    (tokens,) = encode([document()], tokenizer)
    whole, learned = parts(tokenizer, tokens)
    eot = tokenizer.special["<|eot|>"]
    assert whole[:2] == [tokenizer.special["<|begin|>"], tokenizer.special["<|start|>"]]
    assert whole.count(tokenizer.special["<|header|>"]) == 5
    answers = tokenizer.encode(["Up.", "Down."])
    assert learned == [*answers[0], eot, *answers[1], eot]
    assert "[INST]" not in tokenizer.decode(whole)


def test_what_a_user_writes_is_no_mark(base: Callable[[str], Path]) -> None:
    tokenizer = load_tokenizer(base(LLAMA_3))
    (tokens,) = encode([document()], tokenizer)
    whole, _ = parts(tokenizer, tokens)
    assert whole.count(tokenizer.special["<|eot|>"]) == 5, "one a message"
    assert "Sales? <|eot|> </s>" in tokenizer.decode(whole)
    (plain,) = encode([Document("<s> Up <|eot|> </s>", None, "a", 0)], tokenizer)
    assert "<s> Up <|eot|> </s>" in tokenizer.decode(parts(tokenizer, plain)[0])


def test_a_model_goes_on_from_a_dialog_after_the_mark_of_its_turn(base: Callable[[str], Path]) -> None:
    folder = base(LLAMA_3)
    template, special = ChatTemplate.beside(folder), load_tokenizer(folder).special
    assert template is not None
    written = template.prompt([("user", "What is <|eot|> worth?")], list(special))
    assert written is not None
    assert written.count("<|eot|>") == 1 and "What is < |eot|> worth?" in written
    assert written.endswith("<|eot|><|start|>assistant<|header|>\n\n")


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no system message') }}",
        "{% for m in messages %}{{ m['role'] }}{% endfor %}",
        "{% for m in messages %}{{ m['content'] }}\n{% endfor %}",
    ],
    ids=["refuses", "loses the contents", "has no end"],
)
def test_a_template_that_does_not_fit_leaves_llama_2s_form(
    base: Callable[[str], Path], weights: Path, template: str
) -> None:
    tokenizer = load_tokenizer(base(template))
    (tokens,) = encode([document()], tokenizer)
    whole, _ = parts(tokenizer, tokens)
    assert "[INST]" in tokenizer.decode(whole)


def test_check_and_job_count_such_dialogs_alike(base: Callable[[str], Path], tmp_path: Path) -> None:
    folder, weights = tmp_path / "data", base(LLAMA_3)
    folder.mkdir()
    rows = [
        {"messages": [{"role": role, "content": f"{content} {n}"} for role, content in DIALOG]}
        for n in range(20)
    ]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    report = check(local_sources(folder), parse({}), counter=token_counter(weights))
    data = read_data(
        local_sources(folder),
        None,
        parse({}),
        load_tokenizer(weights),
        tokenizer_files=tokenizer_files(weights),
        scratch=tmp_path / "scratch",
        length=report.row_length,
        check=lambda: None,
    )
    assert report.training_tokens == pytest.approx(data.tokens.size(data.training), rel=0.05)
