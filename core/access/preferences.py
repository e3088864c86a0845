"""How a person likes to work here: the language, and the plain form or the card for rating."""

import duckdb

from core.access.people import Person
from core.store import audit, database


def language_of(conn: duckdb.DuckDBPyConnection, person: Person) -> str:
    """The language the person chose, or an empty string."""
    row = database.row(conn, "select language from people where person_id = ?", [person.person_id])
    return str(row["language"]) if row else ""


def choose_language(conn: duckdb.DuckDBPyConnection, person: Person, language: str) -> None:
    """Remember the language for the person's later visits."""
    detail = {"language": language}
    with audit.change(
        conn, actor=person.person_id, act="person.language_chosen", subject=person.person_id, detail=detail
    ):
        conn.execute("update people set language = ? where person_id = ?", [language, person.person_id])


def rates_in_form(conn: duckdb.DuckDBPyConnection, person: Person) -> bool:
    """Whether the person chose the plain form over the card for rating; screen readers get along better with it."""
    found = conn.execute("select plain_form from people where person_id = ?", [person.person_id]).fetchone()
    return bool(found and found[0])


def choose_form(conn: duckdb.DuckDBPyConnection, person: Person, plain_form: bool) -> None:
    """Remember for the person's later visits whether they rate in the plain form."""
    detail = {"plain_form": plain_form}
    with audit.change(conn, actor=person.person_id, act="person.form_chosen", subject=person.person_id, detail=detail):
        conn.execute("update people set plain_form = ? where person_id = ?", [plain_form, person.person_id])
