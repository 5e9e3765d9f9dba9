"""Names of runs: given, changed, and which run is meant by one, by its beginning or by `latest`."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from core.names import RUN_NAMES, Names
from finexpert.errors import ExitCode, NotFound, UserError
from finexpert.service.runs import executions, names
from tests.fakes.cloud import Cloud

NOW = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)
OLD = "finexpert-20261128-090000-aa01"
MIDDLE, NEW = "finexpert-20261129-154708-83e0", "finexpert-20261129-155512-4d6a"
BUCKET = "finexpert-artifacts"


class Account:
    """A bucket, and a state machine that knows three runs."""

    def __init__(self) -> None:
        self.cloud = Cloud()
        self.started: list[dict[str, Any]] = []
        self.refuses = False
        self.runs = {OLD: 2, NEW: 0, MIDDLE: 1}
        self.target = SimpleNamespace(client=self._client, is_local=True)
        self.names = Names(project="FinExpert", region="us-east-1")

    def output(self, part: str, key: str) -> str:
        return {"ArtifactBucketName": BUCKET, "StateMachineArn": "arn:machine"}[key]

    def _client(self, service: str) -> Any:
        return self if service == "stepfunctions" else self.cloud(service)

    def list_executions(self, stateMachineArn: str, maxResults: int) -> Any:
        entries = [{"name": run, "startDate": NOW - timedelta(hours=age)} for run, age in self.runs.items()]
        return {"executions": entries}

    def start_execution(self, **request: Any) -> None:
        if self.refuses:
            raise RuntimeError("throttled")
        self.started.append({**request, "input": json.loads(request["input"])})

    def kept(self) -> dict[str, str]:
        return dict(json.loads(self.cloud.objects[(BUCKET, RUN_NAMES)]))


@pytest.fixture
def account() -> Any:
    account: Any = Account()
    names.rename(account, OLD, "Q3 wording")
    names.rename(account, MIDDLE, "Halvorsen calls, first try")
    return account


@pytest.mark.parametrize(
    ("given", "run"),
    [
        (OLD, OLD),
        (f"{OLD}-od", OLD),
        ("latest", NEW),
        ("Latest", NEW),
        ("Q3 wording", OLD),
        ("q3  WORDING", OLD),
        ("halv", MIDDLE),
        ("finexpert-20261128", OLD),
        ("20261129-1547", MIDDLE),
        ("4d6a", NEW),
    ],
)
def test_a_run_is_meant_by_id_name_beginning_or_latest(account: Any, given: str, run: str) -> None:
    assert names.resolve(account, given) == run


@pytest.mark.parametrize("given", ["finexpert-20261129", "20261129-15", "fin"])
def test_what_several_runs_begin_with_is_answered_with_candidates(account: Any, given: str) -> None:
    with pytest.raises(NotFound, match="may be several runs") as told:
        names.resolve(account, given)
    assert f"Halvorsen calls, first try ({MIDDLE})" in told.value.what and NEW in told.value.what


@pytest.mark.parametrize("given", ["nothing like it", "", "  "])
def test_an_unknown_run_is_answered_with_the_newest(account: Any, given: str) -> None:
    with pytest.raises(NotFound, match="There is no run") as told:
        names.resolve(account, given)
    assert f"{NEW}, Halvorsen calls, first try ({MIDDLE})" in told.value.fix


def test_a_whole_name_wins_over_longer_ones(account: Any) -> None:
    names.rename(account, NEW, "Q3")
    assert names.resolve(account, "q3") == NEW


def test_without_a_run_latest_means_none(account: Any) -> None:
    account.runs = {}
    with pytest.raises(NotFound, match="There is no run latest"):
        names.resolve(account, "latest")


def test_a_run_can_be_renamed_and_keeps_its_own_name(account: Any) -> None:
    assert names.rename(account, OLD, " Q3  wording ") == "Q3 wording"
    names.rename(account, OLD, "Wording of the third quarter")
    assert account.kept()[OLD] == "Wording of the third quarter"
    assert names.called(OLD, names.read(account)) == f"Wording of the third quarter ({OLD})"
    assert names.called(NEW, names.read(account)) == NEW


@pytest.mark.parametrize("name", ["", "   ", "latest", OLD, "x" * 81, "a\x1b[2Jb", "a\u202eb", "Q3 WORDING"])
def test_a_name_that_cannot_be_one_is_refused(account: Any, name: str) -> None:
    before = account.kept()
    for refuse in (lambda: names.rename(account, NEW, name), lambda: names.require_free(account, name)):
        with pytest.raises(UserError) as told:
            refuse()
        assert told.value.code is ExitCode.USAGE and told.value.fix
    assert account.kept() == before


def test_two_who_name_at_once_lose_neither_name(account: Any) -> None:
    def meanwhile(operation: str, request: Any) -> None:
        if operation == "PutObject":
            account.cloud.before = lambda operation, request: None
            names.rename(account, OLD, "by another person")

    account.cloud.before = meanwhile
    names.rename(account, NEW, "mine")
    assert (account.kept()[OLD], account.kept()[NEW]) == ("by another person", "mine")


def test_torn_names_are_said_and_never_written_over(account: Any) -> None:
    account.cloud.objects[(BUCKET, RUN_NAMES)] = b'{"a": '
    with pytest.raises(UserError, match="cannot be read"):
        names.rename(account, NEW, "mine")
    assert account.cloud.objects[(BUCKET, RUN_NAMES)] == b'{"a": '
    assert names.resolve(account, NEW) == NEW


def start(account: Any, title: str) -> str:
    return executions.start(
        account, dataset="s3://d/x/", hyperparameters={}, wake=False, now=NOW, title=title, by="ana"
    )


def test_a_name_given_at_the_start_goes_with_the_run(account: Any) -> None:
    run = start(account, "second  try")
    assert account.started[0]["input"] == {
        **{"dataset": "s3://d/x/", "hyperparameters": {}, "wake": False},
        **{"name": "second try", "by": "ana"},
    }
    assert account.kept()[run] == "second try"


def test_a_run_that_cannot_be_started_leaves_no_name(account: Any) -> None:
    account.refuses, before = True, account.kept()
    with pytest.raises(RuntimeError):
        start(account, "second try")
    assert account.kept() == before
