"""The Models tab: start a run by files, watch it, read its report, compare two, serve one."""

from http import HTTPStatus
from typing import Any

from playwright.sync_api import expect

from finexpert.web.http import Problem
from tests.functional.web_page import scripted_documents as documents
from tests.functional.web_page.page_states import LETTERS

DROP = """(zone, text) => {
  const data = new DataTransfer();
  data.items.add(new File([text], "letters.csv", {type: "text/csv"}));
  zone.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


def test_a_dropped_file_is_checked_priced_confirmed_and_watched_to_its_end(visit: Any, api: Any) -> None:
    page = visit("runs")
    page.locator(".drop").evaluate(DROP, "text\nRevenue rose.\n")
    expect(page.get_by_role("heading", name="letters.csv can be used")).to_be_visible()
    expect(page.locator(".plan")).to_contain_text("$0.19")
    expect(page.locator(".plan")).to_contain_text("3 documents are the same")
    assert [path for _, path, _ in api.changes] == ["/api/datasets"]  # nothing has begun
    page.get_by_label("Name of the model").fill("Letters")
    page.get_by_label("Wake the endpoint with the result").check()
    page.get_by_role("button", name="Start the run").click()

    expect(page).to_have_url(f"{page.url.partition('#')[0]}#/runs/{documents.RUN}")
    main = page.get_by_role("main")
    expect(main).to_contain_text("Step 3 of 136")
    dataset = documents.CHECKED["dataset"]
    settings = {"hyperparameters": {}, "wake": True, "title": "Letters", "unjudged": False}
    assert api.changes[1][2] == {"dataset": dataset, **settings}
    expect(page.get_by_role("listitem").filter(has_text="Training")).to_have_attribute("aria-current", "step")
    api.runs[documents.RUN] = documents.training(60)
    expect(main).to_contain_text("Step 60 of 136, about 5 min of training left")
    expect(page.get_by_role("img")).to_have_accessible_name(
        f"Training loss from {documents.losses(60)[0][1]:.3f} at step 1 to {documents.losses(60)[-1][1]:.3f}"
        " at step 60 of 136."
    )
    api.runs[documents.RUN] = documents.run()
    expect(main).to_contain_text(documents.EVALUATION["verdict"])
    expect(page.get_by_role("button", name="Stop this run")).to_be_hidden()


def test_a_file_may_be_chosen_with_the_keyboard(visit: Any) -> None:
    page = visit("runs")
    page.on(
        "filechooser", lambda _: None
    )  # so that the browser hands choosers over before the key is pressed
    expect(page.get_by_role("main")).to_be_focused()
    page.get_by_label("Drop files").focus()
    expect(page.get_by_label("Drop files")).to_be_focused()
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Space")
    chosen.value.set_files(files=[LETTERS])
    expect(page.get_by_role("heading", name="letters.csv can be used")).to_be_visible()


def test_a_file_that_is_too_large_is_not_even_sent(visit: Any, api: Any) -> None:
    api.session["limits"]["upload_bytes"] = 10
    page = visit("runs")
    page.get_by_label("Drop files").set_input_files(files=[LETTERS])
    expect(page.get_by_role("alert")).to_contain_text(
        "letters.csv has 19 B; this page takes up to 10 B together."
    )
    assert api.changes == []


def test_a_run_may_be_stopped_after_a_second_thought(visit: Any, api: Any) -> None:
    api.runs[documents.RUN] = documents.training(30)
    page = visit(f"runs/{documents.RUN}")
    page.get_by_role("button", name="Stop this run").click()
    expect(page.get_by_role("button", name="Yes")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Stop this run")).to_be_focused()
    assert api.changes == []
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".badge").filter(has_text="stopped")).to_be_visible()
    assert api.changes == [("POST", f"/api/runs/{documents.RUN}/stop", {})]


def test_the_report_opens_in_a_frame_that_can_do_nothing(visit: Any) -> None:
    page = visit(f"runs/{documents.RUN}")
    page.get_by_role("button", name="Open", exact=True).click()
    frame = page.locator("iframe")
    expect(frame).to_have_attribute("sandbox", "")
    expect(frame.content_frame.locator("#verdict")).to_have_text("Accepted")
    assert "taken over" not in page.title()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save").click()
    assert saved.value.path().read_text(encoding="utf-8") == documents.REPORT


def test_an_accepted_run_is_served_after_its_price_was_named(visit: Any, api: Any) -> None:
    api.endpoint = documents.endpoint("asleep")
    page = visit(f"runs/{documents.RUN}")
    page.get_by_role("button", name="Serve this one").click()
    expect(page.get_by_text("The endpoint wakes and costs $1.515/h.")).to_be_visible()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("heading", name="Waking")).to_be_visible()
    assert api.changes == [("POST", f"/api/runs/{documents.RUN}/promote", {})]


def test_what_already_is_served_is_not_offered(visit: Any) -> None:
    page = visit(f"runs/{documents.RUN}")
    expect(page.get_by_text("The endpoint serves this one.")).to_be_visible()
    expect(page.get_by_role("button", name="Serve this one")).to_be_hidden()


def test_two_runs_are_compared(visit: Any) -> None:
    page = visit("runs")
    for name in ("Letters, first try", documents.OLDER):
        page.get_by_label(f"Compare {name}").check()
    page.get_by_role("link", name="Compare the two").click()
    expect(page.locator(".letters").get_by_role("link")).to_have_text(["Letters, first try", documents.OLDER])
    expect(page.locator(".verdict")).to_have_text("Prefer A: it is shown to be better on unseen text.")
    metrics = page.get_by_role("table", name="Metrics of both runs")
    expect(metrics.get_by_role("row").nth(1)).to_contain_text("+0.201 to +0.312")
    expect(metrics.get_by_role("row").nth(2)).to_contain_text("not comparable")


def test_where_runs_cannot_be_compared_it_is_not_offered(visit: Any, api: Any) -> None:
    api.session["can"]["compare"] = False
    page = visit("runs")
    expect(page.get_by_role("link", name="Letters, first try")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)


def test_a_refused_start_says_why(visit: Any, api: Any) -> None:
    page = visit("runs")
    page.get_by_label("Drop files").set_input_files(files=[LETTERS])
    page.get_by_role("button", name="Start the run").wait_for()
    api.faults["/runs"] = Problem(HTTPStatus.CONFLICT, "budget_reached", "It would not fit.", fix="Wait.")
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_role("alert")).to_contain_text("It would not fit.")
    expect(page.get_by_role("button", name="Start the run")).to_be_enabled()


def test_several_files_and_folders_go_into_one_run(visit: Any, api: Any, tmp_path: Any) -> None:
    for name in ("calls/q1.txt", "calls/q2.txt", "calls/.DS_Store"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"Revenue rose.\n")
    page = visit("train")
    files: Any = [{**LETTERS, "name": name} for name in ("a.csv", "b.csv")]
    page.get_by_label("Drop files").set_input_files(files=files)
    expect(page.get_by_role("heading", name="2 files can be used")).to_be_visible()
    with page.expect_response("**/api/datasets"):
        page.get_by_label("or a whole folder").set_input_files(tmp_path / "calls")
    sent = [sorted(file["name"] for file in head["files"]) for _, _, head in api.changes]
    assert sent == [["a.csv", "b.csv"], ["calls/q1.txt", "calls/q2.txt"]]
    assert api.changes[0][2]["files"][0]["bytes"] == len(LETTERS["buffer"])


def test_what_the_check_advises_can_be_set_and_checked_again(visit: Any, api: Any) -> None:
    page = visit("train")
    page.get_by_label("Drop files").set_input_files(files=[LETTERS])
    page.get_by_text("Training settings").click()
    page.get_by_label("How often the whole text is read").fill("10")
    page.get_by_role("button", name="Check again with these").click()
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_role("list", name="Stages")).to_be_visible()
    checks = [body["hyperparameters"] for _, path, body in api.changes]
    assert checks == [{}, {"epoch": "10"}, {"epoch": "10"}]


def test_the_example_company_is_checked_with_one_click(visit: Any, api: Any) -> None:
    page = visit("train")
    page.get_by_role("button", name="Use the example company").click()
    expect(page.get_by_role("heading", name="The example company can be used")).to_be_visible()
    assert [path for _, path, _ in api.changes] == ["/api/datasets/example"]


def test_a_run_is_renamed_where_it_stands(visit: Any, api: Any) -> None:
    page = visit(f"runs/{documents.RUN}")
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Name", exact=True).fill("Calls of 2025")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="Calls of 2025")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(f"trained on letters · {documents.RUN}")


def test_own_questions_are_the_headline_of_a_run(visit: Any) -> None:
    page = visit(f"runs/{documents.RUN}")
    expect(page.locator(".headline")).to_have_text("Your own questions: before 1, after 6 of 10")
    table = page.get_by_role("table", name="Your own questions with both answers")
    expect(table.get_by_role("row")).to_have_count(3)


def test_a_run_that_the_gate_would_refuse_needs_a_second_yes(visit: Any, api: Any) -> None:
    api.checked["report"]["unjudged"] = "This run would be paid for in vain: 2 documents are held out."
    page = visit("train")
    page.get_by_label("Drop files").set_input_files(files=[LETTERS])
    start = page.get_by_role("button", name="Start the run")
    expect(start).to_be_disabled()
    expect(page.locator(".plan")).to_contain_text("The quality gate would refuse it")
    page.get_by_label("Train all the same").check()
    start.click()
    expect(page.get_by_role("list", name="Stages")).to_be_visible()
    assert api.changes[-1][2]["unjudged"] is True
