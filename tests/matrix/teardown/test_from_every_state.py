"""`cdk destroy --all` from every state leaves nothing that bills, and no process."""

from collections.abc import Callable, Iterator

import pytest

from finexpert.errors import UserError
from finexpert.service.account import leftovers
from tests.fakes.waiting import eventually
from tests.functional.guardrails.guarded_app import App, guarded_app, steer
from tests.functional.guardrails.teardown_states import STATES, awake, left_over


@pytest.fixture
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A cloud for each state: what one leaves behind must not be another's."""
    with guarded_app(tmp_path_factory.mktemp("teardown")) as made:
        yield made


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_destroying_leaves_nothing(app: App, state: Callable[[App], None]) -> None:
    before = left_over(app, state)
    app.deploy()
    state(app)
    try:
        app.destroy()
    except UserError as refused:
        # CloudFormation deletes no stack that is being changed; it says so, and the same command ends it.
        assert "IN_PROGRESS" in str(refused), refused
        eventually(lambda: not in_progress(app), seconds=240)
        app.destroy()
    assert left_over(app, state) == before
    assert app.cloud.health()["processes"] == []
    assert app.cloud.health()["executions"] == []


def test_a_private_network_goes_once_its_interfaces_have(tmp_path_factory: pytest.TempPathFactory) -> None:
    with guarded_app(tmp_path_factory.mktemp("private"), {"FINEXPERT_PRIVATE_NETWORK": "true"}) as app:
        steer(app.cloud, "options", {"interface_linger": 15.0})
        app.deploy()
        awake(app)
        interfaces = app.client("ec2").describe_network_interfaces()["NetworkInterfaces"]
        (group,) = interfaces[0]["Groups"]
        app.destroy()
        groups = app.client("ec2").describe_security_groups()["SecurityGroups"]
        assert group["GroupId"] not in {each["GroupId"] for each in groups}


def test_what_a_setting_keeps_is_kept_and_told_apart(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = {"FINEXPERT_RETAIN_DATA": "true", "FINEXPERT_CUSTOMER_MANAGED_KEY": "true"}
    with guarded_app(tmp_path_factory.mktemp("retained"), settings) as app:
        app.deploy()
        names = app.deployment.names
        with pytest.raises(UserError, match="TerminationProtection"):
            app.destroy()
        app.client("cloudformation").update_termination_protection(
            StackName=names.stack("Storage"), EnableTerminationProtection=False
        )
        app.destroy()
        assert "retain_data is true: cdk destroy keeps the buckets" in app.cdk.log_path.read_text()
        result = leftovers.audit(app.deployment, ["us-east-1"], everything=False)
        assert result.found == ()
        kept = {leftover.name for leftover in result.kept if leftover.kind == "buckets"}
        assert {name.split("-")[1] for name in kept} == {"data", "artifacts", "audit"}
        (key,) = (leftover.name for leftover in result.kept if leftover.kind == leftovers.TAGGED)
        assert ":kms:" in key


def in_progress(app: App) -> list[str]:
    """Stacks that are being changed."""
    stacks = app.client("cloudformation").list_stacks()["StackSummaries"]
    return [stack["StackName"] for stack in stacks if stack["StackStatus"].endswith("IN_PROGRESS")]
