"""AWS's anomaly detection on what carries the project's tag (docs/decisions/anomaly-monitor.md).

A separate stack, by the setting `anomaly_monitor`: where Cost Explorer refuses the monitor, budget and
alarms stay. Always in us-east-1.
"""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_ce as ce
from constructs import Construct

from core.names import PROJECT_TAG
from infra.project_stack import ProjectStack
from infra.settings import Settings

IMPACT_USD = 1
"""From how many dollars above the expected an anomaly is reported."""


class AnomaliesStack(ProjectStack):
    """A monitor on the project's cost-allocation tag; its subscription notifies Billing's topic at once."""

    def __init__(self, scope: Construct, settings: Settings, **kwargs: Any) -> None:
        super().__init__(scope, settings, "Anomalies", "AWS's anomaly detection", **kwargs)
        watch, name = Construct(self, "Anomalies"), self.names.anomaly_monitor
        topic_arn = self.arns.of("sns", self.names.billing_topic)
        tagged = {"Tags": {"Key": PROJECT_TAG, "Values": [self.names.project]}}
        monitor = ce.CfnAnomalyMonitor(
            watch,
            "Monitor",
            monitor_name=name,
            monitor_type="CUSTOM",
            monitor_specification=_json(tagged),
        )
        ce.CfnAnomalySubscription(
            watch,
            "Subscription",
            subscription_name=name,
            frequency="IMMEDIATE",
            monitor_arn_list=[monitor.attr_monitor_arn],
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


def _json(expression: Mapping[str, object]) -> str:
    return json.dumps(expression, separators=(",", ":"))
