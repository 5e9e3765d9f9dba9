"""Forms of datasets that hold records, instructions, dialogs and documents, for `data_forms`."""

import io
import json
from random import Random
from typing import Any

from bench.data_writing import Case, fields, json_of, others, plain, questions, rows, sentence, sentences


def records(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(chance, texts, "text", others(chance))
    file, content = json_of(chance, [dict(zip(header, row, strict=True)) for row in cells])
    return Case({file: content}, plain(texts))


def joined_files(chance: Random) -> Case:
    texts = sentences(chance)
    middle = len(texts) // 2
    parts = ["\n".join(json.dumps({"text": t}) for t in part) for part in (texts[:middle], texts[middle:])]
    return Case({"a.jsonl": "\n".join(f"\ufeff{part}" for part in parts).encode()}, plain(texts))


def one_object(chance: Random) -> Case:
    texts = sentences(chance)
    found = [{"id": n, "sentence": t, "info": [{"target": "x"}]} for n, t in enumerate(texts)]
    content: Any = chance.choice(
        (
            {"data": found},
            {"version": "1.0", "data": found},
            {str(n): each for n, each in enumerate(found)},
            {f"doc{n}": each for n, each in enumerate(found)},
        )
    )
    return Case({"a.json": json.dumps(content, indent=chance.choice((None, 2))).encode()}, plain(texts))


def pandas_json(chance: Random) -> Case:
    texts = sentences(chance)
    columns: dict[str, list[Any]] = {"id": list(range(len(texts))), "text": list(texts)}
    content: Any = chance.choice(
        (
            {name: {str(n): v for n, v in enumerate(values)} for name, values in columns.items()},
            columns,
            {"columns": ["id", "text"], "index": columns["id"], "data": [list(r) for r in enumerate(texts)]},
            {str(n): {"id": n, "text": t} for n, t in enumerate(texts)},
            {"schema": {"fields": []}, "data": [{"index": n, "text": t} for n, t in enumerate(texts)]},
        )
    )
    return Case({"a.json": json.dumps(content).encode()}, plain(texts))


def sides(chance: Random) -> Case:
    train, held, test = (
        [f"{side} {n}: {sentence(chance, n)}" for n in range(25)] for side in ("first", "second", "third")
    )
    names = {"train": train, chance.choice(("validation", "valid", "val", "dev")): held, "test": test}
    kind = chance.choice(("folders", "files", "suffixes", "object"))
    if kind == "object":
        content = {side: [{"text": t} for t in texts] for side, texts in names.items()}
        files = {"data.json": json.dumps(content, indent=chance.choice((None, 1))).encode()}
    else:
        place = {"folders": "{}/part-0.txt", "files": "{}.txt", "suffixes": "news_{}.txt"}[kind]
        files = {place.format(side): "\n".join(texts).encode() for side, texts in names.items()}
    return Case(files, plain(train), plain(held))


def alpaca(chance: Random) -> Case:
    found = questions(chance)
    answer = chance.choice(("output", "response"))
    context = {"output": "input", "response": "context"}[answer]
    extra = {"text": ""} if chance.random() < 0.3 else {}
    file, content = json_of(
        chance,
        [
            {"instruction": q, context: chance.choice(("", "Sales: 5", None)), answer: a, **extra}
            for q, a in found
        ],
    )
    return Case({file: content}, found)


def pairs(chance: Random) -> Case:
    found = questions(chance)
    asked, answered = chance.choice(
        (
            ("prompt", "completion"),
            ("prompt", "response"),
            ("question", "answer"),
            ("Question", "Answer"),
            ("input", "output"),
            ("query", "response"),
            ("context", "target"),
        )
    )
    cells = [[n, q, a] for n, (q, a) in enumerate(found)]
    if chance.random() < 0.5:
        separator = chance.choice(",;\t")
        return Case({"a.csv": rows(["id", asked, answered], cells, separator).encode()}, found)
    file, content = json_of(chance, [{"id": n, asked: q, answered: a} for n, q, a in cells])
    return Case({file: content}, found)


def fingpt(chance: Random) -> Case:
    found = [(text, chance.choice(("positive", "negative", "neutral"))) for text in sentences(chance)]
    ask = "What is the sentiment of this news? Please choose an answer from {negative/neutral/positive}."
    file, content = json_of(chance, [{"input": t, "output": a, "instruction": ask} for t, a in found])
    return Case({file: content}, [(text, answer) for text, answer in found])


def templates(chance: Random) -> Case:
    found = questions(chance)
    asked, answered = chance.choice(
        (("User Question", "Reply"), ("q-1", "a.1"), ("Frage", "Antwort"), ("q", "a"))
    )
    template = {
        "prompt": f"Answer as {{{{json}}}}. {{{asked}}} ({{meta[ticker]}})",
        "completion": f"{{{answered}}}",
    }
    lines = [json.dumps({asked: q, answered: a, "meta": {"ticker": "X"}}) for q, a in found]
    return Case(
        {"template.json": json.dumps(template).encode(), "train.jsonl": "\n".join(lines).encode()}, found
    )


def dialogs(chance: Random) -> Case:
    found = questions(chance)
    key = chance.choice(("messages", "dialog", "conversations", ""))
    style = chance.choice(("role", "from", "parts"))
    content: list[Any] = []
    for number, (question, answer) in enumerate(found):
        messages: list[dict[str, Any]] = []
        for role, text in (("system", "Be brief."), ("user", question), ("assistant", answer)):
            if role == "system" and style == "from":
                continue
            if style == "from":
                messages.append({"from": {"user": "human", "assistant": "gpt"}[role], "value": text})
            else:
                messages.append(
                    {"role": role, "content": [{"type": "text", "text": text}] if style == "parts" else text}
                )
        content.append({"id": str(number), key: messages} if key else messages)
    file, raw = json_of(chance, content)
    return Case({file: raw}, found)


def marked_dialogs(chance: Random) -> Case:
    found = questions(chance)
    form = chance.choice(
        (
            "<s>[INST] {} [/INST] {} </s>",
            "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n{} [/INST] {}",
            "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n{}<|im_end|>\n",
        )
    )
    file, content = json_of(chance, [{"text": form.format(q, a)} for q, a in found])
    return Case({file: content}, found)


def web_and_office(chance: Random) -> Case:
    texts = sentences(chance)
    if chance.random() < 0.5:
        body = "".join(f"<p>{text.replace('&', '&amp;')}</p>" for text in texts)
        page = f"<html><head><meta charset='utf-8'><title>x</title></head><body>{body}</body></html>"
        return Case({"a.html": page.encode()}, plain(texts))
    import openpyxl

    book, out = openpyxl.Workbook(), io.BytesIO()
    header, cells = fields(chance, texts, "text", others(chance))
    for row in [header, *cells]:
        book.worksheets[0].append(row)
    book.save(out)
    return Case({"a.xlsx": out.getvalue()}, plain(texts))
