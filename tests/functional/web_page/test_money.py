"""The Costs tab: the month in figures, as a plot and as a table; what ran; what the reaper decided."""

from typing import Any

from playwright.sync_api import expect

from tests.functional.web_page import scripted_documents as documents
from tests.functional.web_page.chromium import wait_until


def test_the_plot_tells_its_course_in_words_and_as_a_table(visit: Any, api: Any) -> None:
    page = visit("money")
    plot = page.get_by_role("img")
    last = api.money["history"][-1]
    expect(plot).to_have_accessible_name(
        f"Spending this month: {_usd(last['spent_usd'])} at {page.evaluate(_MOMENT, last['at'])},"
        " going towards $11.20; stopped at $23.00, budget $25.00."
    )
    expect(plot.locator("canvas")).to_be_visible()
    page.get_by_text("Show as a table").click()
    rows = page.get_by_role("table", name="Spending over the month").get_by_role("row")
    expect(rows.last).to_contain_text(_usd(last["spent_usd"]))
    assert 20 < rows.count() < 45


def test_small_sums_fill_the_plot_and_the_legend_has_the_rest(visit: Any, api: Any) -> None:
    api.money = documents.money(spent_usd=0.22, projected_usd=0.31, history=documents.small_history())
    page = visit("money")
    legend = page.locator(".legend")
    expect(legend.get_by_role("listitem")).to_have_text(
        [
            "Spent: $0.22",
            "At today's pace: $0.31 at the month's end",
            "Stopped at: $23.00, above this plot",
            "Budget: $25.00, above this plot",
        ]
    )
    expect(legend.locator("line[stroke-dasharray='6 5']")).to_have_count(1)
    # The line reaches the upper part of the plot, whose top is $0.36 and not $28.75.
    canvas = page.locator("canvas")
    expect(canvas).to_be_visible()
    wait_until(page, lambda: bool(canvas.evaluate(_HIGHEST) < 100))


def test_without_the_plots_library_the_figures_are_still_there(visit: Any, context: Any) -> None:
    context.route("**/vendor/uplot.js", lambda route: route.abort())
    page = visit("money")
    expect(page.get_by_text("The plot could not be loaded; the table has its figures.")).to_be_visible()


def test_each_run_has_its_price_and_leads_to_itself(visit: Any) -> None:
    page = visit("money")
    row = page.get_by_role("row").filter(has_text="Letters, first try")
    expect(row).to_contain_text("$0.67")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Letters, first try")).to_be_visible()


def test_the_reapers_decisions_have_their_reasons(visit: Any, api: Any) -> None:
    page = visit("money")
    table = page.get_by_role("table", name="Decisions of the idle reaper")
    for decision in api.decisions["decisions"]:
        expect(table.get_by_role("row").filter(has_text=decision["reason"])).to_contain_text(
            decision["action"]
        )


def test_the_budget_is_a_meter(visit: Any) -> None:
    page = visit("money")
    expect(page.get_by_role("meter", name="Share of the budget")).to_have_attribute("aria-valuenow", "26")


#: The first row of pixels, from the top, that is drawn in the colour of what is spent.
_HIGHEST = """canvas => {
  const {width, height} = canvas;
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  for (let at = 0; at < pixels.length; at += 4) {
    if (`${pixels.slice(at, at + 3)}` === "11,107,78") return Math.floor(at / 4 / width);
  }
  return height;
}"""
_MOMENT = "async (iso) => (await import('/format.js')).moment(iso)"


def _usd(amount: float) -> str:
    return f"${amount:.2f}"
