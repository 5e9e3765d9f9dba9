"""Messages to people: through the topic if there is one, and always to the log."""

import json
from typing import Any

from core.aws.errors import error_text

#: SNS refuses longer subjects, and any that are not plain ASCII.
SUBJECT_LIMIT = 100


def notify(sns: Any, topic_arn: str, subject: str, lines: list[str]) -> bool:
    """Publish a message of one line each; True if it went out.

    A message that cannot be sent never stops what it tells of: the failure is logged instead of raised.
    `sns` is a function that makes the client, so that no topic needs no client.
    """
    log("notification", subject=subject, lines=lines)
    if not topic_arn:
        return False
    plain = subject.encode("ascii", "replace").decode()[:SUBJECT_LIMIT]
    try:
        sns().publish(TopicArn=topic_arn, Subject=plain, Message="\n".join(lines))
    except Exception as error:
        log("notification-failed", subject=subject, error=error_text(error))
        return False
    return True


def log(event: str, **details: Any) -> None:
    """One JSON line to stdout, which Lambda keeps in CloudWatch Logs."""
    print(json.dumps({"event": event, **details}, default=str, ensure_ascii=False), flush=True)
