"""Rule: a bucket is kept whole, with its key, or it is emptied and deleted: nothing in between."""

from collections.abc import Iterator

import pytest

from tests.snapshot.rules.rule_samples import stacks_with
from tests.snapshot.snapshot_synth import Templates, everywhere


def violations(stacks: Templates) -> Iterator[str]:
    emptied = {
        f"{place.split('/')[0]}/{resource['Properties']['BucketName']['Ref']}"
        for place, resource in everywhere(stacks, "Custom::S3AutoDeleteObjects")
    }
    buckets = dict(everywhere(stacks, "AWS::S3::Bucket"))
    for place, bucket in buckets.items():
        kept = bucket.get("DeletionPolicy") == "Retain"
        if kept == (place in emptied):
            yield f"{place}: {'kept, but emptied' if kept else 'deleted with what is in it'}"
        if bucket.get("DeletionPolicy") != bucket.get("UpdateReplacePolicy"):
            yield f"{place}: another fate when it is replaced than when it is deleted"
    kept_data = any(bucket.get("DeletionPolicy") == "Retain" for bucket in buckets.values())
    for place, key in everywhere(stacks, "AWS::KMS::Key"):
        if (key.get("DeletionPolicy") == "Retain") is not kept_data:
            yield f"{place}: the key is {'not kept' if kept_data else 'kept'}, the data is otherwise"


def bucket(policy: str, *, emptied: bool) -> Templates:
    stacks = stacks_with(
        "AWS::S3::Bucket", {}, stack="Storage", DeletionPolicy=policy, UpdateReplacePolicy=policy
    )
    if emptied:
        properties = {"BucketName": {"Ref": "Sample"}}
        stacks["Storage"]["Resources"]["Empty"] = {
            "Type": "Custom::S3AutoDeleteObjects",
            "Properties": properties,
        }
    return stacks


def key(policy: str) -> Templates:
    return stacks_with("AWS::KMS::Key", {}, stack="Guardrails", DeletionPolicy=policy)


@pytest.mark.parametrize(
    "stacks",
    [bucket("Retain", emptied=False) | key("Retain"), bucket("Delete", emptied=True) | key("Delete")],
)
def test_all_or_nothing_complies(stacks: Templates) -> None:
    assert list(violations(stacks)) == []


@pytest.mark.parametrize(
    "stacks",
    [
        bucket("Retain", emptied=True),
        bucket("Delete", emptied=False),
        bucket("Retain", emptied=False) | key("Delete"),
        bucket("Delete", emptied=True) | key("Retain"),
    ],
)
def test_half_of_it_does_not(stacks: Templates) -> None:
    assert len(list(violations(stacks))) == 1
