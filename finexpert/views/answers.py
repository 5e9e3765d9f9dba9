"""Answers of several models to one prompt, side by side."""

from collections.abc import Mapping

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from finexpert.errors import UserError
from finexpert.service.asking import answerers
from finexpert.service.asking.inference import Answer, OnText
from finexpert.service.deployment import Deployment
from finexpert.views import display
from finexpert.views.display import Live


def show_pieces(live: Live, prompt: str, models: list[str]) -> OnText:
    """A function that shows the answers side by side as they are written; only a terminal shows them."""
    texts = dict.fromkeys(models, "")

    def on_text(model: str, text: str) -> None:
        texts[model] = text
        live.update(side_by_side(prompt, texts), "")

    return on_text


def heading(answer: Answer) -> str:
    """The model that answered, how long it took, and whether its answer was cut at the asked length."""
    cut = ", cut at --max-new-tokens" if answer.cut else ""
    return f"{answer.model} ({answer.seconds:.1f} s{cut})"


def introduce(deployment: Deployment) -> None:
    """Say on stderr which models answer, what they were trained on, and what a reader must know of them."""
    out = display.console(stderr=True)
    try:
        who = answerers.who(deployment)
    except UserError as problem:  # such as a run that Step Functions has forgotten
        out.print(f"[yellow]![/] Who answers is not known: {escape(problem.what)}")
        return
    for each in who:
        out.print(f"[dim]{each.model}: {escape(each.description)}[/]")
    for warning in dict.fromkeys(warning for each in who for warning in each.warnings):
        out.print(f"[yellow]![/] {escape(warning)}")


def side_by_side(prompt: str, texts: Mapping[str, str]) -> Table:
    """Answers to one prompt, a column each under their headings."""
    dots = "" if prompt.rstrip().endswith(("?", "!", ".", ":", "…")) else " …"
    title = Text(prompt + dots, style="italic")
    table = Table(box=box.ROUNDED, title=title, title_justify="left", expand=True)
    for column in texts:
        table.add_column(Text(column), ratio=1, overflow="fold")
    table.add_row(*[Text(text.strip()) for text in texts.values()])
    return table
