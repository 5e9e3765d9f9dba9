"""The stacks and what they know of each other."""

from aws_cdk import App, Environment, Tags

from core.names import BILLING_REGION, PROJECT_TAG
from infra.assets import Assets
from infra.billing.anomalies import AnomaliesStack
from infra.billing.stack import BillingStack
from infra.guardrails.stack import GuardrailsStack
from infra.hosting.stack import HostingStack
from infra.notebook.instance import NotebookInstance
from infra.organisation import govern, prepare
from infra.settings import Settings
from infra.storage.stack import StorageStack
from infra.training.stack import TrainingStack
from infra.web.stack import WebStack


def build(app: App, settings: Settings, assets: Assets, account: str | None = None) -> None:
    """Put the stacks into `app`; with no `account` they fit any.

    Training knows Storage and Guardrails, Hosting knows Training (its role); the functions know Hosting by
    its name only, so nothing is circular, and `cdk destroy` takes them down in the opposite order. A
    customer-managed key is in Guardrails, which can be deployed alone; Storage then depends on it. The page,
    if wanted, knows the others by their names.
    """
    prepare(app, settings)
    here = Environment(account=account, region=settings.region)
    guardrails = GuardrailsStack(app, settings, assets, env=here)
    storage = StorageStack(app, settings, guardrails.key_arn, env=here)
    training = TrainingStack(app, settings, assets, guardrails, env=here)
    training.add_stack_dependency(storage)
    if settings.notebook_repository:
        # In an existing stack: a separate one would outlive a `cdk destroy` without the setting.
        NotebookInstance(training, "Notebook")
    hosting = HostingStack(app, settings, training, env=here)
    hosting.add_stack_dependency(storage)
    there = Environment(account=account, region=BILLING_REGION)
    billing = BillingStack(app, settings, env=there)
    # Last: what an account may not have must not keep the rest from being deployed.
    billing.add_stack_dependency(hosting)
    if settings.anomaly_monitor:
        # It checks at once whether it may publish to Billing's topic.
        AnomaliesStack(app, settings, env=there).add_stack_dependency(billing)
    if settings.web:
        WebStack(app, settings, assets, guardrails.key_arn, env=here)
    Tags.of(app).add(PROJECT_TAG, settings.prefix)
    govern(app, settings)
