"""The simulated bill: what each service has cost this month, and everything on AWS that looks at it.

Setting a charge publishes `AWS/Billing EstimatedCharges` (in us-east-1, with the dimension Currency and with
ServiceName and Currency, as AWS does), updates every budget's actual and forecasted spend, and sends each
budget notification whose threshold is passed: once a threshold and period, to the SNS topic, if the topic's
policy lets budgets.amazonaws.com publish (a policy that forgets it makes a budget silent on AWS too).

AWS needs 8–12 hours for what happens here at once.
"""

import json
import logging
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from localcloud import environment, hooks, platform

logger = logging.getLogger("localcloud.billing")
METRIC = ("AWS/Billing", "EstimatedCharges")
PRINCIPAL = "budgets.amazonaws.com"
TURNS = {"GREATER_THAN": 1, "LESS_THAN": -1}


@dataclass
class Bill:
    """A month's charges by service, in dollars, and which budget notifications went out for it."""

    month: str = ""
    charges: dict[str, float] = field(default_factory=dict)
    sent: set[tuple[str, ...]] = field(default_factory=set)

    @property
    def total(self) -> float:
        """Dollars of all services."""
        return sum(self.charges.values())

    def turn(self, now: datetime) -> None:
        """Begin a new bill when the month has changed."""
        if self.month != (month := f"{now:%Y-%m}"):
            self.month, self.charges, self.sent = month, {}, set()


_bill = Bill()
_lock = Lock()  # a charge and the regular look at the budgets come from different threads


def charge(service: str, usd: float, now: datetime) -> dict[str, Any]:
    """Set what `service` (its metric name, such as AmazonSageMaker) has cost this month; notify subscribers.

    Returns:
        `describe`'s answer, with the notifications sent now under `notified`.
    """
    with _lock, platform.scope(environment.ACCOUNT, environment.REGION):
        _bill.turn(now)
        _bill.charges[service] = usd
        for name, amount in _bill.charges.items():
            platform.put_metric(*METRIC, amount, "None", {"ServiceName": name, "Currency": "USD"})
        platform.put_metric(*METRIC, _bill.total, "None", {"Currency": "USD"})
        notified = _evaluate_budgets(now)
    return {**describe(now), "notified": notified}


def evaluate(now: datetime) -> list[dict[str, Any]]:
    """Compare all budgets with the bill, new and changed ones too; return the notifications sent now."""
    with _lock, platform.scope(environment.ACCOUNT, environment.REGION):
        _bill.turn(now)
        return _evaluate_budgets(now)


def describe(now: datetime) -> dict[str, Any]:
    """The bill: `month`, `services` {name: dollars}, `total_usd`, `forecast_usd`."""
    _bill.turn(now)
    return {
        "month": _bill.month,
        "services": dict(_bill.charges),
        "total_usd": round(_bill.total, 2),
        "forecast_usd": round(forecast(_bill.total, now), 2),
    }


def forecast(usd: float, now: datetime) -> float:
    """The cost of a whole month if it goes on as it began (straight line, UTC)."""
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    whole = monthrange(now.year, now.month)[1] * 86400.0
    # The first minutes of a month forecast nothing sensible.
    elapsed = max((now - start).total_seconds(), 3600.0)
    return usd * whole / elapsed


def is_breached(notification: Mapping[str, Any], limit: float, actual: float, forecasted: float) -> bool:
    """Whether a budget notification's threshold is passed.

    Args:
        notification: NotificationType, ComparisonOperator, Threshold, ThresholdType as Budgets names them.
        limit, actual, forecasted: dollars.
    """
    spent = forecasted if notification["NotificationType"] == "FORECASTED" else actual
    absolute = notification.get("ThresholdType") == "ABSOLUTE_VALUE"
    threshold = float(notification["Threshold"]) * (1 if absolute else limit / 100)
    turn = TURNS.get(notification["ComparisonOperator"], 0)
    return (spent - threshold) * turn > 0 if turn else spent == threshold


def lets_budgets_publish(policy: str | None) -> bool:
    """Whether a topic's policy allows budgets.amazonaws.com to publish."""
    if not policy:
        return False
    statements = json.loads(policy).get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal, action = statement.get("Principal"), statement.get("Action")
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        named = PRINCIPAL in ([services] if isinstance(services, str) else services) or principal == "*"
        actions = {each.lower() for each in ([action] if isinstance(action, str) else action or [])}
        if statement.get("Effect") == "Allow" and named and actions & {"sns:publish", "sns:*", "*"}:
            return True
    return False


def _evaluate_budgets(now: datetime) -> list[dict[str, Any]]:
    notified: list[dict[str, Any]] = []
    for budget, entries in hooks.budgets.budgets_of_account():
        actual = _spend(budget)
        forecasted = forecast(actual, now)
        amounts = {"ActualSpend": actual, "ForecastedSpend": forecasted}
        budget["CalculatedSpend"] = {
            name: {"Amount": f"{usd:.3f}", "Unit": "USD"} for name, usd in amounts.items()
        }
        limit = float(budget.get("BudgetLimit", {}).get("Amount", 0))
        for entry in entries:
            notification = entry["notification"]
            breached = is_breached(notification, limit, actual, forecasted)
            notification["NotificationState"] = "ALARM" if breached else "OK"
            key = (str(budget["BudgetName"]), json.dumps(_identity(notification), sort_keys=True))
            if breached and key not in _bill.sent:
                _bill.sent.add(key)
                sent_to = [
                    address for each in entry["subscribers"] if (address := _tell(each, budget, notification))
                ]
                notified.append(
                    {"budget": budget["BudgetName"], **_identity(notification), "sent_to": sent_to}
                )
    return notified


def _spend(budget: Mapping[str, Any]) -> float:
    """Dollars that count for a budget; of its filters only that on services is applied."""
    services = (budget.get("CostFilters") or {}).get("Service")
    if not services:
        return _bill.total
    # "Amazon SageMaker" here, AmazonSageMaker in metrics
    wanted = {name.replace(" ", "") for name in services}
    return sum(usd for name, usd in _bill.charges.items() if name.replace(" ", "") in wanted)


def _identity(notification: Mapping[str, Any]) -> dict[str, Any]:
    names = ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")
    return {name: notification.get(name) for name in names}


def _tell(
    subscriber: Mapping[str, Any], budget: Mapping[str, Any], notification: Mapping[str, Any]
) -> str | None:
    """Publish to a topic; returns its ARN if it took the message. Mail is not sent from here."""
    if subscriber["SubscriptionType"] != "SNS":
        return None
    topic, name = str(subscriber["Address"]), budget["BudgetName"]
    sns = platform.client("sns")
    try:
        policy = sns.get_topic_attributes(TopicArn=topic)["Attributes"].get("Policy")
        if not lets_budgets_publish(policy):
            logger.warning(
                "Budget %s cannot publish to %s: its policy does not allow %s.", name, topic, PRINCIPAL
            )
            return None
        sns.publish(
            TopicArn=topic, Subject=f"AWS Budgets: {name}"[:100], Message=_message(budget, notification)
        )
        return topic
    except ClientError as error:
        logger.warning("Budget %s cannot publish to %s: %s", name, topic, error)
        return None


def _message(budget: Mapping[str, Any], notification: Mapping[str, Any]) -> str:
    kind = notification["NotificationType"]
    spend = budget["CalculatedSpend"]["ForecastedSpend" if kind == "FORECASTED" else "ActualSpend"]["Amount"]
    unit = "USD" if notification.get("ThresholdType") == "ABSOLUTE_VALUE" else "%"
    return "\n".join(
        [
            "AWS Budget Notification (embedded cloud)",
            f"AWS Account {platform.account_id()}",
            f"Budget Name: {budget['BudgetName']}",
            f"Budget Type: {budget.get('BudgetType')}",
            f"Budgeted Amount: ${float(budget.get('BudgetLimit', {}).get('Amount', 0)):.2f}",
            f"Alert Type: {kind}",
            f"Alert Threshold: {notification['ComparisonOperator']} {notification['Threshold']:g} {unit}",
            f"{kind} Amount: ${float(spend):.2f}",
        ]
    )
