"""Vector buckets, their indexes and their vectors, in memory, by account and region.

Limits: Amazon S3 User Guide, "Limitations and restrictions" of S3 Vectors. The page says 100 for `topK`;
later announcements say more, by pages. This cloud keeps to the page. Every vector is compared, where AWS
approximates.
"""

import re
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localcloud import hooks
from localcloud.protocol import ApiError, not_emulated, validation
from localcloud.s3vectors import filters, vectors
from localcloud.s3vectors.vectors import Index, Vector

MOST_TOP_K = 100
MOST_OF_A_KIND = 10_000
PAGE = 500
ENHANCED = "ENHANCED"  # the mode of buckets that were made on or after 2026-09-30
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
Params = dict[str, Any]


@dataclass
class Bucket:
    """A vector bucket with its indexes by name."""

    made: Params
    arn: str
    created: float
    tags: dict[str, str]
    indexes: dict[str, Index] = field(default_factory=dict)


_buckets: dict[tuple[str, str], dict[str, Bucket]] = {}
_lock = threading.RLock()


def _here() -> dict[str, Bucket]:
    return _buckets.setdefault((hooks.requests.account_id(), hooks.requests.region()), {})


def carry_out(operation: str, params: Params) -> Params:
    """One operation; `params` have its shape.

    Raises:
        ApiError: with AWS's code.
    """
    with _lock:
        return OPERATIONS[operation](params)


def tagged() -> list[tuple[str, dict[str, str]]]:
    """(ARN, tags) of every bucket and index of the account and region."""
    with _lock:
        found: list[Bucket | Index] = list(_here().values())
        found += [index for bucket in _here().values() for index in bucket.indexes.values()]
        return [(each.arn, dict(each.tags)) for each in found]


def _create_vector_bucket(params: Params) -> Params:
    name = params["vectorBucketName"]
    _hold_name(name, BUCKET_NAME, "vectorBucketName")
    _hold_encryption(params)
    if name in _here():
        raise _conflict("A vector bucket with the specified name already exists")
    if len(_here()) >= MOST_OF_A_KIND:
        raise _quota("vector buckets")
    arn = f"arn:aws:s3vectors:{hooks.requests.region()}:{hooks.requests.account_id()}:bucket/{name}"
    _here()[name] = Bucket(params, arn, _now(), params.get("tags") or {})
    return {"vectorBucketArn": arn}


def _get_vector_bucket(params: Params) -> Params:
    bucket = _bucket(params)
    encryption = bucket.made.get("encryptionConfiguration") or {"sseType": "AES256"}
    more = {"encryptionConfiguration": encryption, "defaultIndexMode": ENHANCED}
    return {"vectorBucket": _summary(bucket) | more}


def _list_vector_buckets(params: Params) -> Params:
    shown, token = _page(sorted(_here()), params)
    return {"vectorBuckets": [_summary(_here()[name]) for name in shown], **token}


def _summary(bucket: Bucket) -> Params:
    name = bucket.made["vectorBucketName"]
    return {"vectorBucketName": name, "vectorBucketArn": bucket.arn, "creationTime": bucket.created}


def _delete_vector_bucket(params: Params) -> Params:
    bucket = _bucket(params)
    if bucket.indexes:
        raise _conflict("The specified vector bucket is not empty")
    del _here()[bucket.made["vectorBucketName"]]
    return {}


def _create_index(params: Params) -> Params:
    bucket, name = _bucket(params), params["indexName"]
    _hold_name(name, INDEX_NAME, "indexName")
    _hold_encryption(params)
    if name in bucket.indexes:
        raise _conflict("An index with the specified name already exists")
    if len(bucket.indexes) >= MOST_OF_A_KIND:
        raise _quota("indexes of a vector bucket")
    bucket.indexes[name] = Index(params, f"{bucket.arn}/index/{name}", _now(), params.get("tags") or {})
    return {"indexArn": bucket.indexes[name].arn}


def _get_index(params: Params) -> Params:
    bucket, index = _found(params)
    given = ("dataType", "dimension", "distanceMetric", "metadataConfiguration")
    encryption = index.made.get("encryptionConfiguration") or bucket.made.get("encryptionConfiguration")
    more = {key: index.made[key] for key in given if key in index.made}
    more |= {"encryptionConfiguration": encryption or {"sseType": "AES256"}, "indexMode": ENHANCED}
    return {"index": _index_summary(bucket, index) | more}


def _index_summary(bucket: Bucket, index: Index) -> Params:
    return {
        "vectorBucketName": bucket.made["vectorBucketName"],
        "indexName": index.made["indexName"],
        "indexArn": index.arn,
        "creationTime": index.created,
    }


def _delete_index(params: Params) -> Params:
    bucket, index = _found(params)
    del bucket.indexes[index.made["indexName"]]
    return {}


def _put_vectors(params: Params) -> Params:
    _, index = _found(params)
    keys = [each["key"] for each in params["vectors"]]
    if len(set(keys)) < len(keys):
        raise validation("Invalid request: the keys of the vectors must differ")
    checked = {each["key"]: vectors.checked(index, each) for each in params["vectors"]}
    index.vectors.update(checked)
    return {}


def _get_vectors(params: Params) -> Params:
    _, index = _found(params)
    known = [key for key in params["keys"] if key in index.vectors]
    return {"vectors": [_shown(key, index.vectors[key], params) for key in known]}


def _shown(key: str, vector: Vector, params: Params) -> Params:
    shown: Params = {"key": key}
    if params.get("returnData"):
        shown["data"] = {"float32": list(vector.data)}
    if params.get("returnMetadata"):
        shown["metadata"] = vector.metadata
    return shown


def _list_vectors(params: Params) -> Params:
    _, index = _found(params)
    count, segment = params.get("segmentCount"), params.get("segmentIndex")
    if (count is None) != (segment is None) or (count is not None and segment >= count):
        raise validation("Invalid request: segmentIndex must be given with, and be below, segmentCount")
    keys = [
        key for key in sorted(index.vectors) if count is None or zlib.crc32(key.encode()) % count == segment
    ]
    shown, token = _page(keys, params)
    return {"vectors": [_shown(key, index.vectors[key], params) for key in shown], **token}


def _delete_vectors(params: Params) -> Params:
    _, index = _found(params)
    for key in params["keys"]:
        index.vectors.pop(key, None)
    return {}


def _query_vectors(params: Params) -> Params:
    _, index = _found(params)
    if params["topK"] > MOST_TOP_K:
        raise validation(
            f"1 validation error detected: Value '{params['topK']}' at 'topK' failed to satisfy constraint:"
            f" Member must have value less than or equal to {MOST_TOP_K}"
        )
    if params.get("nextToken"):
        raise not_emulated("pages of QueryVectors", f"Ask for at most {MOST_TOP_K} vectors.")
    asked, length = vectors.numbers(index, params["queryVector"], "Invalid query vector")
    kept = index.vectors.items()
    if "filter" in params:
        filters.check(params["filter"], index.non_filterable)
        kept = {k: v for k, v in kept if filters.matches(params["filter"], v.metadata)}.items()
    metric = index.made["distanceMetric"]
    nearest = sorted((vectors.distance(asked, length, vector, metric), key) for key, vector in kept)
    shown = []
    for distance, key in nearest[: params["topK"]]:
        more = {"distance": distance} if params.get("returnDistance") else {}
        shown.append(_shown(key, index.vectors[key], {"returnMetadata": params.get("returnMetadata")}) | more)
    return {"vectors": shown, "distanceMetric": metric}


def _tag_resource(params: Params) -> Params:
    _by_arn(params["resourceArn"]).tags.update(params["tags"])
    return {}


def _untag_resource(params: Params) -> Params:
    tags = _by_arn(params["resourceArn"]).tags
    for key in params["tagKeys"]:
        tags.pop(key, None)
    return {}


def _list_tags_for_resource(params: Params) -> Params:
    return {"tags": dict(_by_arn(params["resourceArn"]).tags)}


def _by_arn(arn: str) -> Bucket | Index:
    return _found({"indexArn": arn})[1] if "/index/" in arn else _bucket({"vectorBucketArn": arn})


def _bucket(params: Mapping[str, Any]) -> Bucket:
    """The bucket that a request names, by exactly one of name and ARN."""
    name, arn = params.get("vectorBucketName"), params.get("vectorBucketArn")
    if (name is None) == (arn is None):
        raise validation("Must specify either vectorBucketName or vectorBucketArn but not both")
    found = _here().get(name or str(arn).rpartition(":bucket/")[2])
    if found is None or (arn and found.arn != arn):
        raise ApiError("NotFoundException", "The specified vector bucket could not be found", 404)
    return found


def _found(params: Mapping[str, Any]) -> tuple[Bucket, Index]:
    """The index that a request names, by its ARN or by bucket and name."""
    arn, name, bucket_name = (params.get(key) for key in ("indexArn", "indexName", "vectorBucketName"))
    if (arn is None) == (name is None) or (name is None) != (bucket_name is None):
        raise validation("Must specify either indexArn or both vectorBucketName and indexName")
    place, _, tail = str(arn).partition("/index/")
    bucket = _bucket({"vectorBucketArn": place} if arn else {"vectorBucketName": bucket_name})
    index = bucket.indexes.get(name or tail)
    if index is None:
        raise ApiError("NotFoundException", "The specified index could not be found", 404)
    return bucket, index


def _page(names: list[str], params: Params) -> tuple[list[str], Params]:
    """A page of sorted names; its token is the last name that was given."""
    prefix, after = params.get("prefix") or "", params.get("nextToken") or ""
    left = [name for name in names if name.startswith(prefix) and name > after]
    size = params.get("maxResults") or PAGE
    return left[:size], {"nextToken": left[size - 1]} if len(left) > size else {}


def _hold_name(name: str, rule: re.Pattern[str], member: str) -> None:
    if not rule.fullmatch(name):
        raise validation(
            f"1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member"
            f" must satisfy regular expression pattern: {rule.pattern}"
        )


def _hold_encryption(params: Params) -> None:
    given = params.get("encryptionConfiguration") or {}
    if (given.get("sseType") == "aws:kms") != ("kmsKeyArn" in given):
        raise validation("Invalid encryption configuration: kmsKeyArn goes with the sseType aws:kms only")


def _conflict(message: str) -> ApiError:
    return ApiError("ConflictException", message, 409)


def _quota(what: str) -> ApiError:
    message = f"There are {MOST_OF_A_KIND:,} {what} already"
    return ApiError("ServiceQuotaExceededException", message, 402)


def _now() -> float:
    return round(datetime.now(UTC).timestamp(), 3)


OPERATIONS: dict[str, Callable[[Params], Params]] = {
    "CreateVectorBucket": _create_vector_bucket,
    "GetVectorBucket": _get_vector_bucket,
    "ListVectorBuckets": _list_vector_buckets,
    "DeleteVectorBucket": _delete_vector_bucket,
    "CreateIndex": _create_index,
    "GetIndex": _get_index,
    "DeleteIndex": _delete_index,
    "PutVectors": _put_vectors,
    "GetVectors": _get_vectors,
    "ListVectors": _list_vectors,
    "DeleteVectors": _delete_vectors,
    "QueryVectors": _query_vectors,
    "TagResource": _tag_resource,
    "UntagResource": _untag_resource,
    "ListTagsForResource": _list_tags_for_resource,
}
