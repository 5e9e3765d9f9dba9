"""The deployed page at the month's limit: its function may not run, so strangers cause no more traffic.

What the API itself bills for refused requests stays below the reserve (docs/web.md).
"""

from typing import Any

from core.aws.errors import error_text, is_missing
from core.guard.stopping import Stopped


def turn(functions: Any, name: str, outcome: Stopped, *, over: bool, reserved: int) -> None:
    """Close the page while the month's limit is reached, and open it again below it.

    Args:
        functions: Lambda's client.
        name: of the page's function; one that is not deployed is left alone.
        outcome: what was done, and what could not be, is added to it.
        reserved: the concurrency that the settings reserve for it; 0 for none.
    """
    try:
        found = functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
        if over and found != 0:
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
            outcome.done.append("the page is closed until the month's sum is below the limit")
        elif not over and found == 0:
            if reserved:
                functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
            else:
                functions.delete_function_concurrency(FunctionName=name)
            outcome.done.append("the page is open again")
    except Exception as error:
        if not is_missing(error):
            verb = "closed" if over else "opened"
            outcome.problems.append(f"the page cannot be {verb}: {error_text(error)}")
