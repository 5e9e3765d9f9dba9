"""Measures how much real text the search for overlaps removes, and what it finds: `python -m
bench.contamination`.

    python -m bench.contamination --filings FOLDER --reports tatqa_dataset_dev.json

FOLDER has annual and quarterly reports as PDF or HTML; each page is a document. A fifth of the documents is
held out. Earnings releases are measured apart too: they are few, so each page is held out once, in fifths,
with all other pages as training text. Transcripts of earnings calls are not among them. Counted are documents
left out whole and words left out of the others, beside the rule that one shared stretch of 13 words drops a
document. Then copies are planted: held-out documents with a share of words replaced, within other text.
`MOST_COPIED` was chosen on TAT-QA and the shipped sample, so the filings are an independent pool for it.
Results: bench/results/contamination.json.
"""

import random
from pathlib import Path
from typing import Any

from bench import common
from finexpert.service.documents import library
from training.evaluation import contamination
from training.evaluation.contamination import WORDS, Overlaps, Text, find_overlaps, words_of

SEED = 20261129
FEWEST_WORDS = 60
REPLACED = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
BOUNDS = (0.4, 0.5, 0.6, 0.7)
PLANTED = 150
#: Stands in the names of files that are earnings releases.
RELEASES = "EARNINGS"


def pages(folder: Path, named: str = "") -> list[str]:
    """The pages that have text enough, of all reports in a folder that are named so."""
    found = []
    for path in library.files([folder]):
        if named not in path.name:
            continue
        found += [page.text for page in library.read(path, path.read_bytes(), "").pages]
    return [text for text in found if len(words_of(text)) >= FEWEST_WORDS]


def divided(texts: list[str]) -> tuple[list[str], list[str]]:
    """(trained on, held out): four fifths and one fifth, different ones only."""
    different = list(dict.fromkeys(texts))
    random.Random(SEED).shuffle(different)
    count = len(different) // 5
    return different[count:], different[:count]


def lost_in_fifths(texts: list[str], others: list[str]) -> dict[str, float]:
    """As `lost`, with each text held out once; all others are trained on."""
    random.Random(SEED).shuffle(texts)
    fifths = [texts[n::5] for n in range(5)]
    parts = [
        lost([t for other in fifths if other is not fifth for t in other] + others, fifth) for fifth in fifths
    ]
    return {name: round(sum(part[name] for part in parts) / 5, 4) for name in parts[0]} | {
        "held_out": len(texts)
    }


def overlaps(training: list[str], held_out: list[str]) -> Overlaps:
    """What of the held-out texts, by their number, also stands in the others."""
    named = [(str(n), Text("", text)) for n, text in enumerate(held_out)]
    return find_overlaps(lambda: iter(named), {}, (Text("", text) for text in training))


def lost(training: list[str], held_out: list[str]) -> dict[str, float]:
    """Shares of documents and words that are left out."""
    found = overlaps(training, held_out)
    words = [len(words_of(text)) for text in held_out]
    hidden = sum(
        len(words_of(held_out[int(name)][start:end]))
        for name, spans in found.stretches.items()
        for start, end in spans
    )
    whole = sum(words[int(name)] for name in found.documents)
    shared = {sequence for text in training for sequence in sequences(text)}
    one = sum(any(sequence in shared for sequence in sequences(text)) for text in held_out)
    return {
        "held_out": len(held_out),
        "documents_left_out": round(len(found.documents) / len(held_out), 4),
        "words_left_out": round((hidden + whole) / sum(words), 4),
        "documents_with_one_shared_stretch": round(one / len(held_out), 4),
    }


def sequences(text: str) -> set[tuple[str, ...]]:
    """All WORDS words in a row."""
    words = words_of(text)
    return {tuple(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1)}


def planted(training: list[str], held_out: list[str], replaced: float) -> float:
    """Share of planted copies found as such, with this share of their words replaced."""
    dice = random.Random(SEED)
    vocabulary = [word for text in training for word in text.split()]
    chosen = [text for text in held_out if len(words_of(text)) >= FEWEST_WORDS][:PLANTED]
    copies = []
    for text in chosen:
        words = [dice.choice(vocabulary) if dice.random() < replaced else word for word in text.split()]
        copies.append(" ".join([*dice.choices(vocabulary, k=50), *words, *dice.choices(vocabulary, k=50)]))
    return len(overlaps(copies, chosen).documents) / len(chosen)


def measured(texts: list[str]) -> dict[str, Any]:
    """All figures of a pool."""
    training, held_out = divided(texts)
    result: dict[str, Any] = {"documents": len(training) + len(held_out)} | lost(training, held_out)
    chosen = contamination.MOST_COPIED
    for bound in BOUNDS:
        contamination.MOST_COPIED = bound
        result[f"bound_{bound}"] = {
            "documents_left_out": lost(training, held_out)["documents_left_out"],
            "copies_found": {str(r): round(planted(training, held_out, r), 3) for r in REPLACED},
        }
    contamination.MOST_COPIED = chosen
    return result


def main() -> None:
    """Measure the pools that are given."""
    parser = common.command_line(__doc__)
    parser.add_argument("--filings", type=Path, help="a folder of reports")
    parser.add_argument("--reports", type=Path, help="TAT-QA's tatqa_dataset_dev.json")
    options = parser.parse_args()
    result = common.stored("contamination")
    if options.filings:
        every, releases = pages(options.filings), list(dict.fromkeys(pages(options.filings, RELEASES)))
        result["filings"] = measured(every)
        others = [text for text in dict.fromkeys(every) if text not in set(releases)]
        result["releases"] = lost_in_fifths(releases, others) | {
            "copies_found": {str(r): round(planted(others, releases, r), 3) for r in REPLACED}
        }
    if options.reports:
        result["tatqa"] = measured(common.excerpts(options.reports))
    print(common.store("contamination", result))


if __name__ == "__main__":
    main()
