"""`finexpert leftovers`: what counts as the project's, in which regions, and what cannot be seen."""

from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from core.names import RETAINED_TAG
from finexpert.cli import main as cli
from finexpert.cli.commands import leftovers as command
from finexpert.service.account import leftovers
from finexpert.service.account.leftovers import Audit, Leftover
from tests.fakes.deployment import deployment

ENDPOINT = "arn:aws:sagemaker:eu-west-1:1:endpoint/odd-name"


class Region:
    """Clients of one region; every list is empty but those in `lists`, by operation."""

    def __init__(self, lists: dict[str, dict[str, Any]]) -> None:
        self.lists = lists

    def __getattr__(self, operation: str) -> Any:
        return lambda **request: self._answer(operation)

    def _answer(self, operation: str) -> dict[str, Any]:
        answer = self.lists.get(operation, {})
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda: [{"Functions": [], **self._answer(operation)}])


def account(regions: dict[str | None, dict[str, dict[str, Any]]]) -> Any:
    return deployment(lambda service, region=None: Region(regions.get(region, {})), prefix="FinExpert")


def tags(*arns: str) -> dict[str, Any]:
    return {"get_resources": {"ResourceTagMappingList": [{"ResourceARN": arn} for arn in arns]}}


def test_an_empty_account_holds_nothing_of_any_kind() -> None:
    found = leftovers.find(lambda service: Region({}))
    assert tuple(found) == leftovers.KINDS
    assert not any(found.values())
    result = leftovers.audit(account({}), ["us-east-1", "eu-west-1"], everything=True)
    assert result == Audit((), ("us-east-1", "eu-west-1"), ())


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
@pytest.mark.parametrize("kind", ["Training", "Processing"])
def test_a_job_that_is_being_stopped_bills_until_it_has_ended(kind: str, status: str) -> None:
    class Jobs(Region):
        def __getattr__(self, operation: str) -> Any:
            ours = operation == f"list_{kind.lower()}_jobs"
            found = {f"{kind}JobSummaries": [{f"{kind}JobName": "j"}]}
            return lambda **request: found if ours and request["StatusEquals"] == status else {}

    assert leftovers.find(lambda service: Jobs({}))[f"{kind.lower()} jobs in progress"] == ["j"]


def test_the_projects_own_are_known_by_name_or_tag_and_others_are_left_out() -> None:
    there = account(
        {
            None: {"list_buckets": {"Buckets": [{"Name": "finexpert-data-1-eu"}, {"Name": "finexperts"}]}},
            "eu-west-1": {
                **tags(ENDPOINT, "arn:aws:kms:eu-west-1:1:key/k", "arn:aws:sns:eu-west-1:1:finexpert-alerts"),
                "list_endpoints": {"Endpoints": [{"EndpointName": "odd-name"}, {"EndpointName": "theirs"}]},
            },
        }
    )
    own = leftovers.audit(there, ["us-east-1", "eu-west-1"], everything=False).found
    assert own == (
        Leftover(leftovers.EVERYWHERE, "buckets", "finexpert-data-1-eu"),
        Leftover("eu-west-1", "endpoints", "odd-name"),
        Leftover("eu-west-1", leftovers.TAGGED, "arn:aws:kms:eu-west-1:1:key/k"),
    )
    everything = leftovers.audit(there, ["us-east-1", "eu-west-1"], everything=True).found
    assert {entry.name for entry in everything} - {entry.name for entry in own} == {"finexperts", "theirs"}


def test_what_a_setting_keeps_is_told_apart() -> None:
    bucket, key = "arn:aws:s3:::finexpert-data-1-eu", "arn:aws:kms:eu-west-1:1:key/k"
    retained = [{"Key": RETAINED_TAG, "Value": "retain_data"}]
    listed = [{"ResourceARN": arn, "Tags": retained} for arn in (bucket, key)]
    there = account(
        {
            None: {
                "list_buckets": {
                    "Buckets": [{"Name": "finexpert-data-1-eu"}, {"Name": "finexpert-audit-1-eu"}]
                }
            },
            "eu-west-1": {"get_resources": {"ResourceTagMappingList": listed}},
        }
    )
    result = leftovers.audit(there, ["eu-west-1"], everything=False)
    assert result.found == (Leftover(leftovers.EVERYWHERE, "buckets", "finexpert-audit-1-eu"),)
    assert result.kept == (
        Leftover(leftovers.EVERYWHERE, "buckets", "finexpert-data-1-eu"),
        Leftover("eu-west-1", leftovers.TAGGED, key),
    )


@pytest.mark.parametrize(
    ("name", "mine"),
    [
        ("finexpert", True),
        ("FinExpert-Storage (DELETE_FAILED)", True),
        ("finexpert-tuned", True),
        ("finexperts-other", False),
        ("my-finexpert", False),
        ("odd-name", True),
        ("name", False),
    ],
)
def test_names_that_belong(name: str, mine: bool) -> None:
    assert leftovers.belongs(name, "FinExpert", {ENDPOINT}) is mine


def test_what_cannot_be_read_is_reported_and_hides_nothing_else() -> None:
    there = account(
        {
            "eu-west-1": {
                "list_endpoints": {"error": "AccessDenied"},
                "list_models": {"Models": [{"ModelName": "finexpert-models"}]},
            }
        }
    )
    result = leftovers.audit(there, ["eu-west-1"], everything=False)
    assert [entry.name for entry in result.found] == ["finexpert-models"]
    (unread,) = result.unread
    assert unread.startswith("eu-west-1, endpoints: ")
    assert "AccessDenied" in unread


@pytest.mark.parametrize(
    ("result", "code", "words"),
    [
        (Audit((), ("us-east-1",), ()), 0, "✓ nothing of FinExpert is seen in 1 region"),
        (Audit((Leftover("us-east-1", "endpoints", "e[1]"),), ("us-east-1",), ()), 4, "e[1]"),
        (Audit((), ("us-east-1",), ("us-east-1, endpoints: denied",)), 1, "? nothing of FinExpert is seen"),
        (Audit((), ("r",), (), (Leftover("r", "buckets", "b"),)), 0, "by the setting retain_data"),
    ],
)
def test_the_exit_code_tells_it(
    monkeypatch: pytest.MonkeyPatch, result: Audit, code: int, words: str
) -> None:
    monkeypatch.setattr(command, "open_deployment", lambda context: account({}))
    monkeypatch.setattr(leftovers, "audit", lambda deployment, where, **how: result)
    done = CliRunner().invoke(cli.app, ["leftovers", "--region", "us-east-1"])
    assert done.exit_code == code
    assert words in done.output
