"""Examples to ask come from the text that a run has held out."""

import json
from io import BytesIO
from typing import Any

from core import hyperparameters
from core.dataset import check
from core.names import PROMPTS
from finexpert.service.asking import examples
from finexpert.service.runs import executions
from tests.fakes import deployment as fakes
from tests.fakes.s3 import FakeS3

TEXT = "\n\n".join(
    f"Halvane Instruments, report {number}: revenue was {number} million dollars above all plans."
    for number in range(40)
).encode()
SETTINGS = {"validation_split_ratio": "0.2"}


def test_they_are_openings_of_held_out_documents() -> None:
    found = examples.openings([("a.txt", BytesIO(TEXT))], SETTINGS)
    report = check([("a.txt", BytesIO(TEXT))], hyperparameters.parse(SETTINGS))
    assert (len(found), report.validation_documents) == (4, 8)
    assert all(each.startswith("Halvane Instruments, report ") and len(each.split()) == 8 for each in found)
    assert len(set(found)) == 4


def test_where_text_has_prompts_they_are_asked_whole() -> None:
    rows = [{"prompt": f"What was revenue in year {n}, please?", "completion": f"{n}"} for n in range(20)]
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    found = examples.openings([("a.jsonl", BytesIO(lines))], {**SETTINGS, "instruction_tuned": "True"})
    assert found and all("please?" in each for each in found)


def deployment(monkeypatch: Any, entries: list[dict[str, Any]], files: dict[str, bytes]) -> Any:
    execution = {"input": json.dumps({"dataset": "s3://data/datasets/halvane-1a2b3c4d/"})}
    monkeypatch.setattr(executions, "newest_entries", lambda deployment, limit: entries)
    monkeypatch.setattr(executions, "describe", lambda deployment, name: execution)
    s3 = FakeS3({f"datasets/halvane-1a2b3c4d/{name}": body for name, body in files.items()})
    return fakes.deployment(s3, hyperparameters=SETTINGS)


DONE = {"name": "run", "status": "SUCCEEDED"}
FAILED = {"name": "other", "status": "FAILED"}


def test_the_newest_run_that_succeeded_gives_them(monkeypatch: Any) -> None:
    found = examples.of_newest_run(deployment(monkeypatch, [FAILED, DONE], {"a.txt": TEXT}))
    assert (found.source, len(found.prompts)) == ("the held-out text of halvane", 4)


def test_without_a_run_or_its_data_they_are_the_samples(monkeypatch: Any) -> None:
    for entries, files in (([], {}), ([FAILED], {"a.txt": TEXT}), ([DONE], {})):
        found = examples.of_newest_run(deployment(monkeypatch, entries, files))
        assert (found.prompts, found.source) == (PROMPTS, "the sample")


def test_a_large_dataset_is_not_read_for_them(monkeypatch: Any) -> None:
    monkeypatch.setattr(examples, "MOST_BYTES", 10)
    assert examples.of_newest_run(deployment(monkeypatch, [DONE], {"a.txt": TEXT})) == examples.SAMPLE
