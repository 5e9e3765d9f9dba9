"""The two sides: whole documents, each once, never on both, the same in any order; and tasks."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataset import Document, Intake, Source, check, local_sources, split
from core.dataset.sources import MOST_TASKS, tasks_of
from core.dataset.split import ALONE, held_out, rank, sources
from core.hyperparameters import HyperparameterError, parse
from tests.unit.core.dataset.reading import file, json_lines
from training.data.sampling import Group, epoch_order, groups

RECIPE = parse({})


def lines(name: str, contents: list[str]) -> Source:
    """A file of documents that may hold anything, line ends too."""
    return file(name, json.dumps([{"text": text} for text in contents]))


def dealt(
    intake: Intake, *, ratio: float = 0.2, seed: int = 0, **limits: Any
) -> tuple[list[Document], list[Document], int]:
    """(trained on, held out, beyond a limit)."""
    taken = list(intake)
    tasks = [intake.tasks.index(document.task) for _, document in taken]
    digests = [digest for digest, _ in taken]
    sides = split(digests, tasks, given=intake.held_out, ratio=ratio, seed=seed, **limits)
    documents = [document for _, document in taken]
    training, outside = ([documents[i] for i in side] for side in (sides.training, sides.validation))
    return training, outside, sides.beyond_limit


contents = st.lists(st.text(alphabet="ab \n", max_size=4), max_size=40)


@given(contents, st.floats(0, 0.9), st.integers(0, 5))
def test_each_different_document_is_on_exactly_one_side(texts: list[str], ratio: float, seed: int) -> None:
    intake = Intake([lines("a.json", texts)], None, RECIPE)
    training, outside, _ = dealt(intake, ratio=ratio, seed=seed)
    sides = [" ".join(document.text.split()) for document in (*training, *outside)]
    wanted = {" ".join(text.split()) for text in texts if text.strip()}
    assert len(sides) == len(set(sides))
    assert set(sides) == wanted
    assert len(sides) + intake.duplicates + intake.empty == len(texts)
    if ratio > 0 and len(wanted) >= 3:
        assert len(outside) == min(max(round(len(wanted) * ratio), 2), len(wanted) - 1)


@given(contents, contents)
def test_what_a_validation_side_holds_is_never_trained_on(inside: list[str], outside: list[str]) -> None:
    intake = Intake([lines("a.json", inside)], [lines("b.json", outside)], RECIPE)
    training, validation, _ = dealt(intake)
    given, kept = ({" ".join(text.split()) for text in side if text.strip()} for side in (outside, inside))
    assert {" ".join(document.text.split()) for document in validation} == given
    assert {" ".join(document.text.split()) for document in training} == kept - given
    assert intake.leaked == len(kept & given)


@given(st.lists(st.binary(min_size=4, max_size=4), min_size=3, max_size=30, unique=True), st.randoms())
def test_order_does_not_decide_who_is_held_out(digests: list[bytes], chance: object) -> None:
    shuffled = list(digests)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    sides = [
        {digest for digest, out in zip(each, held_out([rank(d, 1) for d in each], 0.3), strict=True) if out}
        for each in (digests, shuffled)
    ]
    assert sides[0] == sides[1]


def test_another_seed_holds_out_others() -> None:
    ranks = [[rank(bytes([i]), seed) for i in range(100)] for seed in (0, 1)]
    assert held_out(ranks[0], 0.2) != held_out(ranks[1], 0.2)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=20))
def test_equal_ranks_do_not_hold_out_more(ranks: list[int]) -> None:
    assert sum(held_out(ranks, 0.5)) == min(max(round(len(ranks) * 0.5), 2), len(ranks) - 1)


def test_limits_keep_the_first_and_count_the_rest() -> None:
    intake = Intake([file("a.txt", "\n".join(map(str, range(10))))], None, RECIPE)
    training, outside, beyond = dealt(intake, max_training=3, max_validation=1)
    assert (len(training), len(outside), beyond) == (3, 1, 6)


def test_the_checks_split_is_the_trainers() -> None:
    text = "\n".join(f"Sales rose by {n}." for n in range(30))
    report = check([file("a.txt", text)], RECIPE)
    training, outside, _ = dealt(Intake([file("a.txt", text)], None, RECIPE))
    assert (report.training_documents, report.validation_documents) == (len(training), len(outside))


# --- tasks


def of_tasks(**sizes: int) -> list[Source]:
    texts = {task: [f"{task} {n} rose." for n in range(size)] for task, size in sizes.items()}
    return [file(f"{task}/a.txt", "\n".join(lines)) for task, lines in texts.items()]


def test_folders_are_tasks_and_each_is_held_out_in_part() -> None:
    training, outside, _ = dealt(Intake(of_tasks(risk=100, forecasting=10), None, RECIPE))
    counts = {
        task: [sum(document.task == task for document in side) for side in (training, outside)]
        for task in ("risk", "forecasting")
    }
    assert counts == {"risk": [80, 20], "forecasting": [8, 2]}


@pytest.mark.parametrize(
    ("names", "tasks"),
    [
        (["a.txt", "b.csv"], ["", ""]),
        (["risk/a.txt", "risk/b.txt"], ["", ""]),
        (["risk/a.txt", "forecasting/deep/b.txt"], ["risk", "forecasting"]),
        (["risk/a.txt", "b.txt"], ["risk", "other"]),
        (["risk/a.txt", "validation/b.txt", "LICENSE"], ["risk", "other"]),
        (["risk/a.txt", "x/b.txt", "validation/risk/c.txt"], ["risk", "x", "risk"]),
        (["risk/a.txt", "risk/template.json", "x/questions.jsonl"], [""]),
        ([f"{n}/a.txt" for n in range(MOST_TASKS + 1)], [""] * (MOST_TASKS + 1)),
    ],
)
def test_which_task_a_file_teaches(names: list[str], tasks: list[str]) -> None:
    assert list(tasks_of([file(name, "") for name in names]).values()) == tasks


def test_the_check_counts_each_task() -> None:
    report = check(of_tasks(risk=40, forecasting=20), RECIPE)
    assert [(task.task, task.documents) for task in report.tasks] == [("forecasting", 20), ("risk", 40)]
    assert sum(task.tokens for task in report.tasks) == pytest.approx(report.tokens_estimated, abs=2)
    assert report.sentence.startswith("60 documents in 2 tasks")


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("risk=2", "gives no weight to forecasting"),
        ("risk=1,forecasting=1,taxes=1", "names taxes, which the dataset lacks"),
    ],
)
def test_weights_must_name_the_tasks_there_are(weights: str, words: str) -> None:
    (error,) = check(of_tasks(risk=40, forecasting=20), parse({"task_weights": weights})).errors
    assert words in error and "folders are forecasting, risk" in error


def test_weights_without_tasks_are_an_error() -> None:
    (error,) = check([file("a.txt", "a\nb\nc\nd")], parse({"task_weights": "risk=1"})).errors
    assert "the dataset has no folders" in error


@pytest.mark.parametrize("text", ["risk", "risk=", "=1", "risk=-1", "risk=0", "a=1,a=2", "a=nan", "a=inf"])
def test_weights_are_read_strictly(text: str) -> None:
    with pytest.raises(HyperparameterError, match="TASK=WEIGHT"):
        parse({"task_weights": text})


def test_weights_survive_being_written() -> None:
    settings = parse({"task_weights": "risk=2, forecasting=0.5"})
    assert settings.to_strings()["task_weights"] == "risk=2,forecasting=0.5"
    assert parse(settings.to_strings()) == settings


# --- which rows an epoch takes

sizes = st.lists(st.integers(0, 30), min_size=1, max_size=4).filter(any)


@given(sizes, st.integers(0, 3), st.integers(0, 4))
def test_without_weights_an_epoch_takes_each_row_once(rows: list[int], seed: int, epoch: int) -> None:
    assert sorted(epoch_order(groups(rows, None), seed, epoch)) == list(range(sum(rows)))


@given(sizes, st.data(), st.integers(0, 3))
def test_with_weights_rows_come_by_weight_and_none_more_often_than_its_neighbours(
    rows: list[int], data: st.DataObject, seed: int
) -> None:
    weights = data.draw(st.lists(st.floats(0.1, 5), min_size=len(rows), max_size=len(rows)))
    among = groups(rows, weights)
    assert sum(group.taken for group in among) == sum(rows)
    total = sum(weight for weight, number in zip(weights, rows, strict=True) if number)
    for group, weight in zip(among, weights, strict=True):
        if group.rows:
            assert abs(group.taken - sum(rows) * weight / total) < 1
    seen = [0] * sum(rows)
    for epoch in range(3):
        order = epoch_order(among, seed, epoch)
        assert len(order) == sum(rows)
        for row in order.tolist():
            seen[row] += 1
    for group in among:
        counts = seen[group.first : group.first + group.rows]
        assert not counts or max(counts) - min(counts) <= 1
        assert sum(counts) == 3 * group.taken


def test_a_task_of_no_weight_is_left_out() -> None:
    assert groups([10, 20], [1, 0]) == (Group(0, 10, 10), Group(10, 20, 0))


def test_an_epoch_depends_on_seed_and_number_only() -> None:
    among = groups([50, 30], [1, 1])
    epoch_order(among, 1, 0)
    again = epoch_order(among, 1, 3).tolist()
    epoch_order.cache_clear()
    assert epoch_order(among, 1, 3).tolist() == again
    assert epoch_order(among, 1, 4).tolist() != again
    assert epoch_order(among, 2, 3).tolist() != again


def test_epochs_stay_the_same_between_versions() -> None:
    """A checkpoint goes on where it was, also with another NumPy."""
    assert epoch_order(groups([8], None), 10, 0).tolist() == [0, 2, 6, 3, 5, 4, 7, 1]


def test_local_folders_are_tasks_too(tmp_path: Path) -> None:
    for task in ("risk", "forecasting"):
        (tmp_path / task).mkdir()
        (tmp_path / task / "a.txt").write_text(f"{task} one\n{task} two\n")
    found = {document.task for _, document in Intake(local_sources(tmp_path), None, RECIPE)}
    assert found == {"risk", "forecasting"}


def grouped(sizes: list[int], ratio: float, seed: int = 0, tasks: int = 1) -> tuple[list[int], list[int]]:
    """(group of each document, numbers of those held out) for groups of these sizes, mixed in order."""
    members = sorted((place * 7 % 5, group) for group, size in enumerate(sizes) for place in range(size))
    groups = [group for _, group in members]
    digests = [str(number).encode() for number in range(len(groups))]
    of_task = [group % tasks for group in groups]
    sides = split(digests, of_task, given=None, ratio=ratio, seed=seed, groups=groups)
    return groups, list(sides.validation)


@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=30),
    st.floats(0.05, 0.6),
    st.integers(0, 3),
    st.integers(1, 3),
)
def test_documents_of_a_group_are_on_one_side(sizes: list[int], ratio: float, seed: int, tasks: int) -> None:
    groups, outside = grouped(sizes, ratio, seed, tasks)
    out = {groups[number] for number in outside}
    alone = {task for task in range(tasks) if len(range(task, len(sizes), tasks)) == 1}
    for group in out:
        if group % tasks not in alone:
            assert sum(groups[number] == group for number in outside) == sizes[group]
    assert len(outside) < sum(sizes)
    if sum(sizes) >= 3 and tasks == 1:
        assert len(outside) >= min(2, sum(sizes) - max(sizes))


def test_groups_come_close_to_the_ratio_and_do_not_depend_on_order() -> None:
    groups, outside = grouped([3] * 40, 0.2)
    assert len(outside) == 24
    mirrored = [str(number).encode() for number in range(len(groups))][::-1]
    sides = split(mirrored, [0] * 120, given=None, ratio=0.2, seed=0, groups=groups[::-1])
    assert {groups[::-1][number] for number in sides.validation} == {groups[n] for n in outside}


def test_one_group_alone_is_divided_by_document() -> None:
    assert len(grouped([20], 0.2)[1]) == 4


def records(name: str, groups: list[str]) -> Source:
    """A file of documents that name these groups."""
    rows = [{"text": f"{name} text number {n} of its group", "Group": g} for n, g in enumerate(groups)]
    return file(name, json_lines(rows))


def test_a_records_group_stays_together_in_the_check_and_the_reader() -> None:
    names = [f"company {n % 12}" for n in range(60)]
    assert [document.group for _, document in Intake([records("a.jsonl", names)], None, RECIPE)] == names
    report = check([records("a.jsonl", names)], RECIPE)
    assert (report.validation_documents, report.training_documents) == (10, 50)


@pytest.mark.parametrize(("files", "held"), [(39, "documents"), (40, "files")])
def test_whole_files_are_held_out_where_there_are_enough(files: int, held: str) -> None:
    numbers = [n for n in range(files) for _ in range(5)]
    groups = sources([ALONE] * len(numbers), numbers, 0.2)
    assert list(groups) == (numbers if held == "files" else [ALONE] * len(numbers))
    assert sources([*numbers[1:], ALONE], numbers, 0.2) == [*numbers[1:], ALONE]
