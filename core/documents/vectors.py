"""Search by meaning: pieces of documents as vectors of Titan in an index of S3 Vectors.

A piece's key holds a checksum of its document and of its metadata: a changed document has new keys, and the
stored keys alone show which pieces are missing and which are left over.

Sources: Amazon Bedrock User Guide, "Amazon Titan Text Embeddings V2"; Amazon S3 User Guide, "Limitations and
restrictions" and "Metadata filtering" of S3 Vectors.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.aws.errors import error_text
from core.documents import store
from core.documents.model import Cover
from core.documents.questions import Asked
from core.documents.search import Corpus

MODEL = "amazon.titan-embed-text-v2:0"
DIMENSIONS = 256
METRIC = "cosine"
MOST_CHARACTERS = 8_000
"""Of a text that is embedded: Titan reads 8,192 tokens, and a token has at least one character."""
MOST_VECTORS = 500
"""Vectors of one PutVectors or DeleteVectors."""
NEAREST = 100
"""Vectors that one question gets: the documented limit of QueryVectors."""
_MOST_VALUES = 50
_MOST_OF_A_VALUE = 300  # characters: the filterable metadata of a vector have 2 KB in all


@dataclass(frozen=True)
class Piece:
    """A piece of a document as it is embedded."""

    key: str
    text: str
    metadata: dict[str, Any]

    @property
    def most_tokens(self) -> int:
        """No text has more tokens than bytes."""
        return len(self.text.encode())


def metadata(cover: Cover) -> dict[str, Any]:
    """The metadata that vectors are filtered by."""
    given: dict[str, Any] = {"company": cover.company[:_MOST_OF_A_VALUE], "form": cover.form}
    given |= {"fiscal_year": cover.fiscal_year, "fiscal_period": cover.fiscal_period}
    return {name: value for name, value in given.items() if value}


def pieces(corpus: Corpus) -> Iterator[Piece]:
    """Every piece of a corpus, with what it is filtered by and the heading above it."""
    for document, (begin, first) in _beginnings(corpus).items():
        cover = corpus.covers[document][1]
        titled = " ".join(str(value) for value in metadata(cover).values())
        rows = corpus.connection.execute(
            "SELECT id, section, context, text FROM chunk WHERE document = ? ORDER BY id", (document,)
        )
        for row in rows:
            parts = (titled, row["section"], row["context"], row["text"])
            text = "\n".join(part for part in parts if part)[:MOST_CHARACTERS]
            yield Piece(f"{begin}-{row['id'] - first}", text, metadata(cover))


def _beginnings(corpus: Corpus) -> dict[int, tuple[str, int]]:
    """The beginning of each document's keys, and the number of its first piece."""
    rows = corpus.connection.execute(
        "SELECT document, sha256, COUNT(*) AS pieces, MIN(chunk.id) AS first FROM chunk"
        " JOIN document ON document.id = chunk.document GROUP BY document"
    )
    found = {}
    for row in rows:
        name, cover = corpus.covers[row["document"]]
        said = [store.VERSION, name, row["sha256"], row["pieces"], metadata(cover)]
        found[row["document"]] = (hashlib.sha256(json.dumps(said).encode()).hexdigest()[:24], row["first"])
    return found


def numbers(corpus: Corpus, keys: Iterable[str], documents: Collection[int]) -> list[int]:
    """The numbers of the pieces of these documents that have these keys, in the keys' order.

    Keys of another version of the corpus are left out.
    """
    firsts = dict(begun for document, begun in _beginnings(corpus).items() if document in documents)
    split = (key.rpartition("-") for key in keys)
    return [firsts[begin] + int(place) for begin, _, place in split if begin in firsts and place.isdecimal()]


def filtered(covers: Sequence[Cover], kept: Sequence[Cover]) -> dict[str, Any] | None:
    """The metadata filter that keeps the documents which a question is about; None: all are.

    Args:
        covers: of all documents.
        kept: of those that the question is about.
    """
    parts = []
    for name in ("company", "form", "fiscal_year"):
        values = {metadata(cover).get(name) for cover in kept}
        narrower = values != {metadata(cover).get(name) for cover in covers}
        if narrower and None not in values and len(values) <= _MOST_VALUES:
            parts.append({name: {"$in": sorted(values, key=str)}})
    if len(parts) > 1:
        return {"$and": parts}
    return parts[0] if parts else None


def embedded(bedrock: Any, text: str) -> tuple[list[float], int]:
    """The vector of a text, and the tokens that were paid for."""
    asked = {"inputText": text[:MOST_CHARACTERS], "dimensions": DIMENSIONS, "normalize": True}
    reply = bedrock.invoke_model(
        modelId=MODEL, body=json.dumps(asked), contentType="application/json", accept="application/json"
    )
    given = json.loads(reply["body"].read())
    return given["embedding"], int(given["inputTextTokenCount"])


@dataclass
class ByMeaning:
    """Ranks the pieces of a corpus by how near their vectors are to a question's.

    `problem` says why the last question was not searched so; then the words alone were.

    Args:
        clients: makes the boto3 client of a service.
    """

    clients: Callable[[str], Any]
    index_arn: str
    problem: str = field(default="", init=False)
    _last: tuple[str, list[float]] = field(default=("", []), init=False)

    def __call__(self, corpus: Corpus, asked: Asked, documents: Sequence[int]) -> list[int]:
        """The numbers of the nearest pieces of these documents, nearest first; none if AWS fails."""
        self.problem = ""
        covers = [cover for _, cover in corpus.covers.values()]
        kept = filtered(covers, [corpus.covers[number][1] for number in documents])
        try:
            if self._last[0] != asked.text:
                self._last = asked.text, embedded(self.clients("bedrock-runtime"), asked.text)[0]
            found = self.clients("s3vectors").query_vectors(
                indexArn=self.index_arn,
                topK=NEAREST,
                queryVector={"float32": self._last[1]},
                **({"filter": kept} if kept else {}),
            )
            return numbers(corpus, [each["key"] for each in found["vectors"]], documents)
        except Exception as error:  # whatever AWS or the way to it does, the words are searched
            self.problem = f"Vectors were not searched ({error_text(error)}); the words alone were."
            return []
