"""Who may judge what, for how long, and what becomes of an item: queues with terms."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core.access.people import Person
from core.errors import Refusal
from core.evaluation import runs
from core.review import adjudication, blindness, claims, closings, queues, ratings
from core.review.adjudication import Decision
from core.review.queues import Terms
from core.review.ratings import Rating
from core.store import audit, database
from tests import chain

RATERS = ("ann", "bo", "cy")
EXPERT = frozenset(["expert"])


@pytest.fixture
def team(world):
    """Three experts beside Mina, by their ids; they never sign in."""
    made = {name.casefold(): Person(person_id=name.casefold(), name=name, roles=EXPERT) for name in ("Ann", "Bo", "Cy")}
    rows = [{"person_id": key, "name": one.name, "password_hash": "", "roles": ["expert"]} for key, one in made.items()]
    database.insert(world.conn, "people", [{**row, "created_at": database.now()} for row in rows])
    return made


@pytest.fixture
def make(world, team):
    """Makes a queue over the 12 collected answers with such terms."""
    chain.collect(world)
    run = runs.latest(world.conn, world.task.task_id, "collect")

    def create(limit=None, **terms):
        return queues.create(
            world.conn,
            by=world.by,
            task_id=world.task.task_id,
            run_ids=[run["run_id"]],
            limit=limit,
            terms=Terms(**{"raters": RATERS, "each": 1, **terms}),
        )

    return create


def waiting(world, queue_id, rater, limit=100):
    return [item.answer_id for item in ratings.waiting(world.conn, queue_id, rater, limit)]


def rate(world, team, queue_id, answer_id, rater, verdict="pass", **more):
    rating = Rating(queue_id=queue_id, answer_id=answer_id, verdict=verdict, **more)
    ratings.record(world.conn, rating, by=team[rater])


def expire(world, queue_id):
    world.conn.execute("update claims set expires_at = ? where queue_id = ?", [database.now(), queue_id])


def test_what_one_rater_holds_the_others_do_not_get(world, make):
    queue_id = make()
    ann, bo = waiting(world, queue_id, "ann", 3), waiting(world, queue_id, "bo", 3)
    assert len(ann) == len(bo) == 3
    assert not set(ann) & set(bo)
    assert waiting(world, queue_id, "ann", 3) == ann


def test_a_claim_is_written_once_and_audited(world, make):
    queue_id = make()
    for _ in range(3):
        waiting(world, queue_id, "ann", 2)
    assert database.row(world.conn, "select count(*) as n from claims")["n"] == 2
    query = "select count(*) as n from audit_events where act = 'answers.claimed'"
    assert database.row(world.conn, query)["n"] == 1


def test_an_expired_claim_gives_the_answer_to_the_next(world, make):
    queue_id = make()
    ann = waiting(world, queue_id, "ann", 12)
    assert waiting(world, queue_id, "bo") == []
    expire(world, queue_id)
    assert sorted(waiting(world, queue_id, "bo")) == sorted(ann)


def test_a_rating_that_comes_after_the_claim_has_expired_is_kept(world, team, make):
    queue_id = make(limit=1)
    (answer,) = waiting(world, queue_id, "ann")
    expire(world, queue_id)
    assert waiting(world, queue_id, "bo") == [answer]
    rate(world, team, queue_id, answer, "ann")
    rate(world, team, queue_id, answer, "bo")
    assert queues.states(world.conn, queue_id) == {answer: "done"}
    assert queues.overview(world.conn, world.task.task_id)[0]["twice"] == 1


def test_a_claim_is_prolonged_before_it_ends(world, make):
    queue_id = make(limit=1, claim_minutes=30)
    waiting(world, queue_id, "ann")
    world.conn.execute("update claims set expires_at = ?", [database.now() + timedelta(minutes=10)])
    waiting(world, queue_id, "ann")
    longest = database.row(world.conn, "select max(expires_at) as until from claims")["until"]
    assert longest > database.now() + timedelta(minutes=29)


def test_the_states_of_an_item_with_two_ratings_wanted(world, team, make):
    queue_id = make(limit=2, each=2)
    first, second = waiting(world, queue_id, "ann")
    assert set(queues.states(world.conn, queue_id).values()) == {"waiting"}
    rate(world, team, queue_id, first, "ann")
    rate(world, team, queue_id, second, "ann")
    assert set(queues.states(world.conn, queue_id).values()) == {"needs_others"}
    rate(world, team, queue_id, first, "bo")
    rate(world, team, queue_id, second, "bo", "fail")
    assert queues.states(world.conn, queue_id) == {first: "done", second: "disputed"}
    assert waiting(world, queue_id, "cy") == []


def test_a_skip_leaves_the_answer_to_the_others(world, team, make):
    queue_id = make(limit=1)
    (answer,) = waiting(world, queue_id, "ann")
    rate(world, team, queue_id, answer, "ann", "skip")
    assert waiting(world, queue_id, "ann") == []
    assert waiting(world, queue_id, "bo") == [answer]
    assert queues.states(world.conn, queue_id) == {answer: "waiting"}


def test_an_undone_rating_brings_the_answer_back_to_its_rater(world, team, make):
    queue_id = make(limit=1)
    (answer,) = waiting(world, queue_id, "ann")
    rate(world, team, queue_id, answer, "ann")
    ratings.undo(world.conn, queue_id, by=team["ann"])
    assert waiting(world, queue_id, "bo") == []
    assert waiting(world, queue_id, "ann") == [answer]


def test_the_overlap_is_double_rated_and_the_rest_once(world, make):
    make(overlap=5)
    query = "select needed, count(*) as n from queue_items where needed is not null group by needed order by needed"
    assert database.rows(world.conn, query) == [{"needed": 1, "n": 7}, {"needed": 2, "n": 5}]


def test_only_who_is_named_gets_and_may_judge_the_answers(world, team, make):
    queue_id = make(raters=("ann", "bo"))
    assert waiting(world, queue_id, "cy") == []
    assert queue_id not in {one["queue_id"] for one in queues.of_task(world.conn, world.task.task_id, "cy")}
    with pytest.raises(Refusal, match="for other raters"):
        rate(world, team, queue_id, waiting(world, queue_id, "ann")[0], "cy")


def test_a_queue_keeps_its_terms(world, make):
    make(name="Monday", deadline=date(2030, 1, 31), each=2)
    queue = queues.overview(world.conn, world.task.task_id)[0]
    assert (queue["name"], queue["deadline"], queue["terms"]["each"]) == ("Monday", date(2030, 1, 31), 2)
    assert (queue["total"], queue["waiting"]) == (12, 12)


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"each": 4}, "3 raters cannot give 4 ratings to one answer"),
        ({"raters": ("ann",), "overlap": 5}, "1 raters cannot give 2 ratings to one answer"),
        ({"raters": ("ann", "noor")}, "noor cannot rate"),
        ({"each": 0}, "at least one rating"),
        ({"claim_minutes": 0}, "between 1 and 1440 minutes"),
        ({"choice": "disagreements"}, "None of the answers fits this choice"),
    ],
)
def test_terms_that_cannot_be_met_are_refused(make, terms, sentence):
    with pytest.raises(Refusal, match=sentence):
        make(**terms)


def test_the_answers_are_those_that_were_chosen(world, make):
    # 12 train samples, of which the first rung answers a quarter right; only number 0 is critical
    assert len(waiting(world, make(choice="failures"), "ann")) == 9
    assert len(waiting(world, make(choice="critical"), "ann")) == 1


def test_where_versions_differ_both_answers_are_put_up(world, team):
    # rung A answers the first of 2 dev samples right and B both: they differ on the second
    job_id = chain.climb(world, chain.shares(A=0.5, B=1.0))
    run_ids = [run["run_id"] for run in runs.of_job(world.conn, job_id)]
    terms = Terms(choice="differences")
    queue_id = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=run_ids, terms=terms)
    items = ratings.waiting(world.conn, queue_id, "ann", 10)
    assert len(items) == 2
    assert len({item.input for item in items}) == 1
    assert len({item.text for item in items}) == 2


def test_what_raters_disagreed_about_can_be_put_up_again(world, team, make):
    queue_id = make(limit=2, each=2)
    first, second = waiting(world, queue_id, "ann")
    for rater, verdict in (("ann", "pass"), ("bo", "fail")):
        rate(world, team, queue_id, first, rater, verdict)
        rate(world, team, queue_id, second, rater, "pass")
    assert waiting(world, make(choice="disagreements"), "cy") == [first]


class Interleaving(RuleBasedStateMachine):
    """Three raters and a lead, in any order, on three answers that need two ratings each."""

    world = team = None  # set by the test

    def __init__(self):
        super().__init__()
        run = runs.latest(self.world.conn, self.world.task.task_id, "collect")
        self.queue = queues.create(
            self.world.conn,
            by=self.world.by,
            task_id=self.world.task.task_id,
            run_ids=[run["run_id"]],
            limit=3,
            terms=Terms(raters=RATERS, each=2),
        )
        self.run_ids = [run["run_id"]]
        self.answers = sorted(queues.states(self.world.conn, self.queue))
        self.screens = {rater: [] for rater in RATERS}
        self.said = []  # every word that was acknowledged, in order
        self.decisions = {}
        self.closed = set()
        self.ended = False

    @rule(rater=st.sampled_from(RATERS), limit=st.integers(1, 3))
    def claim(self, rater, limit):
        self.screens[rater] = waiting(self.world, self.queue, rater, limit)

    @rule(rater=st.sampled_from(RATERS), verdict=st.sampled_from(("pass", "fail", "skip")))
    def judge_what_is_on_screen(self, rater, verdict):
        """Also after the claim has expired, the item was judged by others or decided: the screen does not know."""
        if self.screens[rater]:
            answer = self.screens[rater].pop(0)
            before = ratings.current(self.world.conn, self.queue, answer, rater)
            rate(self.world, self.team, self.queue, answer, rater, verdict)
            if before is None or before["verdict"] != verdict:
                self.said.append((answer, rater, verdict))

    @rule(rater=st.sampled_from(RATERS))
    def undo(self, rater):
        answer = ratings.undo(self.world.conn, self.queue, by=self.team[rater])
        assert answer not in self.decisions, "what was decided is not taken back"
        if answer is not None:
            self.said.append((answer, rater, "undone"))

    @rule()
    def expire(self):
        expire(self.world, self.queue)

    @rule(place=st.integers(0, 2), verdict=st.sampled_from(("pass", "fail")))
    def adjudicate(self, place, verdict):
        answer = self.answers[place]
        decision = Decision(queue_id=self.queue, answer_id=answer, verdict=verdict, reason="The rule says so.")
        if queues.states(self.world.conn, self.queue)[answer] == "disputed" or answer in self.decisions:
            adjudication.decide(self.world.conn, decision, by=self.world.by)
            self.decisions[answer] = verdict
        else:
            with pytest.raises(Refusal):
                adjudication.decide(self.world.conn, decision, by=self.world.by)

    def latest(self, answer):
        """rater -> what they say of the answer now, by the test's own books."""
        return {rater: said for one, rater, said in self.said if one == answer}

    def nobody_is_left(self, answer):
        latest = self.latest(answer)
        verdicts = [said for said in latest.values() if said in ("pass", "fail")]
        spoken = [said for said in latest.values() if said != "undone"]
        waits = answer not in self.closed and answer not in self.decisions and not self.ended and len(verdicts) < 2
        return waits and len(spoken) == len(RATERS) and "skip" in spoken

    @rule(place=st.integers(0, 2), back=st.booleans())
    def close_or_put_back(self, place, back):
        answer = self.answers[place]
        act = closings.put_back if back else closings.close_item
        values = {"by": self.world.by, "reason": "Nobody knows."}
        if not self.nobody_is_left(answer) and not (back and answer in self.closed):
            with pytest.raises(Refusal):
                act(self.world.conn, self.queue, answer, **values)
            return
        act(self.world.conn, self.queue, answer, **values)
        (self.closed.discard if back else self.closed.add)(answer)
        if back:
            skipped = sorted(rater for rater, said in self.latest(answer).items() if said == "skip")
            self.said += [(answer, rater, "undone") for rater in skipped]

    @rule()
    def end_the_queue_or_open_it_again(self):
        if self.ended:
            closings.extend(self.world.conn, self.queue, date(2099, 1, 1), by=self.world.by)
        else:
            closings.close_queue(self.world.conn, self.queue, by=self.world.by)
        self.ended = not self.ended

    @rule()
    def look_for_what_nobody_is_left_to_judge(self):
        found = closings.stuck(self.world.conn, self.world.task.task_id)
        shown = {one["answer_id"] for one in found if one["queue_id"] == self.queue}
        assert shown == {one for one in self.answers if self.nobody_is_left(one)}

    @invariant()
    def nothing_is_lost(self):
        query = "select answer_id, rater, verdict from ratings where queue_id = ? order by rating_id"
        assert self.world.conn.execute(query, [self.queue]).fetchall() == self.said

    @invariant()
    def the_states_follow_from_what_was_said(self):
        latest = {(answer, rater): verdict for answer, rater, verdict in self.said}
        for answer, state in queues.states(self.world.conn, self.queue).items():
            verdicts = [said for (one, _), said in latest.items() if one == answer and said in ("pass", "fail")]
            if answer in self.decisions:
                assert state == "done"
            elif answer in self.closed:
                assert state == "closed"
            elif len(verdicts) >= 2 and len(set(verdicts)) == 1:
                assert state == "done"
            elif len(verdicts) >= 2:
                assert state == "disputed"
            elif self.ended:
                assert state == "closed"
            else:
                assert state == ("needs_others" if verdicts else "waiting")

    @invariant()
    def nobody_gets_what_they_judged_what_is_decided_or_what_enough_others_have(self):
        latest = {(answer, rater): verdict for answer, rater, verdict in self.said}
        for rater in RATERS:
            for answer in [one["answer_id"] for one in claims.available(self.world.conn, self.queue, rater)]:
                assert latest.get((answer, rater), "undone") == "undone"
                assert answer not in self.decisions
                assert answer not in self.closed
                assert not self.ended
                others = [latest.get((answer, other)) for other in RATERS if other != rater]
                assert len([said for said in others if said in ("pass", "fail")]) < 2

    @invariant()
    def what_waits_for_a_rater_is_what_the_states_leave_open(self):
        query = """
            select count(*) from queue_states as i join queues as q using (queue_id)
            left join queue_ratings as m on m.queue_id = i.queue_id and m.answer_id = i.answer_id and m.rater = $rater
            where i.is_open and coalesce(m.verdict, 'undone') = 'undone'
                and (len(q.raters) = 0 or list_contains(q.raters, $rater))
        """
        for rater in RATERS:
            (expected,) = self.world.conn.execute(query, {"rater": rater}).fetchone()
            assert blindness.waiting(self.world.conn, self.run_ids, self.team[rater]) == expected

    @precondition(lambda self: len(self.said) > 5)
    @rule()
    def check_the_chain(self):
        assert audit.first_bad_entry(self.world.conn) is None


def test_any_interleaving_keeps_the_states_legal_and_loses_nothing(world, team):
    chain.collect(world)
    Interleaving.world, Interleaving.team = world, team
    run_state_machine_as_test(
        Interleaving,
        settings=settings(
            max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
