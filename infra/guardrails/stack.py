"""What watches money and idleness. It needs no other stack: alone, it protects an account."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from core.names import KEEP_TAG, METRIC_NAMESPACE
from core.reaper.settings import Kind
from infra import permissions
from infra.assets import Assets
from infra.encryption import DataKey
from infra.functions import ProjectFunction
from infra.guardrails.alerts import AlertTopic, DeadLetterQueue
from infra.guardrails.audit import AuditBucket
from infra.guardrails.dashboard import ProjectDashboard
from infra.guardrails.latch import CreateLatch
from infra.guardrails.schedule import EveryMinutes
from infra.guardrails.stuck import StuckWatch
from infra.guardrails.teardown import CleanUpOnDelete
from infra.guardrails.watch import FunctionWatch, QueueWatch
from infra.project_stack import ProjectStack
from infra.settings import Settings
from infra.storage.emptying import GovernedEmptying


class GuardrailsStack(ProjectStack):
    """Idle reaper, spend guard and teardown; the topic they tell; alarms on themselves; the dashboard."""

    def __init__(self, scope: Construct, settings: Settings, assets: Assets, **kwargs: Any) -> None:
        super().__init__(scope, settings, "Guardrails", "idle reaper, spend guard, alarms", **kwargs)
        self.code = lambda_.Code.from_asset(str(assets.functions))
        key = (
            DataKey(self, "DataKey", arns=self.arns, retain=settings.retain_data).key
            if settings.customer_managed_key
            else None
        )
        self.key_arn = key.key_arn if key else None
        self.topic = AlertTopic(
            self,
            "Alerts",
            topic_name=self.names.topic,
            email=settings.alert_email,
            publishers=["cloudwatch.amazonaws.com"],
            account=self.account,
            key=key,
        ).topic
        self.queue = DeadLetterQueue(
            self,
            "DeadLetters",
            queue_name=self.names.dead_letter_queue,
            rules_arn=self.arns.of("events", f"rule/{self.names.project}-*"),
            key=key,
        ).queue
        self.alarms: list[cloudwatch.IAlarm] = []
        self._idle_reaper()
        self._spend_guard()
        self.teardown = self._teardown()
        GovernedEmptying(self, "Emptying", arns=self.arns, purpose="empty-audit", key_arn=self.key_arn)
        self._watch_lost_events()
        ProjectDashboard(
            self,
            "Dashboard",
            names=self.names,
            hosting=settings.hosting,
            budget_usd=settings.budget_usd,
            reserve_usd=settings.reserve_usd,
            reaper_log_group=f"/aws/lambda/{self.names.function('idle-reaper')}",
            alarms=self.alarms,
        )
        self.output("TopicArn", self.topic.topic_arn, "Where alerts are published")
        self.output("DeadLetterQueueUrl", self.queue.queue_url, "Events that nothing could handle")
        self.output("IdleReaperName", self.names.function("idle-reaper"), "Finds endpoints that nobody uses")
        self.output("SpendGuardName", self.names.function("spend-guard"), "Stops what bills before the limit")
        self.output("TeardownArn", self.teardown.function_arn, "Cleans up when stacks are deleted")

    def _idle_reaper(self) -> None:
        settings = self.settings
        audit = AuditBucket(
            self,
            "Audit",
            bucket_name=self.names.bucket("audit", self.account),
            retain=settings.retain_data,
            key_arn=self.key_arn,
        )
        reaper = ProjectFunction(
            self,
            "IdleReaper",
            arns=self.arns,
            purpose="idle-reaper",
            code=self.code,
            environment={
                "IDLE_MINUTES": str(settings.idle_minutes),
                "MIN_AGE_MINUTES": str(settings.min_age_minutes),
                "WARN_MINUTES": str(settings.warn_minutes),
                "METRIC_DELAY_MINUTES": str(settings.metric_delay_minutes),
                "SCOPE": settings.reaper_scope,
                "KEEP_TAG": KEEP_TAG,
                "DRY_RUN": "true" if settings.reaper_only_tells else "false",
                "MAX_DELETES": str(settings.max_deletes),
                "HOSTING_STACK": self.names.stack("Hosting"),
                "TOPIC_ARN": self.topic.topic_arn,
                "AUDIT_BUCKET": audit.bucket_name,
                "METRIC_NAMESPACE": METRIC_NAMESPACE,
                "OTHER_KINDS": ",".join(Kind),
                **({"REGIONS": ",".join(settings.reaper_regions)} if settings.reaper_regions else {}),
            },
            permissions=permissions.idle_reaper(
                self.arns,
                self.topic.topic_arn,
                audit.bucket_name,
                whole_account=settings.reaper_scope == "account",
                regions=settings.reaper_regions,
            ),
            timeout_minutes=15,
            dead_letter_queue=self.queue,
            key_arn=self.key_arn,
        ).function
        audit.outlive(reaper)
        self.alarms.append(
            StuckWatch(
                self,
                "Stuck",
                names=self.names,
                period_minutes=settings.reaper_period_minutes,
                topic=self.topic,
            ).alarm
        )
        self.output("AuditBucketName", audit.bucket_name, "Snapshots of what the reaper deleted")
        EveryMinutes(self, "ReaperSchedule", function=reaper, minutes=settings.reaper_period_minutes)
        self._watch("ReaperWatch", reaper, "idle-reaper", settings.reaper_period_minutes)

    def _spend_guard(self) -> None:
        settings = self.settings
        latch = CreateLatch(self, "Latch", arns=self.arns, roles=settings.latch_roles)
        guard = ProjectFunction(
            self,
            "SpendGuard",
            arns=self.arns,
            purpose="spend-guard",
            code=self.code,
            environment={
                "BUDGET_USD": f"{settings.budget_usd:g}",
                "RESERVE_USD": f"{settings.reserve_usd:g}",
                "PERIOD_MINUTES": str(settings.spend_guard_period_minutes),
                "HOSTING_STACK": self.names.stack("Hosting"),
                "METRIC_NAMESPACE": METRIC_NAMESPACE,
                "TOPIC_ARN": self.topic.topic_arn,
                **latch.environment,
            },
            permissions=[
                *permissions.spend_guard(self.arns, self.topic.topic_arn),
                *latch.permissions,
            ],
            dead_letter_queue=self.queue,
            key_arn=self.key_arn,
        ).function
        EveryMinutes(self, "GuardSchedule", function=guard, minutes=settings.spend_guard_period_minutes)
        self._watch("GuardWatch", guard, "spend-guard", settings.spend_guard_period_minutes)

    def _teardown(self) -> lambda_.Function:
        teardown = ProjectFunction(
            self,
            "Teardown",
            arns=self.arns,
            purpose="teardown",
            code=self.code,
            environment={},
            permissions=permissions.teardown(self.arns),
            timeout_minutes=15,
            key_arn=self.key_arn,
        )
        CleanUpOnDelete(
            self,
            "OutOfBandEndpoints",
            function_arn=teardown.function.function_arn,
            names=self.names,
            endpoints_too=True,
            before=[teardown],
        )
        self._watch("TeardownWatch", teardown.function, "teardown", None)
        return teardown.function

    def _watch(
        self, construct_id: str, function: lambda_.Function, purpose: str, minutes: int | None
    ) -> None:
        watch = FunctionWatch(
            self,
            construct_id,
            function=function,
            function_name=self.names.function(purpose),
            period_minutes=minutes,
            topic=self.topic,
        )
        self.alarms += watch.alarms

    def _watch_lost_events(self) -> None:
        watch = QueueWatch(
            self, "LostEvents", queue=self.queue, queue_name=self.names.dead_letter_queue, topic=self.topic
        )
        self.alarms.append(watch.alarm)
