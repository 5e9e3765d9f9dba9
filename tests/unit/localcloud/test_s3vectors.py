"""S3 Vectors' filters and what its requests need, without a server."""

from typing import Any

import pytest

from localcloud.authorization import Need, vector_needs, vector_resource
from localcloud.protocol import ApiError
from localcloud.s3vectors import filters

PLACE = "arn:aws:s3vectors:us-east-1:1:bucket/"
REPORT = {"company": "Borealis", "fiscal_year": 2024, "audited": True, "tags": ["annual", "10-K"]}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"company": "Borealis"}, True),
        ({"company": {"$ne": "Borealis"}}, False),
        ({"tags": {"$eq": "10-K"}}, True),
        ({"fiscal_year": {"$gte": 2023, "$lt": 2025}}, True),
        ({"fiscal_year": {"$gt": 2024}}, False),
        ({"fiscal_year": {"$in": [2023, 2024]}}, True),
        ({"fiscal_year": {"$nin": [2023]}}, True),
        ({"fiscal_year": "2024"}, False),
        ({"audited": 1}, False),
        ({"form": {"$exists": False}, "company": {"$exists": True}}, True),
        ({"form": {"$ne": "8-K"}}, True),
        ({"$and": [{"company": "Borealis"}, {"$or": [{"fiscal_year": 2020}, {"audited": True}]}]}, True),
        ({"$or": [{"company": "Cascadia"}, {"fiscal_year": {"$lte": 2023}}]}, False),
    ],
)
def test_a_filter_keeps_what_the_documentation_says(given: dict[str, Any], kept: bool) -> None:
    filters.check(given, frozenset())
    assert filters.matches(given, REPORT) is kept


@pytest.mark.parametrize(
    "given",
    [
        {},
        [],
        {"$and": []},
        {"$not": [{"a": 1}]},
        {"a": {"$regex": "x"}},
        {"a": {"$gt": "2024"}},
        {"a": {"$in": []}},
        {"a": {"$exists": "yes"}},
        {"a": [1, 2]},
        {"chunk": "x"},
    ],
)
def test_another_filter_is_refused(given: Any) -> None:
    with pytest.raises(ApiError, match="Invalid query filter"):
        filters.check(given, frozenset({"chunk"}))


@pytest.mark.parametrize(
    ("path", "params", "resource"),
    [
        ("/ListVectorBuckets", {}, "*"),
        ("/CreateVectorBucket", {"vectorBucketName": "b"}, f"{PLACE}b"),
        ("/PutVectors", {"vectorBucketName": "b", "indexName": "i"}, f"{PLACE}b/index/i"),
        ("/QueryVectors", {"indexArn": f"{PLACE}b/index/i"}, f"{PLACE}b/index/i"),
        ("/tags/arn%3Aaws%3Aone", {}, "arn:aws:one"),
    ],
)
def test_a_request_is_about_its_bucket_or_index(path: str, params: dict[str, Any], resource: str) -> None:
    assert vector_resource(path, params, PLACE) == resource


@pytest.mark.parametrize(
    ("operation", "more", "action"),
    [
        ("QueryVectors", {}, ""),
        ("QueryVectors", {"returnDistance": True}, ""),
        ("QueryVectors", {"returnMetadata": True}, "s3vectors:GetVectors"),
        ("QueryVectors", {"filter": {"a": 1}}, "s3vectors:GetVectors"),
        ("ListVectors", {"returnData": True}, "s3vectors:GetVectors"),
        ("CreateIndex", {"tags": {"a": "b"}}, "s3vectors:TagResource"),
    ],
)
def test_metadata_and_tags_need_a_second_right(operation: str, more: dict[str, Any], action: str) -> None:
    index = f"{PLACE}b/index/i"
    needed = [Need(action=action, resource=index)] if action else []
    assert vector_needs(operation, f"/{operation}", {"indexArn": index, **more}, PLACE) == needed
