"""The embedded cloud is for its owner: what strangers on this machine and in the browser get."""

import json
import os
import stat
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from localcloud.lifecycle import Cloud
from tests.functional.cloud_session import make_role
from tests.functional.cloud_session import session as session_of

FUNCTION = "/2015-03-31/functions"
CODE = json.dumps({"FunctionName": "bad", "Runtime": "python3.11", "Role": "r", "Handler": "i.h", "Code": {}})
PATHS = [
    ("POST", FUNCTION, CODE, {"Content-Type": "text/plain"}),
    ("POST", FUNCTION + "/evil/invocations", "{}", {}),
    ("OPTIONS", FUNCTION, "", {"Access-Control-Request-Method": "POST"}),
    ("POST", "/", "{}", {"X-Amz-Target": "SageMaker.CreateTrainingJob"}),
    ("POST", "/logout", "{}", {"X-Amz-Target": "SageMaker.CreateTrainingJob"}),
    ("POST", "/", "Action=CreateRole&RoleName=evil", {}),
    ("GET", "/", "", {}),
    ("PUT", "/evil-bucket", "", {}),
    ("POST", "/_ministack/reset", "", {}),
    ("POST", "/_ministack/config", "{}", {}),
    ("GET", "/_ministack/health", "", {}),
    ("GET", "/_finexpert/health", "", {}),
    ("POST", "/_finexpert/bill", '{"service": "AmazonS3", "usd": 5}', {}),
    ("POST", "/_finexpert/options", '{"look": 1}', {}),
]
Answer = tuple[int, Any]


def send(cloud: Cloud, method: str, path: str, body: str = "", **headers: str) -> Answer:
    """The answer's status and headers; header names are written with `_` for `-`."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(
        cloud.endpoint_url + path, body.encode() or None, {"Content-Type": "text/plain"} | sent, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


def keys_of(cloud: Cloud, secret: str = "") -> Credentials:
    """The cloud's own keys, or another secret in their place."""
    of = cloud.environment()
    return Credentials(of["AWS_ACCESS_KEY_ID"], secret or of["AWS_SECRET_ACCESS_KEY"])


def signed(
    cloud: Cloud, method: str, path: str, body: str = "", *, keys: Credentials | None = None, **headers: str
) -> Answer:
    """The same, signed with the cloud's own keys or with others."""
    request = AWSRequest(method=method, url=cloud.endpoint_url + path, data=body, headers={})
    SigV4Auth(keys or keys_of(cloud), "lambda", "us-east-1").add_auth(request)
    return send(cloud, method, path, body, **{**dict(request.headers), **headers})


@pytest.mark.parametrize(("method", "path", "body", "headers"), PATHS, ids=lambda value: str(value)[:40])
def test_no_one_without_the_secret_gets_anything(
    cloud: Cloud, method: str, path: str, body: str, headers: dict[str, str]
) -> None:
    status, answered = send(cloud, method, path, body, **headers)
    assert status == 403
    assert "Access-Control-Allow-Origin" not in answered
    for secret in ("embedded-cloud", "test", cloud.environment()["AWS_ACCESS_KEY_ID"]):
        assert signed(cloud, method, path, body, keys=keys_of(cloud, secret), **headers)[0] == 403


@pytest.mark.parametrize(("method", "path", "body", "headers"), PATHS, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize(
    "stranger",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
    ids=str,
)
def test_a_foreign_page_gets_nothing_even_with_the_secret(
    cloud: Cloud, method: str, path: str, body: str, headers: dict[str, str], stranger: dict[str, str]
) -> None:
    status, answered = signed(cloud, method, path, body, **{**headers, **stranger})
    assert status == 403
    assert "Access-Control-Allow-Origin" not in answered


def test_the_owner_is_served(cloud: Cloud) -> None:
    assert signed(cloud, "GET", FUNCTION + "/")[0] == 200
    assert signed(cloud, "GET", "/_finexpert/health")[0] == 200


def test_the_secret_is_new_for_each_cloud_and_for_its_owner_only(cloud: Cloud) -> None:
    file = cloud.state_dir / "aws-credentials"
    secret = cloud.environment()["AWS_SECRET_ACCESS_KEY"]
    assert len(secret) >= 32 and secret in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(cloud.state_dir.stat().st_mode) == 0o700
    others = [path for path in cloud.state_dir.rglob("*") if path.is_file() and path != file]
    assert not [path for path in others if secret.encode() in path.read_bytes()]


def test_nothing_that_the_cloud_wrote_is_open_to_others(cloud: Cloud, client: Callable[[str], Any]) -> None:
    client("s3").create_bucket(Bucket="door-private")
    client("s3").put_object(Bucket="door-private", Key="a/text.txt", Body=b"mine")
    before = {"cloud.log", "lock"}  # made by the user who starts a cloud; the folder is closed all the same
    files = [path for path in cloud.state_dir.rglob("*") if path.name not in before and not path.is_symlink()]
    assert len(files) > 3
    assert not [path for path in files if path.stat().st_mode & 0o077]


def test_a_role_is_served_by_aws_but_not_by_the_controls(cloud: Cloud, client: Callable[[str], Any]) -> None:
    role = make_role(client("iam"), "door-guest")
    given = client("sts").assume_role(RoleArn=role, RoleSessionName="guest")["Credentials"]
    keys = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    for path, expected in ((FUNCTION + "/", 200), ("/_finexpert/health", 403), ("/_ministack/config", 403)):
        assert signed(cloud, "GET", path, keys=keys)[0] == expected, path
    client("iam").delete_role(RoleName="door-guest")


def test_an_address_with_its_signature_opens_one_object(cloud: Cloud, client: Callable[[str], Any]) -> None:
    client("s3").create_bucket(Bucket="door-bucket")
    client("s3").put_object(Bucket="door-bucket", Key="a file/ü+.txt", Body=b"text")
    s3 = session_of(cloud).client(
        "s3", endpoint_url=cloud.endpoint_url, config=Config(signature_version="s3v4")
    )
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "door-bucket", "Key": "a file/ü+.txt"})
    path = url.removeprefix(cloud.endpoint_url)
    assert send(cloud, "GET", path)[0] == 200
    assert send(cloud, "DELETE", path)[0] == 403
    assert send(cloud, "GET", path.replace("file", "other"))[0] == 403
    assert send(cloud, "GET", path, X_Amz_Target="SageMaker.ListEndpoints")[0] == 403
    assert send(cloud, "GET", path.replace("Expires=3600", "Expires=360000"))[0] == 403
    request = AWSRequest(method="GET", url=cloud.endpoint_url + FUNCTION + "/", data="")
    SigV4QueryAuth(keys_of(cloud), "lambda", "us-east-1").add_auth(request)
    assert send(cloud, "GET", str(request.url).removeprefix(cloud.endpoint_url))[0] == 403


def test_a_client_with_wrong_keys_reads_what_to_do(cloud: Cloud) -> None:
    for service, operation in (
        ("sts", "get_caller_identity"),
        ("sagemaker", "list_endpoints"),
        ("s3", "list_buckets"),
    ):
        stranger = session_of(cloud).client(
            service, endpoint_url=cloud.endpoint_url, aws_access_key_id="test", aws_secret_access_key="test"
        )
        with pytest.raises(ClientError) as caught:
            getattr(stranger, operation)()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_of_this_machine_finds_no_key(cloud: Cloud) -> None:
    pid = os.fork()
    if pid == 0:  # the child is another user, and must not return into pytest
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            (cloud.state_dir / "aws-credentials").read_text()
            os._exit(1)
        except PermissionError:
            os._exit(0)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_no_prompt_or_message_is_in_the_trail(cloud: Cloud, client: Callable[[str], Any]) -> None:
    canary = "canary-of-a-prompt"
    with pytest.raises(ClientError):
        client("sagemaker-runtime").invoke_endpoint(
            EndpointName="none", Body=json.dumps({"inputs": canary}), ContentType="application/json"
        )
    topic = client("sns").create_topic(Name="door-topic")["TopicArn"]
    client("sns").publish(TopicArn=topic, Message=canary)
    client("ssm").put_parameter(Name="/door", Value=canary, Type="String", Overwrite=True)
    with pytest.raises(ClientError):
        client("sagemaker").stop_training_job(TrainingJobName="door-job-on-the-trail")
    events = json.dumps(client("cloudtrail").lookup_events(MaxResults=50), default=str)
    assert canary not in events
    assert "door-job-on-the-trail" in events  # what the spend guard reads is there
