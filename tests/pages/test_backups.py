"""The page Backups: one is made and checked by its buttons, and a damaged one says so."""

from core.access import people, sessions
from core.store import copies
from core.upkeep import backups
from pages._ui import session

PAGE = "admin/backups.py"


def test_a_backup_is_made_listed_and_checked_and_a_damaged_one_says_so(page, task):
    app = page(PAGE)
    assert "no backup yet" in app.info[0].value
    app.button(key="backups.make").click().run()
    (made,) = backups.everything(session.settings())
    assert f"{made.rows} rows" in app.success[0].value
    assert list(app.dataframe[0].value["Name"]) == [made.folder.name]
    assert list(app.dataframe[0].value["Newest audit entry"]) == [made.seq]
    assert any(f"python -m core restore {made.folder} --aside" in one.value for one in app.code)
    app.button(key="backups.check").click().run()
    assert "is as it was written" in app.success[-1].value
    (made.folder / copies.DATABASE).write_bytes(b"")
    app.button(key="backups.check").click().run()
    assert "is damaged" in app.error[0].value


def test_only_an_admin_sees_the_button(page, conn, mina, monkeypatch):
    people.create(conn, name="Noor", password="four other words here", roles_held=["operator"], by=mina)
    noor = next(one for one in people.everyone(conn) if one.name == "Noor")
    token = sessions.start(conn, noor)
    monkeypatch.setattr(session, "_token", lambda: token)
    app = page(PAGE)
    assert "Only an admin" in app.info[0].value
    assert not [one for one in app.button if one.key == "backups.make"]
