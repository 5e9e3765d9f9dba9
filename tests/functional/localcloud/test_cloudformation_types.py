"""CloudFormation's types of Cost Explorer, of buckets and of functions."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.waiting import eventually
from tests.functional.localcloud.stacks_lab import Stacks

MakeClient = Callable[..., Any]


def test_a_bucket_keeps_tags_and_rules_and_stays_while_it_is_full(stacks: Stacks, client: MakeClient) -> None:
    s3 = client("s3")
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketName": "kept-until-empty",
            "VersioningConfiguration": {"Status": "Enabled"},
            "Tags": [{"Key": "finexpert:project", "Value": "P"}],
            "LifecycleConfiguration": {
                "Rules": [{"Status": "Enabled", "Prefix": "tmp/", "ExpirationInDays": 3}]
            },
        },
    }
    stacks.create("bucket", {"Bucket": bucket})
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket="kept-until-empty")["TagSet"]}
    assert (tags["finexpert:project"], tags["aws:cloudformation:stack-name"]) == ("P", "bucket")
    rule = s3.get_bucket_lifecycle_configuration(Bucket="kept-until-empty")["Rules"][0]
    assert rule["Expiration"] == {"Days": 3}
    version = s3.put_object(Bucket="kept-until-empty", Key="a", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket="kept-until-empty", Key="a")["VersionId"]
    assert stacks.delete("bucket")["StackStatus"] == "DELETE_FAILED"
    assert "not empty" in stacks.reasons("bucket")
    for each in (version, marker):
        s3.delete_object(Bucket="kept-until-empty", Key="a", VersionId=each)
    assert stacks.delete("bucket")["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(("policy", "ends"), [("Retain", "CREATE_COMPLETE"), ("Delete", "FAILED")])
def test_a_kept_bucket_is_imported_where_it_would_be_kept_again(
    stacks: Stacks, client: MakeClient, policy: str, ends: str
) -> None:
    """CloudFormation API Reference, CreateChangeSet, ImportExistingResources: by custom name, with a policy
    that retains it."""
    s3, name = client("s3"), f"kept-{policy.lower()}"
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}, "DeletionPolicy": "Retain"}
    stacks.create(f"first-{name}", {"Data": bucket})
    s3.put_object(Bucket=name, Key="text", Body=b"kept")
    stacks.delete(f"first-{name}")
    template = {"Resources": {"Data": bucket | {"DeletionPolicy": policy}}}
    stacks.names.append(f"again-{name}")
    made = stacks.api.create_change_set(
        StackName=f"again-{name}",
        ChangeSetName="import",
        ChangeSetType="CREATE",
        ImportExistingResources=True,
        TemplateBody=json.dumps(template),
    )

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = stacks.api.describe_change_set(ChangeSetName=made["Id"])
        return found if found["Status"] in ("CREATE_COMPLETE", "FAILED") else None

    change_set = eventually(look)
    if ends == "FAILED":
        assert change_set["Status"] == ends and "DeletionPolicy" in change_set["StatusReason"]
    else:
        stacks.api.execute_change_set(ChangeSetName=made["Id"])
        assert stacks.wait(f"again-{name}")["StackStatus"] == ends
    assert s3.get_object(Bucket=name, Key="text")["Body"].read() == b"kept"
    s3.delete_object(Bucket=name, Key="text")
    s3.delete_bucket(Bucket=name)


def test_an_anomaly_monitor_and_its_subscription(stacks: Stacks, client: MakeClient) -> None:
    expression = {
        "Dimensions": {
            "Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
            "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
            "Values": ["5"],
        }
    }
    resources = {
        "Monitor": {
            "Type": "AWS::CE::AnomalyMonitor",
            "Properties": {"MonitorName": "m", "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE"},
        },
        "Subscription": {
            "Type": "AWS::CE::AnomalySubscription",
            "Properties": {
                "SubscriptionName": "s",
                "Frequency": "DAILY",
                "MonitorArnList": [{"Ref": "Monitor"}],
                "Subscribers": [{"Type": "EMAIL", "Address": "a@example.com"}],
                "ThresholdExpression": json.dumps(expression),
            },
        },
    }
    stacks.create("anomaly", resources)
    ce = client("ce")
    subscription = ce.get_anomaly_subscriptions()["AnomalySubscriptions"][0]
    assert subscription["ThresholdExpression"] == expression
    assert subscription["MonitorArnList"] == [ce.get_anomaly_monitors()["AnomalyMonitors"][0]["MonitorArn"]]
    resources["Monitor"]["Properties"]["MonitorName"] = "renamed"  # type: ignore[index]
    assert stacks.change("anomaly", resources)["StackStatus"] == "UPDATE_COMPLETE"
    assert [m["MonitorName"] for m in ce.get_anomaly_monitors()["AnomalyMonitors"]] == ["renamed"]
    stacks.delete("anomaly")
    assert ce.get_anomaly_monitors()["AnomalyMonitors"] == []
    with pytest.raises(ClientError, match="UnknownOperationException"):
        ce.get_cost_forecast(
            TimePeriod={"Start": "2030-01-01", "End": "2030-02-01"},
            Granularity="MONTHLY",
            Metric="UNBLENDED_COST",
        )


def test_a_function_has_its_templates_dead_letter_queue(stacks: Stacks, client: MakeClient) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    function: dict[str, Any] = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "fails",
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "def handler(event, context):\n    raise ValueError('always')\n"},
            "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Queue", "Arn"]}},
        },
    }
    resources = {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "failed-three-times"}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        "Function": function,
    }
    stacks.create("letters", resources)
    sqs, functions = client("sqs"), client("lambda")
    queue = sqs.get_queue_url(QueueName="failed-three-times")["QueueUrl"]
    functions.invoke(FunctionName="fails", InvocationType="Event", Payload=b'{"number": 7}')
    letters = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    assert '"number": 7' in letters[0]["Body"]
    del function["Properties"]["DeadLetterConfig"]
    stacks.change("letters", resources)
    configuration = functions.get_function_configuration(FunctionName="fails")
    assert not configuration.get("DeadLetterConfig", {}).get("TargetArn")
