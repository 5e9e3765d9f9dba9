"""S3 Vectors on the embedded cloud: vectors kept, found and filtered, limits, and CloudFormation's types."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functional.localcloud.stacks_lab import Stacks

MakeClient = Callable[..., Any]
INDEX = {"vectorBucketName": "vectors-of-test", "indexName": "documents.v1"}
SHAPE: dict[str, Any] = {"dataType": "float32", "dimension": 2, "distanceMetric": "cosine"}


@pytest.fixture
def vectors(client: MakeClient) -> Iterator[Any]:
    """A client, with an empty index of two dimensions whose key `note` does not filter."""
    found = client("s3vectors")
    found.create_vector_bucket(vectorBucketName=INDEX["vectorBucketName"])
    hidden = {"nonFilterableMetadataKeys": ["note"]}
    found.create_index(**INDEX, **SHAPE, metadataConfiguration=hidden)
    yield found
    found.delete_index(**INDEX)
    found.delete_vector_bucket(vectorBucketName=INDEX["vectorBucketName"])


def put(vectors: Any, **records: Any) -> None:
    """Put vectors: key=([x, y], metadata)."""
    given = [{"key": k, "data": {"float32": d}, "metadata": m} for k, (d, m) in records.items()]
    vectors.put_vectors(**INDEX, vectors=given)


def nearest(vectors: Any, *at: float, top: int = 3, **more: Any) -> list[dict[str, Any]]:
    """The vectors nearest to a place."""
    found = vectors.query_vectors(**INDEX, topK=top, queryVector={"float32": list(at)}, **more)
    return list(found["vectors"])


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, int, str]:
    """The error's code, its status and its message."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error, meta = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    return error["Code"], meta["HTTPStatusCode"], error["Message"]


def test_the_nearest_vectors_come_first_and_a_filter_comes_before(vectors: Any) -> None:
    old, new = {"year": 2023, "note": "n" * 3000}, {"year": 2024}
    put(vectors, east=([1.0, 0.0], old), north=([0.0, 2.0], new), west=([-1.0, 0.0], new))
    found = nearest(vectors, 1.0, 0.1, returnDistance=True)
    assert [each["key"] for each in found] == ["east", "north", "west"]
    assert found[0]["distance"] < 0.01 and "metadata" not in found[0]
    kept = nearest(vectors, 1.0, 0.1, filter={"year": {"$gte": 2024}}, returnMetadata=True)
    assert kept == [{"key": "north", "metadata": new}, {"key": "west", "metadata": new}]
    (got,) = vectors.get_vectors(**INDEX, keys=["east", "none"], returnData=True)["vectors"]
    assert got == {"key": "east", "data": {"float32": [1.0, 0.0]}}
    vectors.delete_vectors(**INDEX, keys=["east", "none"])
    pages = vectors.get_paginator("list_vectors").paginate(**INDEX, PaginationConfig={"PageSize": 1})
    assert [each["key"] for page in pages for each in page["vectors"]] == ["north", "west"]
    assert vectors.get_index(**INDEX)["index"]["indexMode"] == "ENHANCED"


def test_what_exceeds_a_limit_is_refused(vectors: Any) -> None:
    def record(number: int = 0, data: Any = (1.0, 0.0), **metadata: Any) -> dict[str, Any]:
        return {"key": f"k{number}", "data": {"float32": list(data)}, "metadata": metadata}

    def why(*records: dict[str, Any]) -> str:
        code, status, message = refused(vectors.put_vectors, **INDEX, vectors=list(records))
        assert (code, status) == ("ValidationException", 400)
        return message

    assert "less than or equal to 500" in why(*(record(n) for n in range(501)))
    assert "vector must have length 2, but has length 3" in why(record(data=(1.0, 0.0, 0.0)))
    assert "must not be zero" in why(record(data=(0.0, 0.0)))
    assert "Filterable metadata must have at most 2048 bytes" in why(record(company="c" * 2048))
    assert "Total metadata" in why(record(note="n" * 41_000))
    assert "at most 50 keys" in why(record(**{f"m{n}": 1 for n in range(51)}))
    assert "keys of the vectors must differ" in why(record(), record())
    asked = {**INDEX, "queryVector": {"float32": [1.0, 0.0]}}
    assert "'101' at 'topK'" in refused(vectors.query_vectors, **asked, topK=101)[2]
    assert "non-filterable" in refused(vectors.query_vectors, **asked, topK=1, filter={"note": "x"})[2]
    assert "'keys'" in refused(vectors.get_vectors, **INDEX, keys=[f"k{n}" for n in range(101)])[2]
    assert vectors.list_vectors(**INDEX)["vectors"] == [], "nothing of a refused request is kept"


def test_names_and_what_is_not_there_are_answered_as_on_aws(vectors: Any) -> None:
    name = INDEX["vectorBucketName"]
    assert refused(vectors.create_vector_bucket, vectorBucketName=name)[:2] == ("ConflictException", 409)
    assert refused(vectors.create_index, **INDEX, **SHAPE)[:2] == ("ConflictException", 409)
    full = refused(vectors.delete_vector_bucket, vectorBucketName=name)
    assert full == ("ConflictException", 409, "The specified vector bucket is not empty")
    for wrong in ("Upper-case", "with.dots", "ends-with-"):
        code, _, message = refused(vectors.create_vector_bucket, vectorBucketName=wrong)
        assert code == "ValidationException" and wrong in message
    missing = refused(vectors.get_index, vectorBucketName=name, indexName="none")
    assert missing == ("NotFoundException", 404, "The specified index could not be found")
    assert refused(vectors.get_vector_bucket, vectorBucketName="none-there")[1] == 404


def test_cloudformation_makes_and_removes_bucket_and_index(stacks: Stacks, client: MakeClient) -> None:
    bucket = {"Type": "AWS::S3Vectors::VectorBucket", "Properties": {"VectorBucketName": "stack-vectors"}}
    index = {
        "Type": "AWS::S3Vectors::Index",
        "Properties": {
            "VectorBucketArn": {"Fn::GetAtt": ["Bucket", "VectorBucketArn"]},
            "DataType": "float32",
            "Dimension": 2,
            "DistanceMetric": "cosine",
            "Tags": [{"Key": "finexpert", "Value": "test"}],
        },
    }
    given = {"Index": {"Value": {"Fn::GetAtt": ["Index", "IndexArn"]}}}
    stack = stacks.create("vectors", {"Bucket": bucket, "Index": index}, Outputs=given)
    vectors = client("s3vectors")
    arn = stack["Outputs"][0]["OutputValue"]
    assert arn.startswith("arn:aws:s3vectors:") and ":bucket/stack-vectors/index/index-" in arn
    vectors.put_vectors(indexArn=arn, vectors=[{"key": "k", "data": {"float32": [1.0, 0.0]}}])
    assert vectors.list_tags_for_resource(resourceArn=arn)["tags"]["finexpert"] == "test"
    tagged = client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "finexpert"}])
    assert arn in [each["ResourceARN"] for each in tagged["ResourceTagMappingList"]]
    assert stacks.delete("vectors")["StackStatus"] == "DELETE_COMPLETE"
    assert vectors.list_vector_buckets(prefix="stack-vectors")["vectorBuckets"] == []
