"""The topic for everything that goes wrong, its mail subscription, and the queue of lost events."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct


class AlertTopic(Construct):
    """SNS topic with a mail subscription that the named AWS services may publish to, for this account only.

    Args:
        topic_name: its full name.
        email: who gets the mails; AWS asks them once to confirm.
        publishers: service principals, such as `cloudwatch.amazonaws.com`.
        key: encrypts what is published.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topic_name: str,
        email: str,
        publishers: list[str],
        key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", topic_name=topic_name, enforce_ssl=True, master_key=key)
        self.topic.add_subscription(subscriptions.EmailSubscription(email))
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AwsServicesOfThisAccount",
                principals=[iam.ServicePrincipal(publisher) for publisher in publishers],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )


class DeadLetterQueue(Construct):
    """Queue of the events that a function could not handle, kept for two weeks.

    Args:
        queue_name: its full name.
        rules_arn: of the EventBridge rule that may send to it.
        key: encrypts the events; without one, SQS's own key does.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, queue_name: str, rules_arn: str, key: kms.IKey | None
    ) -> None:
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=queue_name,
            retention_period=Duration.days(14),
            encryption=sqs.QueueEncryption.KMS if key else sqs.QueueEncryption.SQS_MANAGED,
            encryption_master_key=key,
            enforce_ssl=True,
        )
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="RulesOfThisProject",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={"ArnLike": {"aws:SourceArn": rules_arn}},
            )
        )
