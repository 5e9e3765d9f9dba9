"""Step Functions tasks: some of the SDK integrations, and the optimized ones of Lambda and SNS.

Each is a request through the front door of its service, under the state machine's role: it is checked, and
it fails, as any client's. ministack's own would be in-process calls without checks.

What comes back is as AWS gives it: members as the SDK spells them, times as ISO texts (SDK integrations), and
failures named `Service.ExceptionClass`, where the class is the Java SDK's:
`SageMaker.ResourceNotFoundException`; an error that the service's model does not define becomes
`CloudFormation.CloudFormationException`.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

from localcloud import platform, state_language
from localcloud.hooks import executions

SDK = "arn:aws:states:::aws-sdk:"
# as the integration names a service: how its errors begin, and boto3's name of it
SDK_SERVICES = {
    "cloudformation": ("CloudFormation", "cloudformation"),
    "cloudwatchlogs": ("CloudWatchLogs", "logs"),
    "sagemaker": ("SageMaker", "sagemaker"),
    "ssm": ("Ssm", "ssm"),
}
PUBLISH = "arn:aws:states:::sns:publish"


def install() -> None:
    """Serve these tasks."""
    executions.install_task_roles()
    executions.install_definition_check(state_language.validation)
    for service in SDK_SERVICES:
        executions.install_task(f"{SDK}{service}:", run_sdk_task)
    executions.install_task(PUBLISH, run_publish_task)
    executions.install_lambda_task(run_lambda_task)


def time_out_seconds(definition: Mapping[str, Any]) -> float | None:
    """A state machine's TimeoutSeconds; None if it has none."""
    seconds = definition.get("TimeoutSeconds")
    return float(seconds) if isinstance(seconds, int | float) and seconds > 0 else None


def run_sdk_task(resource: str, parameters: dict[str, Any]) -> Any:
    """`arn:aws:states:::aws-sdk:SERVICE:ACTION`: one call of that API through the service's front door."""
    service, action = resource.removeprefix(SDK).split(":")[:2]
    prefix, boto_name = SDK_SERVICES[service]
    client = platform.client(boto_name, executions.task_role())
    operation = action[:1].upper() + action[1:]
    if operation not in client.meta.service_model.operation_names:
        raise executions.task_failure(
            "States.Runtime", f"The resource {resource} names no operation of {prefix}."
        )
    model = client.meta.service_model.operation_model(operation)
    params = api_parameters(parameters, model.input_shape)
    return sdk_answer(_called(prefix, client, xform_name(operation), params), model.output_shape)


def run_publish_task(resource: str, parameters: dict[str, Any]) -> Any:
    """The optimized `sns:publish`; a message that is JSON is sent as its text."""
    message = parameters.get("Message", "")
    params = {**parameters, "Message": message if isinstance(message, str) else json.dumps(message)}
    return _called("SNS", platform.client("sns", executions.task_role()), "publish", params)


def run_lambda_task(parameters: dict[str, Any]) -> Any:
    """The optimized `lambda:invoke`: an exception of the function is the task's error, by its class."""
    client = platform.client("lambda", executions.task_role())
    payload = json.dumps(parameters.get("Payload", {})).encode()
    answer = _called(
        "Lambda", client, "invoke", {"FunctionName": parameters["FunctionName"], "Payload": payload}
    )
    text = answer["Payload"].read()
    document = json.loads(text) if text else None
    if "FunctionError" in answer:
        kind = document.get("errorType") if isinstance(document, dict) else None
        raise executions.task_failure(kind or "Lambda.Unknown", json.dumps(document))
    return {"StatusCode": answer["StatusCode"], "Payload": document}


# The optimized integrations' name for an error that the service's model does not define: the class of the
# SDK's first generation, where the SDK integrations have the second's.
CATCH_ALL = {"SNS": "AmazonSNSException", "Lambda": "AWSLambdaException"}


def _called(prefix: str, client: Any, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """A service's answer; its refusal fails the task."""
    try:
        answer: dict[str, Any] = getattr(client, method)(**params)
    except ClientError as error:
        raise executions.task_failure(*failure(error, prefix, client.meta.service_model)) from None
    except ParamValidationError as error:
        raise executions.task_failure("States.Runtime", str(error)) from None
    answer.pop("ResponseMetadata", None)
    return answer


def failure(error: ClientError, prefix: str, model: Any) -> tuple[str, str]:
    """The error name and cause that Step Functions reports for a service's answer."""
    code = error.response["Error"].get("Code", "")
    message = error.response["Error"].get("Message", "")
    # The Java SDK's classes: ResourceNotFound → ResourceNotFoundException.
    known = {shape.error_code: shape.name for shape in model.error_shapes} | {
        shape.name: shape.name for shape in model.error_shapes
    }
    stem = known.get(code, "").removesuffix("Fault").removesuffix("Exception")
    name = f"{stem}Exception" if stem else CATCH_ALL.get(prefix, f"{prefix}Exception")
    answer = error.response.get("ResponseMetadata", {})
    status, request = answer.get("HTTPStatusCode"), answer.get("RequestId")
    return f"{prefix}.{name}", f"{message} (Service: {prefix}, Status Code: {status}, Request ID: {request})"


def member_name(name: str) -> str:
    """A member as the Java SDK, and so the SDK integration, spells it.

    It begins with a capital, and only a leading acronym changes (logGroupName → LogGroupName, DBClusters →
    DbClusters; RoleARN stays).
    """
    name = name[:1].upper() + name[1:]
    return re.sub(r"^[A-Z]{2,}(?=[A-Z][a-z]|$)", lambda acronym: acronym.group().capitalize(), name)


def api_parameters(value: Any, shape: Any) -> Any:
    """A task's parameters with the API's names of members: RoleARN where the SDK says RoleArn."""
    if shape is None or value is None:
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {member_name(name): name for name in shape.members} | {name: name for name in shape.members}
        return {
            names.get(key, key): api_parameters(item, shape.members[names[key]] if key in names else None)
            for key, item in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [api_parameters(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: api_parameters(item, shape.value) for key, item in value.items()}
    return value


def sdk_answer(value: Any, shape: Any) -> Any:
    """An API's answer as the SDK integration passes it on; the keys of maps are data and stay."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if shape is None:
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        return {member_name(key): sdk_answer(item, shape.members.get(key)) for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [sdk_answer(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: sdk_answer(item, shape.value) for key, item in value.items()}
    return value
