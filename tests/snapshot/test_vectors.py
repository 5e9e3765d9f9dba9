"""The vectors of documents, which are there by a setting only: their template, and who may read them."""

from pathlib import Path

import pytest

from tests.snapshot.rules.rule_set import broken
from tests.snapshot.snapshot_matrix import errors
from tests.snapshot.snapshot_synth import (
    Templates,
    as_list,
    compared,
    everywhere,
    joined,
    readable,
    statements,
    synthesize,
)

TYPES = ("AWS::S3Vectors::VectorBucket", "AWS::S3Vectors::Index")


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vectors")


@pytest.fixture(scope="module")
def on(assembly: Path) -> Templates:
    return synthesize(
        assembly, web="true", retrieval="vectors", customer_managed_key="true", retain_data="true"
    )


def test_by_default_there_are_none(aws: Templates) -> None:
    assert [place for type_ in TYPES for place, _ in everywhere(aws, type_)] == []


def test_they_are_valid_and_as_stored(on: Templates, assembly: Path, request: pytest.FixtureRequest) -> None:
    assert broken(on) == []
    assert errors(assembly, "us-east-1") == []
    shown = {type_: {place: found for place, found in everywhere(on, type_)} for type_ in TYPES}
    found = {path: f for each in shown.values() for path, f in each.items()}
    compared(request, "vectors.yaml", readable({"Resources": found}))


def test_vectors_are_encrypted_with_the_key_and_go_with_their_stack(on: Templates) -> None:
    ((_, bucket),) = everywhere(on, TYPES[0])
    encryption = bucket["Properties"]["EncryptionConfiguration"]
    assert encryption["SseType"] == "aws:kms" and "DataKey" in joined(encryption["KmsKeyArn"])
    ((_, index),) = everywhere(on, TYPES[1])
    assert {bucket["DeletionPolicy"], index["DeletionPolicy"]} == {"Delete"}
    ((_, key),) = everywhere(on, "AWS::KMS::Key")
    serving = [s for s in key["Properties"]["KeyPolicy"]["Statement"] if "s3vectors" in str(s["Principal"])]
    assert [as_list(each["Action"]) for each in serving] == [["kms:Decrypt"]]


def test_only_the_page_s_function_may_search_them_and_only_this_index(on: Templates) -> None:
    allowed = {}
    for place, statement in statements(on):
        for action in as_list(statement["Action"]):
            if action.startswith(("s3vectors:", "bedrock:")):
                (resource,) = as_list(statement["Resource"])
                allowed[place.split("/")[0], action] = joined(resource)
    index = ":bucket/finexpert-vectors-key/index/documents-1"
    assert {key for key, place in allowed.items() if place.endswith(index)} == {
        ("Web", "s3vectors:QueryVectors"),
        ("Web", "s3vectors:GetVectors"),
    }
    kept = {key for key, place in allowed.items() if not place.endswith(index)}
    assert kept == {("Web", "bedrock:InvokeModel")}
    assert allowed["Web", "bedrock:InvokeModel"].endswith("::foundation-model/amazon.titan-embed-text-v2:0")
