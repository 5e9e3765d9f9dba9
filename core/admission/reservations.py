"""Money promised to jobs that do not exist yet, so that two runs admitted at once cannot both spend the rest.

One small object in the artifact bucket, changed by S3's conditional writes only: a write that is based on an
older version fails, and its admission reads again (docs/decisions/reservations.md).
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from core.aws.errors import if_there
from core.aws.s3 import S3Address, write_if

KEY = "admission/reservations.json"
#: From admission to the job's appearance in SageMaker's lists, with all retries, is a minute or two. A run
#: that was aborted in between gives its reservation back by this.
LASTS = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """The worst-case cost of an admitted job, until the job itself is in SageMaker's lists."""

    job: str
    usd: float
    usd_per_hour: float
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Book:
    """The reservations as read; `etag` is the version, empty if there was no object."""

    reservations: tuple[Reservation, ...] = ()
    etag: str = ""

    def standing(self, job: str, now: datetime) -> list[Reservation]:
        """The reservations of other jobs that have not expired."""
        return [each for each in self.reservations if each.until > now and each.job != job]


def read(s3: Any, bucket: str) -> Book:
    """The present reservations.

    Raises:
        ValueError: the object is damaged, so it is not known what may be spent.
    """
    answer = if_there(lambda: s3.get_object(Bucket=bucket, Key=KEY))
    if answer is None:
        return Book()
    try:
        entries = json.loads(answer["Body"].read())
        reservations = tuple(
            Reservation(**{**entry, "until": datetime.fromisoformat(entry["until"])}) for entry in entries
        )
    except (ValueError, KeyError, TypeError, RecursionError) as torn:
        raise ValueError(
            f"s3://{bucket}/{KEY} cannot be read ({torn!r}): delete it when no run is being started"
        ) from torn
    return Book(reservations=reservations, etag=answer["ETag"])


def write(s3: Any, bucket: str, book: Book, reservations: list[Reservation]) -> bool:
    """Replace the book by `reservations`; False if it was changed since `book` was read."""
    body = json.dumps([asdict(each) for each in reservations], default=datetime.isoformat)
    return write_if(s3, S3Address(bucket, KEY), body.encode(), book.etag)
