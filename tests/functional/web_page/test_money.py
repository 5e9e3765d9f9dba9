"""The Money tab: the month in figures, as a plot and as a table; what ran; what the reaper decided."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.functional.web_page import scripted_documents as documents


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


def test_without_the_plots_library_the_figures_are_still_there(visit: Any, context: Any) -> None:
    context.route("**/vendor/uplot.js", lambda route: route.abort())
    page = visit("money")
    expect(page.get_by_text("The plot could not be loaded; the table has its figures.")).to_be_visible()


def test_each_run_has_its_price_and_leads_to_itself(visit: Any) -> None:
    page = visit("money")
    row = page.get_by_role("row").filter(has_text=documents.RUN)
    expect(row).to_contain_text("$0.67")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name=documents.RUN)).to_be_visible()


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


_MOMENT = "async (iso) => (await import('/format.js')).moment(iso)"


def _usd(amount: float) -> str:
    return f"${amount:.2f}"
