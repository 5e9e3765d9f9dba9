"""Forms of datasets that hold text, in plain files and in tables, for `data_forms`."""

from random import Random

from bench.data_writing import (
    Case,
    ends,
    fields,
    json_of,
    others,
    paragraph,
    plain,
    rows,
    sentences,
    wrapped,
)


def a_line_each(chance: Random) -> Case:
    texts = sentences(chance)
    return Case({"a.txt": ends(chance, "\n".join(texts) + "\n").encode()}, plain(texts))


def blank_lines(chance: Random) -> Case:
    texts = [paragraph(chance, n) for n in range(25)]
    return Case({"a.txt": ends(chance, ("\n" * chance.randint(2, 4)).join(texts)).encode()}, plain(texts))


def wrapped_between_blanks(chance: Random) -> Case:
    texts, width = [paragraph(chance, n) for n in range(25)], chance.randint(45, 110)
    return Case({"a.txt": "\n\n".join(wrapped(t, width) for t in texts).encode()}, plain(texts))


def wrapped_throughout(chance: Random) -> Case:
    texts, width = [paragraph(chance, n) for n in range(25)], chance.randint(55, 80)
    return Case({"a.txt": "\n".join(wrapped(t, width) for t in texts).encode()}, plain(texts))


def western_encodings(chance: Random) -> Case:
    texts = [f"Société {n}: Erträge für {text}" for n, text in enumerate(sentences(chance))]
    return Case({"a.txt": "\n".join(texts).encode(chance.choice(("cp1252", "latin-1")))}, plain(texts))


def unicode_encodings(chance: Random) -> Case:
    texts = sentences(chance)
    encoding = chance.choice(("utf-16", "utf-8-sig", "utf-32"))
    name, content = chance.choice(
        (("a.txt", "\n".join(texts)), ("a.csv", rows(["text"], [[t] for t in texts])))
    )
    return Case({name: content.encode(encoding)}, plain(texts))


def carriage_returns(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(chance, texts, "text", others(chance))
    name, content = chance.choice((("a.txt", "\n".join(texts)), ("a.csv", rows(header, cells))))
    return Case({name: content.replace("\n", "\r").encode()}, plain(texts))


def eastern_encodings(chance: Random) -> Case:
    texts = [f"Отчёт за год {n}: выручка выросла" for n in range(30)]
    return Case(
        {"a.txt": "\n".join(texts).encode(chance.choice(("cp1251", "koi8-r", "cp866")))}, plain(texts)
    )


def phrasebank(chance: Random) -> Case:
    texts = sentences(chance)
    lines = [f"{text}@{chance.choice(('neutral', 'positive', 'negative'))}" for text in texts]
    return Case({"Sentences_AllAgree.txt": "\n".join(lines).encode("latin-1")}, plain(texts))


def comma_table(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(chance, texts, chance.choice(("text", "Text", " text ", "TEXT")), others(chance))
    return Case(
        {"a.csv": ends(chance, rows(header, cells, always=chance.random() < 0.5)).encode()}, plain(texts)
    )


def excel_in_europe(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(chance, texts, "text", others(chance))
    first = chance.choice(("", "sep=;\n"))
    encoding = chance.choice(("cp1252", "utf-8-sig", "utf-8"))
    return Case({"a.csv": ends(chance, first + rows(header, cells, ";")).encode(encoding)}, plain(texts))


def other_separators(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(chance, texts, chance.choice(("text", "sentence")), others(chance, 1))
    name, separator = chance.choice((("a.tsv", "\t"), ("a.csv", "\t"), ("a.csv", "|")))
    return Case({name: ends(chance, rows(header, cells, separator)).encode()}, plain(texts))


def no_header(chance: Random) -> Case:
    texts = sentences(chance)
    _, cells = fields(chance, texts, "text", others(chance, 1))
    return Case({"a.csv": rows(None, cells, chance.choice(",;\t")).encode()}, plain(texts))


def pandas_index(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(
        chance, texts, chance.choice(("sentence", "content", "Text", "headline")), ["label"]
    )
    content = rows(["", *header], [[n, *row] for n, row in enumerate(cells)])
    return Case({"a.csv": content.encode()}, plain(texts))


def usual_names(chance: Random) -> Case:
    texts = sentences(chance)
    name = chance.choice(
        ("content", "body", "summary", "article", "transcript", "tweet", "description", "News")
    )
    header, cells = fields(chance, texts, name, others(chance, 1))
    if chance.random() < 0.5:
        return Case({"a.csv": rows(header, cells).encode()}, plain(texts))
    file, content = json_of(chance, [dict(zip(header, row, strict=True)) for row in cells])
    return Case({file: content}, plain(texts))


def unusual_names(chance: Random) -> Case:
    texts = sentences(chance)
    header, cells = fields(
        chance, texts, chance.choice(("x", "remark", "mgmt_comment", "Satz", "文")), others(chance, 1)
    )
    return Case({"a.csv": rows(header, cells).encode()}, plain(texts))


def unquoted_separators(chance: Random) -> Case:
    texts = sentences(chance)
    lines = (
        ["text", *texts] if chance.random() < 0.5 else ["id,text", *(f"{n},{t}" for n, t in enumerate(texts))]
    )
    return Case({"a.csv": "\n".join(lines).encode()}, plain(texts))


def labels_only(chance: Random) -> Case:
    count = chance.randint(25, 60)
    header = chance.sample(["id", "label", "date", "score"], chance.randint(1, 3))
    _, cells = fields(chance, ["?"] * count, "?", header)
    return Case({"a.csv": rows(header, [row[: len(header)] for row in cells]).encode()}, [])
