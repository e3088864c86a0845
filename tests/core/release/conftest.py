"""A trial with its proof, and the people a decision takes, each with a password that works."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from core import content
from core.access import people
from core.access.people import Person
from core.evaluation import eval_sets, models, prompts, tasks
from core.release import breakages, evidence, labels, plans, sign_offs, signatures
from core.release.signatures import Signing
from core.review import ratings
from core.settings import Settings
from core.store import database
from core.training import trials
from tests import chain
from tests.chain import World

PASSWORD = "four plain words here"
PASSES = chain.shares(A=0.25, B=0.25, before=1.0, after=1.0)


@dataclass(frozen=True)
class House:
    """The world and its people: Mina does everything (so she is requester and trainer), the others one thing each."""

    world: World
    mina: Person
    ann: Person
    """An approver."""
    max: Person
    """A manager."""
    eve: Person
    """An expert."""
    root: Person
    """An admin."""

    @property
    def conn(self) -> duckdb.DuckDBPyConnection:
        return self.world.conn

    @property
    def trial_id(self) -> str:
        """The one trial there is."""
        return str(trials.of_task(self.conn, self.world.task.task_id)[0]["trial_id"])

    def signing(
        self, by: Person, subject: str, digest: str, reason: str = "As agreed in the meeting.", **how
    ) -> Signing:
        """A form opened and filled in by this person."""
        token = signatures.challenge(self.conn, by=by, subject=subject, digest=digest)
        return Signing(**{"password": PASSWORD, "challenge": token, "reason": reason, "zone": "Asia/Shanghai"} | how)

    def plan(self, trial_id: str, by: Person | None = None, **terms) -> str:
        agreed = plans.draft(self.conn, trial_id)
        agreed = plans.Terms(**{name: getattr(agreed, name) for name in agreed.__slots__} | {"labels": 4} | terms)
        by = by or self.mina
        signing = self.signing(by, trial_id, plans.digest(trial_id, agreed))
        return plans.sign(self.conn, trial_id, agreed, signing, by=by)

    def label(self, trial_id: str, by: Person | None = None) -> None:
        queue_id = labels.ask(self.conn, trial_id, by=self.mina)
        by = by or self.eve
        for item in ratings.waiting(self.conn, queue_id, by.person_id, 1000):
            verdict = "pass" if item.text == item.reference else "fail"
            ratings.record(
                self.conn, ratings.Rating(queue_id=queue_id, answer_id=item.answer_id, verdict=verdict), by=by
            )

    def accept_breakages(self, trial_id: str) -> None:
        for flip in breakages.broken(plans.report(self.conn, trial_id)):
            breakages.answer(self.conn, trial_id, flip.sample_id, "accepted", "A rare case.", by=self.eve)

    def request(self, trial_id: str, days: int = 90) -> str:
        until = (database.now() + timedelta(days=days)).date()
        return sign_offs.request(self.conn, trial_id, by=self.mina, scope="Sorting parcels", expires_on=until)

    def end(self, until: date, *sign_off_ids: str) -> None:
        """These sign-offs, or all, as they would be, had they been put up to end on this day."""
        for case in sign_offs.of_task(self.conn, self.world.task.task_id):
            if sign_off_ids and case.sign_off_id not in sign_off_ids:
                continue
            signed = {**case.evidence, "terms": evidence.terms(case.scope, until)}
            values = [until, content.canonical(signed), case.sign_off_id]
            self.conn.execute("update sign_offs set expires_on = ?, evidence = ? where sign_off_id = ?", values)

    def sign(self, sign_off_id: str, by: Person, decision="approved", **how) -> str:
        case = sign_offs.find(self.conn, sign_off_id)
        signing = self.signing(by, sign_offs.form(sign_off_id, decision), case.digest, **how)
        return sign_offs.sign(self.conn, sign_off_id, decision, signing, by=by)

    def put_up(self, trial_id: str) -> str:
        """Through every step up to an open sign-off."""
        self.plan(trial_id)
        self.label(trial_id)
        self.accept_breakages(trial_id)
        return self.request(trial_id)


OTHERS = {"ann": "approver", "max": "manager", "eve": "expert", "root": "admin"}
TRIALS = {"passes": PASSES, "breaks": chain.breaks}
Build = Callable[[str], Path]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Data folders made once, to be copied: `ready` to train, a trial that `passes` or `breaks`, and one `signed`."""
    made: dict[str, Path] = {}

    def build(name: str) -> Path:
        if name not in made:
            settings = Settings(data=tmp_path_factory.mktemp(name) / "data")
            if name == "ready":
                prepare(settings)
            else:
                source = build({"signed": "passes"}.get(name, "ready"))
                with _opened(source, settings) as house:
                    if name == "signed":
                        house.sign(house.put_up(house.trial_id), house.ann)
                    else:
                        chain.train(house.world, TRIALS[name])
            made[name] = settings.data
        return made[name]

    return build


def prepare(settings: Settings) -> None:
    connection = database.connect(settings)
    conn = connection.cursor()
    mina = people.create_first(conn, name="Mina", password=PASSWORD)
    for other, role in OTHERS.items():
        people.create(conn, name=other.title(), password=PASSWORD, roles_held=[role], by=mina)
    world = chain.small(conn, settings, mina, dev=4, train=6, gate=40, retain=60)
    chain.climb(world)
    chain.to_approval(world)
    connection.close()


@contextmanager
def _opened(source: Path, settings: Settings) -> Iterator[House]:
    """A copy of the folder, where the settings say."""
    shutil.copytree(source, settings.data)
    with entered(settings, moved_from=source) as house:
        yield house


@contextmanager
def entered(settings: Settings, moved_from: Path | None = None) -> Iterator[House]:
    """A folder that is there already."""
    connection = database.connect(settings)
    conn = connection.cursor()
    if moved_from is not None:
        conn.execute("update models set path = replace(path, ?, ?)", [str(moved_from), str(settings.data)])
    known = {one.person_id: one for one in people.everyone(conn)}
    task = tasks.everything(conn)[0]
    eval_set = eval_sets.of_task(conn, task.task_id)[0]
    ladder, base = prompts.ladder(conn, task.task_id, eval_set.name), models.everything(conn)[0]
    assert ladder is not None
    world = World(
        conn=conn, settings=settings, by=known["mina"], task=task, eval_set=eval_set, ladder=ladder, base=base
    )
    yield House(world=world, **known)
    connection.close()


@pytest.fixture
def enter(built: Build, settings: Settings) -> Iterator[Callable[[str], House]]:
    """Opens a copy of one of those folders."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(_opened(built(name), settings))


@pytest.fixture
def house(enter: Callable[[str], House]) -> House:
    """40 gate and 60 retain samples, and a trial whose proof passes: 75 points better on the gate, nothing broken."""
    return enter("passes")


@pytest.fixture
def trial_id(house: House) -> str:
    return house.trial_id


@pytest.fixture
def broken(enter):
    """A house whose trial is better by far and broke four samples, a critical one among them."""
    return enter("breaks")
