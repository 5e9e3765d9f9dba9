"""The error type of a Lambda that raised: its exception's class, as on AWS, where Step Functions catches it.

ministack calls all of them "Runtime.HandlerError", so a Catch on "BudgetExceeded" would never match.
"""

import re
from typing import Any

UNNAMED = "Runtime.HandlerError"


def with_class_name(result: dict[str, Any]) -> dict[str, Any]:
    """An invocation's result (`body`, `error`, `log`), its error type taken from the traceback in its log."""
    body = result.get("body")
    if not result.get("error") or not isinstance(body, dict) or body.get("errorType") != UNNAMED:
        return result
    message, log = str(body.get("errorMessage", "")), str(result.get("log", ""))
    trace = log[log.rfind("Traceback (most recent call last):") :] if "Traceback (" in log else log
    # Python ends with "package.module.Class: message" (just the class without one), Node begins so.
    ending = rf"^([A-Za-z_][\w.]*)(?:: {re.escape(message)})$" if message else r"^([A-Za-z_][\w.]*)$"
    found = re.findall(ending, trace, re.MULTILINE)
    if not found:
        return result
    name = found[-1].rpartition(".")[2]
    return {**result, "body": {**body, "errorType": name, "stackTrace": trace.splitlines()}}
