"""Archives whose headers unpack to gigabytes are refused before they are read."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from core.evaluation import archive as evaluations
from finexpert.errors import UserError
from finexpert.service.evaluation import rescoring
from localcloud.sagemaker import archive as artifacts

KINDS = [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]
HEADER_BYTES = 40 << 20


def bomb(kind: bytes) -> bytes:
    """A tar.gz of some kilobytes whose one extended header has 40 MiB."""
    header = tarfile.TarInfo("long")
    header.type, header.size = kind, HEADER_BYTES
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped:
        zipped.write(header.tobuf(tarfile.GNU_FORMAT))
        zipped.write(b"x" * HEADER_BYTES)
    return packed.getvalue()


def many_headers() -> bytes:
    """Many headers, each small enough, with no content at all."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as made,
    ):
        for number in range(30):
            member = tarfile.TarInfo(f"evaluation-{number}")
            member.pax_headers = {"comment": "x" * 900_000}
            made.addfile(member)
    return packed.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_huge_header_is_refused_everywhere(kind: bytes, tmp_path: Path) -> None:
    packed = bomb(kind)
    with pytest.raises(evaluations.ArchiveError, match="header of"):
        evaluations.extract(io.BytesIO(packed))
    with pytest.raises(artifacts.UnsafeArchive, match="header of"):
        artifacts.unpack(io.BytesIO(packed), tmp_path / "unpacked")
    (tmp_path / "model.tar.gz").write_bytes(packed)
    with pytest.raises(UserError, match="header of"):
        rescoring.unpack_adapter(tmp_path / "model.tar.gz", tmp_path / "adapter")


def test_headers_count_as_bytes_that_were_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packed = many_headers()
    monkeypatch.setattr(evaluations, "MOST_BYTES", 10 << 20)
    with pytest.raises(evaluations.ArchiveError, match="more than"):
        evaluations.extract(io.BytesIO(packed))
    monkeypatch.setattr(artifacts, "ALWAYS_TAKEN_BYTES", 10 << 20)
    with pytest.raises(artifacts.UnsafeArchive, match="more than"):
        artifacts.unpack(io.BytesIO(packed), tmp_path / "unpacked")
    monkeypatch.setattr(rescoring, "MOST_ADAPTER_BYTES", 10 << 20)
    (tmp_path / "model.tar.gz").write_bytes(packed)
    with pytest.raises(UserError, match="more than"):
        rescoring.unpack_adapter(tmp_path / "model.tar.gz", tmp_path / "adapter")
