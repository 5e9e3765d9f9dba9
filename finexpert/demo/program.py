"""Runs the demo's steps, with headings and timings, and cleans up however it ends."""

import shutil
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from rich.markup import escape

from finexpert import paths
from finexpert.demo import children, summary
from finexpert.demo import folder as folders
from finexpert.demo.bases import BASES, DemoBase
from finexpert.demo.children import Children
from finexpert.demo.interrupts import Interrupts
from finexpert.demo.stage import Stage, Timing
from finexpert.demo.steps import BENCHMARK_STEPS, STEPS, Step, destroy
from finexpert.errors import ExitCode, UserError, explain
from finexpert.text import duration
from finexpert.views import display
from localcloud import lifecycle


def run(
    data: Path | None,
    *,
    base: DemoBase = BASES["tiny"],
    keep: bool,
    json: bool = False,
    benchmark: bool = False,
) -> ExitCode:
    """The whole demo; returns the exit code of the command.

    Args:
        data: the user's text; the shipped sample if None.
        base: the model that is tuned.
        keep: leave cloud, app and endpoint running at the end.
        benchmark: benchmark the served model with others, in place of what follows it.
        json: the summary's document alone on stdout, everything else on stderr.
    """
    out = display.console(stderr=json)
    with Interrupts() as interrupts, ThreadPoolExecutor(1) as background:
        stage = Stage(
            data=data or paths.SAMPLE,
            folder=folders.claim(paths.OUT),
            out=out,
            children=Children(),
            background=background,
            base=base,
            keep=keep,
            json=json,
        )
        try:
            _perform(stage, BENCHMARK_STEPS if benchmark else STEPS)
            code = _finish(stage)
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
            with interrupts.shielded():
                out.print("\n[yellow]Interrupted:[/] removing everything …")
                _tear_down(stage)
                _say_clean(stage, remove=True)
            if json:
                display.print_error(UserError("Interrupted; everything was removed.", code=code), json=True)
        except Exception as error:
            with interrupts.shielded():
                code = _fail(stage, error)
    return code


def _perform(stage: Stage, of: Sequence[Step]) -> None:
    steps = [step for step in of if not (stage.keep and step.needs_end)]
    for number, step in enumerate(steps, start=1):
        if step.needs_model and stage.rejected:
            continue
        _one(stage, step, f"{number}/{len(steps)}")


def _one(stage: Stage, step: Step, number: str) -> None:
    stage.out.print(f"[bold cyan]{number:>5}[/]  [bold]{step.title}[/]")
    begin = time.monotonic()
    with display.Live(stage.out) as live:
        result = step.do(stage, live)
    seconds = time.monotonic() - begin
    stage.timings.append(Timing(step.title, seconds, result))
    stage.out.print(f"  [green]✓[/] {escape(result)}  [dim]{duration(seconds)}[/]")


def _finish(stage: Stage) -> ExitCode:
    page, data = summary.write(stage, paths.OUT)
    if stage.json:
        display.print_json(summary.document(stage))
    stage.out.print(summary.table(stage))
    stage.out.print(f"report  [bold]{page}[/]\nsummary {data}")
    if stage.keep:
        _say_kept(stage)
    else:
        stage.folder.release(remove=True)
    if stage.rejected:
        reason = escape(str(stage.evaluation.get("verdict", "")))
        stage.out.print(f"[red]✗[/] The quality gate refused the model. {reason}")
        return ExitCode.GATE
    return ExitCode.OK


def _fail(stage: Stage, error: Exception) -> ExitCode:
    """Say what failed, keep its trace in the log, take everything down."""
    problem = explain(error) or UserError(f"{type(error).__name__}: {error}")
    display.print_error(problem, json=stage.json)
    if stage.cloud is None and isinstance(error, UserError):  # nothing has been started yet
        stage.folder.release(remove=True)
        return problem.code
    stage.out.print("Removing everything …")
    try:
        _note(stage, error)
        if (stage.folder.synthesized / "manifest.json").exists():
            with display.Live(stage.out) as live:
                destroy(stage, live)
    except Exception as second:  # the embedded cloud goes down with all it holds in any case
        _note(stage, second)
    finally:
        _tear_down(stage)
    _say_clean(stage, remove=False)
    return problem.code


def _note(stage: Stage, error: Exception) -> None:
    """Write the trace of a failure to the log. A log that cannot be written changes nothing."""
    with suppress(OSError), stage.folder.log.open("a", encoding="utf-8") as log:
        log.writelines(traceback.format_exception(error))


def _tear_down(stage: Stage) -> None:
    stage.children.stop()
    lifecycle.down(stage.folder.cloud)


def _say_clean(stage: Stage, *, remove: bool) -> None:
    left = children.left_of_folder(stage.folder.path)
    stage.folder.release(remove=remove)
    if not remove:
        stage.out.print(f"logs    {stage.folder.log}, and those under {stage.folder.cloud}")
    if left:
        stage.out.print(f"[red]✗[/] still running: {escape(', '.join(left))}")
    else:
        stage.out.print("[green]✓[/] nothing is left running")


def _say_kept(stage: Stage) -> None:
    assert stage.cloud is not None
    stage.folder.keep()
    shutil.rmtree(stage.folder.synthesized, ignore_errors=True)
    stage.out.print(
        f"\nStill running, by --keep. Go on with it:\n"
        f'  eval "$(finexpert local up --state {stage.folder.cloud})"\n'
        f'  finexpert ask "The results are encouraging for aggressive investors"\n'
        f"and stop it:\n"
        f"  finexpert local down --state {stage.folder.cloud}"
    )
