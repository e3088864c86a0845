"""What docs/trust.md says of decisions that can be relied on is there: each requirement with its code and its tests."""

import ast
import json
import re
import subprocess
import sys

import pytest

from core.release import sign_offs
from core.settings import REPOSITORY
from tests.core.release.conftest import _opened

TABLE = REPOSITORY / "docs" / "trust.md"
WANTED = [f"D{number}" for number in range(1, 19)]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def rows() -> dict[str, list[str]]:
    """A requirement -> what is so, where, and the tests that prove it, as the table says it."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.read_text("utf-8").splitlines()
             if line.startswith("| D")]  # fmt: skip
    return {number: rest for number, *rest in cells}


@pytest.mark.parametrize("requirement", WANTED)
def test_a_requirement_has_its_code_and_its_tests(requirement):
    said, where, tests = rows()[requirement]
    assert len(said) > 40
    assert named(where)
    for path in named(where):
        assert (REPOSITORY / path).is_file(), path
    assert named(tests)
    for place in named(tests):
        path, _, name = place.partition("::")
        tree = ast.parse((REPOSITORY / "tests" / path).read_text("utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, place


def test_the_table_is_whole():
    assert list(rows()) == WANTED


FOR_EVER = (
    "audit_events", "signatures", "release_plans", "sign_offs", "breakages", "openings", "releases", "alias_moves",
    "ratings", "approvals", "people", "sign_in_attempts", "unlocks",
)  # fmt: skip
MAY_CHANGE = {("update", "people")}
"""Password, roles, language and whether somebody is still active; the audit trail keeps each change."""


def test_nothing_that_was_judged_signed_or_recorded_is_ever_changed_or_deleted():
    found = set()
    for path in (REPOSITORY / "core").rglob("*.py"):
        for act, table in re.findall(r"\b(update|delete from|truncate) (\w+)\b", path.read_text("utf-8")):
            found.add((act, table))
    assert {(act, table) for act, table in found if table in FOR_EVER} == MAY_CHANGE


AGAIN = """
import json, sys
from pathlib import Path
from core.release import gates, sign_offs
from core.settings import Settings
from core.store import database
conn = database.connect(Settings(data=Path(sys.argv[1]))).cursor()
found = sign_offs.findings(gates.judge(conn, sys.argv[2]))
print(json.dumps([found, conn.execute("select count(*) from jobs where state <> 'done'").fetchone()[0]]))
"""


def test_another_process_finds_the_same_digits_and_asks_no_model(built, settings):
    with _opened(built("signed"), settings) as house:
        case = sign_offs.of_trial(house.conn, house.trial_id)[0]
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, str(settings.data), case.trial_id],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert json.loads(done.stdout) == [case.findings, 0], done.stderr
