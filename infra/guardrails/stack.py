"""The guards that watch money and idleness. The stack needs no other: alone, it protects an account."""

import json
from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.assets import Assets
from infra.encryption import DataKey
from infra.functions import EveryMinutes, FunctionBase, ProjectFunction
from infra.guardrails.alerts import AlertTopic, DeadLetterQueue
from infra.guardrails.dashboard import ProjectDashboard
from infra.guardrails.idle_reaper import idle_reaper
from infra.guardrails.spend_guard import CreateLatch, close_page, guard_environment, spend_guard
from infra.guardrails.teardown import MAX_MINUTES, CleanUpOnDelete, teardown
from infra.guardrails.watch import FunctionWatch, watch_queue, watch_stuck
from infra.project_stack import ProjectStack
from infra.remembered import remembered
from infra.setting_checks import ASK_MAIL
from infra.settings import Settings
from infra.storage.bucket import PrivateBucket
from infra.storage.emptying import GovernedEmptying

SNAPSHOT_DAYS = 90
"""Days for which `finexpert restore` works: then the audit bucket forgets."""


class GuardrailsStack(ProjectStack):
    """Idle reaper, spend guard and teardown; their topic; alarms on them; the dashboard."""

    def __init__(self, scope: Construct, settings: Settings, assets: Assets, **kwargs: Any) -> None:
        super().__init__(scope, settings, "Guardrails", "idle reaper, spend guard, alarms", **kwargs)
        key = DataKey(self, "DataKey").key if settings.customer_managed_key else None
        self.key_arn = key.key_arn if key else None
        code = lambda_.Code.from_asset(str(assets.functions))
        self.base = FunctionBase(arns=self.arns, code=code, key_arn=self.key_arn)
        email = remembered(self, "alert_email", settings.alert_email, ask=ASK_MAIL)
        self.topic = AlertTopic(
            self,
            "Alerts",
            topic_name=self.names.topic,
            email=email,
            publishers=["cloudwatch.amazonaws.com"],
            key=key,
        ).topic
        self.queue = DeadLetterQueue(
            self,
            "DeadLetters",
            queue_name=self.names.dead_letter_queue,
            rules_arn=self.arns.of("events", f"rule/{self.names.function('stop-training')}"),
            key=key,
        ).queue
        self.alarms: list[cloudwatch.IAlarm] = []
        self._idle_reaper()
        self._spend_guard()
        self.teardown = self._teardown()
        GovernedEmptying(self, "Emptying", purpose="empty-audit", key_arn=self.key_arn)
        self.alarms.append(watch_queue(self, self.names.dead_letter_queue, self.queue, self.topic))
        ProjectDashboard(self, "Dashboard", alarms=self.alarms)
        ssm.CfnParameter(
            self,
            "Settings",
            type="String",
            name=self.names.settings_parameter,
            value=json.dumps(settings.deployed(alert_email=email), sort_keys=True),
        )
        self.output("TopicArn", self.topic.topic_arn, "Where alerts are published")
        self.output("DeadLetterQueueUrl", self.queue.queue_url, "Events that nothing could handle")
        self.output("IdleReaperName", self.names.function("idle-reaper"), "Finds idle endpoints")
        self.output("SpendGuardName", self.names.function("spend-guard"), "Stops what bills before the limit")
        self.output("TeardownArn", self.teardown.function_arn, "Cleans up when stacks are deleted")

    def _idle_reaper(self) -> None:
        settings = self.settings
        topic_arn, bucket = self.topic.topic_arn, self.names.bucket("audit", self.account)
        audit = PrivateBucket(
            Construct(self, "Audit"),
            "Private",
            bucket_name=bucket,
            retain=settings.retain_data,
            key_arn=self.key_arn,
            expiring_prefixes={"audit/": SNAPSHOT_DAYS},
        )
        reaper = ProjectFunction(
            self,
            "IdleReaper",
            self.base,
            purpose="idle-reaper",
            environment=settings.reaper(topic_arn=topic_arn, audit_bucket=bucket).environment(),
            permissions=idle_reaper(
                self.arns,
                topic_arn,
                bucket,
                whole_account=settings.reaper_scope == "account",
                regions=settings.reaper_regions,
            ),
            timeout_minutes=15,
            dead_letter_queue=self.queue,
        )
        # It goes before the bucket is emptied, so that nothing is written into that afterwards.
        reaper.function.node.add_dependency(audit)
        self.alarms.append(watch_stuck(self, self.names, settings.reaper_period_minutes, self.topic))
        self.output("AuditBucketName", bucket, "Snapshots of what the reaper deleted")
        EveryMinutes(self, "ReaperSchedule", function=reaper.function, minutes=settings.reaper_period_minutes)
        self._watch("ReaperWatch", reaper, settings.reaper_period_minutes)

    def _spend_guard(self) -> None:
        settings = self.settings
        latch = CreateLatch(self, "Latch")
        topic_arn = self.topic.topic_arn
        guard = ProjectFunction(
            self,
            "SpendGuard",
            self.base,
            purpose="spend-guard",
            environment={**guard_environment(self.arns, settings, topic_arn), **latch.environment},
            permissions=[
                *spend_guard(self.arns, topic_arn),
                *latch.permissions,
                *(close_page(self.arns) if settings.web else []),
            ],
            dead_letter_queue=self.queue,
        )
        minutes = settings.spend_guard_period_minutes
        EveryMinutes(self, "GuardSchedule", function=guard.function, minutes=minutes)
        self._watch("GuardWatch", guard, minutes)

    def _teardown(self) -> lambda_.Function:
        function = ProjectFunction(
            self,
            "Teardown",
            self.base,
            purpose="teardown",
            environment={},
            permissions=teardown(self.arns, private_network=self.settings.private_network),
            timeout_minutes=MAX_MINUTES,
        )
        CleanUpOnDelete(
            self,
            "OutOfBandEndpoints",
            function_arn=function.function.function_arn,
            properties={"HostingStack": self.names.stack("Hosting")},
            before=[function],
        )
        self._watch("TeardownWatch", function, None)
        return function.function

    def _watch(self, construct_id: str, function: ProjectFunction, minutes: int | None) -> None:
        watch = FunctionWatch(self, construct_id, function, period_minutes=minutes, topic=self.topic)
        self.alarms += watch.alarms
