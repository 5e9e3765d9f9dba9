"""The SageMaker tests' bucket and role, models and endpoints, and shorter waiting times."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localcloud.lifecycle import Cloud
from tests.fakes.serving_model import build_adapter, build_model
from tests.functional.cloud_session import make_role
from tests.functional.sagemaker.hosting_lab import (
    adapter_on,
    in_service,
    make_component,
    make_config,
    make_model,
    packed,
    remove,
)
from tests.functional.sagemaker.sagemaker_lab import Lab


@pytest.fixture(scope="session")
def lab(cloud: Cloud, client: Callable[[str], Any]) -> Lab:
    """A bucket and a role that SageMaker may assume."""

    def steer(path: str, body: dict[str, Any]) -> Any:
        return cloud.ask("POST", path, body)

    role = make_role(client("iam"), "sagemaker-lab", services=("sagemaker.amazonaws.com",))
    client("s3").create_bucket(Bucket="sagemaker-lab")
    steer(
        "options",
        {"stop_grace": 3, "look": 0.1, "checkpoint_sync": 0.3, "endpoint_grace": 3, "interface_linger": 3},
    )
    return Lab(client, "sagemaker-lab", role, steer)


@pytest.fixture(scope="module")
def model(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """URIs of a model (as a prefix and as an archive), of two adapters, and of one that does not fit it."""
    folder = tmp_path_factory.mktemp("model")
    weights = build_model(folder / "weights")
    for path in weights.iterdir():
        lab.put(f"base-model/{path.name}", path.read_bytes())
    uris = {"prefix": f"s3://{lab.bucket}/base-model/", "archive": lab.put("base.tar.gz", packed(weights))}
    for seed in (1, 2):
        adapter = build_adapter(folder / f"adapter-{seed}", weights, seed=seed)
        uris[f"adapter-{seed}"] = lab.put(f"adapter-{seed}.tar.gz", packed(adapter))
    other = build_adapter(folder / "other", weights, seed=3, rank=128)
    uris["unfitting"] = lab.put("unfitting.tar.gz", packed(other))
    uris["junk"] = lab.put("junk.tar.gz", b"this is no archive")
    return uris


@pytest.fixture(scope="module")
def endpoint(lab: Lab, model: dict[str, str]) -> Iterator[str]:
    """A plain endpoint, its model's data from an archive."""
    config = make_config(lab, make_model(lab, {"ModelDataUrl": model["archive"]}))
    name = in_service(lab, config, Tags=[{"Key": "finexpert:project", "Value": "FinExpert"}])
    yield name
    remove(lab, "endpoint", name)


@pytest.fixture(scope="module")
def shared(lab: Lab, model: dict[str, str]) -> Iterator[str]:
    """An endpoint for inference components, with a base `BASE` and an adapter `TUNED` on it."""
    name = in_service(lab, make_config(lab, None))
    source = {"S3DataSource": {"S3Uri": model["prefix"], "S3DataType": "S3Prefix", "CompressionType": "None"}}
    given = make_model(lab, {"ModelDataSource": source, "Environment": {"OPTION_MAX_LORAS": "2"}})
    for part, specification in (
        ("base", {"ModelName": given}),
        ("tuned", adapter_on(f"{name}-base", model["adapter-1"])),
    ):
        found = make_component(lab, name, f"{name}-{part}", **specification)
        assert found["InferenceComponentStatus"] == "InService", found.get("FailureReason")
    yield name
    for part in ("tuned", "base"):
        remove(lab, "inference_component", f"{name}-{part}")
    remove(lab, "endpoint", name)
