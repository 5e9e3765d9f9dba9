"""Sign a request to the embedded cloud's control interface with AWS Signature Version 4.

The standard library does it, since `finexpert local status` should not wait for botocore to be imported.
Source: AWS, "Create a signed AWS API request" (IAM User Guide).
"""

import hashlib
import hmac
from datetime import datetime

ALGORITHM = "AWS4-HMAC-SHA256"
REGION, SERVICE = "us-east-1", "sagemaker"  # any service's name is as good


def headers(
    method: str, host: str, path: str, body: bytes, key: str, secret: str, now: datetime
) -> dict[str, str]:
    """The headers that sign a request.

    Args:
        host: with its port, as in the request.
        path: without a query; its characters need no quoting.
        now: timezone-aware UTC.
    """
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    signed = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": moment}
    names = ";".join(signed)
    lines = [f"{name}:{value}" for name, value in signed.items()]
    canonical = "\n".join([method, path, "", *lines, "", names, digest])
    scope = f"{day}/{REGION}/{SERVICE}/aws4_request"
    text = "\n".join([ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signing_key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        signing_key = hmac.digest(signing_key, part.encode(), "sha256")
    signature = hmac.digest(signing_key, text.encode(), "sha256").hex()
    authorization = f"{ALGORITHM} Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {
        "X-Amz-Date": moment,
        "X-Amz-Content-Sha256": digest,
        "Content-Type": "application/json",
        "Authorization": authorization,
    }
