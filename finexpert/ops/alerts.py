"""Do warnings reach anybody? A test notification through the alerts' topic."""

from __future__ import annotations

from dataclasses import dataclass

from finexpert.deployment import Deployment


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding: `ok`, what was seen, and what to do if it is not well."""

    ok: bool
    what: str
    fix: str = ""


def send_test(deployment: Deployment) -> Check:
    """Publish a test message to the alerts' topic, and tell how many will get it. Errors of AWS pass."""
    topic = deployment.output("Guardrails", "TopicArn")
    sns = deployment.target.client("sns")
    counts = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    sns.publish(
        TopicArn=topic,
        Subject=f"{deployment.settings.prefix}: test notification",
        Message="This is a test. Warnings about money and idle endpoints will arrive like this.",
    )
    return told(int(counts.get("SubscriptionsConfirmed", 0)), int(counts.get("SubscriptionsPending", 0)))


def told(confirmed: int, pending: int) -> Check:
    """The finding from the topic's numbers of subscriptions."""
    if confirmed:
        return Check(ok=True, what=f"test notification sent to {confirmed} confirmed subscription(s)")
    waits = f"; {pending} wait for confirmation" if pending else ""
    return Check(
        ok=False,
        what=f"no confirmed subscription: a warning would reach nobody{waits}",
        fix="Open the mail 'AWS Notification - Subscription Confirmation' and follow its link.",
    )
