"""Talks to the page's API as the page does: with the printed key here, after signing in on the cloud."""

import base64
import hashlib
import html
import json
import re
import secrets
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit

JSON = {"Content-Type": "application/json"}


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


@dataclass
class Answer:
    """An HTTP answer of any status."""

    status: int
    headers: Any
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of the error."""
        return str(self.json()["error"]["code"])


@dataclass
class Browser:
    """Sends requests to one address; `headers` go with each. Follows no redirection, keeps no cookie."""

    address: str
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        trusting = ssl.create_default_context()  # SSL_CERT_FILE may name the embedded cloud's authority
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        self._opener = urllib.request.build_opener(_Stay, urllib.request.HTTPSHandler(context=trusting))

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        request = urllib.request.Request(self.address + path, body, sent, method=method)
        try:
            with self._opener.open(request, timeout=120) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def get(self, path: str) -> Any:
        """The document at a path, which must be there."""
        answer = self.send("GET", path)
        assert answer.status == 200, answer.body
        return answer.json()

    def post(self, path: str, document: Mapping[str, Any]) -> Answer:
        return self.send("POST", path, json.dumps(document).encode(), **JSON)

    def lines(self, path: str, document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The events of a streamed answer, as they come."""
        body = json.dumps(document).encode()
        request = urllib.request.Request(self.address + path, body, {**self.headers, **JSON})
        with self._opener.open(request, timeout=120) as answer:
            for line in answer:
                yield json.loads(line)


def packed(*files: tuple[str, bytes]) -> bytes:
    """The body of an upload."""
    entries = [{"name": name, "bytes": len(content)} for name, content in files]
    return json.dumps({"files": entries}).encode() + b"\n" + b"".join(content for _, content in files)


def sign_in(cloud_url: str, api: Browser, page_url: str, user: str, first: str, own: str) -> str:
    """An access token by authorization code and PKCE through the pages of Cognito, with a first password."""
    told = api.get("/config.json")["auth"]
    client = told["client_id"]
    cognito = Browser(cloud_url, {"Host": urlsplit(told["domain"]).netloc})
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": page_url,
        "scope": "openid",
        "state": "kept",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    form = cognito.send("GET", f"/oauth2/authorize?{urlencode(asked)}")
    form = _submit(cognito, form, username=user, password=first)
    form = _submit(cognito, form, new_password=own, confirm_password=own)
    back = parse_qs(urlsplit(form.headers["Location"]).query)
    assert back["state"] == ["kept"]
    exchanged = {
        "grant_type": "authorization_code",
        "code": back["code"][0],
        "client_id": client,
        "redirect_uri": page_url,
        "code_verifier": verifier,
    }
    return str(_posted(cognito, "/oauth2/token", exchanged).json()["access_token"])


def _submit(cognito: Browser, form: Answer, **typed: str) -> Answer:
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form.body.decode())
    return _posted(cognito, "/login", {name: html.unescape(value) for name, value in hidden} | typed)


def _posted(cognito: Browser, path: str, fields: Mapping[str, str]) -> Answer:
    kind = "application/x-www-form-urlencoded"
    return cognito.send("POST", path, urlencode(fields).encode(), Content_Type=kind)
