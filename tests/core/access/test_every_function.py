"""Every function that changes something, called directly by everybody: whoever has no right to it is told so first.

The functions are found in the source, so a new one fails here until it says whose it is. Each is called with nothing
but a person: the role has to be looked at before anything else is.
"""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.settings import REPOSITORY, Settings
from core.store import database

ACTS = {
    "read": ["release.plans.open_without"],
    "rate": [
        "evaluation.questions.decide",
        "review.ratings.record", "review.ratings.undo", "review.comparisons.choose", "review.comparisons.undo",
        "review.repair.ask",
    ],
    "adjudicate": ["review.adjudication.decide", "review.flags.close"],
    "approve": [
        "review.approvals.decide", "review.approvals.look", "review.approvals.withdraw", "training.waivers.sign",
        "training.batches.decide",
    ],
    "task.manage": [
        "evaluation.tasks.create", "evaluation.prompts.save_ladder", "judging.judges.save", "review.rubrics.revise",
        "review.repair.choose",
    ],
    "eval_set.import": [
        "evaluation.eval_sets.save", "evaluation.mappings.remember", "evaluation.drafts.start",
        "evaluation.drafts.save", "evaluation.drafts.drop", "evaluation.drafts.own", "evaluation.draft_edits.add",
        "evaluation.draft_edits.edit", "evaluation.draft_edits.delete", "evaluation.exports.to_csv",
        "evaluation.exports.to_jsonl", "evaluation.exports.to_xlsx", "release.production.draw",
        "evaluation.questions.take", "evaluation.draft_edits.take_in",
    ],
    "model.manage": [
        "evaluation.endpoints.correct", "evaluation.models.fetch_hub",
        "evaluation.models.fetch_starter", "evaluation.models.register_api", "evaluation.models.register_local",
        "evaluation.retirements.restore", "evaluation.retirements.retire", "evaluation.terms.agree",
        "training.cards.merge",
    ],
    "knowledge.manage": ["knowledge.indexes.add", "knowledge.indexes.bring_back", "knowledge.indexes.remove",
                         "knowledge.ways.choose"],
    "run.start": [
        "evaluation.questions.ask",
        "evaluation.choices.carry_over", "evaluation.choices.choose", "evaluation.runs.raise_cap",
        "evaluation.runs.retry_failed",
        "evaluation.runs.start", "evaluation.runs.start_collecting", "evaluation.runs.start_ladder",
        "judging.judgings.start", "review.comparisons.create", "review.comparisons.lock", "review.queues.create",
        "release.candidates.propose",
        "release.labels.ask", "release.teachers.ask", "review.closings.close_item", "review.closings.close_queue",
        "review.closings.extend", "review.closings.put_back",
    ],
    "guide.answer": ["evaluation.guides.answer"],
    "train.start": [
        "training.training_sets.freeze", "training.trials.start", "training.trials.repeat", "training.estimates.start",
        "training.learning_curves.start",
        "training.distillations.draw", "training.distillations.start",
    ],
    "job.stop": ["jobs.jobs.resume", "jobs.jobs.stop"],
    "people.manage": [
        "access.people.create", "access.accounts.set_roles", "access.accounts.deactivate",
        "access.accounts.reactivate", "access.accounts.give_password", "access.accounts.everyone",
        "access.accounts.failures", "access.accounts.slowed", "access.accounts.locked",
        "access.accounts.unlock",
    ],
    "plan.sign": ["release.plans.sign"],
    "breakage.answer": ["release.breakages.answer"],
    "sign_off.request": ["release.sign_offs.request"],
    "sign_off.sign": ["release.sign_offs.sign"],
    "release.move": ["release.releases.release", "release.releases.roll_back"],
    "serving.manage": [
        "release.production.keep", "release.production.make_key", "release.production.revoke_key",
    ],
    "backup.make": ["upkeep.backups.make"],
}  # fmt: skip
"""Act -> the functions that it allows. "read" is everybody's who has any role."""

OWN = {
    "access.accounts.change_password": "one's own, with the old one",
    "access.accounts.sign_out_everywhere": "one's own sessions",
    "access.preferences.choose_language": "one's own",
    "access.preferences.choose_form": "one's own",
    "access.sessions.start": "whoever was let in; the entrance calls it",
    "access.sessions.end": "whoever holds the token",
    "access.identities.confirm": "whoever signed in anew; the entrance calls it",
}
"""For everybody, since it concerns nobody else."""

NOBODYS = {
    "access.people.create_first": "refuses as soon as anybody exists",
    "access.people.verify": "finds out who it is",
    "access.people.confirm": "finds out whether it is still them",
    "access.identities.admit": "finds out who it is",
    "access.identities.failed": "nobody has signed in",
    "evaluation.answers.keep": "what a worker brought",
    "evaluation.answers.reuse": "of a job that somebody with the right has started",
    "evaluation.questions.keep": "of a job that somebody with the right has started",
    "evaluation.retrieving.keep": "of a job that somebody with the right has started",
    "jobs.supervisor.drain": "the program's own",
    "jobs.supervisor.start": "the program's own",
    "jobs.supervisor.step": "the program's own",
    "judging.judgings.keep": "what a worker brought",
    "knowledge.vectors.keep": "what a worker brought",
    "release.production.forget": "as somebody with the right has set it",
    "release.production.look_after": "the program's own",
    "release.production.take_in": "what the server wrote down",
    "release.signatures.authenticate": "is told the act by its callers, all of them here",
    "review.claims.take": "holds items for somebody; rating them is checked",
    "review.rewrites.keep": "what a worker brought",
    "store.restoring.restore": "the shell's: whoever has the folder",
    "training.trials.inputs": "of a job that somebody with the right has started",
    "upkeep.backups.answer_requests": "the shell's request",
    "upkeep.backups.by_command": "the shell's",
    "upkeep.recovery.accept": "asks for an admin's name and password itself, since nobody can sign in then",
}
"""Without a person to check, and why."""

CASES = [(act, function) for act, functions in ACTS.items() for function in functions]


def found() -> set[str]:
    """Every public function that writes an audit event or asks for a role, itself or through a helper beside it."""
    names = set()
    for path in sorted((REPOSITORY / "core").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        inside = {node.name: _names(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
        hot = {name for name, used in inside.items() if used & {"audit.change", "roles.require"}}
        while more := {name for name, used in inside.items() if name not in hot and used & hot}:
            hot |= more
        module = ".".join(path.relative_to(REPOSITORY / "core").with_suffix("").parts)
        names |= {f"{module}.{name}" for name in hot if not name.startswith("_")}
    return names - {"access.roles.require"}


def _names(function: ast.FunctionDef) -> set[str]:
    """What the function mentions: plain names, and `module.name`."""
    nodes = list(ast.walk(function))
    plain = {node.id for node in nodes if isinstance(node, ast.Name)}
    return plain | {
        f"{node.value.id}.{node.attr}"
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


def test_every_function_that_changes_something_says_whose_it_is():
    known = {function for _, function in CASES} | OWN.keys() | NOBODYS.keys()
    assert sorted(found() - known) == []
    assert sorted(known - found()) == []


@pytest.fixture(scope="module")
def conn(tmp_path_factory):
    connection = database.connect(Settings(data=tmp_path_factory.mktemp("empty")))
    yield connection.cursor()
    connection.close()


def call(function: str, conn, by: Person) -> bool:
    """Whether the function lets the person past its door; what it then says of the missing rest is all the same."""
    module, _, name = function.rpartition(".")
    real = getattr(importlib.import_module(f"core.{module}"), name)
    given = {"conn": conn, "by": by}
    needed = [
        one.name for one in inspect.signature(real).parameters.values() if one.default is one.empty or one.name in given
    ]
    try:
        real(**{one: given.get(one) for one in needed})
    except Refusal as refusal:
        return refusal.message not in roles.NEEDED.values()
    except Exception:
        return True
    return True


@pytest.mark.parametrize(("act", "function"), CASES, ids=[function for _, function in CASES])
def test_a_function_is_closed_to_every_role_but_its_own(conn, act, function):
    before = conn.execute("select count(*) from audit_events").fetchone()
    for role in roles.ROLES:
        if role not in roles.ACTIONS[act]:
            assert not call(function, conn, Person(person_id="bo", name="Bo", roles=frozenset([role]))), role
    assert not call(function, conn, Person(person_id="bo", name="Bo", roles=frozenset()))
    assert conn.execute("select count(*) from audit_events").fetchone() == before
    for role in roles.ACTIONS[act]:
        assert call(function, conn, Person(person_id="bo", name="Bo", roles=frozenset([role]))), role


def test_nobody_is_asked_for_a_role_outside_core():
    for path in (REPOSITORY / "pages").rglob("*.py"):
        assert "roles.require" not in path.read_text("utf-8"), Path(path).name
