"""A database whose log was deleted: the page says what is missing, and a signature lets people go on."""

import shutil

import pytest

from core.access import people
from core.settings import Settings
from core.store import audit, database
from core.upkeep import backups
from tests.browser.conftest import running

PASSWORD = "four plain words here"


@pytest.fixture
def damaged(tmp_path):
    """Four entries are only in the log, which is gone; a backup has one less."""
    live = Settings(data=tmp_path / "live")
    connection = database.connect(live)
    conn = connection.cursor()
    mina = people.create_first(conn, name="Mina", password=PASSWORD)
    conn.execute("checkpoint")
    shutil.copytree(live.data, tmp_path / "data")
    backups.make(conn, Settings(data=live.data, other_backups=tmp_path / "data" / "backups"), by=mina)
    for number in range(3):
        with audit.change(conn, actor="mina", act="test.written", subject=str(number)):
            pass
    shutil.copy(live.anchor, tmp_path / "data")
    connection.close()
    return tmp_path / "data"


def test_missing_entries_are_shown_in_both_languages_and_accepted_by_signature(page, damaged):
    with running(damaged) as url:
        page.goto(f"{url}/releases")
        assert page.locator("h1").inner_text() == "4 audit entries are missing"
        said = page.locator("main").inner_text()
        assert "Countersign is read-only." in said
        assert "ends with entry 1" in said
        assert "python -m core restore" in said
        assert "--aside" in said
        page.get_by_role("link", name="简体中文").click()
        assert "缺少 4 条审计记录" in page.locator("h1").inner_text()
        page.get_by_role("link", name="English").click()
        page.locator("input[name=name]").fill("Mina")
        page.locator("input[name=password]").fill("not my password at all")
        page.locator("textarea").fill("The disk was lost; nobody had worked since.")
        page.get_by_role("button").click()
        assert "do not belong together" in page.get_by_role("alert").inner_text()
        assert page.locator("textarea").input_value() == "The disk was lost; nobody had worked since."
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button").click()
        page.wait_for_url("**/sign-in")
        page.locator("input[name=name]").fill("Mina")
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button").click()
        page.goto(f"{url}/audit")
        page.get_by_text("The chain is intact").wait_for()
    connection = database.connect(Settings(data=damaged))
    found = connection.cursor().execute("select detail from audit_events where act = 'recovery.accepted'").fetchall()
    connection.close()
    assert "nobody had worked since" in found[0][0]
