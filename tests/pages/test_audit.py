import ast
import json
import re
from datetime import date, timedelta

import pytest

from core import content
from core.access import accounts, people
from core.evaluation import demo_task
from core.release import trail
from core.settings import REPOSITORY, Settings
from core.store import audit, database
from tests import chain

AUDIT = "release/audit.py"


@pytest.fixture
def many(conn, task):
    """More events than a page shows."""
    for number in range(60):
        with audit.change(conn, actor="worker", act="answers.stored", subject=f"job-{number}"):
            pass


def table(app):
    return app.dataframe[0].value


def choose(app, row):
    """Click a row of the table."""
    app.session_state[app.dataframe[0].key] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    return app.run()


def test_the_newest_come_first_and_older_ones_by_the_page(page, conn, many):
    app = page(AUDIT)
    newest = trail.head(conn)["seq"]
    assert list(table(app)["Entry"]) == list(range(newest, newest - 50, -1))
    app.button(key="audit.older").click().run()
    assert table(app)["Entry"][0] == newest - 50
    app.button(key="audit.newer").click().run()
    assert table(app)["Entry"][0] == newest


def test_an_intact_chain_is_said_to_be_so_with_its_head_and_what_was_checked_when(page, conn, task):
    app = page(AUDIT)
    head = trail.head(conn)
    assert app.success[0].value == f"The chain is intact: {head['seq']} entries."
    assert app.code[-1].value == head["hash"]
    assert "All 0 entries that there were at" in " ".join(one.value for one in app.caption)
    app.button(key="audit.check").click().run()
    assert "Every entry was read and computed again at" in " ".join(one.value for one in app.caption)


def test_a_changed_entry_is_named(page, conn, task):
    conn.execute("update audit_events set actor = 'wei' where seq = 2")
    assert "Entry 2 is not as it was written" in page(AUDIT).error[0].value


def test_what_is_changed_behind_the_last_check_is_found_by_a_whole_one(page, conn, task):
    assert page(AUDIT).success
    conn.execute("update audit_events set actor = 'wei' where seq = 2")
    app = page(AUDIT)
    assert app.success
    app.button(key="audit.check").click().run()
    assert "Entry 2 is not as it was written" in app.error[0].value
    assert "Entry 2 is not as it was written" in page(AUDIT).error[0].value
    assert page("home/overview.py").error[0].value == "Entry 2 of the audit trail is not as it was written"


def test_entries_are_filtered_by_act_person_and_day_and_read_in_full(page, conn, many):
    app = page(AUDIT)
    app.selectbox(key="audit.act").set_value("task.created").run()
    assert list(table(app)["What happened"]) == ["Task created"]
    (entry,) = trail.entries(conn, trail.Filter(act="task.created"))
    choose(app, 0)
    told = json.loads(app.code[1].value)
    assert told == {name: entry[name] for name in ("actor", "act", "subject")} | {"detail": json.loads(entry["detail"])}
    assert app.code[2].value.split("\n") == [entry["hash"], entry["previous_hash"]]
    app.selectbox(key="audit.act").set_value(None).run()
    app.selectbox(key="audit.actor").set_value("worker").run()
    assert set(table(app)["Who"]) == {"Countersign (worker)"}
    app.date_input(key="audit.days").set_value((date(2020, 1, 1), date(2020, 12, 31))).run()
    assert app.info[0].value == "Nothing of this kind has happened."
    today = database.now().date()
    app.date_input(key="audit.days").set_value((today - timedelta(days=1), today + timedelta(days=1))).run()
    assert len(table(app)) == 50


def test_the_table_says_who_did_what_on_what_in_words_and_no_id(page, conn, mina, tmp_path):
    world = chain.small(conn, Settings(data=tmp_path / "data"), mina)
    chain.to_approval(world)
    chain.train(world)
    people.create(conn, by=mina, name="Wei", password="four plain words here", roles_held=["expert"])
    accounts.set_roles(conn, "wei", ["expert", "approver"], by=mina)
    app = page(AUDIT)
    app.selectbox(key="audit.actor").set_value("mina").run()
    rows = table(app).to_dict("records")
    first = rows[0]
    assert (first["Who"], first["What happened"], first["On what"]) == ("Mina", "Roles changed", "Wei")
    assert first["In short"] == "before: Expert · after: Expert · Approver"
    said = {row["What happened"]: row for row in rows}
    assert said["Trial started"]["On what"] == "Trial on 12 samples"
    assert said["Samples approved"]["On what"] == "Task “Parcels”"
    assert said["Samples approved"]["In short"] == "samples: 12"
    assert said["Answers put up for rating"]["On what"] == "Queue without a name"
    assert said["Answer rated"]["On what"].startswith("Answer to sample “")
    assert not [cell for row in rows for cell in row.values() if re.search("[0-9a-f]{16}", str(cell))]


MADE = {
    "job.": {"done", "failed", "interrupted", "stopped"},
    "samples.": {"approved", "rejected", "withdrawn"},
    "item.": {"closed", "put_back"},
    "release.": {"released", "rolled_back"},
    "distillation.": {"approved", "rejected"},
    "": {"sign_in.failed", "sign_in.succeeded", "confirmation.failed", "confirmation.succeeded"},
}
"""How each act begins that is put together from words, and how it may end."""
NAMED = {
    "model.retired",
    "model.restored",
    "eval_set.draft_saved",
    "eval_set.draft_dropped",
    "confirmation.failed",
    "sign_in.failed",
}
"""Where a caller or a line before says which."""


def test_every_act_of_the_program_has_words(page, conn, task):
    from pages.release import _acts

    acts = NAMED | {start + end for start, ends in MADE.items() for end in ends}
    for path in (REPOSITORY / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.change":
                act = next(one.value for one in node.keywords if one.arg == "act")
                if isinstance(act, ast.Constant):
                    acts.add(act.value)
                elif isinstance(act, ast.JoinedStr):
                    start = act.values[0]
                    assert (start.value if isinstance(start, ast.Constant) else "") in MADE
    assert len(acts) > 90
    assert acts == set(_acts.ACTS)
    app = page(AUDIT)
    assert set(table(app)["What happened"]) <= set(_acts.ACTS.values())


def test_the_download_is_a_chain_that_anybody_can_check(conn, task):
    lines = [json.loads(line) for line in "".join(trail.lines(conn)).splitlines()]
    previous = audit.START
    for number, line in enumerate(lines, 1):
        written = line.pop("hash")
        assert (line["seq"], line["previous_hash"], content.digest(line)) == (number, previous, written)
        previous = written
    assert previous == trail.head(conn)["hash"]
    assert demo_task.TRIAGE in json.dumps(lines)
