"""The deployed page over a pushed index, under exactly its function's rights, where policies are checked.

The Storage stack holds what the page looks for; the rest of the app is not deployed.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.documents import store
from core.documents.search import Corpus
from core.documents.vectors import DIMENSIONS, METRIC
from core.names import Names
from finexpert.service.deployment import Deployment
from finexpert.service.documents import shelf, vectors
from finexpert.service.target import Target
from finexpert.web.context import Context
from finexpert.web.http import Request
from finexpert.web.routes import handle
from infra.arns import Arns
from infra.settings import Settings
from infra.storage.vectors import index_arn
from infra.web.permissions import page
from localcloud import environment
from localcloud.lifecycle import Cloud
from tests.fakes import filings
from tests.functional.cloud_session import client_of, make_role, running, settled

NAMES = Names(project="FinExpert", region="us-east-1")
ARNS = Arns(names=NAMES, partition="aws", region=NAMES.region, account=environment.ACCOUNT)
RIGHTS = page(ARNS, vector_index=index_arn(ARNS, own_key=False))
FIGURE = "What were Borealis's net sales in fiscal 2024?"
WORDS = "How does Borealis describe its workforce?"
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud that checks policies, with the Storage stack."""
    with running(tmp_path_factory.mktemp("pushed"), auth=True, provision_seconds=0) as cloud:
        stacks = client_of(cloud, "cloudformation")
        stacks.create_stack(StackName=NAMES.stack("Storage"), TemplateBody=json.dumps(storage()))
        assert settled(stacks, NAMES.stack("Storage"))["StackStatus"] == "CREATE_COMPLETE"
        yield cloud


def storage() -> dict[str, Any]:
    """As much of the Storage stack as the page asks for."""
    bucket = {"VectorBucketName": NAMES.vector_bucket(own_key=False)}
    index = {
        "VectorBucketArn": {"Fn::GetAtt": ["Vectors", "VectorBucketArn"]},
        "IndexName": NAMES.vector_index,
        "DataType": "float32",
        "Dimension": DIMENSIONS,
        "DistanceMetric": METRIC,
    }
    data = {"BucketName": NAMES.bucket("data", environment.ACCOUNT)}
    return {
        "Resources": {
            "Data": {"Type": "AWS::S3::Bucket", "Properties": data},
            "Vectors": {"Type": "AWS::S3Vectors::VectorBucket", "Properties": bucket},
            "Index": {"Type": "AWS::S3Vectors::Index", "Properties": index},
        },
        "Outputs": {
            "DataBucketName": {"Value": {"Ref": "Data"}},
            "VectorIndexArn": {"Value": {"Fn::GetAtt": ["Index", "IndexArn"]}},
        },
    }


def owner(cloud: Cloud, **credentials: str) -> Deployment:
    """The app on this cloud, for its owner or under other credentials."""
    known = {**cloud.environment(), **credentials}
    settings = Settings.load({"retrieval": "vectors"}, {})
    return Deployment(Target(endpoint_url=cloud.endpoint_url, environment=known), settings)


@pytest.fixture(scope="module")
def pushed(checking: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """The cloud, once an index and its vectors are pushed."""
    app, mine = owner(checking), filings.shelf(tmp_path_factory.mktemp("documents"))
    shelf.push(app.target.client("s3"), app.data_bucket, mine)
    with store.opened(mine) as connection:
        planned = vectors.plan(app, Corpus.of(connection))
    assert planned is not None and len(planned.missing) > 4
    vectors.carry_out(app, planned, lambda usd: None, lambda line: None)
    return checking


@pytest.fixture
def under(pushed: Cloud, tmp_path: Path) -> Callable[[list[dict[str, Any]]], Ask]:
    """`under(statements)`: asks the page whose function has exactly these rights."""

    def make(statements: list[dict[str, Any]]) -> Ask:
        role = make_role(client_of(pushed, "iam"), f"page-{time.monotonic_ns()}", *statements)
        given = client_of(pushed, "sts").assume_role(RoleArn=role, RoleSessionName="page")["Credentials"]
        app = owner(
            pushed,
            AWS_ACCESS_KEY_ID=given["AccessKeyId"],
            AWS_SECRET_ACCESS_KEY=given["SecretAccessKey"],
            AWS_SESSION_TOKEN=given["SessionToken"],
        )
        there = Context(
            deployment=app, streams=False, compares=False, documents=tmp_path / "index", adds_documents=False
        )

        def ask(method: str, path: str, content: Any = None, **query: str) -> Any:
            body = json.dumps(content).encode() if content else b""
            headers = {"content-type": "application/json"}
            request = Request(method=method, path=path, query=query, headers=headers, body=body)
            answer = handle(request, there)
            assert answer.status == 200, answer.body
            return json.loads(bytes(answer.body))  # type: ignore[arg-type]

        return ask

    return make


def test_the_page_answers_from_the_pushed_index_and_opens_the_cited_page(under: Any) -> None:
    ask = under(RIGHTS)
    listed = ask("GET", "/api/documents")
    assert not listed["adds"] and "borealis-10k.html" in [each["name"] for each in listed["documents"]]
    answer = ask("POST", "/api/documents/ask", {"question": FIGURE})
    assert (answer["method"], answer["value"]) == ("fact", 1_250_000_000)
    cited = answer["citations"][0]
    assert (cited["document"], cited["page"]) == ("borealis-10k.html", 2)
    opened = ask("GET", "/api/documents/page", name=cited["document"], page=str(cited["page"]))
    assert opened["text"][slice(*cited["span"])] == cited["text"]


def test_the_page_searches_vectors_under_its_rights(under: Any) -> None:
    answer = under(RIGHTS)("POST", "/api/documents/ask", {"question": WORDS})
    assert "note" not in answer
    assert answer["filter"]["company"] == ["Borealis Pumps, Inc."]


@pytest.mark.parametrize("missing", ["s3vectors:GetVectors", "s3vectors:QueryVectors", "bedrock:InvokeModel"])
def test_without_one_of_the_rights_the_words_answer_and_the_page_says_so(under: Any, missing: str) -> None:
    less = [{**each, "Action": [a for a in each["Action"] if a != missing]} for each in RIGHTS]
    ask = under([each for each in less if each["Action"]])
    answer = ask("POST", "/api/documents/ask", {"question": WORDS})
    assert "AccessDenied" in answer["note"] and missing in answer["note"]
    assert ask("POST", "/api/documents/ask", {"question": FIGURE})["value"] == 1_250_000_000


def test_the_stack_goes_with_its_vectors(pushed: Cloud) -> None:
    app = owner(pushed)
    stacks, vectors_left = (app.target.client(name) for name in ("cloudformation", "s3vectors"))
    s3, bucket = app.target.client("s3"), app.data_bucket
    for each in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=each["Key"])
    stack = stacks.describe_stacks(StackName=NAMES.stack("Storage"))["Stacks"][0]["StackId"]
    stacks.delete_stack(StackName=stack)
    assert settled(stacks, stack)["StackStatus"] == "DELETE_COMPLETE"
    assert vectors_left.list_vector_buckets()["vectorBuckets"] == []
