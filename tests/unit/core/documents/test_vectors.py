"""Search by meaning: keys, filters, the fusion of ranked lists, and what happens when AWS does not answer."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from core.documents import store, vectors
from core.documents.model import Cover
from core.documents.search import Corpus, fused, search
from core.documents.vectors import ByMeaning
from tests.fakes import filings

QUESTION = "What were Borealis's net sales in fiscal 2024?"


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    with store.opened(filings.shelf(tmp_path)) as connection:
        yield Corpus.of(connection)


class Amazon:
    """Titan and S3 Vectors in one: the vector of any text is the same, and `found` are the nearest keys."""

    def __init__(self, found: list[str], error: str = "") -> None:
        self.found, self.error = found, error
        self.asked: list[dict[str, Any]] = []
        self.embedded = self.longest = 0

    def __call__(self, service: str) -> Any:
        return self

    def invoke_model(self, *, body: str, **asked: Any) -> Any:
        self.embedded += 1
        text = json.loads(body)
        assert text["dimensions"] == vectors.DIMENSIONS
        self.longest = max(self.longest, len(text["inputText"]))
        answer = {"embedding": [1.0] * vectors.DIMENSIONS, "inputTextTokenCount": 7}
        return {"body": io.BytesIO(json.dumps(answer).encode())}

    def query_vectors(self, **asked: Any) -> Any:
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "No."}}, "QueryVectors")
        self.asked.append(asked)
        return {"vectors": [{"key": key} for key in self.found]}


def test_a_piece_high_in_two_lists_comes_before_the_first_of_one() -> None:
    scores = fused([([1, 2, 3], 1.0), ([3, 2], 1.0)])
    assert max(scores, key=lambda number: scores[number]) in (2, 3) and scores[2] > scores[1]
    assert scores == {1: 1 / 60, 2: 1 / 61 + 1 / 61, 3: 1 / 62 + 1 / 60}
    assert fused([([5], 0.5), ([], 1.0)]) == {5: 0.5 / 60}
    assert fused([]) == {}


def test_each_piece_has_a_key_of_its_own_that_leads_back_to_it(corpus: Corpus) -> None:
    pieces = list(vectors.pieces(corpus))
    rows = corpus.connection.execute("SELECT id, text FROM chunk ORDER BY document, id").fetchall()
    assert len({piece.key for piece in pieces}) == len(pieces) == len(rows)
    assert vectors.numbers(corpus, [piece.key for piece in pieces], corpus.covers) == [
        row["id"] for row in rows
    ]
    assert all(row["text"][:50] in piece.text for piece, row in zip(pieces, rows, strict=True))
    assert vectors.numbers(corpus, ["0" * 24 + "-1", "nonsense", ""], corpus.covers) == [], (
        "keys of another corpus"
    )
    companies = {"Borealis Pumps, Inc.", "Cascadia Rail Corporation"}
    assert {piece.metadata["company"] for piece in pieces} == companies


def test_a_corrected_cover_gives_new_keys_to_its_document_alone(corpus: Corpus) -> None:
    before = {piece.key for piece in vectors.pieces(corpus)}
    corpus.connection.execute("UPDATE document SET fiscal_year = 2019 WHERE company LIKE 'Cascadia%'")
    after = {piece.key for piece in vectors.pieces(Corpus.of(corpus.connection))}
    kept = before & after
    assert kept and before - kept and len(before - kept) == len(after - kept)


def test_a_long_text_is_cut_to_what_titan_reads_and_metadata_to_what_a_filter_may_have() -> None:
    cover = Cover(company="é" * 5000, form="10-K", fiscal_year=2024)
    assert len(json.dumps(vectors.metadata(cover), ensure_ascii=False).encode()) < 2048
    amazon = Amazon([])
    assert vectors.embedded(amazon, "x" * 20_000)[1] == 7
    assert amazon.longest == vectors.MOST_CHARACTERS <= 8192


def test_company_period_and_form_become_the_filter() -> None:
    def cover(company: str, year: int | None, form: str = "10-K") -> Cover:
        return Cover(company=company, form=form, fiscal_year=year)

    covers = [cover("A", 2023), cover("A", 2024), cover("B", 2024), cover("B", 2024, "10-Q")]
    assert vectors.filtered(covers, covers) is None
    wanted = [{"company": {"$in": ["A"]}}, {"form": {"$in": ["10-K"]}}]
    assert vectors.filtered(covers, covers[:2]) == {"$and": wanted}
    assert vectors.filtered(covers, covers[3:]) == {
        "$and": [{"company": {"$in": ["B"]}}, {"form": {"$in": ["10-Q"]}}, {"fiscal_year": {"$in": [2024]}}]
    }
    unknown = cover("", None)
    assert vectors.filtered([*covers, unknown], [unknown]) == {"form": {"$in": ["10-K"]}}, "none unknown"


def test_vectors_bring_a_piece_that_words_do_not_and_only_of_the_right_company(corpus: Corpus) -> None:
    asked = corpus.understand("How many people work for Borealis?")
    keys = {piece.key: piece for piece in vectors.pieces(corpus)}
    plain = search(corpus, asked, top=20)
    known = {each.number for each in plain}
    ours = (key for key, piece in keys.items() if "Borealis" in piece.metadata["company"])
    hidden = next(key for key in ours if vectors.numbers(corpus, [key], corpus.covers)[0] not in known)
    foreign = next(key for key, piece in keys.items() if "Cascadia" in piece.metadata["company"])
    amazon = Amazon([foreign, hidden])
    found = search(replace(corpus, by_meaning=ByMeaning(amazon, "arn")), asked, top=20)
    assert vectors.numbers(corpus, [hidden], corpus.covers)[0] in {each.number for each in found}
    assert {each.document for each in found} == {"borealis-10k.html"}
    assert amazon.asked[0]["filter"]["$and"][0] == {"company": {"$in": ["Borealis Pumps, Inc."]}}
    assert amazon.asked[0]["topK"] <= 100 and "returnMetadata" not in amazon.asked[0]


def test_without_an_answer_from_aws_the_words_answer_and_the_reason_is_kept(corpus: Corpus) -> None:
    asked = corpus.understand(QUESTION)
    failing = ByMeaning(Amazon([], error="AccessDeniedException"), "arn")
    assert search(replace(corpus, by_meaning=failing), asked) == search(corpus, asked)
    assert "AccessDeniedException" in failing.problem and "the words alone were" in failing.problem
    failing.clients = Amazon([])
    search(replace(corpus, by_meaning=failing), asked)
    assert failing.problem == "", "the next question that is answered clears it"


def test_a_question_that_is_searched_twice_is_embedded_once(corpus: Corpus) -> None:
    amazon = Amazon([])
    with_vectors = replace(corpus, by_meaning=ByMeaning(amazon, "arn"))
    for question in (QUESTION, QUESTION, "Something else about Borealis?"):
        search(with_vectors, corpus.understand(question))
    assert amazon.embedded == 2
