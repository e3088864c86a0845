import pytest

from core.access import identities, people, sessions
from core.errors import Refusal
from core.store import database
from pages._ui import session


def test_an_admin_adds_a_person_who_can_sign_in(page, conn):
    app = page("admin/people.py")
    app.text_input(key="people.new.0.name").set_value("Wei Li")
    app.text_input(key="people.new.0.password").set_value("blue lamp quiet river")
    app.button_group(key="people.new.0.roles").set_value(["expert"])
    app.button(key="people.new.0.add").click().run()
    assert not app.error
    assert people.verify(conn, "wei li", "blue lamp quiet river").roles == {"expert"}
    assert app.text_input(key="people.new.1.password").value == ""


def test_a_weak_password_is_refused_in_a_sentence_and_nothing_typed_is_lost(page, conn):
    app = page("admin/people.py")
    app.text_input(key="people.new.0.name").set_value("Wei")
    app.text_input(key="people.new.0.password").set_value("short")
    app.button(key="people.new.0.add").click().run()
    assert "5 characters" in app.error[0].value
    assert app.text_input(key="people.new.0.name").value == "Wei"
    assert len(people.everyone(conn)) == 1


def test_only_an_admin_sees_and_adds_people(page, conn, mina, monkeypatch):
    operator = people.create(conn, name="Olu", password="four other words here", roles_held=["operator"], by=mina)
    token = sessions.start(conn, operator)
    monkeypatch.setattr(session, "_token", lambda: token)
    app = page("admin/people.py")
    assert "Only an admin" in app.info[0].value
    assert not app.dataframe
    assert {field.key for field in app.text_input} == {"people.old", "people.new_password", "people.again"}  # their own


def test_everybody_changes_their_own_password_and_an_admin_ends_accounts(page, conn, mina):
    people.create(conn, name="Olu", password="four other words here", roles_held=["operator"], by=mina)
    app = page("admin/people.py")
    app.selectbox(key="people.one").select_index(1).run()
    app.button(key="people.deactivate.olu").click().run()
    assert not app.exception
    assert [one.name for one in people.everyone(conn)] == ["Mina"]
    app.text_input(key="people.old").set_value("four plain words here")
    app.text_input(key="people.new_password").set_value("quite another thing")
    app.text_input(key="people.again").set_value("quite another thing")
    app.button(key="people.change").click().run()
    assert people.verify(conn, "Mina", "quite another thing") == mina


def test_an_admin_sees_failed_attempts_and_who_has_to_wait(page, conn, mina):
    people.create(conn, name="Olu", password="four other words here", roles_held=["operator"], by=mina)
    app = page("admin/people.py")
    assert not app.warning
    for name in ("Olu", "no such name"):
        for _ in range(3):
            with pytest.raises(Refusal):
                people.verify(conn, name, "a wrong password")
    app = page("admin/people.py")
    assert "quarter of an hour: Olu." in app.warning[0].value
    assert "tried three times or more, too: 1 of them" in app.warning[1].value
    shown = app.dataframe[1].value
    assert list(shown["Who"]) == ["unknown name"] * 3 + ["Olu"] * 3
    assert set(shown["What"]) == {"Sign-in failed"}
    database.insert(
        conn, "sign_in_attempts", [{"person_id": "olu", "tried_at": database.now(), "succeeded": False}] * 7
    )
    app = page("admin/people.py")
    assert app.error[0].value.startswith("Locked after 10 wrong passwords in a row, until ")
    app.button(key="people.unlock.olu").click().run()
    assert not app.error
    assert people.verify(conn, "Olu", "four other words here").name == "Olu"


def test_a_person_of_the_company_has_no_password_to_change_here(page, conn, mina, monkeypatch):
    identity = identities.Identity(issuer="https://acme.example", subject="u", names=["Zoe"], groups=["g"])
    zoe = identities.admit(conn, identity, mapping={"g": ["admin"]})
    app = page("admin/people.py")
    app.selectbox(key="people.one").select_index(1).run()
    assert "people.given.zoe" not in {field.key for field in app.text_input}
    assert list(app.dataframe[0].value["Signs in with"]) == ["password", "company account"]
    token = sessions.start(conn, zoe)
    monkeypatch.setattr(session, "_token", lambda: token)
    app = page("admin/people.py")
    assert "people.old" not in {field.key for field in app.text_input}
    app.button(key="people.everywhere").click().run()
    assert sessions.person_of(conn, token) is None
