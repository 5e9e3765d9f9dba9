"""The product in a notebook: the verbs of the command line as methods of one object.

    from finexpert.api import PROMPTS, SAMPLE, Expert

    expert = Expert()                   # says on which cloud it acts
    tuned = expert.fine_tune(SAMPLE)    # check, upload, train, follow
    expert.wake(tuned.run)              # on AWS it bills from here on
    expert.ask(*PROMPTS)                # base beside tuned
    expert.sleep()                      # nothing bills any more

Nothing is done here: each method calls what the command of its name calls, and shows the same.
"""

import atexit
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.jupyter import JupyterMixin
from rich.markup import escape
from rich.text import Text

from core.endpoint.hosting import HostingBusy
from core.endpoint.sleeping import Way
from core.names import PROMPTS
from finexpert import paths
from finexpert.errors import ExitCode, UserError, explain
from finexpert.service import deployment, target
from finexpert.service.asking import inference
from finexpert.service.asking.inference import Answer
from finexpert.service.endpoint import switch
from finexpert.service.runs import executions, follow, names
from finexpert.service.target import On
from finexpert.views import answers, display, endpoint
from finexpert.views import run as run_view

SAMPLE = paths.SAMPLE
"""The folder with the shipped financial text."""

__all__ = ["PROMPTS", "SAMPLE", "Answers", "Expert", "FineTuned"]


class Answers(tuple[Answer, ...], JupyterMixin):
    """Answers of the models, prompt by prompt; a notebook shows them side by side."""

    def __rich__(self) -> RenderableType:
        prompts = dict.fromkeys(answer.prompt for answer in self)
        return Group(*(answers.side_by_side(prompt, self._to(prompt)) for prompt in prompts))

    def _to(self, prompt: str) -> dict[str, str]:
        return {answers.heading(answer): answer.text for answer in self if answer.prompt == prompt}


@dataclass(frozen=True)
class FineTuned(JupyterMixin):
    """A finished run; a notebook shows its figures before and after, and what the quality gate said.

    Args:
        run: its name, for `Expert.wake` and every command.
        accepted: the quality gate's word.
        usd: what the job cost; on the embedded cloud, what AWS would have billed for as many seconds.
        evaluation: the document `evaluation.json` (docs/evaluation.md).
        text: the same in Rich's markup.
    """

    run: str
    accepted: bool
    usd: float
    evaluation: Mapping[str, Any] = field(repr=False)
    text: str = field(repr=False)

    def __rich__(self) -> RenderableType:
        return Text.from_markup(self.text)


class Expert:
    """The deployed app, found as the command line finds it (docs/cli.md, docs/settings.md).

    Args:
        on: `local`, `aws` or `auto`.
        clean_up: after `wake`, a cell that fails or a kernel that ends puts the endpoint to sleep.
        settings: what `-c key=value` would give, such as `prefix="Desk"`.

    Every method raises UserError, which a notebook shows as what, where and what to do.
    """

    def __init__(self, on: str = "auto", *, clean_up: bool = True, **settings: str) -> None:
        # tqdm, which transformers imports, asks for widgets to draw bars that are not used here.
        warnings.filterwarnings("ignore", "IProgress not found")
        with _explained():
            if on not in list(On):
                raise UserError(f"on is {on!r}.", where="Expert", fix=f"Write one of: {', '.join(On)}.")
            chosen = target.from_environment(On(on), settings)
            self.deployment = deployment.find(chosen)
            _say(f"[dim]{chosen.describe()}[/]")
            if note := display.settings_note(self.deployment):
                _say(escape(note))
        self._guard = _Guard(self._put_away) if clean_up else None

    def fine_tune(
        self,
        data: str | Path,
        *,
        name: str = "",
        again: bool = False,
        unjudged: bool = False,
        **hyperparameters: object,
    ) -> FineTuned:
        """Check the data, upload it, train on it and follow that to its end. Nothing is served yet.

        Interrupting the cell only stops watching; the run goes on.

        Args:
            data: a file or folder of text, or the S3 URI of an uploaded dataset.
            name: what to call the run.
            again: also where a run on the same data began within the hour.
            unjudged: also where too few documents are held out to judge the result.
            hyperparameters: overrides of the recipe by JumpStart's names, such as `epoch=3`.
        """
        with _explained():
            overrides = {name: str(value) for name, value in hyperparameters.items()}
            run = run_view.start(
                self.deployment, str(data), overrides, wake=False, again=again, title=name, unjudged=unjudged
            )
            snapshot = run_view.watch(self.deployment, run)
            follow.require_success(snapshot)
            evaluation = executions.evaluation(self.deployment, run) or {}
            return FineTuned(
                run=run,
                accepted=snapshot.output.get("outcome") == "accepted",
                usd=snapshot.usd,
                evaluation=evaluation,
                text=run_view.ending(snapshot, evaluation, is_local=self.deployment.target.is_local),
            )

    def wake(self, run: str | None = None) -> None:
        """Make the endpoint with base and tuned model, and wait until it answers.

        Args:
            run: whose adapter (a name, an id or "latest"); the newest that the quality gate accepted if not
                given.
        """
        self._serve(run, base=False)

    def wake_base(self) -> None:
        """Make the endpoint with the base model alone, which needs no run, and wait until it answers."""
        self._serve(None, base=True)

    def ask(
        self, *prompts: str, max_new_tokens: int = 64, temperature: float = 0.0, seed: int = 10
    ) -> Answers:
        """Put each prompt to each model that is awake."""
        with _explained():
            parameters = inference.generation(max_new_tokens, temperature, seed)
            return Answers(
                answer for prompt in prompts for answer in inference.ask(self.deployment, prompt, parameters)
            )

    def sleep(self) -> None:
        """Remove the endpoint and wait until nothing of it bills."""
        with _explained():
            _say(endpoint.asleep(endpoint.sleep(self.deployment)))
        if self._guard:
            self._guard.disarm()

    def _serve(self, run: str | None, *, base: bool) -> None:
        if self._guard:
            self._guard.arm()
        with _explained():
            run = run and names.resolve(self.deployment, run)
            state = endpoint.wake(self.deployment, run, base=base)
            _say(endpoint.awake(self.deployment, state))

    def _put_away(self) -> None:
        """Begin to remove the endpoint without waiting, so that it works after any failure."""
        try:
            slept = switch.begin_sleep(self.deployment, cancel=True)
        except HostingBusy as busy:
            _say(f"[yellow]![/] {escape(str(busy))} Then: finexpert sleep")
        except Exception as error:  # the failure that led here is the one to show
            _say(
                f"[red]✗[/] The endpoint was not put to sleep ({escape(str(error))}). Do it: finexpert sleep"
            )
        else:
            if slept.way is not Way.NOTHING:
                _say("[yellow]![/] The endpoint goes to sleep, so that nothing bills unnoticed.")


class _Guard:
    """Calls `clean_up` once when a cell fails or the process ends. Interrupting a cell does not count."""

    def __init__(self, clean_up: Callable[[], None]) -> None:
        self._clean_up = clean_up
        self._armed = False

    def arm(self) -> None:
        """Call `clean_up` from now on when a cell fails or the process ends."""
        if not self._armed:
            self._armed = True
            atexit.register(self._fire)
            if shell := _shell():
                shell.events.register("post_run_cell", self._after_cell)

    def disarm(self) -> None:
        """Cancel `arm`."""
        if self._armed:
            self._armed = False
            atexit.unregister(self._fire)
            if shell := _shell():
                shell.events.unregister("post_run_cell", self._after_cell)

    def _after_cell(self, result: Any) -> None:
        error = result.error_in_exec
        left = isinstance(error, KeyboardInterrupt) or getattr(error, "code", None) is ExitCode.INTERRUPTED
        if error is not None and not left:
            self._fire()

    def _fire(self) -> None:
        self.disarm()
        self._clean_up()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn an expected failure (settings, AWS, files) into a UserError, shown without a stack trace.

    Its remedy names the arguments of the methods here in place of the options of the command line.
    """
    try:
        yield
    except Exception as error:
        problem = explain(error)
        if problem is None:
            raise
        problem.fix = re.sub(r"--(again|unjudged)\b", r"\1=True", problem.fix)
        problem.fix = re.sub(r"-p (\w+=[\w.]+)", r"\1", problem.fix)
        if problem is error:
            raise
        raise problem from error


def _shell() -> Any:
    """The running IPython shell; None outside IPython."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _say(markup: str) -> None:
    display.console().print(markup)
