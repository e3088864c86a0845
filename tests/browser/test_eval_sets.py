"""A person works on an eval set in a browser: drafts become versions, older ones come back, files go out and in."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from core.access import people, sessions
from core.evaluation import eval_sets, tasks
from core.settings import Settings
from core.store import database
from tests import chain
from tests.browser.conftest import running

PARTS = ("key", "input", "context", "reference", "kind", "pair", "group", "split")
"""The columns of the grid from the left."""
HEADER, ROW = 38, 78
"""Pixels, where an input takes three lines."""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server over a task with a set of five samples; its address and Mina's cookie."""
    settings = Settings(data=tmp_path_factory.mktemp("room") / "data")
    opened = database.connect(settings)
    conn = opened.cursor()
    mina = people.create_first(conn, name="Mina", password="four plain words here")
    task = tasks.create(conn, by=mina, name={"en": "Parcels"}, description={"en": ""})
    rows = [chain.row(split, number) for split in ("dev", "train") for number in range(2)]
    rows.append(chain.row("gate", 0))
    eval_sets.save(conn, by=mina, task_id=task.task_id, name="Set", rows=rows, scorer="exact")
    token = sessions.start(conn, mina)
    opened.close()
    with running(settings.data) as url:
        yield url.rstrip("/"), token


@pytest.fixture
def sets(page: Page, room: tuple[str, str]) -> Page:
    """The page of eval sets."""
    url, token = room
    page.context.add_cookies([{"name": sessions.COOKIE, "value": token, "url": url}])
    page.set_default_timeout(60_000)
    page.goto(f"{url}/eval_sets")
    page.get_by_text("An eval set is a frozen list").wait_for()
    return page


def drawn(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def view(page: Page, name: str) -> None:
    drawn(page)
    page.get_by_test_id("stMain").get_by_test_id("stButtonGroup").get_by_text(name, exact=True).click()


def press(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_role("button", name=re.compile(name)).first.click()


def fill(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Tab")


def choose(page: Page, label: str, option: str) -> None:
    box, one = page.get_by_role("combobox", name=re.compile(label)).first, page.get_by_role("option", name=option)
    for _ in range(5):  # a page that is still being drawn shuts a list that was opened; a person opens it again
        box.click()
        try:
            return one.first.click(timeout=5_000)
        except TimeoutError:
            page.keyboard.press("Escape")
    raise AssertionError(page.get_by_role("option").all_inner_texts())


def says(page: Page, text: str) -> None:
    page.get_by_test_id("stMain").get_by_text(text).first.wait_for()


def type_into(page: Page, row: int, part: str, text: str) -> None:
    """Click the row's key, walk to the column, write over the cell."""
    canvas = page.get_by_test_id("stDataFrame").locator("canvas").first
    canvas.click(position={"x": 70, "y": HEADER + ROW * row + ROW / 2}, force=True)  # a scroller lies on it
    for _ in range(PARTS.index(part)):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    editor = page.locator("#portal").locator("textarea, input").first
    editor.fill(text)
    editor.press("Enter")


def edit(page: Page, row: int, part: str, text: str, told: str) -> None:
    """Type until the page tells of it: a grid that was just drawn anew takes no key, and a person types again."""
    for _ in range(4):
        drawn(page)
        type_into(page, row, part, text)
        try:
            return page.get_by_test_id("stMain").get_by_text(told).first.wait_for(timeout=10_000)
        except TimeoutError:
            page.keyboard.press("Escape")
    says(page, told)


def test_a_draft_becomes_a_version_an_older_one_comes_back_and_its_file_is_the_same_version(
    sets: Page, tmp_path: Path
) -> None:
    view(sets, "Edit")
    press(sets, "Start a draft of version 1")
    says(sets, "Draft of version 1: 0 changed · 0 added · 0 deleted")
    edit(sets, 0, "reference", "on its way", "Draft of version 1: 1 changed · 0 added · 0 deleted")
    press(sets, "Add a sample")
    says(sets, "1 changed · 1 added · 0 deleted")
    edit(sets, 0, "input", "Who pays for the way back?", "Tuning 2 · Learning 2 · Proof 1 · 1 still to be drawn")
    edit(sets, 2, "split", "Learning", "Tuning 1 · Learning 3 · Proof 1 · 1 still to be drawn")
    sets.reload()  # every change was kept at once
    view(sets, "Edit")
    says(sets, "2 changed · 1 added · 0 deleted")
    press(sets, "Save as the next version")
    says(sets, "Say in the note what is new in this version.")
    fill(sets, "What is new in this version", "A question more, one moved")
    press(sets, "Save as the next version")
    says(sets, "Saved: Set, version 2, with 6 samples.")

    view(sets, "Versions and files")
    says(sets, "1 samples added · 0 removed · 2 changed")
    choose(sets, "Version$", "1")
    fill(sets, "Why it is brought back", "Too early")
    press(sets, "Make it the newest version again")
    says(sets, "Version 3 has the samples of version 1.")
    expect(sets.get_by_role("button", name="Make it the newest version again")).to_have_count(0)  # all of it is drawn

    with sets.expect_download() as download:
        sets.get_by_test_id("stDownloadButton").get_by_role("button", name="CSV").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel shows Chinese by it"
    view(sets, "Import a file")
    sets.locator("input[type=file]").set_input_files(file)
    says(sets, "This file was exported here")
    press(sets, "Import 5 rows")
    says(sets, "Saved: Set, version 3, with 5 samples.")


def test_a_file_with_a_bad_row_goes_in_without_it_and_its_columns_are_remembered(sets: Page, tmp_path: Path) -> None:
    twin = "My parcel was to be here on Monday and has not come, what can I do"
    asked = [*(chain.row("dev", number).input for number in range(10, 16)), twin, twin + "?"]
    file = tmp_path / "letters.csv"
    file.write_text("\n".join(["what,why", *(f'"{one}",late' for one in asked), ",late", "x,y,z"]))
    view(sets, "Import a file")
    sets.locator("input[type=file]").set_input_files(file)
    says(sets, "No column looks like the input")
    choose(sets, "Input", "what")
    choose(sets, "Reference", "why")
    says(sets, "8 rows in order · 2 with a problem · 0 repetitions left out")
    says(sets, "1 rows ask nearly the same as an earlier one.")
    with sets.expect_download() as download:
        press(sets, "Download the rows with a problem")
    told = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert (
        told[0]
        == "problem_row,problem_kind,problem_column,problem,what,why,problem_cell_1,problem_cell_2,problem_cell_3"
    )
    assert [line.split(",")[:2] for line in told[1:]] == [["10", "empty"], ["11", "unreadable"]]
    expect(sets.get_by_role("button", name="Import the 8 good rows and leave out 2")).to_be_disabled()
    sets.get_by_text("Leave the 2 rows with a problem out of the set").click()
    press(sets, "Import the 8 good rows and leave out 2")
    says(sets, "Saved: letters, version 1, with 8 samples.")

    view(sets, "Import a file")
    words_of_widgets_are_chinese(sets, file)
    says(sets, "The columns are filled in as last time for this task.")
    says(sets, "8 rows in order · 2 with a problem")


def words_of_widgets_are_chinese(sets: Page, file: Path) -> None:
    """What Streamlit's own widgets have in English only, for eyes and for screen readers; leaves the file chosen."""
    sets.get_by_test_id("stSidebar").get_by_text("简体中文").click()
    box, written = sets.get_by_test_id("stFileUploaderDropzone"), "(one) => getComputedStyle(one, '::before').content"
    expect(box.get_by_role("button", name=re.compile("^选择文件$"))).to_be_visible()
    expect(box.get_by_text("Upload", exact=True)).to_be_hidden()
    limit = box.get_by_test_id("stFileUploaderDropzoneInstructions")
    expect(limit.get_by_text("per file")).to_be_hidden()
    assert limit.evaluate(written) == '"每个文件不超过 200 MB"'
    sets.locator("input[type=file]").set_input_files(file)
    sets.get_by_text("8 行正常").first.wait_for()
    drawn(sets)  # a field that is drawn anew forgets that something was typed, and its hint goes
    note = sets.get_by_test_id("stTextInput").last
    note.locator("input").fill("新")
    hint = note.get_by_test_id("InputInstructions")
    expect(hint.get_by_text("Press Enter to apply")).to_be_hidden()
    assert hint.evaluate(written) == '"按 Enter 应用"'
    note.locator("input").fill("")
    sets.get_by_test_id("stMainMenu").get_by_role("button").click()
    printing = sets.get_by_test_id("stMainMenuItem-print").get_by_test_id("stMainMenuItemLabel")
    assert printing.evaluate("(one) => getComputedStyle(one, '::after').content") == '"打印"'
    sets.keyboard.press("Escape")
    sets.get_by_test_id("stSidebar").get_by_text("English").click()
