"""The quick start: what is done is not done again, what AWS must allow is listed, and nothing is guessed."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from finexpert import paths
from finexpert.cli import main as cli
from finexpert.cli import quickstart
from finexpert.cli.commands import quickstart as command
from finexpert.cli.quickstart import STEPS, Walk
from finexpert.doctor import bad, good
from finexpert.errors import ExitCode, NothingToServe, UserError
from finexpert.service import deployment as deployments
from finexpert.service.runs import follow
from finexpert.service.target import Target
from finexpert.views import display
from infra.settings import SettingsError
from tests.fakes.cloud import error


def walk(target: Any) -> Walk:
    return Walk(target, paths.SAMPLE, display.Live(display.console(stderr=True)))


def there(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """The app as it is found: with these settings."""
    found = SimpleNamespace(settings=SimpleNamespace(**settings), target=SimpleNamespace(is_local=True))
    monkeypatch.setattr(deployments, "find", lambda target: found)


def test_what_aws_must_still_allow_is_listed_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch)
    started = walk(None)
    look = quickstart.waits({"instance quotas": lambda app: bad("0 of 1", "Ask for 1.")})
    assert look(started) == "0 of 1" and started.waiting == ["instance quotas: 0 of 1. Ask for 1."]
    assert quickstart.waits({"alerts": lambda app: good("on")})(started) == "on"
    assert len(started.waiting) == 1


def test_without_credentials_it_stops_and_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch)
    monkeypatch.setattr(quickstart.account, "credentials", lambda app: bad("none given", "Sign in."))
    with pytest.raises(UserError, match="none given") as caught:
        quickstart.credentials(walk(None))
    assert caught.value.fix == "Sign in. Then: finexpert quickstart"


class Parameters:
    """SSM of some regions, in which the CDK was bootstrapped."""

    def __init__(self, *regions: str) -> None:
        self.regions = regions

    def client(self, service: str, region: str | None = None) -> Any:
        def get_parameter(Name: str) -> Any:
            assert Name == "/cdk-bootstrap/hnb659fds/version"
            if region not in self.regions:
                raise error("ParameterNotFound", "not there")
            return {"Parameter": {"Value": "30"}}

        caller = {"Account": "123456789012"}
        return SimpleNamespace(get_parameter=get_parameter, get_caller_identity=lambda: caller)


@pytest.mark.parametrize(
    ("known", "made"),
    [(("eu-west-1", "us-east-1"), []), (("eu-west-1",), ["us-east-1"]), ((), ["eu-west-1", "us-east-1"])],
)
def test_only_the_regions_without_a_bootstrap_get_one(
    monkeypatch: pytest.MonkeyPatch, known: tuple[str, ...], made: list[str]
) -> None:
    there(monkeypatch, region="eu-west-1", cdk_qualifier="")
    asked: list[str] = []
    cdk = SimpleNamespace(bootstrap=lambda number, region, progress: asked.append(region))
    monkeypatch.setattr(Walk, "cdk", cdk)
    said = quickstart.bootstrap(walk(Parameters(*known)))
    assert asked == made and (said == "was there") == (not made)


def test_an_organizations_own_bootstrap_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch, region="us-east-1", cdk_qualifier="desk")
    monkeypatch.setattr(quickstart, "_bootstrapped", lambda target, qualifier, region: False)
    with pytest.raises(UserError, match="bootstrap desk is missing"):
        quickstart.bootstrap(walk(Parameters()))


def test_a_deployed_app_is_not_deployed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch)
    monkeypatch.setattr(quickstart.app, "stacks", lambda app: good("five"))
    assert quickstart.deploy(walk(None)) == "was there"


def target(file: Path) -> Target:
    return Target(None, {"FINEXPERT_SETTINGS": str(file), "AWS_REGION": "us-east-1"})


def test_mail_and_licence_are_written_beside_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"budget_usd": 40}')
    wanted = {"alert_email": "ana@example.com", "accept_eula": True}
    assert quickstart.write_settings(target(file), wanted) == file
    assert json.loads(file.read_text()) == {"budget_usd": 40, **wanted}
    assert target(file).settings().alert_email == "ana@example.com"


def test_in_cdk_json_they_stand_among_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = json.loads((paths.ROOT / "cdk.json").read_text())
    (tmp_path / "cdk.json").write_text(json.dumps(whole))
    monkeypatch.setattr(quickstart.paths, "ROOT", tmp_path)
    quickstart.write_settings(Target(None, {}), {"alert_email": "ana@example.com"})
    whole["context"]["finexpert"]["alert_email"] = "ana@example.com"
    assert json.loads((tmp_path / "cdk.json").read_text()) == whole


@pytest.mark.parametrize(("content", "mail"), [('{"budget_usd": 40}', "no mail"), ("{", "ana@example.com")])
def test_what_cannot_be_used_is_not_written(tmp_path: Path, content: str, mail: str) -> None:
    file = tmp_path / "mine.json"
    file.write_text(content)
    with pytest.raises((UserError, SettingsError)):
        quickstart.write_settings(target(file), {"alert_email": mail})
    assert file.read_text() == content and list(tmp_path.iterdir()) == [file]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """AWS with nothing deployed; the steps that were done."""
    file, done = tmp_path / "mine.json", []
    file.write_text("{}")
    cloud = target(file)
    monkeypatch.setattr(Target, "describe", lambda cloud: "on AWS account 123456789012 region us-east-1")
    monkeypatch.setattr(command, "chosen_target", lambda context: cloud)
    monkeypatch.setattr(
        deployments, "find", lambda found: SimpleNamespace(settings=found.settings(), target=found)
    )
    monkeypatch.setattr(quickstart, "deployed", lambda app: False)

    def noted(title: str) -> Any:
        return lambda walk: done.append(title) or "done"

    monkeypatch.setattr(quickstart, "STEPS", tuple(replace(step, do=noted(step.title)) for step in STEPS))
    return done


MAIL, LICENCE = ["--alert-email", "ana@example.com"], ["--accept-llama2-eula"]


def run(*words: str, typed: str = "") -> Any:
    return CliRunner().invoke(cli.app, ["--on", "aws", "quickstart", *words], input=typed)


@pytest.mark.parametrize(
    ("words", "missing"), [([*LICENCE], "--alert-email"), ([*MAIL], "--accept-llama2-eula")]
)
def test_with_yes_what_is_missing_is_named(aws: list[str], words: list[str], missing: str) -> None:
    done = run("--yes", *words)
    assert isinstance(done.exception, UserError) and missing in done.exception.fix
    assert aws == []


def test_with_all_flags_nothing_is_asked_and_nothing_bills(aws: list[str]) -> None:
    done = run("--yes", *MAIL, *LICENCE)
    assert done.exit_code == 0, done.output
    assert aws == [step.title for step in STEPS if not step.local_only]
    assert "finexpert train my-texts/ --wake" in done.output and "Train" not in aws


def test_mail_and_licence_are_asked_for_once(aws: list[str]) -> None:
    assert run(typed="ana@example.com\ny\ny\n").exit_code == 0
    aws.clear()
    assert run(typed="y\n").exit_code == 0 and "Deploy" in aws


@pytest.mark.parametrize("typed", ["ana@example.com\nn\n", "ana@example.com\ny\nn\n"])
def test_a_no_ends_it_before_the_first_step(aws: list[str], typed: str) -> None:
    assert run(typed=typed).exit_code != 0
    assert aws == []


def test_where_to_begin_is_not_guessed(aws: list[str]) -> None:
    done = CliRunner().invoke(cli.app, ["quickstart", "--yes", *MAIL, *LICENCE])
    assert isinstance(done.exception, UserError) and "--on local" in done.exception.fix
    assert aws == []


@pytest.mark.parametrize(("outcome", "said"), [("accepted", "accepted by"), ("rejected", "refused")])
def test_a_run_that_still_trains_is_followed_and_none_is_started(
    monkeypatch: pytest.MonkeyPatch, outcome: str, said: str
) -> None:
    there(monkeypatch)

    def nothing(deployment: Any) -> str:
        raise NothingToServe("none yet")

    ended = follow.Snapshot("finexpert-1", "SUCCEEDED", output={"outcome": outcome})
    monkeypatch.setattr(quickstart.artifacts, "newest", nothing)
    monkeypatch.setattr(
        quickstart.executions,
        "newest_entries",
        lambda deployment, limit: [{"name": "finexpert-1", "status": "RUNNING"}],
    )
    monkeypatch.setattr(follow, "snapshots", lambda deployment, run, now: iter([ended]))
    if outcome == "accepted":
        assert said in quickstart.train(walk(None))
        return
    with pytest.raises(UserError, match=said) as caught:
        quickstart.train(walk(None))
    assert "--refused" in caught.value.fix and caught.value.code is ExitCode.GATE


def test_an_accepted_model_is_not_trained_again(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch)
    monkeypatch.setattr(quickstart.artifacts, "newest", lambda deployment: "s3://b/model.tar.gz")
    assert quickstart.train(walk(None)) == "was there: s3://b/model.tar.gz"
