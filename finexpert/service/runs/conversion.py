"""Converts files that hold text in another form (PDF, HTML, DOCX, XLSX, Parquet) for training."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from core.dataset.sources import CONVERTIBLE
from finexpert import paths
from finexpert.errors import UsageError


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """The dataset at `path` with each convertible file replaced by its text; `path` if it has none.

    Raises:
        UserError: a file cannot be converted: why, and what to do.
    """
    found = paths.visible(path)
    if not any(file.suffix.lower() in CONVERTIBLE for file in found.values()):
        yield path
        return
    with TemporaryDirectory(prefix="finexpert-data-") as folder:
        top = Path(folder, path.resolve().name)
        for name, file in found.items():
            place = top.parent / name if path.is_file() else top / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix.lower() in CONVERTIBLE:
                _convert(file, place)
            else:
                place.symlink_to(file.resolve())
        made = sorted(top.parent.iterdir()) if path.is_file() else [top]
        if len(made) == 1:
            yield made[0]
            return
        sheets = top.parent / path.stem
        sheets.mkdir()
        for file in made:
            file.rename(sheets / file.name)
        yield sheets


def _convert(file: Path, place: Path) -> None:
    """Write the text of a file beside `place`, under its name with one more suffix."""
    converters: dict[str, Callable[[Path, Path], None]] = {".xlsx": _sheets, ".parquet": _rows}
    try:
        converters.get(file.suffix.lower(), _text)(file, place)
    except ImportError as error:
        raise UsageError(
            f"{file.name} is read with {error.name}, which is not installed.",
            where=str(file),
            fix=f"pip install {error.name}, or save the file as JSON lines, CSV or text.",
        ) from error
    except Exception as error:  # a damaged file makes its reader raise anything
        raise UsageError(
            f"No text can be read from {file.name}: {error}",
            where=str(file),
            fix="Save it again or as text, or take it out of the dataset.",
        ) from error


def _text(file: Path, place: Path) -> None:
    """Write the text of a document's pages, separated by blank lines."""
    from finexpert.service.documents import library

    pages = library.read(file, file.read_bytes(), "").pages
    blocks = ["\n".join(line for line in page.text.splitlines() if line.strip()) for page in pages]
    place.with_name(f"{place.name}.txt").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _sheets(file: Path, place: Path) -> None:
    """Write each sheet of a workbook as CSV."""
    import openpyxl

    from finexpert.service.documents import library

    library.parts_of(file.read_bytes())
    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    try:
        for sheet in book.worksheets:
            rows = [
                ["" if cell is None else str(cell) for cell in row]
                for row in library.rows_of(sheet)
                if any(cell is not None for cell in row)
            ]
            if rows:
                name = "".join(letter if letter.isalnum() else "-" for letter in sheet.title)
                target = place.with_name(f"{place.name}.{name}.csv")
                with target.open("w", encoding="utf-8", newline="") as out:
                    csv.writer(out).writerows(rows)
    finally:
        book.close()


def _rows(file: Path, place: Path) -> None:
    """Write the rows of a Parquet file as JSON lines."""
    import pyarrow.parquet

    with place.with_name(f"{place.name}.jsonl").open("w", encoding="utf-8") as out:
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=1000):
            for row in batch.to_pylist():
                out.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
