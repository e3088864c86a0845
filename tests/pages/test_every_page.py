"""What holds for every page, whoever looks at it."""

from pathlib import Path

import pytest

from core.access import people, preferences, sessions
from pages._ui import session

PAGES = sorted(
    str(path.relative_to("pages")) for path in Path("pages").glob("[a-z]*/*.py") if not path.name.startswith("_")
)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_page_fails_on_the_demo_task(page, task, conn, mina, language):
    preferences.choose_language(conn, mina, language)
    for path in PAGES:
        assert not page(path).exception, path


def test_no_page_fails_before_there_is_a_task(page):
    for path in PAGES:
        assert not page(path).exception, path


def test_no_page_fails_for_somebody_who_may_only_read(page, task, conn, mina, monkeypatch):
    reader = people.create(conn, name="Noor", password="four other words here", roles_held=["manager"], by=mina)
    token = sessions.start(conn, reader)
    monkeypatch.setattr(session, "_token", lambda: token)
    for path in PAGES:
        assert not page(path).exception, path
