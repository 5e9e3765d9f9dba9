"""Keeps the vectors of the pushed index: pays for what is new, and removes what is gone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from core.aws.errors import error_text
from core.documents import vectors
from core.documents.search import Corpus
from core.documents.vectors import ByMeaning, Piece
from finexpert.errors import UserError
from finexpert.service.deployment import Deployment
from finexpert.service.money.purse import Purse

USD_PER_MILLION_TOKENS = 0.02
USD_PER_GB_WRITTEN = 0.2
PRICES = "Titan $0.02 a million tokens, us-east-1, read on 2026-11-01 in pydantic/genai-prices 0.2.3"
VECTOR_BYTES = 4 * vectors.DIMENSIONS + 300
"""The size of a stored vector with its key and metadata, about."""
LEAST_WRITTEN_BYTES = 128 * 1024
"""S3 Vectors bills a request that writes as at least this many."""
MANY_PAGES = 100_000
"""Above these, words alone are likely to miss more (the project's own estimate)."""
OUTPUT = ("Storage", "VectorIndexArn")
WORKERS = 8
T = TypeVar("T")
Spent = Callable[[float], None]


@dataclass(frozen=True)
class Plan:
    """The changes of a push: pieces without a vector, and the keys of vectors without a piece."""

    missing: Sequence[Piece]
    gone: Sequence[str]

    @property
    def worst_usd(self) -> float:
        """Dollars at most: a text has no more tokens than bytes."""
        tokens = sum(piece.most_tokens for piece in self.missing)
        written = sum(max(LEAST_WRITTEN_BYTES, len(batch) * VECTOR_BYTES) for batch in _batches(self.missing))
        return tokens / 1e6 * USD_PER_MILLION_TOKENS + written / 2**30 * USD_PER_GB_WRITTEN

    @property
    def announcement(self) -> str:
        """The sentence to agree to before anything is paid."""
        return (
            f"{len(self.missing):,} pieces of text go to Amazon Titan for their vectors, which costs at most"
            f" ${self.worst_usd:.4f} ({PRICES}); {len(self.gone):,} vectors are removed."
        )


def advice(pages: int) -> str:
    """A hint for an index of many pages that is searched by words alone."""
    return (
        f"The index has {pages:,} pages and is searched by words alone. With the setting retrieval=vectors it"
        " is searched by meaning too: finexpert docs evaluate --pushed shows whether that finds more."
    )


def plan(deployment: Deployment, corpus: Corpus) -> Plan | None:
    """The changes that make the index hold this corpus's vectors alone; None if the app keeps none."""
    if not deployment.settings.vectors:
        return None
    kept = stored(deployment.target.client("s3vectors"), deployment.output(*OUTPUT))
    return compared(vectors.pieces(corpus), kept)


def compared(wanted: Iterable[Piece], kept: set[str]) -> Plan:
    """The pieces whose keys are not kept, and the keys that no piece has."""
    pieces = list(wanted)
    missing = [piece for piece in pieces if piece.key not in kept]
    return Plan(missing, sorted(kept - {piece.key for piece in pieces}))


def stored(s3vectors: Any, index_arn: str) -> set[str]:
    """The keys of all vectors of the index."""
    pages = s3vectors.get_paginator("list_vectors").paginate(indexArn=index_arn)
    return {each["key"] for page in pages for each in page["vectors"]}


@contextmanager
def purse(deployment: Deployment, planned: Plan | None) -> Iterator[Spent]:
    """The month's money for a plan, admitted before anything is sent, and where its dollars are counted.

    Raises:
        UserError: on entering, if the plan may cost more than is left of the month.
    """
    if planned is None or not planned.missing:
        yield lambda usd: None
        return
    fewer = "Push fewer documents"
    with Purse(deployment, planned.worst_usd, what="push of documents", fewer=fewer) as money:
        yield money.spent


def carry_out(deployment: Deployment, planned: Plan, spent: Spent, say: Callable[[str], None]) -> float:
    """Embed what is missing, remove what is gone, and return the dollars that Titan's tokens cost.

    Vectors are kept every 500 pieces. So after an interruption the next push pays only for the rest.

    Raises:
        UserError: AWS refused something; what was kept before stays.
    """
    bedrock, s3vectors = (deployment.target.client(name) for name in ("bedrock-runtime", "s3vectors"))
    index_arn, done, usd = deployment.output(*OUTPUT), 0, 0.0

    def vector(piece: Piece) -> dict[str, Any]:
        numbers, tokens = vectors.embedded(bedrock, piece.text)
        paid.append(tokens / 1e6 * USD_PER_MILLION_TOKENS)
        return {"key": piece.key, "data": {"float32": numbers}, "metadata": piece.metadata}

    try:
        for batch in _batches(planned.missing):
            paid: list[float] = []
            try:
                with ThreadPoolExecutor(WORKERS) as pool:
                    made = list(pool.map(vector, batch))
            finally:
                usd += sum(paid)
                spent(sum(paid))
            s3vectors.put_vectors(indexArn=index_arn, vectors=made)
            done += len(batch)
            say(f"{done:,} of {len(planned.missing):,} vectors")
        for keys in _batches(planned.gone):
            s3vectors.delete_vectors(indexArn=index_arn, keys=list(keys))
    except (ClientError, BotoCoreError) as error:
        raise UserError(
            f"The index was pushed, but only {done:,} of {len(planned.missing):,} new vectors were kept:"
            f" {error_text(error)}",
            where=index_arn,
            fix="Push again: it goes on with the rest. Until then the words find what vectors do not.",
        ) from None
    return usd


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(items), vectors.MOST_VECTORS):
        yield items[first : first + vectors.MOST_VECTORS]


def by_meaning(deployment: Deployment) -> ByMeaning | None:
    """The search by meaning over the pushed index; None where the app keeps no vectors."""
    if not deployment.settings.vectors:
        return None
    # A page has 30 seconds for its answer, and the words still find something if this fails.
    clients = partial(deployment.target.client, read_seconds=8)
    return ByMeaning(clients, deployment.output(*OUTPUT))
