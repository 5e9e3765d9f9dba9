"""AWS's event-stream encoding (application/vnd.amazon.eventstream), as much as InvokeEndpoint's answers need.

A message is: total length, headers' length, CRC32 of these two, headers, payload, CRC32 of all before;
lengths and sums are 4 bytes, big-endian. A header is: length of the name, name, type 7 (string), 2 bytes
length, value.
"""

import binascii
import json
import struct
from collections.abc import Mapping

CONTENT_TYPE = "application/vnd.amazon.eventstream"
STRING = 7
AROUND = 16  # bytes of a message that are neither headers nor payload


def payload_part(content: bytes) -> bytes:
    """The event that carries a piece of the model's answer."""
    headers = {
        ":message-type": "event",
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
    }
    return message(headers, content)


def exception(kind: str, **members: str) -> bytes:
    """The message that ends a stream with an error of the model, such as ModelStreamError."""
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    return message(headers, json.dumps(members).encode())


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Encode one message with string headers."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack("!II", len(encoded) + len(payload) + AROUND, len(encoded))
    body = prelude + struct.pack("!I", binascii.crc32(prelude)) + encoded + payload
    return body + struct.pack("!I", binascii.crc32(body))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", STRING, len(text)) + text
