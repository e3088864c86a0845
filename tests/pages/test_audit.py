import ast
import json

import pytest

from core import content
from core.evaluation import demo_task
from core.release import trail
from core.settings import REPOSITORY
from core.store import audit

AUDIT = "release/audit.py"


@pytest.fixture
def many(conn, task):
    """More events than a page shows."""
    for number in range(60):
        with audit.change(conn, actor="worker", act="answers.stored", subject=f"job-{number}"):
            pass


def table(app):
    return app.dataframe[0].value


def test_the_newest_come_first_and_older_ones_by_the_page(page, conn, many):
    app = page(AUDIT)
    newest = trail.head(conn)["seq"]
    assert list(table(app)["Entry"]) == list(range(newest, newest - 50, -1))
    app.button(key="audit.older").click().run()
    assert table(app)["Entry"][0] == newest - 50
    app.button(key="audit.newer").click().run()
    assert table(app)["Entry"][0] == newest


def test_an_intact_chain_is_said_to_be_so_with_its_head(page, conn, task):
    app = page(AUDIT)
    head = trail.head(conn)
    assert app.success[0].value == f"The chain is intact: {head['seq']} entries."
    assert app.code[0].value == head["hash"]


def test_a_changed_entry_is_named(page, conn, task):
    conn.execute("update audit_events set actor = 'wei' where seq = 2")
    assert "Entry 2 is not as it was written" in page(AUDIT).error[0].value


def test_entries_are_filtered_by_act_and_person(page, conn, many):
    app = page(AUDIT)
    app.selectbox(key="audit.act").set_value("task.created").run()
    assert list(table(app)["Act"]) == ["Task created"]
    (entry,) = trail.entries(conn, act="task.created")
    app.selectbox(key="audit.read").set_value(entry["seq"]).run()
    assert json.loads(app.code[1].value) == json.loads(entry["detail"])
    assert app.code[2].value.split("\n") == [entry["hash"], entry["previous_hash"]]
    app.selectbox(key="audit.act").set_value(None).run()
    app.selectbox(key="audit.actor").set_value("worker").run()
    assert set(table(app)["Who"]) == {"Countersign (worker)"}


MADE = {
    "job.": {"done", "failed", "interrupted", "stopped"},
    "samples.": {"approved", "rejected", "withdrawn"},
    "item.": {"closed", "put_back"},
    "release.": {"released", "rolled_back"},
    "distillation.": {"approved", "rejected"},
    "": {"sign_in.failed", "sign_in.succeeded", "confirmation.failed", "confirmation.succeeded"},
}
"""How each act begins that is put together from words, and how it may end."""
NAMED = {"eval_set.draft_saved", "eval_set.draft_dropped", "confirmation.failed", "sign_in.failed"}
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
    assert set(table(app)["Act"]) <= set(_acts.ACTS.values())


def test_the_download_is_a_chain_that_anybody_can_check(conn, task):
    lines = [json.loads(line) for line in trail.lines(conn)]
    previous = audit.START
    for number, line in enumerate(lines, 1):
        written = line.pop("hash")
        assert (line["seq"], line["previous_hash"], content.digest(line)) == (number, previous, written)
        previous = written
    assert previous == trail.head(conn)["hash"]
    assert demo_task.TRIAGE in json.dumps(lines)
