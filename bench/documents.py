"""Reading, searching and answering: `python -m bench.documents FOLDER` with filings of your own in FOLDER.

Pages a processor second by kind of file, a search over at least 10,000 pages (the documents again and again
under other names), answers on questions made from the figures, refusals of questions about what is not there,
and the largest memory. Writes bench/results/documents.json.
"""

import resource
import sys
import tempfile
import time
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from bench import common
from bench.unanswerable import unanswerable
from core.documents import answering, store
from core.documents.search import Corpus, search
from finexpert.service.documents import exercises, library

PAGES = 10_000
QUESTIONS = 300
UNANSWERABLE = 700


def main() -> None:
    """Measure, print and write."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else common.ROOT / "docs" / "examples" / "filings"
    with tempfile.TemporaryDirectory() as scratch:
        result = measured(folder, Path(scratch))
    print(common.store("documents", result))


def measured(folder: Path, scratch: Path) -> dict[str, Any]:
    """All figures."""
    seconds: dict[str, float] = {}
    pages: dict[str, int] = {}
    suffix_of = attrgetter("suffix")
    for suffix, files in groupby(sorted(library.files([folder]), key=suffix_of), key=suffix_of):
        begin = common.cpu_seconds(*_PROCESSES)
        added = library.add(scratch / "small", files)
        seconds[suffix] = common.cpu_seconds(*_PROCESSES) - begin
        pages[suffix] = sum(each.pages for each in added)
    with store.opened(scratch / "small") as connection:
        corpus = Corpus.of(connection)
        made = exercises.questions_of(corpus, None, most=QUESTIONS)
        answers = exercises.evaluate(corpus, made)
        refused = {
            kind: {
                "questions": len(asked),
                "refused": sum(answering.answer(corpus, corpus.understand(each)).refused for each in asked),
            }
            for kind, asked in unanswerable(corpus, most=UNANSWERABLE).items()
        }
    return {
        "documents": len(library.files([folder])),
        "pages": dict(pages),
        "pages_per_cpu_second": {kind: round(pages[kind] / seconds[kind], 1) for kind in pages},
        "search": searched(folder, scratch / "large", [each["question"] for each in made[:20]]),
        "answers": answers,
        "not_there": refused,
        "peak_memory_mib": round(max(resource.getrusage(who).ru_maxrss for who in _PROCESSES) / 1024),
    }


_PROCESSES = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)  # the latter read PDF


def searched(folder: Path, index: Path, questions: list[str]) -> dict[str, Any]:
    """Processor seconds of a search over many pages."""
    total = number = 0
    files = library.files([folder])
    with store.opened(index, make=True) as connection:
        while total < PAGES:
            for path in files:
                document = library.read(path, path.read_bytes(), f"{number}")
                store.add(connection, replace(document, name=f"{number}-{path.name}"))
                total, number = total + len(document.pages), number + 1
    with store.opened(index) as connection:
        corpus = Corpus.of(connection)
        begin = time.process_time()
        for question in questions:
            search(corpus, corpus.understand(question), top=5)
        spent = time.process_time() - begin
    return {"pages": total, "cpu_seconds_a_search": round(spent / max(1, len(questions)), 3)}


if __name__ == "__main__":
    main()
