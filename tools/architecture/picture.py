"""Where everything stands in the picture.

    Storage      Training: the state machine's steps in rows, the training job below them
    Guardrails   Hosting
    Billing
    any other stack, such as Web, in a row of its own

Places are fixed, contents are read.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from tools.architecture.machine import Step
from tools.architecture.reading import ACTS, ALARMS, Architecture, Block, Stack
from tools.architecture.svg import Canvas
from tools.architecture.template import words

PLACED = ("Storage", "Training", "Guardrails", "Hosting")
"""Stacks with places of their own; all others follow, each in a row."""
WIDTH, MARGIN, GAP = 1240, 14, 12
LEFT, MIDDLE = 206, 720
"""The widths of Storage and of Guardrails."""
STEP_WIDTH, STEP_HEIGHT, STEPS_A_ROW, BLOCK_HEIGHT = 108, 60, 8, 70
LANE = 34
"""The height kept free for lines."""
LETTER = 5.25
"""The width of a small letter, with which lines are broken."""
UPDATE, STOP, DELETE = ACTS


def draw(architecture: Architecture) -> str:
    """The architecture as SVG."""
    stacks = architecture.stacks
    canvas = Canvas()
    left = MARGIN + LEFT + GAP
    first, job = _training(canvas, architecture, left, MARGIN, WIDTH - MARGIN - left)
    below = _panel(canvas, stacks["Storage"], MARGIN, MARGIN, LEFT, first - MARGIN)
    for number, block in enumerate(stacks["Storage"].blocks):
        y = below + number * (BLOCK_HEIGHT + GAP)
        _block(canvas, block, MARGIN + GAP, y, LEFT - 2 * GAP)
    second = first + LANE
    bottom = _guarded(canvas, architecture, second, job)
    for name in sorted(stacks.keys() - set(PLACED)):
        bottom = _whole_row(canvas, stacks[name], bottom + GAP)
    _legend(canvas, bottom + 20)
    title = "Architecture: the stacks of the app"
    return canvas.document(WIDTH, bottom + 34, title=title, description=_description(architecture))


def _whole_row(canvas: Canvas, stack: Stack, y: int) -> int:
    """A stack over the whole width; returns its lower edge."""
    width = WIDTH - 2 * MARGIN
    lines = len(_lines(_notes(stack), width))
    height = 38 + 13 * lines + (BLOCK_HEIGHT + GAP if stack.blocks else 0)
    below = _panel(canvas, stack, MARGIN, y, width, height)
    if stack.blocks:
        _row(canvas, stack.blocks, MARGIN + GAP, below, width - 2 * GAP)
    return y + height


def _lines(words_: str, width: int) -> list[str]:
    return textwrap.wrap(words_, int((width - 16) / LETTER))


def _panel(canvas: Canvas, stack: Stack, x: int, y: int, width: int, height: int) -> int:
    """A stack's frame: what it is, what it needs and what else is in it; returns where blocks may begin."""
    canvas.box(x, y, width, height, style="stack", radius=10)
    canvas.text(x + GAP, y + 22, stack.name, style="bold")
    lines = _lines(_notes(stack), width)
    for number, line in enumerate(lines):
        canvas.text(x + GAP, y + 38 + 13 * number, line, style="small")
    return y + 38 + 13 * len(lines)


def _notes(stack: Stack) -> str:
    """What a stack is, where, what must be there before it, and what it holds besides its blocks."""
    needs = f"needs {', '.join(stack.needs)}" if stack.needs else "needs no other stack"
    notes = [stack.description, stack.region, needs]
    if stack.condition:
        notes.append(f"exists only while its parameter {stack.condition} is set")
    if stack.rest:
        notes.append(f"also {stack.rest}")
    return " · ".join(notes)


def _block(canvas: Canvas, block: Block, x: int, y: int, width: int) -> None:
    canvas.box(x, y, width, BLOCK_HEIGHT, style="bills" if block.bills else "box")
    canvas.text(x + 8, y + 17, block.title, style="bold")
    for number, line in enumerate(line for part in _told(block) for line in _lines(part, width)):
        canvas.text(x + 8, y + 30 + 11 * number, line, style="tiny")


def _told(block: Block) -> tuple[str, ...]:
    """What stands below the title, which says itself that it counts alarms."""
    return block.details if block.kind == ALARMS else (block.kind, *block.details)


@dataclass(frozen=True)
class Span:
    """From where to where a block goes."""

    left: int
    right: int

    @property
    def middle(self) -> int:
        return (self.left + self.right) // 2


def _row(canvas: Canvas, blocks: Sequence[Block], x: int, y: int, width: int) -> list[Span]:
    """Blocks beside each other, a list of alarms twice as wide as others; returns where each is."""
    shares = [2 if block.kind == ALARMS else 1 for block in blocks]
    share = (width - GAP * (len(blocks) - 1)) / sum(shares)
    spans, left = [], float(x)
    for block, count in zip(blocks, shares, strict=True):
        spans.append(Span(round(left), round(left + share * count)))
        _block(canvas, block, spans[-1].left, y, spans[-1].right - spans[-1].left)
        left += share * count + GAP
    return spans


def _training(
    canvas: Canvas, architecture: Architecture, x: int, y: int, width: int
) -> tuple[int, tuple[int, int]]:
    """The panel of Training; returns its lower edge, and the middle of the training job's."""
    stack, steps = architecture.stacks["Training"], architecture.steps
    rows = -(-len(steps) // STEPS_A_ROW)
    height = 55 + rows * (STEP_HEIGHT + LANE) + BLOCK_HEIGHT + GAP
    top = _panel(canvas, stack, x, y, width, height) + 4
    tasks, caught = architecture.caught
    canvas.text(
        x + width - GAP,
        y + 22,
        f"an execution of the state machine is a run; {caught} of {tasks} tasks catch every error",
        style="small",
        anchor="end",
    )
    places = [
        (
            x + GAP + (number % STEPS_A_ROW) * (STEP_WIDTH + GAP),
            top + number // STEPS_A_ROW * (STEP_HEIGHT + LANE),
        )
        for number in range(len(steps))
    ]
    for step, place in zip(steps, places, strict=True):
        _step(canvas, step, *place)
    for place, following in itertools.pairwise(places):
        _flow(canvas, place, following)
    below = top + rows * (STEP_HEIGHT + LANE)
    order = sorted(stack.blocks, key=lambda block: (block.kind == ALARMS, bool(block.acts)))
    acting = next(number for number, block in enumerate(order) if block.acts)
    row = [*order[:acting], architecture.job, *order[acting:]]
    spans = _row(canvas, row, x + GAP, below, width - 2 * GAP)
    job = spans[acting]
    _made_by(canvas, places[_index(steps, "createTrainingJob")], (job.middle, below))
    for block, span in zip(row[acting + 1 :], spans[acting + 1 :], strict=True):
        if STOP in block.acts:
            line = below + BLOCK_HEIGHT // 2
            canvas.line((span.left, line), (job.right, line), style="stop")
    _wakes(canvas, places[_index(steps, "updateStack")], below - LANE // 2 + 4, x + width - 6, y + height)
    return y + height, (job.middle, below + BLOCK_HEIGHT)


def _index(steps: Sequence[Step], call: str) -> int:
    return next(number for number, step in enumerate(steps) if step.call == call)


def _step(canvas: Canvas, step: Step, x: int, y: int) -> None:
    choice = not step.call
    canvas.box(x, y, STEP_WIDTH, STEP_HEIGHT, style="choice" if choice else "box", radius=18 if choice else 6)
    middle = x + STEP_WIDTH // 2
    title = words(step.name) + ("?" if choice else "")
    lines = textwrap.wrap(title, 13)
    for number, line in enumerate(lines):
        canvas.text(middle, y + 18 + 14 * number, line, style="bold", anchor="middle")
    below = step.call or "".join(f"else {words(other).lower()}" for other in step.others[:1])
    for number, line in enumerate(textwrap.wrap(below, 20)):
        canvas.text(middle, y + 18 + 14 * len(lines) + 11 * number, line, style="tiny", anchor="middle")


def _flow(canvas: Canvas, begin: tuple[int, int], end: tuple[int, int]) -> None:
    """From one step to the next, which may be the first of the next row."""
    (x, y), (x2, y2) = begin, end
    line = y + STEP_HEIGHT // 2
    if y == y2:
        canvas.line((x + STEP_WIDTH, line), (x2, line), style="flow")
        return
    between, last, first = y2 - LANE // 2 + 6, x + STEP_WIDTH // 2, x2 + STEP_WIDTH // 2
    canvas.line((last, y + STEP_HEIGHT), (last, between), (first, between), (first, y2), style="flow")


def _made_by(canvas: Canvas, step: tuple[int, int], job: tuple[int, int]) -> None:
    """From the step that creates the training job, through the gap beside it, to the job."""
    x, y = step
    gap, between = x - GAP // 2, y + STEP_HEIGHT + 10
    begin, above = x + STEP_WIDTH // 3, job[1] - 10
    canvas.line(
        (begin, y + STEP_HEIGHT),
        (begin, between),
        (gap, between),
        (gap, above),
        (job[0], above),
        job,
        style="flow",
    )


def _wakes(canvas: Canvas, step: tuple[int, int], lane: int, right: int, below: int) -> None:
    """From the step that changes Hosting's parameter along the right edge to Hosting."""
    begin, gutter, hosting = step[0] + STEP_WIDTH // 2, below + LANE // 2, WIDTH - MARGIN - 120
    canvas.line(
        *((begin, step[1] + STEP_HEIGHT), (begin, lane), (right, lane)),
        *((right, gutter), (hosting, gutter), (hosting, below + LANE)),
        style="wake",
    )
    canvas.text(hosting - 6, gutter + 4, "wakes it", style="wake-text", anchor="end")


def _guarded(canvas: Canvas, architecture: Architecture, top: int, job: tuple[int, int]) -> int:
    """Guardrails and Hosting, and what one may do to the other and to jobs; returns their lower edge."""
    guardrails, hosting = architecture.stacks["Guardrails"], architecture.stacks["Hosting"]
    height = 38 + 26 + 2 * (BLOCK_HEIGHT + LANE) + GAP
    first = _panel(canvas, guardrails, MARGIN, top, MIDDLE, height) + LANE - 8
    acting = [block for block in guardrails.blocks if block.acts]
    spans = _row(canvas, acting, MARGIN + GAP, first, MIDDLE - 2 * GAP)
    others = [block for block in guardrails.blocks if not block.acts]
    _row(canvas, others, MARGIN + GAP, first + BLOCK_HEIGHT + LANE, MIDDLE - 2 * GAP)
    left = MARGIN + MIDDLE + 2 * GAP
    below = _panel(canvas, hosting, left, top, WIDTH - MARGIN - left, height) + LANE
    _row(canvas, hosting.blocks, left + GAP, below, WIDTH - MARGIN - left - 2 * GAP)
    stops = [span.middle for block, span in zip(acting, spans, strict=True) if STOP in block.acts]
    ends = [
        span.middle for block, span in zip(acting, spans, strict=True) if {UPDATE, DELETE} & {*block.acts}
    ]
    upper, lower, gutter = first - 12, first + BLOCK_HEIGHT + LANE // 2, top - LANE // 2
    for middle in stops:
        canvas.line((middle, first), (middle, upper), style="stop", arrow=False)
    for middle in ends:
        canvas.line((middle, first + BLOCK_HEIGHT), (middle, lower), style="stop", arrow=False)
    aside = left - GAP
    canvas.line((stops[0], upper), (aside, upper), (aside, gutter), (job[0], gutter), job, style="stop")
    canvas.text(aside + 6, gutter + 4, "stop it", style="stop-text")
    canvas.line((ends[0], lower), (left, lower), style="stop")
    canvas.text(ends[0] + 8, lower - 5, "put it to sleep, or delete it", style="stop-text")
    return top + height


def _legend(canvas: Canvas, y: int) -> None:
    canvas.box(MARGIN, y - 10, 14, 12, style="bills", radius=3)
    canvas.text(MARGIN + 20, y, "billed by the hour", style="small")
    canvas.box(MARGIN + 140, y - 10, 14, 12, style="choice", radius=6)
    canvas.text(MARGIN + 160, y, "a choice of the state machine", style="small")
    canvas.line((MARGIN + 340, y - 4), (MARGIN + 370, y - 4), style="stop")
    canvas.text(MARGIN + 378, y, "its role allows to stop, to put to sleep or to delete", style="small")
    drawn = "drawn from the synthesized templates by tools/architecture"
    canvas.text(WIDTH - MARGIN, y, drawn, style="small", anchor="end")


def _description(architecture: Architecture) -> str:
    """The picture in words, for those who cannot see it."""
    stacks = [
        f"{stack.name}: {', '.join(f'{block.kind} {block.title}' for block in stack.blocks)}."
        for stack in architecture.stacks.values()
    ]
    steps = ", ".join(words(step.name).lower() for step in architecture.steps)
    return " ".join([*stacks, f"A run: {steps}."])
