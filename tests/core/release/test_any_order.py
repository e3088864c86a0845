"""Whatever people try in whatever order: what is not their turn is refused, and what holds is always legal.

The model here knows the rules by heart, independently of the code; after every step the database is held against it.
"""

import itertools
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.errors import Refusal
from core.release import breakages, plans, proofs, releases, sign_offs, signatures
from core.release.smoke import Smoke
from core.settings import Settings
from core.store import audit, database
from tests.core.release.conftest import _opened

PEOPLE = ("mina", "ann", "max", "eve", "root")
PLANNERS = SIGNERS = MOVERS = {"mina", "ann", "max"}
APPROVERS = {"mina", "ann"}
INVOLVED = {"mina"}
"""She asked for it and started the training; eve rated, but never signs."""

people = st.sampled_from(PEOPLE)
decisions = st.sampled_from(["approved", "overridden", "rejected", "insufficient"])


@dataclass
class Case:
    """A sign-off as it should be."""

    sign_off_id: str
    passed: bool
    seen: tuple[int, int]
    signed: list[tuple[str, str]] = field(default_factory=list)
    expired: bool = False
    release: str | None = None

    @property
    def state(self) -> str:
        for final in ("rejected", "insufficient"):
            if any(meaning == final for _, meaning in self.signed):
                return final
        for meaning, enough in (("approved", 1), ("overridden", 2)):
            theirs = {name for name, said in self.signed if said == meaning}
            if len(theirs) >= enough and theirs & APPROVERS and theirs - INVOLVED:
                return meaning
        return "open"


class AnyOrder(RuleBasedStateMachine):
    """One trial, five people, one alias."""

    def __init__(self, built) -> None:
        super().__init__()
        self.built, self.stack = built, ExitStack()

    @initialize(which=st.sampled_from(["passes", "breaks"]), steps=st.integers(0, 13))
    def begin(self, which: str, steps: int) -> None:
        """So many steps in the right order first: chance alone would seldom get far."""
        self.folder = Path(tempfile.mkdtemp())
        self.house = self.stack.enter_context(_opened(self.built(which), Settings(data=self.folder / "data")))
        self.conn, self.trial_id = self.house.conn, self.house.trial_id
        self.broken = [flip.sample_id for flip in breakages.broken(proofs.report(self.conn, self.trial_id))]
        self.margins: list[float] = []
        self.opened = self.labelled = False
        self.answers = 0
        self.cases: list[Case] = []
        self.pointer: str | None = None
        self.moves: list[str] = []
        for _ in range(steps):
            self.go_on()

    def teardown(self) -> None:
        self.stack.close()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def attempt(self, legal: bool, act, *args, **how):
        """Do it; it has to be refused if, and only if, the model says so."""
        try:
            done = act(*args, **how)
        except Refusal as refusal:
            said = str(refusal)
        else:
            assert legal, "allowed, but illegal"
            return done if done is not None else True
        assert not legal, f"refused, but legal: {said}"
        return None

    @property
    def seen(self) -> tuple[int, int]:
        """What evidence may change by: ratings and answers to what broke."""
        return (int(self.labelled), self.answers)

    @rule(name=people, margin=st.sampled_from([0.1, 0.2]))
    def plan(self, name: str, margin: float) -> None:
        legal = name in PLANNERS and not self.opened and not self.cases and self.margins[-1:] != [margin]
        if self.attempt(legal, self.house.plan, self.trial_id, by=getattr(self.house, name), margin=margin):
            self.margins.append(margin)

    @rule(name=people)
    def look(self, name: str) -> None:
        plans.open_without(self.conn, self.trial_id, by=getattr(self.house, name))
        self.opened = self.opened or not self.margins

    @rule()
    def label(self) -> None:
        if self.attempt(bool(self.margins) and not self.labelled, self.house.label, self.trial_id):
            self.labelled = True

    @precondition(lambda self: self.broken)
    @rule(name=people)
    def answer(self, name: str) -> None:
        visible = bool(self.margins) or self.opened
        legal = name in {"mina", "ann", "eve"} and visible and not any(case.signed for case in self.cases)
        by = getattr(self.house, name)
        for sample in self.broken:
            if self.attempt(legal, breakages.answer, self.conn, self.trial_id, sample, "accepted", "Rare.", by=by):
                self.answers += 1

    @rule(name=people)
    def request(self, name: str) -> None:
        ready = bool(self.margins) and (not self.broken or self.answers > 0)
        holding = [case for case in self.cases if case.seen == self.seen and not case.expired]
        busy = any(case.state in ("open", "approved", "overridden") for case in holding)
        by, until = getattr(self.house, name), date(2100, 1, 1)
        how = {"by": by, "scope": "Sorting parcels", "expires_on": until}
        made = self.attempt(name == "mina" and ready and not busy, sign_offs.request, self.conn, self.trial_id, **how)
        if made:
            passed = not self.broken and self.labelled and len(self.margins) == 1
            self.cases.append(Case(sign_off_id=made, passed=passed, seen=self.seen))

    @precondition(lambda self: self.cases)
    @rule(name=people, decision=decisions)
    def sign(self, name: str, decision: str) -> None:
        case = self.cases[-1]
        fits = {"approved": case.passed, "overridden": not case.passed}.get(decision, True)
        new = name not in [signer for signer, _ in case.signed]
        legal = name in SIGNERS and case.state == "open" and new and fits and case.seen == self.seen
        if self.attempt(legal, self.house.sign, case.sign_off_id, getattr(self.house, name), decision):
            case.signed.append((name, decision))

    @precondition(lambda self: self.cases)
    @rule(name=people)
    def release(self, name: str) -> None:
        case, by, task_id = self.cases[-1], getattr(self.house, name), self.house.world.task.task_id
        holds = case.state in ("approved", "overridden") and case.seen == self.seen and not case.expired
        legal = name in MOVERS and holds and (case.release is None or case.release != self.pointer)
        bound = releases.form(task_id, "production", case.sign_off_id, self.pointer)
        signing = self.house.signing(by, f"release:{case.sign_off_id}", bound)
        where = (self.conn, self.house.world.settings, case.sign_off_id, "production", signing)
        made = self.attempt(legal, releases.release, *where, by=by, expected=self.pointer)
        if made:
            case.release = self.pointer = made
            self.moves.append(made)

    @precondition(lambda self: any(case.release for case in self.cases))
    @rule(name=people, number=st.integers(0, 3))
    def roll_back(self, name: str, number: int) -> None:
        made = [case.release for case in self.cases if case.release]
        to, by, task_id = made[number % len(made)], getattr(self.house, name), self.house.world.task.task_id
        legal = name in MOVERS and to != self.pointer
        bound = releases.form(task_id, "production", to, self.pointer)
        signing = self.house.signing(by, f"release:{to}", bound)
        where = (self.conn, self.house.world.settings, to, "production", signing)
        if self.attempt(legal, releases.roll_back, *where, by=by, expected=self.pointer, trying=as_signed):
            self.pointer = to
            self.moves.append(to)

    @precondition(lambda self: self.cases)
    @rule()
    def expire(self) -> None:
        self.house.end(database.now().date() - timedelta(days=1))
        for case in self.cases:
            case.expired = True

    @precondition(lambda self: self.cases and self.cases[-1].release and len(self.cases) < 4)
    @rule()
    def put_up_again(self) -> None:
        """As it would be after the first ran out: the same trial, another sign-off."""
        last, sign_off_id = self.cases[-1], f"again-{len(self.cases)}"
        self.conn.execute(
            """
            insert into sign_offs by name select * replace ($new as sign_off_id,
                (select max(number) + 1 from sign_offs) as number)
            from sign_offs where sign_off_id = $old
            """,
            {"new": sign_off_id, "old": last.sign_off_id},
        )
        self.house.end(date(2100, 1, 1), sign_off_id)
        self.cases.append(Case(sign_off_id=sign_off_id, passed=last.passed, seen=last.seen))

    @rule()
    def go_on(self) -> None:
        """The next step of those who keep to the order."""
        case = self.cases[-1] if self.cases else None
        if self.opened:
            return
        if not self.margins:
            self.plan("mina", 0.1)
        elif not self.labelled and case is None:
            self.label()
        elif self.broken and not self.answers:
            self.answer("eve")
        elif case is None or case.state in ("rejected", "insufficient"):
            self.request("mina")
        elif case.state == "open":
            signed = {name for name, _ in case.signed}
            left = [name for name in ("ann", "max", "mina") if name not in signed]
            self.sign(left[0], "approved" if case.passed else "overridden")
        elif case.release is None:
            self.release("max")
        elif len(self.cases) == 1:
            self.put_up_again()
        else:
            made = [case.release for case in self.cases if case.release]
            self.roll_back("ann", 1 if made[0] == self.pointer else 0)

    @invariant()
    def what_is_written_is_what_happened(self) -> None:
        conn, task_id = self.conn, self.house.world.task.task_id
        assert audit.first_bad_entry(conn) is None
        assert (plans.report(conn, self.trial_id) is not None) == (bool(self.margins) or self.opened)
        found = [sign_offs.find(conn, case.sign_off_id) for case in self.cases]
        assert [sign_offs.state(conn, one) for one in found] == [case.state for case in self.cases]
        signed = [
            [(one["person_id"], one["meaning"]) for one in signatures.of(conn, "sign_off", case.sign_off_id)]
            for case in self.cases
        ]
        assert signed == [case.signed for case in self.cases]
        now = releases.current(conn, task_id, "production")
        assert (now and now["release_id"]) == self.pointer
        assert [one["release_id"] for one in reversed(releases.moves(conn, task_id))] == self.moves

    @invariant()
    def nothing_answers_that_four_eyes_did_not_let_through(self) -> None:
        query = """
            select g.person_id, g.meaning from releases as r join signatures as g
                on g.kind = 'sign_off' and g.subject = r.sign_off_id and g.meaning in ('approved', 'overridden')
            where r.release_id in (select release_id from alias_moves) order by r.release_id
        """
        rows = self.conn.execute(query).fetchall()
        assert {name for name, _ in rows} - INVOLVED or not self.moves
        for meaning, theirs in itertools.groupby(sorted(rows, key=lambda row: row[1]), key=lambda row: row[1]):
            names = {name for name, _ in theirs}
            assert names & APPROVERS
            assert meaning == "approved" or len(names) > 1


def as_signed(bundle) -> Smoke:
    """The check questions, answered as before: there is no real model behind these releases."""
    return Smoke(asked=len(bundle.smoke()), same=len(bundle.smoke()))


def test_no_order_of_acts_leads_where_the_rules_do_not(built):
    run_state_machine_as_test(
        lambda: AnyOrder(built),
        settings=settings(
            max_examples=6,
            stateful_step_count=10,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
