"""Does what was decided: warn, put to sleep, delete. Every action can be repeated without harm."""

import time
from collections.abc import Callable
from datetime import datetime

from core.aws.calls import Clients
from core.aws.errors import error_text
from core.endpoint.endpoints import remove_endpoint
from core.endpoint.sleeping import Way, put_to_sleep
from core.names import DELETE_AFTER_TAG
from core.reaper import snapshot
from core.reaper.facts import Action, Endpoint, Verdict, keep, report
from core.reaper.rules.ownership import of_hosting
from core.reaper.settings import ReaperSettings

#: The most that one endpoint's deletion may take of a run, and what must be left for the answer.
LONGEST_REMOVAL = 600.0
REST_SECONDS = 20.0


class Actions:
    """The side effects of a run."""

    def __init__(
        self,
        clients: Clients,
        settings: ReaperSettings,
        clock: Callable[[], datetime],
        seconds_left: Callable[[], float],
        pause: Callable[[float], None] = time.sleep,
        *,
        home: Clients | None = None,
    ) -> None:
        self._clients, self._settings, self._clock = clients, settings, clock
        self._home = home or clients
        self._left, self._pause = seconds_left, pause

    def warn(self, endpoint: Endpoint, verdict: Verdict) -> Verdict:
        """Write the deadline into the endpoint's tag."""
        deadline = (self._clock() + self._settings.warn).replace(microsecond=0)
        try:
            self._clients("sagemaker").add_tags(
                ResourceArn=endpoint.arn,
                Tags=[{"Key": DELETE_AFTER_TAG, "Value": f"{deadline:%Y-%m-%dT%H:%M:%SZ}"}],
            )
        except Exception as error:
            return report(f"idle, but the warning's tag cannot be written: {error_text(error)}")
        return verdict

    def withdraw_warning(self, endpoint: Endpoint) -> None:
        """Take the deadline off an endpoint that is used again; after a failure the next run tries again."""
        try:
            self._clients("sagemaker").delete_tags(ResourceArn=endpoint.arn, TagKeys=[DELETE_AFTER_TAG])
        except Exception as error:
            print(f"the warning of {endpoint.name} cannot be withdrawn: {error_text(error)}")

    def delete(self, endpoint: Endpoint, verdict: Verdict) -> Verdict:
        """Put Hosting to sleep, or snapshot and remove any other endpoint; the verdict has the outcome."""
        if of_hosting(endpoint, self._settings):
            return self._sleep(verdict)
        where = ""
        if self._settings.audit_bucket:
            try:
                document = snapshot.take(self._clients, endpoint, self._clock())
                where = snapshot.store(self._home, self._settings.audit_bucket, endpoint, document)
            except Exception as error:
                return report(f"idle, but not deleted: its snapshot cannot be written ({error_text(error)})")
        removal = remove_endpoint(
            self._clients,
            endpoint.name,
            seconds=min(LONGEST_REMOVAL, self._left() - REST_SECONDS),
            pause=self._pause,
        )
        if removal.gone:
            saved = f"; snapshot {where}" if where else ""
            return Verdict(action=Action.DELETE, reason=f"{verdict.reason}; deleted{saved}")
        return report(
            f"idle, but it could not be deleted and still bills: {removal.problem}"
            + (f" (done: {', '.join(removal.steps)})" if removal.steps else "")
            + "; the next run tries again"
        )

    def _sleep(self, verdict: Verdict) -> Verdict:
        stack = self._settings.hosting_stack
        slept = put_to_sleep(
            self._clients,
            project=self._settings.project,
            stack=stack,
            now=self._clock(),
            seconds=min(LONGEST_REMOVAL, self._left() - REST_SECONDS),
            pause=self._pause,
        )
        if slept.way in (Way.BUSY, Way.UNDER_WAY):
            return keep(f"idle, but its stack is busy: {slept.problem or 'it is going to sleep'}")
        if slept.problem:
            return report(f"idle, but it cannot sleep: {slept.problem}")
        done = "put to sleep through its stack {stack}" if slept.way is Way.STACK else slept.done
        return Verdict(action=Action.DELETE, reason=f"{verdict.reason}; {done.format(stack=stack)}")
