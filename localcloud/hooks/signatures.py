"""Signatures: who signed a request, whether or not this cloud checks policies."""

from collections.abc import Mapping, Sequence

from ministack.core import iam_actions, iam_evaluator, router, sigv4


def refusal(
    method: str, path: str, query: Mapping[str, Sequence[str]], headers: Mapping[str, str], reason: str
) -> tuple[int, dict[str, str], bytes]:
    """The answer to a request that is not signed for this cloud, in its service's protocol."""
    service = router.detect_service(method, path, dict(headers), dict(query))
    _, more, body = iam_actions.access_denied_response(
        service, "", "", "refused", error_code="InvalidClientTokenId", message=reason, headers=dict(headers)
    )
    return 403, dict(more), bytes(body)


def signature_failure(
    method: str,
    raw_path: str,
    query: Mapping[str, Sequence[str]],
    headers: Mapping[str, str],
    body: bytes,
    *,
    root_only: bool,
) -> str:
    """The reason why a request's Signature Version 4 is not one of this cloud's; "" if it is.

    Args:
        raw_path: as it was sent, without the query.
        headers: with names in lower case; the values of a repeated one are joined by a comma.
        root_only: refuse a role's signature too, and one in the address.
    """
    presigned = "authorization" not in headers
    if presigned and "X-Amz-Signature" not in query:
        return "The request is not signed."
    signed = sigv4.parse_query_signature(query) if presigned else sigv4.parse_header_signature(headers)
    if isinstance(signed, tuple):
        return str(signed[1])
    algorithm = query.get("X-Amz-Algorithm", [""])[0] if presigned else headers["authorization"].split(" ")[0]
    if algorithm != "AWS4-HMAC-SHA256":
        return "Only AWS4-HMAC-SHA256 is a signature here."
    if presigned and (root_only or signed.service != "s3"):
        return "Only requests to S3 may carry their signature in the address."
    late = _expired(signed, query) if presigned else sigv4.request_time_failure(signed)
    if late:
        return str(late[1])
    in_query = query.get("X-Amz-Security-Token", [""])[0]
    token = in_query if presigned else headers.get("x-amz-security-token", "")
    account = _account(signed.access_key_id)
    credential = iam_evaluator.resolve_credential(signed.access_key_id, account, token)
    if not isinstance(credential, iam_evaluator.ResolvedCredential):
        return str(credential.message)
    if root_only and credential.principal_type != "Root":
        return "Only the owner of the cloud may ask for this."
    unsigned = [name for name in headers if name.startswith("x-amz-")]
    unsigned = sorted(set(unsigned) - set(signed.signed_headers.split(";")))
    if unsigned:
        return f"There were headers present in the request which were not signed: {', '.join(unsigned)}."
    failure = sigv4.header_signature_failure(
        signed, credential.secret_access_key, method, raw_path, query, headers, body, presigned=presigned
    )
    return str(failure[1]) if failure else ""


def _expired(signed: sigv4.HeaderSignature, query: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
    try:
        expired = sigv4.presigned_request_is_expired(signed.amz_date, query["X-Amz-Expires"][0])
    except (KeyError, ValueError):
        expired = True
    return ("RequestExpired", "Request has expired") if expired else None


def _account(access_key_id: str) -> str:
    """The account that a key belongs to; a root key's own number, where it is one."""
    from ministack.core import responses
    from ministack.services import sts

    if len(access_key_id) == 12 and access_key_id.isdigit():
        return access_key_id
    session = sts._sessions.get(access_key_id)
    found = session and (session.get("AccountId") or str(session.get("Arn", "")).split(":")[4])
    found = found or iam_evaluator.find_iam_access_key_account(access_key_id)
    return str(found or responses.get_account_id())
