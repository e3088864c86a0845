"""Drafts: one person's changes to a version of an eval set, until they become the next version or are dropped."""

import secrets
from dataclasses import dataclass

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import choices, draft_rows, eval_sets
from core.evaluation.eval_sets import EvalSet
from core.locale.mark import N_
from core.store import audit, database


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Of whom, and of which version of which set; `changed`, `added` and `deleted` count rows."""

    draft_id: str
    eval_set_id: str
    task_id: str
    name: str
    version: int
    created_by: str
    changed: int
    added: int
    deleted: int


def start(conn: duckdb.DuckDBPyConnection, *, by: Person, eval_set_id: str) -> Draft:
    """The person's open draft of the set, or a new one that starts from this version."""
    roles.require(by, "eval_set.import")
    base = eval_sets.find(conn, eval_set_id)
    assert base is not None, "a version is never deleted"
    if (found := find(conn, by, base.task_id, base.name)) is None:
        draft_id = "draft-" + secrets.token_hex(8)
        detail = {"draft": draft_id}
        made = {"created_by": by.person_id, "created_at": database.now()}
        with audit.change(conn, actor=by.person_id, act="eval_set.draft_started", subject=eval_set_id, detail=detail):
            database.insert(conn, "drafts", [{"draft_id": draft_id, "eval_set_id": eval_set_id, **made}])
        found = find(conn, by, base.task_id, base.name)
    assert found is not None
    return found


def find(conn: duckdb.DuckDBPyConnection, by: Person, task_id: str, name: str) -> Draft | None:
    """The person's open draft of the set, whichever version it starts from."""
    query = """
        select d.draft_id, d.eval_set_id, s.task_id, s.name, s.version, d.created_by,
            count(*) filter (where e.sample is not null and m.sample_id is not null) as changed,
            count(*) filter (where e.sample is not null and m.sample_id is null) as added,
            count(*) filter (where e.row_key is not null and e.sample is null and m.sample_id is not null) as deleted
        from drafts as d join eval_sets as s using (eval_set_id) left join (
            select * from draft_edits
            qualify row_number() over (partition by draft_id, row_key order by edit_id desc) = 1
        ) as e using (draft_id)
        left join eval_set_samples as m on m.eval_set_id = d.eval_set_id and m.sample_id = e.row_key
        where d.created_by = ? and s.task_id = ? and s.name = ? and d.draft_id not in (select draft_id from draft_ends)
        group by all
    """
    row = database.row(conn, query, [by.person_id, task_id, name])
    return Draft(**row) if row else None


def others(conn: duckdb.DuckDBPyConnection, by: Person, task_id: str, name: str) -> list[str]:
    """Who else has an open draft of the set."""
    query = """
        select distinct d.created_by from drafts as d join eval_sets as s using (eval_set_id)
        where s.task_id = ? and s.name = ? and d.created_by <> ?
        and draft_id not in (select draft_id from draft_ends) order by d.created_by
    """
    return [person for (person,) in conn.execute(query, [task_id, name, by.person_id]).fetchall()]


def save(conn: duckdb.DuckDBPyConnection, *, by: Person, draft_id: str, note: str) -> EvalSet:
    """Make the draft the next version of its set, and end it.

    Raises Refusal without a note, without a change, for rows that cannot be saved, and when somebody else saved a
    version since the draft was started; the draft is then still there.
    """
    draft = own(conn, by, draft_id)
    if not note.strip():
        raise Refusal(N_("Say in the note what is new in this version."))
    if not draft.changed + draft.added + draft.deleted:
        raise Refusal(N_("Nothing was changed in this draft yet."))
    base = eval_sets.find(conn, draft.eval_set_id)
    assert base is not None, "a version is never deleted"
    saved = eval_sets.save(
        conn,
        by=by,
        task_id=draft.task_id,
        name=draft.name,
        rows=draft_rows.to_save(conn, draft_id),
        scorer=base.scorer,
        schema=base.schema,
        note=note.strip(),
        parent_id=base.eval_set_id,
        moves=True,
        after=base.eval_set_id,
    )
    choices.carry_over(conn, by=by, before=base, after=saved)
    # A kill here leaves the draft open; saving it again finds the version by its content and comes here again.
    _end(conn, by, draft_id, saved.eval_set_id)
    return saved


def drop(conn: duckdb.DuckDBPyConnection, *, by: Person, draft_id: str) -> None:
    """End the draft without a version."""
    own(conn, by, draft_id)
    _end(conn, by, draft_id, None)


def _end(conn: duckdb.DuckDBPyConnection, by: Person, draft_id: str, eval_set_id: str | None) -> None:
    act = "eval_set.draft_saved" if eval_set_id else "eval_set.draft_dropped"
    with audit.change(conn, actor=by.person_id, act=act, subject=draft_id, detail={"version": eval_set_id}):
        row = {"draft_id": draft_id, "eval_set_id": eval_set_id, "ended_by": by.person_id, "ended_at": database.now()}
        database.insert(conn, "draft_ends", [row])


def own(conn: duckdb.DuckDBPyConnection, by: Person, draft_id: str) -> Draft:
    """The person's open draft of that id. Raises Refusal when it has ended, in another window perhaps."""
    roles.require(by, "eval_set.import")
    query = "select task_id, name from drafts join eval_sets using (eval_set_id) where draft_id = ?"
    row = conn.execute(query, [draft_id]).fetchone()
    found = find(conn, by, *row) if row else None
    if found is None or found.draft_id != draft_id:
        raise Refusal(N_("This draft was saved or dropped already, or it is somebody else's. Reload the page."))
    return found
