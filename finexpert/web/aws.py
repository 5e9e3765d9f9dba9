"""The page's Lambda function, behind an HTTP API (payload 2.0) that admits only signed-in people to /api/.

An HTTP API hands over whole answers only, so nothing is streamed here, and an answer must come within its 30
seconds: it is asked for fewer tokens than on a person's own machine.
"""

import gzip
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from core.names import SIGN_IN_SCOPE
from finexpert.service.asking.stores import S3Store
from finexpert.service.deployment import Deployment
from finexpert.service.runs import executions
from finexpert.service.target import Target
from finexpert.web import files
from finexpert.web.context import Context, Kept, Limits
from finexpert.web.http import JSON, NDJSON, Problem, Request, Response, answer, refusal, too_large
from finexpert.web.problems import problem_of
from finexpert.web.routes import handle, most_bytes
from infra.settings import Settings

#: What Llama 2 7B writes on a g5.2xlarge in 20 seconds, both models at once.
NEW_TOKENS = 400
LIMITS = Limits(new_tokens=NEW_TOKENS)
#: The month takes a dozen calls; a page that stays open must not spend the account's rate of them.
SUM_SECONDS = 60.0
LEAST_ZIPPED = 1000
DOCUMENTS = Path("/tmp/documents-index")
_TEXT = ("text/", JSON, NDJSON, "image/svg")

HEADERS = {**files.GUARDS, "Strict-Transport-Security": "max-age=31536000"}


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Answer a request of the HTTP API. Never raises."""
    try:
        request = _request(event)
        zips = "gzip" in request.headers.get("accept-encoding", "")
        return _outgoing(_answer(request), zips=zips)
    except Exception as error:
        return _outgoing(refusal(problem_of(error)))


def _request(event: Mapping[str, Any]) -> Request:
    http = event["requestContext"]["http"]
    body = event.get("body") or ""
    return Request(
        method=http["method"],
        path=event["rawPath"],
        query=event.get("queryStringParameters") or {},
        headers={name.lower(): value for name, value in event.get("headers", {}).items()},
        body=b64decode(body) if event.get("isBase64Encoded") else body.encode(),
        user=_signed_in(event),
    )


def _signed_in(event: Mapping[str, Any]) -> str:
    """The person (`sub`) of the token that the API checked; "" unless it is this page's access token.

    The API checks signature, age, audience and scope; how it matches paths is its own affair, so this looks
    again. An ID token has the audience too, but is for the page to read and not for a right.
    """
    claims = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims") or {}
    accepted = (
        claims.get("token_use") == "access"
        and claims.get("client_id") == os.environ["CLIENT_ID"]
        and SIGN_IN_SCOPE in str(claims.get("scope", "")).split()
    )
    return str(claims.get("sub") or "") if accepted else ""


def _answer(request: Request) -> Response:
    if request.path.startswith("/api/"):
        if not request.user:
            raise Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", "You are not signed in.", fix="Sign in.")
        context = _context()
        most = most_bytes(request.method, request.path, context)
        if len(request.body) > most:
            raise too_large(f"More than {most / 1e6:g} MB cannot be sent to this page.")
        return handle(request, context)
    if len(request.body) > 0:
        raise too_large("The page's files take no body.")
    sign_in = os.environ["SIGN_IN_URL"]
    if request.path == "/config.json":
        return answer({"auth": {"kind": "cognito", "domain": sign_in, "client_id": os.environ["CLIENT_ID"]}})
    return files.serve(request.path, connect=[sign_in])


@cache
def _context() -> Context:
    """The context of this process, which answers one request at a time for as long as Lambda keeps it."""
    target = Target(None, os.environ)
    settings = Settings(**json.loads(os.environ["SETTINGS"]))
    deployment = Deployment(target, settings)
    return Context(
        deployment=deployment,
        streams=False,
        compares=False,
        documents=DOCUMENTS,
        adds_documents=False,
        benchmark=None,
        history=lambda user: S3Store(target.client("s3"), deployment.data_bucket, user),
        limits=LIMITS,
        looks=Kept(executions.follow_seconds(deployment)),
        sums=Kept(SUM_SECONDS),
    )


def _outgoing(response: Response, *, zips: bool = False) -> dict[str, Any]:
    """The answer for the HTTP API; zipped where the browser takes it: what goes out is paid by the byte."""
    body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
    text = response.content_type.startswith(_TEXT)
    headers = {**HEADERS, **response.headers, "Content-Type": response.content_type}
    if zips and text and len(body) > LEAST_ZIPPED:
        body, text = gzip.compress(body, mtime=0), False
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return {
        "statusCode": int(response.status),
        "headers": headers,
        "body": body.decode() if text else b64encode(body).decode(),
        "isBase64Encoded": not text,
    }
