"""Budget and alarms on AWS's own estimate of the charges. Always in us-east-1."""

from typing import Any

from constructs import Construct

from core.money.charges import SAGEMAKER
from infra.billing.budget import MonthlyBudget
from infra.billing.charges import ChargesAlarm
from infra.guardrails.alerts import AlertTopic
from infra.project_stack import ProjectStack
from infra.remembered import remembered
from infra.setting_checks import ASK_MAIL
from infra.settings import Settings


class BillingStack(ProjectStack):
    """The slow, account-wide line of defence behind the spend guard; alarms need a topic of their region.

    Not every account may have all of it: a member account of an organization may be denied budgets (setting
    billing_guards). So nothing depends on this stack, and it is deployed last.
    """

    def __init__(self, scope: Construct, settings: Settings, **kwargs: Any) -> None:
        super().__init__(scope, settings, "Billing", "budget, estimated charges", **kwargs)
        email = remembered(self, "alert_email", settings.alert_email, ask=ASK_MAIL)
        topic = AlertTopic(
            self,
            "Alerts",
            topic_name=self.names.billing_topic,
            email=email,
            publishers=["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "costalerts.amazonaws.com"],
        )
        for construct_id, service in (("AllCharges", None), ("SageMakerCharges", SAGEMAKER)):
            ChargesAlarm(
                self,
                construct_id,
                alarm_name=self.names.charges_alarm("sagemaker" if service else "all"),
                threshold_usd=round(settings.limit_usd, 2),
                topic=topic.topic,
                service=service,
            )
        if settings.billing_guards in ("all", "budget"):
            budget = MonthlyBudget(
                self, "Monthly", limit_usd=settings.budget_usd, email=email, topic_arn=topic.topic.topic_arn
            )
            # It checks at once whether it may publish, so the topic's policy must be there first.
            budget.node.add_dependency(topic)
