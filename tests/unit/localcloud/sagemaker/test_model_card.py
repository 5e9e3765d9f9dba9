"""A model package's card: taken as AWS takes it, given back with the package."""

import json
from typing import Any

import pytest

from localcloud.protocol import ApiError
from localcloud.sagemaker import api


def create(card: dict[str, Any]) -> str:
    answer = api.call("CreateModelPackage", {"ModelPackageGroupName": "models", "ModelCard": card})
    return str(answer["ModelPackageArn"])


def test_the_card_comes_back_with_its_package(fake: Any) -> None:
    api.call("CreateModelPackageGroup", {"ModelPackageGroupName": "models"})
    card = {"ModelCardContent": json.dumps({"model_overview": {}}), "ModelCardStatus": "PendingReview"}
    found = api.call("DescribeModelPackage", {"ModelPackageName": create(card)})
    assert found["ModelCard"] == card


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({"ModelCardContent": "x" * 100_001}, "less than or equal to 100000"),
        ({"ModelCardContent": "{\n}"}, "pattern"),
        ({"ModelCardContent": "{}", "ModelCardStatus": "Reviewed"}, "enum value set"),
        ({"Content": "{}"}, "Unknown parameter"),
    ],
)
def test_a_card_out_of_shape_is_refused(fake: Any, card: dict[str, Any], words: str) -> None:
    api.call("CreateModelPackageGroup", {"ModelPackageGroupName": "models"})
    with pytest.raises(ApiError, match=words):
        create(card)
