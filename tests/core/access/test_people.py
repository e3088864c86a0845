import time
from concurrent.futures import ThreadPoolExecutor

import argon2
import pytest

from core.access import accounts, people
from core.errors import Refusal
from core.store import database

PASSWORD = "correct horse battery"


@pytest.fixture
def mina(conn):
    return people.create_first(conn, name="Mina Li", password=PASSWORD)


def refusal_of(conn, name, password):
    with pytest.raises(Refusal) as caught:
        people.verify(conn, name, password)
    return str(caught.value)


def let_pass(conn, seconds):
    conn.execute("update sign_in_attempts set tried_at = tried_at - to_seconds(?)", [seconds])


def acts(conn):
    return [row["act"] for row in database.rows(conn, "select act from audit_events order by seq")]


def test_the_first_person_has_all_roles_and_there_is_only_one_first(conn, mina):
    assert mina.roles == {"expert", "approver", "manager", "operator", "admin"}
    with pytest.raises(Refusal, match="already set up"):
        people.create_first(conn, name="Another", password=PASSWORD)
    assert [person.name for person in people.everyone(conn)] == ["Mina Li"]
    assert acts(conn) == ["person.created"]  # the refused one left nothing


def test_people_are_shown_by_name_and_by_id_where_the_name_does_not_tell_who(conn, mina):
    wei = people.create(conn, name="Wei", password=PASSWORD, roles_held=["expert"], by=mina)
    accounts.deactivate(conn, wei.person_id, by=mina)
    names = people.names(conn)
    assert [names[one] for one in ("mina li", "wei", "supervisor")] == ["Mina Li", "Wei", "supervisor"]
    conn.execute("update people set name = 'Mina Li' where person_id = 'wei'")
    assert sorted(people.names(conn).values()) == ["Mina Li (mina li)", "Mina Li (wei)"]


def test_a_hash_is_stored_and_the_password_is_nowhere_in_the_data_folder(conn, mina, tmp_path):
    people.verify(conn, "Mina Li", PASSWORD)
    assert conn.execute("select password_hash from people").fetchone()[0].startswith("$argon2id$")
    assert not any(PASSWORD.encode() in file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize("written", ["mina li", "  MINA   Li ", "Ｍｉｎａ Ｌｉ"])
def test_spellings_of_one_name_are_one_person(conn, mina, written):
    assert people.verify(conn, written, PASSWORD) == mina
    with pytest.raises(Refusal, match="already a person called"):
        people.create(conn, name=written, password=PASSWORD, roles_held=["expert"], by=mina)


@pytest.mark.parametrize(
    ("name", "password", "sentence"),
    [
        ("", PASSWORD, "between 1 and 60"),
        ("x" * 61, PASSWORD, "between 1 and 60"),
        ("a\u200bb", PASSWORD, "visible characters"),
        ("System", PASSWORD, "kept for the audit trail"),
        ("Bo", "123456789", "has 9 characters; at least 10"),
        ("Bo", "x" * 1001, "more than 1000"),
        ("Bo Andersen", "bo  ANDERSEN", "The password is the name"),
    ],
)
def test_unusable_names_and_weak_passwords_are_refused_with_a_sentence(conn, name, password, sentence):
    with pytest.raises(Refusal, match=sentence):
        people.create_first(conn, name=name, password=password)
    assert not people.any_exist(conn)


def test_only_an_admin_adds_people_and_only_with_roles_that_exist(conn, mina):
    bo = people.create(conn, name="Bo", password=PASSWORD, roles_held=["expert"], by=mina)
    assert bo.roles == {"expert"}
    with pytest.raises(Refusal, match="Only an admin"):
        people.create(conn, name="Cy", password=PASSWORD, roles_held=["admin"], by=bo)
    with pytest.raises(Refusal, match="no role owner"):
        people.create(conn, name="Cy", password=PASSWORD, roles_held=["owner"], by=mina)


def test_a_wrong_name_and_a_wrong_password_get_the_same_sentence(conn, mina):
    wrong_password = refusal_of(conn, "Mina Li", "wrong password")
    assert refusal_of(conn, "Nobody here", PASSWORD) == wrong_password
    conn.execute("update people set active = false")
    assert refusal_of(conn, "Mina Li", PASSWORD) == wrong_password


def test_an_unknown_name_costs_as_much_time_as_a_known_one(conn, mina):
    def seconds(name):
        start = time.perf_counter()
        refusal_of(conn, name, "wrong password")
        return time.perf_counter() - start

    known, unknown = min(seconds("Mina Li") for _ in range(3)), min(seconds(f"guess {n}") for n in range(3))
    assert 0.5 < unknown / known < 2


@pytest.mark.parametrize("name", ["Mina Li", "Nobody here"])
def test_after_three_failures_each_further_try_waits_twice_as_long(conn, mina, name):
    for _ in range(3):
        assert "do not belong together" in refusal_of(conn, name, "wrong password")
    for wait in [2, 4, 8]:
        assert refusal_of(conn, name, PASSWORD) == f"Too many wrong tries. Wait {wait} seconds, then try again."
        let_pass(conn, wait)
        assert "do not belong together" in refusal_of(conn, name, "wrong password")
    assert acts(conn).count("sign_in.failed") == 6  # tries that had to wait were no tries


def test_waiting_is_enough_and_a_success_wipes_the_slate(conn, mina):
    for _ in range(3):
        refusal_of(conn, "Mina Li", "wrong password")
    let_pass(conn, 2)
    assert people.verify(conn, "Mina Li", PASSWORD) == mina
    assert "do not belong together" in refusal_of(conn, "Mina Li", "wrong password")
    assert people.verify(conn, "Mina Li", PASSWORD) == mina


def test_no_wait_is_longer_than_a_minute_and_a_quarter_of_an_hour_forgives(conn, mina):
    failure = [("mina li", database.now(), False)]
    conn.executemany("insert into sign_in_attempts values (?, ?, ?)", failure * 9)
    assert "Wait 60 seconds" in refusal_of(conn, "Mina Li", PASSWORD)
    let_pass(conn, 15 * 60)
    assert people.verify(conn, "Mina Li", PASSWORD) == mina


@pytest.mark.parametrize("name", ["Mina Li", "Nobody here"])
def test_ten_wrong_in_a_row_lock_the_name_for_a_quarter_of_an_hour(conn, mina, name):
    for _ in range(10):
        assert "do not belong together" in refusal_of(conn, name, "wrong password")
        let_pass(conn, 60)
    # The right password and a wrong one are told the same, and so is a name that nobody has.
    assert {refusal_of(conn, name, word) for word in (PASSWORD, "wrong password")} == {
        "Too many wrong tries in a row, so this name is locked for another 14 minutes. Wait, or ask an admin to unlock "
        "it."
    }
    let_pass(conn, 14 * 60)
    assert "do not belong together" in refusal_of(conn, name, "wrong password")  # one try, and it was wrong
    let_pass(conn, 60)
    assert "locked for another 14 minutes" in refusal_of(conn, name, PASSWORD)
    subject = "mina li" if name == "Mina Li" else "unknown name"
    query = "select subject, detail from audit_events where act = 'person.locked' order by seq"
    assert conn.execute(query).fetchall() == [(subject, '{"minutes":15}')] * 2
    let_pass(conn, 24 * 3600)
    for _ in range(3):  # yesterday is over
        assert "do not belong together" in refusal_of(conn, name, "wrong password")


def test_guessing_many_names_is_slowed_down_too(conn, mina):
    failures = [(f"guess {n}", database.now(), False) for n in range(30)]
    conn.executemany("insert into sign_in_attempts values (?, ?, ?)", failures)
    assert "Wait 60 seconds" in refusal_of(conn, "guess 31", PASSWORD)


def test_guesses_sent_at_once_are_not_all_checked(conn, mina):
    with ThreadPoolExecutor(8) as pool:
        sentences = list(pool.map(lambda n: refusal_of(conn.cursor(), "Mina Li", f"wrong guess {n}"), range(8)))
    assert sum("do not belong together" in sentence for sentence in sentences) == 3


def test_every_attempt_is_audited_but_a_name_nobody_has_is_never_written_down(conn, mina, tmp_path):
    refusal_of(conn, "my-secret-typed-as-name", "wrong password")
    people.verify(conn, "Mina Li", PASSWORD)
    events = database.rows(conn, "select actor, act, subject from audit_events order by seq")[1:]
    assert events == [
        {"actor": "nobody", "act": "sign_in.failed", "subject": "unknown name"},
        {"actor": "mina li", "act": "sign_in.succeeded", "subject": "mina li"},
    ]
    assert not any(b"my-secret-typed-as-name" in file.read_bytes() for file in tmp_path.iterdir())


def test_a_hash_with_outdated_parameters_is_renewed_at_sign_in(conn, mina):
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    conn.execute("update people set password_hash = ?", [weak])
    people.verify(conn, "Mina Li", PASSWORD)
    renewed = conn.execute("select password_hash from people").fetchone()[0]
    assert renewed != weak
    assert not argon2.PasswordHasher().check_needs_rehash(renewed)
    assert people.verify(conn, "Mina Li", PASSWORD) == mina
