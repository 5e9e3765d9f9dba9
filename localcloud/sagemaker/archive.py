"""tar.gz archives, both ways: same files, same bytes, and nothing that reaches outside its folder."""

import gzip
import io
import shutil
import tarfile
import zlib
from pathlib import Path
from typing import IO

MAX_UNPACKED_BYTES = 64 * 1024**3  # beyond any model that a laptop holds
MAX_MEMBERS = 100_000
# Weights hardly shrink and text shrinks to a fifth; deflate makes a thousandth of zeros. So this is a bomb:
MAX_RATIO, ALWAYS_TAKEN_BYTES = 100, 256 * 1024**2


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


class UnsafeArchive(ValueError):
    """An archive that must not be unpacked; the message says why."""


def pack(folder: Path, target: Path) -> list[str]:
    """Write the files under `folder` into the gzip'ed tar `target`; same files give the same bytes.

    A symbolic link is stored as the file that it leads to; one that leads out of `folder` is left out.

    Returns:
        the paths of links that were left out, relative to `folder`.
    """
    root = folder.resolve()
    left_out = []
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                left_out.append(str(path.relative_to(folder)))
            elif path.is_file() and path.resolve().is_relative_to(root):
                _add(archive, path, str(path.relative_to(folder)))
    return left_out


def unpack(source: IO[bytes], folder: Path) -> None:
    """Unpack a gzip'ed tar into `folder`.

    Raises:
        UnsafeArchive: for one that is no tar.gz, is too large unpacked, or reaches outside the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    limit = min(MAX_UNPACKED_BYTES, max(MAX_RATIO * _size(source), ALWAYS_TAKEN_BYTES))
    total = members = 0
    try:
        with tarfile.open(fileobj=source, mode="r:gz", tarinfo=BoundedHeaders) as archive:
            for member in archive:
                total, members = total + member.size, members + 1
                if max(total, archive.offset) > limit or members > MAX_MEMBERS:
                    raise UnsafeArchive(f"it unpacks to more than {limit:,} bytes or {MAX_MEMBERS:,} files")
                _extract(archive, member, folder)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise UnsafeArchive(f"it is not a tar.gz archive that can be unpacked ({error})") from error


def _size(source: IO[bytes]) -> int:
    """Bytes of a file that is open at its beginning."""
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    return size


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one member, a file or a folder (tarfile's own filters came with Python 3.11.4 only)."""
    target = folder / member.name
    if not target.resolve().is_relative_to(folder.resolve()):
        raise UnsafeArchive(f"its member {member.name!r} leads out of the folder")
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    content = archive.extractfile(member) if member.isreg() else None
    if content is None:
        raise UnsafeArchive(f"its member {member.name!r} is neither a file nor a folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as written:
        shutil.copyfileobj(content, written)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = path.stat().st_size
    member.mode = 0o644
    with path.open("rb") as content:
        archive.addfile(member, content)
