"""AWS's own budget of the account: slow (8 to 12 hours behind), but it sees everything that bills."""

from aws_cdk import aws_budgets as budgets
from constructs import Construct

ACTUAL_PERCENT = (50, 80, 100)
FORECAST_PERCENT = 100


class MonthlyBudget(Construct):
    """Budget of `limit_usd` a month for the account, reported by mail and to the topic.

    It gets no fixed name: a name can never be changed, so CloudFormation could not replace the budget.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, limit_usd: float, email: str, topic_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        subscribers = [
            budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=email),
            budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic_arn),
        ]
        actual = (("ACTUAL", percent) for percent in ACTUAL_PERCENT)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                # At list prices, as the spend guard counts: credits and refunds would hide spending.
                cost_types=budgets.CfnBudget.CostTypesProperty(include_credit=False, include_refund=False),
                budget_limit=budgets.CfnBudget.SpendProperty(amount=limit_usd, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=subscribers,
                )
                for kind, percent in (*actual, ("FORECASTED", FORECAST_PERCENT))
            ],
        )
