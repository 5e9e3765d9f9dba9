"""Messages of the encoding application/vnd.amazon.eventstream, as InvokeEndpoint streams them."""

import json

from localcloud.hooks.requests import event_message

CONTENT_TYPE = "application/vnd.amazon.eventstream"


def payload_part(content: bytes) -> bytes:
    """The event that carries a piece of the model's answer."""
    headers = {
        ":message-type": "event",
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
    }
    return event_message(headers, content)


def exception(kind: str, **members: str) -> bytes:
    """The message that ends a stream with an error of the model, such as ModelStreamError."""
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    return event_message(headers, json.dumps(members).encode())
