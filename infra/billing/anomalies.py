"""AWS's anomaly detection on what carries the project's tag (docs/decisions/anomaly-monitor.md).

A separate stack, by the setting `anomaly_monitor`: where Cost Explorer refuses the monitor, budget and
alarms stay. Always in us-east-1.
"""

import json
from typing import Any

from aws_cdk import aws_ce as ce
from constructs import Construct

from core.names import PROJECT_TAG
from infra.project_stack import ProjectStack
from infra.settings import Settings

IMPACT_USD = 1
"""From how many dollars above the expected an anomaly is reported."""


class AnomaliesStack(ProjectStack):
    """The monitor and its subscription; it publishes to the Billing stack's topic."""

    def __init__(self, scope: Construct, settings: Settings, **kwargs: Any) -> None:
        super().__init__(scope, settings, "Anomalies", "AWS's anomaly detection", **kwargs)
        AnomalyWatch(
            self,
            "Anomalies",
            name=self.names.anomaly_monitor,
            project=self.names.project,
            topic_arn=self.arns.of("sns", self.names.billing_topic),
        )


class AnomalyWatch(Construct):
    """Monitor on the project's cost-allocation tag, and a subscription that notifies the topic at once."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, project: str, topic_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.monitor = ce.CfnAnomalyMonitor(
            self,
            "Monitor",
            monitor_name=name,
            monitor_type="CUSTOM",
            monitor_specification=_json({"Tags": {"Key": PROJECT_TAG, "Values": [project]}}),
        )
        self.subscription = ce.CfnAnomalySubscription(
            self,
            "Subscription",
            subscription_name=name,
            frequency="IMMEDIATE",
            monitor_arn_list=[self.monitor.attr_monitor_arn],
            subscribers=[ce.CfnAnomalySubscription.SubscriberProperty(type="SNS", address=topic_arn)],
            threshold_expression=_json(
                {
                    "Dimensions": {
                        "Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                        "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
                        "Values": [str(IMPACT_USD)],
                    }
                }
            ),
        )


def _json(expression: dict[str, object]) -> str:
    return json.dumps(expression, separators=(",", ":"))
