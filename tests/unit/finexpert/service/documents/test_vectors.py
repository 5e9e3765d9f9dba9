"""The vectors of the pushed index: what is paid for, what is kept and removed, and what a failure leaves."""

import io
import json
from dataclasses import replace
from threading import Lock
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from core.documents.search import Corpus
from core.documents.vectors import Piece
from finexpert.errors import UserError
from finexpert.service.documents import exercises, vectors


class Amazon:
    """As much of Titan and S3 Vectors as a push uses. `texts`: how many texts Titan still reads."""

    def __init__(self, texts: int = 10**6) -> None:
        self.kept: dict[str, Any] = {}
        self.texts = texts
        self.lock = Lock()
        self.puts: list[int] = []

    def client(self, service: str, **_: Any) -> Any:
        return self

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_vectors"
        return SimpleNamespace(paginate=lambda **_: [{"vectors": [{"key": key} for key in self.kept]}])

    def invoke_model(self, *, body: str, **_: Any) -> Any:
        with self.lock:  # eight threads embed at once
            self.texts -= 1
            refused = self.texts < 0
        if refused:
            raise ClientError(
                {"Error": {"Code": "ThrottlingException", "Message": "Slow down."}}, "InvokeModel"
            )
        answer = {"embedding": [1.0], "inputTextTokenCount": len(json.loads(body)["inputText"]) // 4}
        return {"body": io.BytesIO(json.dumps(answer).encode())}

    def put_vectors(self, *, vectors: list[Any], **_: Any) -> None:
        assert len(vectors) <= 500
        self.puts.append(len(vectors))
        self.kept |= {each["key"]: each for each in vectors}

    def delete_vectors(self, *, keys: list[str], **_: Any) -> None:
        assert len(keys) <= 500
        for key in keys:
            del self.kept[key]

    def query_vectors(self, **_: Any) -> Any:
        return {"vectors": [{"key": key} for key in reversed(self.kept)]}


def app(amazon: Amazon | None, *, on: bool = True) -> Any:
    settings = SimpleNamespace(vectors=on)
    return SimpleNamespace(settings=settings, target=amazon, output=lambda part, key: f"{part}/{key}")


def pieces(count: int) -> list[Piece]:
    return [Piece(f"k{number}", f"Revenue of year {number} was high.", {}) for number in range(count)]


def pushed(amazon: Amazon, wanted: list[Piece]) -> tuple[float, list[float]]:
    """What a push says that it cost, and the dollars that it counted on the way."""
    spent: list[float] = []
    planned = vectors.compared(wanted, vectors.stored(amazon, "arn"))
    usd = vectors.carry_out(app(amazon), planned, spent.append, lambda line: None)
    return usd, spent


def test_only_new_pieces_are_paid_and_gone_ones_are_removed() -> None:
    amazon = Amazon()
    usd, spent = pushed(amazon, pieces(1100))
    assert amazon.puts == [500, 500, 100] and len(amazon.kept) == 1100
    assert usd == pytest.approx(sum(spent)) and usd > 0
    assert pushed(amazon, pieces(1100)) == (0.0, [])
    pushed(amazon, pieces(3))
    assert sorted(amazon.kept) == ["k0", "k1", "k2"] and amazon.puts == [500, 500, 100]


def test_what_is_announced_is_never_less_than_what_titan_counts() -> None:
    wanted = [*pieces(700), Piece("k", "七" * 8000, {})]
    planned = vectors.compared(wanted, set())
    usd, _ = pushed(Amazon(), wanted)
    assert usd < planned.worst_usd < 1
    assert "701 pieces" in planned.announcement and "2026-11-01" in planned.announcement
    assert vectors.compared([], set()).worst_usd == 0


def test_an_interrupted_push_keeps_what_was_paid_for_and_goes_on() -> None:
    amazon = Amazon(texts=600)
    with pytest.raises(UserError, match="only 500 of 1,100 new vectors were kept: ThrottlingException"):
        pushed(amazon, pieces(1100))
    assert len(amazon.kept) == 500
    amazon.texts = 600
    pushed(amazon, pieces(1100))
    assert len(amazon.kept) == 1100 and amazon.texts == 0, "only the rest is embedded again"


def test_without_the_setting_no_vector_is_asked_for(corpus: Corpus) -> None:
    off = app(None, on=False)
    assert vectors.plan(off, corpus) is None and vectors.by_meaning(off) is None
    with vectors.purse(off, None) as spent:
        spent(0.0)


def test_an_evaluation_shows_what_vectors_change_and_refuses_to_guess(corpus: Corpus) -> None:
    amazon = Amazon()
    planned = vectors.plan(app(amazon), corpus)
    assert planned is not None
    vectors.carry_out(app(amazon), planned, lambda usd: None, lambda line: None)
    searched = replace(corpus, by_meaning=vectors.by_meaning(app(amazon)))
    question = {"question": "Borealis revenue in fiscal 2024", "document": "borealis-10k.html", "page": 2}
    shown = exercises.with_vectors(searched, [{**question, "answer": "1,250 million"}])
    assert shown["questions"] == 1 and shown["pages"] == {"gained": 0, "lost": 0, "p": 1.0}
    amazon.texts = 0
    fresh = replace(corpus, by_meaning=vectors.by_meaning(app(amazon)))
    with pytest.raises(UserError, match="Vectors were not searched"):
        exercises.with_vectors(fresh, [question])
