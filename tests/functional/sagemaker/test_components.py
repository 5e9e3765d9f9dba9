"""Inference components, end to end with boto3: a base and its adapters on one endpoint."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functional.sagemaker.hosting_lab import (
    PROMPT,
    adapter_on,
    ask,
    in_service,
    make_component,
    make_model,
    metric,
    remove,
    settled,
)
from tests.functional.sagemaker.sagemaker_lab import Lab


def test_a_component_of_a_cuda_13_image_needs_the_newest_host(lab: Lab, model: dict[str, str]) -> None:
    plain = lab.unique("config")
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.g5.2xlarge", "InitialInstanceCount": 1}
    lab.client("sagemaker").create_endpoint_config(
        EndpointConfigName=plain, ProductionVariants=[variant], ExecutionRoleArn=lab.role_arn
    )
    endpoint, name = in_service(lab, plain), lab.unique("base")
    failed = make_component(
        lab, endpoint, name, ModelName=make_model(lab, {"ModelDataUrl": model["archive"]})
    )
    assert failed["InferenceComponentStatus"] == "Failed"
    assert failed["FailureReason"].startswith("CannotStartContainerError.")
    remove(lab, "inference_component", name)
    remove(lab, "endpoint", endpoint)


def test_requests_that_no_one_can_answer(lab: Lab, endpoint: str, shared: str) -> None:
    runtime = lab.client("sagemaker-runtime")
    with pytest.raises(
        runtime.exceptions.ValidationError, match="Endpoint nowhere of account 000000000000 not found"
    ):
        ask(lab, "nowhere", {"inputs": "x"})
    with pytest.raises(runtime.exceptions.ValidationError, match="header is required"):
        ask(lab, shared, {"inputs": "x"})
    with pytest.raises(runtime.exceptions.ValidationError, match="header is not allowed"):
        ask(lab, endpoint, {"inputs": "x"}, InferenceComponentName="some")
    with pytest.raises(runtime.exceptions.ValidationError, match="Inference Component other of account"):
        ask(lab, shared, {"inputs": "x"}, InferenceComponentName="other")
    with pytest.raises(runtime.exceptions.ValidationError, match="less than or equal to 6291456"):
        ask(lab, endpoint, b"x" * 6291457)


def test_base_and_adapter_answer_side_by_side_each_under_its_own_name(lab: Lab, shared: str) -> None:
    base = ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-base")
    tuned = ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-tuned")
    assert base["generated_text"] != tuned["generated_text"]
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-base") == base
    assert metric(lab, "Invocations", {"InferenceComponentName": f"{shared}-base"}) == 2
    assert metric(lab, "Invocations", {"InferenceComponentName": f"{shared}-tuned"}) == 1
    assert metric(lab, "Invocations", {"EndpointName": shared, "VariantName": "AllTraffic"}) == 0
    listed = lab.client("sagemaker").list_inference_components(EndpointNameEquals=shared)[
        "InferenceComponents"
    ]
    assert {row["InferenceComponentName"] for row in listed} == {f"{shared}-base", f"{shared}-tuned"}


def test_components_block_what_would_break_them(lab: Lab, shared: str) -> None:
    sagemaker = lab.client("sagemaker")
    with pytest.raises(ClientError, match="hosts inference components") as blocked:
        sagemaker.delete_endpoint(EndpointName=shared)
    assert blocked.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match="adapter inference components use it"):
        sagemaker.delete_inference_component(InferenceComponentName=f"{shared}-base")
    with pytest.raises(ClientError, match="ComputeResourceRequirements is required"):
        sagemaker.create_inference_component(
            InferenceComponentName="x",
            EndpointName=shared,
            VariantName="AllTraffic",
            Specification={"ModelName": "any"},
            RuntimeConfig={"CopyCount": 1},
        )


def test_a_new_adapter_replaces_the_old_one_if_it_loads(lab: Lab, shared: str, model: dict[str, str]) -> None:
    sagemaker, name = lab.client("sagemaker"), f"{shared}-tuned"
    old = ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=name)

    def change(uri: str) -> dict[str, Any]:
        sagemaker.update_inference_component(
            InferenceComponentName=name, Specification=adapter_on(f"{shared}-base", uri)
        )
        return settled(lab, "inference_component", name)

    assert "not a tar.gz archive" in change(model["junk"])["FailureReason"]
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=name) == old
    assert "FailureReason" not in change(model["adapter-2"])
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=name) != old
    change(model["adapter-1"])
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=name) == old


def test_an_adapter_that_does_not_load_is_in_service_and_answers_with_errors(
    lab: Lab, shared: str, model: dict[str, str]
) -> None:
    name = lab.unique("unfitting")
    found = make_component(lab, shared, name, **adapter_on(f"{shared}-base", model["unfitting"]))
    assert found["InferenceComponentStatus"] == "InService" and "FailureReason" not in found
    runtime = lab.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError, match="not loaded"):
        ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=name)
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-base")
    remove(lab, "inference_component", name)


def test_scaled_to_zero_and_back_with_its_adapter(lab: Lab, shared: str) -> None:
    sagemaker, runtime = lab.client("sagemaker"), lab.client("sagemaker-runtime")
    tuned = ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-tuned")

    def scale(count: int) -> int:
        sagemaker.update_inference_component_runtime_config(
            InferenceComponentName=f"{shared}-base", DesiredRuntimeConfig={"CopyCount": count}
        )
        component = settled(lab, "inference_component", f"{shared}-base")
        return int(component["RuntimeConfig"]["CurrentCopyCount"])

    assert scale(0) == 0
    with pytest.raises(runtime.exceptions.ValidationError, match="has no capacity to process this request"):
        ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-tuned")
    assert metric(lab, "NoCapacityInvocationFailures", {"InferenceComponentName": f"{shared}-tuned"}) == 1
    assert scale(1) == 1
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-tuned") == tuned
