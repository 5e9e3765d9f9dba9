"""The container URIs read from the data files are those that sagemaker-core itself gives."""

import pytest

from infra import images
from infra.settings import SettingsError


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "eu-central-1"])
def test_as_sagemaker_core_gives_them(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    from sagemaker.core import image_uris

    training = image_uris.retrieve(
        framework="huggingface",
        region=region,
        version="5.3.0",
        base_framework_version="pytorch2.9.0",
        py_version="py312",
        image_scope="training",
        instance_type="ml.g5.2xlarge",
    )
    serving = image_uris.retrieve(framework="djl-lmi", region=region, version="0.38.0")
    assert images.training_image(region) == training
    assert images.serving_image(region) == serving


def test_a_region_without_the_container_is_reported_with_the_way_out() -> None:
    with pytest.raises(SettingsError, match="training_image"):
        images.training_image("eu-nowhere-1")


@pytest.mark.parametrize(
    ("image", "gpus", "host"),
    [
        ("r/djl-inference:0.38.0-lmi29.0.0-cu130", 1, images.CUDA_13_HOST),
        ("r/own:serving-cu132-v2", 4, images.CUDA_13_HOST),
        ("r/djl-inference:0.36.0-lmi18.0.0-cu128", 1, None),
        ("r/djl-inference:0.38.0-lmi29.0.0-cu130", 0, None),
        ("r/cu130/own:latest", 1, None),
    ],
)
def test_the_host_follows_the_images_cuda_version(image: str, gpus: int, host: str | None) -> None:
    assert images.inference_host(image, gpus) == host


def test_todays_serving_image_has_its_host() -> None:
    assert images.inference_host(images.serving_image("us-east-1"), 1) == images.CUDA_13_HOST
