"""Checks that data of every form is read whole, or reported: `python -m bench.data_forms`.

Thirty forms of datasets that people bring, each in twenty variations that differ in text, names, order,
separators, encodings and line ends. The check and the job's reading take each as it is, without a setting.
What is learned is compared with what was written:

read whole: all documents, and nothing else, with the question before each answer where there is one.
reported: an error or a warning says what is wrong.
silently wrong: neither. The aim is 0.

Also the processor time of the check for 100 MB. The result goes to bench/results/data_forms.json.
"""

import io
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from inspect import isfunction
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from bench import common
from bench import data_of_records as of_records
from bench import data_of_text as of_text
from bench.data_writing import Case, paragraph
from core.dataset import Intake, check, local_sources
from core.hyperparameters import parse
from finexpert.errors import UserError
from finexpert.service.runs import conversion

VARIATIONS = 20
QUANTITY = ("this is very little text:", "documents are held out:")
"""Warnings with these words say that there is little text, and nothing of how it was read."""

FORMS: tuple[Callable[[Random], Case], ...] = tuple(
    form
    for module in (of_text, of_records)
    for form in vars(module).values()
    if isfunction(form) and form.__module__ == module.__name__
)
"""Every function of these two modules, in their order, which decides the seeds."""


def outcome(case: Case) -> str:
    """ "read whole", "reported" or "silently wrong"."""
    settings = parse(case.settings)
    with TemporaryDirectory(prefix="finexpert-forms-") as name:
        folder = Path(name, "data")
        for file, content in case.files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        try:
            with conversion.readable(folder) as there:
                report = check(local_sources(there), settings)
                intake = Intake(local_sources(there), None, settings)
                documents = [document for _, document in intake]
        except UserError:
            return "reported"
    if not report.ok:
        return "reported"
    held = intake.held_out or 0
    found = [(document.prompt, document.text) for document in documents]
    if same(found[held:], case.learned) and same(found[:held], case.held_out):
        return "read whole"
    loud = [warning for warning in report.warnings if not any(words in warning for words in QUANTITY)]
    return "reported" if loud else "silently wrong"


def same(found: list[tuple[str | None, str]], wanted: list[tuple[str | None, str]]) -> bool:
    """Whether these are the documents: the same texts, and each question within its prompt."""
    if len(found) != len(wanted):
        return False
    left = list(found)
    for question, text in wanted:
        place = next(
            (
                n
                for n, (prompt, learned) in enumerate(left)
                if learned == text and (question or "") in (prompt or "")
            ),
            None,
        )
        if place is None or (question is None) != (left[place][0] is None):
            return False
        left.pop(place)
    return not left


def counted(variations: int) -> dict[str, dict[str, int]]:
    """The number of variations of each form by outcome."""
    found = {}
    for number, form in enumerate(FORMS):
        outcomes = Counter(outcome(form(Random(1000 * number + seed))) for seed in range(variations))
        found[form.__name__.replace("_", " ")] = {
            name: outcomes[name] for name in ("read whole", "reported", "silently wrong")
        }
    return found


def seconds_for_100_mb(megabytes: int) -> float:
    """Processor seconds of the check for 100 MB of paragraphs, by a smaller file of them."""
    chance = Random(1)

    def text() -> Iterator[str]:
        size = number = 0
        while size < megabytes * 1_000_000:
            yield (part := paragraph(chance, number) + "\n\n")
            size, number = size + len(part.encode()), number + 1

    raw = "".join(text()).encode()
    begun = time.process_time()
    check([("a.txt", io.BytesIO(raw))], parse({}))
    return (time.process_time() - begun) * 100_000_000 / len(raw)


def main() -> None:
    """Read all variations, print the table and write the result."""
    parser = common.command_line(__doc__)
    parser.add_argument(
        "--variations", type=int, default=VARIATIONS, help="of each form (default %(default)s)"
    )
    parser.add_argument(
        "--megabytes", type=int, default=100, help="to time the check on (default %(default)s)"
    )
    arguments = parser.parse_args()
    forms = counted(arguments.variations)
    total = {name: sum(each[name] for each in forms.values()) for name in next(iter(forms.values()))}
    document = {
        "run": datetime.now(UTC).date().isoformat(),
        "variations": arguments.variations,
        "forms": forms,
        "total": total,
        "cpu_seconds_for_100_mb": round(seconds_for_100_mb(arguments.megabytes), 1),
    }
    common.store("data_forms", document)
    for name, each in {**forms, "in all": total}.items():
        print(f"{name:24}", *(f"{count:4} {what}" for what, count in each.items()))
    print(f"check of 100 MB: {document['cpu_seconds_for_100_mb']} s of processor time")


if __name__ == "__main__":
    main()
