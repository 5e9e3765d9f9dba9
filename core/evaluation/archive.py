"""Takes two known files out of a job's output.tar.gz, trusting nothing else in it."""

import io
import tarfile
from typing import BinaryIO

#: Wanted file → the most bytes that it may have. The report is one self-contained page.
WANTED = {"evaluation.json": 8 << 20, "report.html": 8 << 20}
#: An archive with more members, or more bytes before the wanted ones, is not what our trainer writes.
MOST_MEMBERS = 1000
MOST_BYTES = 512 << 20


MOST_HEADER_BYTES = 1 << 20
EXTENDED = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)


class BoundedHeaders(tarfile.TarInfo):
    """A member whose extended header is small: tarfile reads one whole, however large it says it is."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in EXTENDED and not 0 <= self.size <= MOST_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes, more than {MOST_HEADER_BYTES:,}")
        member: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return member


class ArchiveError(ValueError):
    """The archive cannot be used; the message says why."""


class _Limited(io.RawIOBase):
    """Reads at most `limit` compressed bytes of a stream, so that no archive is read without end."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._left = stream, limit

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size if size >= 0 else 1 << 16)
        self._left -= len(block)
        if self._left < 0:
            raise ArchiveError(f"it is larger than {MOST_BYTES >> 20} MiB")
        return block


def extract(stream: BinaryIO) -> dict[str, bytes]:
    """The wanted files of a gzipped tar, read as a stream and kept in memory; those that it lacks are left
    out.

    Only plain files at the top of the archive count, so no path can lead out of anywhere. Raises
    ArchiveError.
    """
    found: dict[str, bytes] = {}
    unpacked = 0
    try:
        with tarfile.open(
            fileobj=_Limited(stream, MOST_BYTES), mode="r|gz", tarinfo=BoundedHeaders
        ) as archive:  # type: ignore[call-overload]
            for number, member in enumerate(archive):
                unpacked += member.size
                # What was read counts as well: headers, and what a sparse file only claims to be
                if number >= MOST_MEMBERS or max(unpacked, archive.offset) > MOST_BYTES:
                    raise ArchiveError(
                        f"it unpacks to more than {MOST_MEMBERS} files or {MOST_BYTES >> 20} MiB"
                    )
                name = member.name.removeprefix("./")
                if name not in WANTED or not member.isreg():
                    continue
                if member.size > WANTED[name]:
                    raise ArchiveError(f"{name} has {member.size:,} bytes; at most {WANTED[name]:,} are read")
                content = archive.extractfile(member)
                if content is not None:
                    found[name] = content.read(WANTED[name] + 1)
                if len(found) == len(WANTED):
                    break
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ArchiveError(f"it is not a readable .tar.gz: {error}") from error
    return found
