"""Names of runs, and the run that is meant by a name, its beginning, or `latest`.

All names of a deployment are one object in the artifact bucket, changed by S3's conditional writes only. A
run's id stays what AWS knows it by; the name is for people, and may be changed at any time.
"""

import json
from collections.abc import Callable, Iterable, Mapping

from core.aws.errors import if_there
from core.aws.s3 import S3Address, write_if
from core.names import RUN_NAMES
from finexpert.errors import NotFound, UsageError, UserError
from finexpert.service.deployment import Deployment
from finexpert.text import printable

LATEST = "latest"
LONGEST = 80
SHOWN = 5
"""Candidates that a message lists."""
ATTEMPTS = 5
"""Writes that are tried while others change the names too."""
Names = Mapping[str, str]
"""Names by the id of their run."""


def read(deployment: Deployment) -> Names:
    """The names of all runs that have one.

    Raises:
        UserError: the object with the names is torn.
    """
    return _read(deployment)[0]


def known(deployment: Deployment) -> Names:
    """The names of all runs; none where they cannot be read, for lists that are shown all the same."""
    try:
        return read(deployment)
    except UserError:  # no Storage stack, or a torn object
        return {}


def called(run: str, names: Names) -> str:
    """`Q3 wording (finexpert-20260131-142536-9f3a)`, or the id alone where the run has no name."""
    return f"{names[run]} ({run})" if run in names else run


def rename(deployment: Deployment, run: str, name: str) -> str:
    """Give a run a name, or another one; returns it as stored.

    Args:
        run: its id.

    Raises:
        UserError: the name cannot be one, or another run has it.
    """
    tidy = _checked(deployment, name)
    _change(deployment, lambda names: {**_without(names, run, tidy), run: tidy})
    return tidy


def require_free(deployment: Deployment, name: str) -> None:
    """Refuse a name that a new run could not have, before its data is uploaded.

    Raises:
        UserError: the name cannot be one, or another run has it.
    """
    _without(read(deployment), "", _checked(deployment, name))


def _without(names: Names, run: str, name: str) -> dict[str, str]:
    """The names of the other runs.

    Raises:
        UserError: one of them has the name.
    """
    others = {other: its for other, its in names.items() if other != run}
    for other, its in others.items():
        if _folded(its) == _folded(name):
            raise UsageError(
                f"Another run is called “{its}”.",
                where=other,
                fix=f"Choose another name, or rename that run: finexpert runs rename {other} NAME",
            )
    return others


def forget(deployment: Deployment, run: str) -> None:
    """Take a run's name away, such as that of a run that could not be started."""
    _change(deployment, lambda names: {other: name for other, name in names.items() if other != run})


def resolve(deployment: Deployment, given: str) -> str:
    """The id of the run that a person means.

    Args:
        given: an id, a name, `latest`, or a beginning that only one run's id or name has; of an id also what
            follows the project's name, and its last four characters. Case does not count in names.

    Raises:
        NotFound: no run is meant by it, or several are; the message names candidates.
    """
    wanted = given.strip()
    if deployment.names.is_run(wanted):
        return wanted.removesuffix("-od")
    ids = _ids(deployment)
    if wanted.lower() == LATEST and ids:
        return ids[0]
    names = read(deployment)
    every = dict.fromkeys([*ids, *names])
    exact = [run for run, name in names.items() if _folded(name) == _folded(wanted)]
    found = exact or [run for run in every if _begins(run, names.get(run, ""), wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFound(
            f"{given!r} may be several runs: {_listed(found, names)}.",
            where=deployment.names.state_machine,
            fix="Name one of them by more of its name.",
        )
    newest = f" The newest: {_listed(ids, names)}." if ids else ""
    raise NotFound(
        f"There is no run {given}.",
        where=deployment.names.state_machine,
        fix=f"finexpert runs lists those there are.{newest}",
    )


def _begins(run: str, name: str, wanted: str) -> bool:
    if not wanted:
        return False
    below = "-".join(run.split("-")[-3:])
    return (
        run.startswith(wanted)
        or below.startswith(wanted)
        or below[-4:] == wanted
        or _folded(name).startswith(_folded(wanted))
    )


def _listed(runs: Iterable[str], names: Names) -> str:
    shown = [called(run, names) for run in runs]
    more = [f"{len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
    return ", ".join(shown[:SHOWN] + more)


def _ids(deployment: Deployment) -> list[str]:
    """The ids of the newest runs that Step Functions still knows, newest first."""
    answer = deployment.target.client("stepfunctions").list_executions(
        stateMachineArn=deployment.output("Training", "StateMachineArn"), maxResults=1000
    )
    newest = sorted(answer["executions"], key=lambda entry: entry["startDate"], reverse=True)
    return [str(entry["name"]) for entry in newest]


def _checked(deployment: Deployment, name: str) -> str:
    """The name with single spaces.

    Raises:
        UserError: it is empty, too long, cannot be printed, or means something else already.
    """
    tidy = " ".join(name.split())
    problem = ""
    if not tidy:
        problem = "A name needs at least one letter or digit."
    elif len(tidy) > LONGEST:
        problem = f"The name has {len(tidy)} characters; {LONGEST} is the most."
    elif printable(tidy) != tidy or not tidy.isprintable():
        problem = "The name has a character that cannot be printed."
    elif tidy.lower() == LATEST or deployment.names.is_run(tidy):
        problem = f"“{tidy}” already means a run."
    if problem:
        raise UsageError(problem, where="name", fix="Choose another name.")
    return tidy


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _address(deployment: Deployment) -> S3Address:
    return S3Address(deployment.output("Storage", "ArtifactBucketName"), RUN_NAMES)


def _read(deployment: Deployment) -> tuple[dict[str, str], str]:
    """The names, and the ETag of their object (empty if there was none)."""
    address = _address(deployment)
    s3 = deployment.target.client("s3")
    answer = if_there(lambda: s3.get_object(Bucket=address.bucket, Key=address.key))
    if answer is None:
        return {}, ""
    try:
        names = json.loads(answer["Body"].read())
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise UserError(
            "The names of the runs cannot be read.",
            where=str(address),
            fix="Use the runs' ids. To begin with no names: delete that object.",
        )
    return names, answer["ETag"]


def _change(deployment: Deployment, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    s3, address = deployment.target.client("s3"), _address(deployment)
    for _ in range(ATTEMPTS):
        before, etag = _read(deployment)
        changed = change(before)
        if changed == before:
            return
        body = json.dumps(changed, ensure_ascii=False, sort_keys=True, indent=1).encode()
        if write_if(s3, address, body, etag):
            return
    raise UserError("The names are being changed by others.", where=str(address), fix="Repeat it.")
