"""Any order of claiming, judging, undoing, expiring, deciding and closing: states stay legal, nothing is lost."""

from datetime import date

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core.errors import Refusal
from core.evaluation import runs
from core.review import adjudication, blindness, claims, closings, queues, ratings
from core.review.adjudication import Decision
from core.review.queues import Terms
from core.store import audit
from tests import chain
from tests.core.review import team as three
from tests.core.review.team import RATERS, expire, rate, waiting


class Interleaving(RuleBasedStateMachine):
    """Three raters and a lead, in any order, on three answers that need two ratings each."""

    world = team = None  # set by the test

    def __init__(self):
        super().__init__()
        run = runs.latest(self.world.conn, self.world.task.task_id, "collect")
        self.run_ids = [run["run_id"]]
        self.elsewhere = {one: blindness.waiting(self.world.conn, self.run_ids, self.team[one]) for one in RATERS}
        self.queue = queues.create(
            self.world.conn,
            by=self.world.by,
            task_id=self.world.task.task_id,
            run_ids=self.run_ids,
            limit=3,
            terms=Terms(raters=RATERS, each=2),
        )
        self.answers = sorted(queues.states(self.world.conn, self.queue))
        self.screens = {rater: [] for rater in RATERS}
        self.held = set()  # (answer, rater) of the claims that have not expired
        self.said = []  # every word that was acknowledged, in order
        self.decisions = {}
        self.closed = set()
        self.ended = False

    @rule(rater=st.sampled_from(RATERS), limit=st.integers(1, 3))
    def claim(self, rater, limit):
        self.screens[rater] = waiting(self.world, self.queue, rater, limit)
        self.held |= {(answer, rater) for answer in self.screens[rater]}

    @rule(rater=st.sampled_from(RATERS), verdict=st.sampled_from(("pass", "fail", "skip")))
    def judge_what_is_on_screen(self, rater, verdict):
        """Also after the claim has expired, the item was judged by others or decided: the screen does not know."""
        if self.screens[rater]:
            self.say(self.screens[rater].pop(0), rater, verdict)

    def say(self, answer, rater, verdict):
        before = ratings.current(self.world.conn, self.queue, answer, rater)
        rate(self.world, self.team, self.queue, answer, rater, verdict)
        if before is None or before["verdict"] != verdict:
            self.said.append((answer, rater, verdict))

    @rule(place=st.integers(0, 2), words=st.tuples(*[st.sampled_from(("pass", "fail", "skip", None))] * 3))
    def several_speak(self, place, words):
        """From old screens, each in another tab: also about what was decided or closed since."""
        for rater, verdict in zip(RATERS, words, strict=True):
            if verdict is not None:
                self.say(self.answers[place], rater, verdict)

    @rule(rater=st.sampled_from(RATERS))
    def undo(self, rater):
        answer = ratings.undo(self.world.conn, self.queue, by=self.team[rater])
        assert answer not in self.decisions, "what was decided is not taken back"
        if answer is not None:
            self.said.append((answer, rater, "undone"))

    @rule()
    def expire(self):
        expire(self.world, self.queue)
        self.held.clear()

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

    def left_to(self, rater):
        """By the books, what the rater has no word on, nobody has settled and fewer than two have judged."""
        return [
            answer
            for answer in self.answers
            if not (self.ended or answer in self.closed or answer in self.decisions)
            and self.latest(answer).get(rater, "undone") == "undone"
            and [said in ("pass", "fail") for said in self.latest(answer).values()].count(True) < 2
        ]

    def taken_by_others(self, answer, rater):
        """How many others have judged the answer or hold it without a word on it."""
        latest = self.latest(answer)
        judged = {one for one, said in latest.items() if said in ("pass", "fail")}
        at_it = {one for held, one in self.held if held == answer and latest.get(one, "undone") == "undone"}
        return len((judged | at_it) - {rater})

    @invariant()
    def everybody_gets_what_is_left_to_them_and_not_taken_by_two_others(self):
        for rater in RATERS:
            found = {one["answer_id"] for one in claims.available(self.world.conn, self.queue, rater)}
            assert found == {one for one in self.left_to(rater) if self.taken_by_others(one, rater) < 2}

    @invariant()
    def a_page_counts_what_is_left_to_a_rater_held_by_others_or_not(self):
        for rater in RATERS:
            found = blindness.waiting(self.world.conn, self.run_ids, self.team[rater])
            assert found == self.elsewhere[rater] + len(self.left_to(rater))

    @precondition(lambda self: len(self.said) > 5)
    @rule()
    def check_the_chain(self):
        assert audit.first_bad_entry(self.world.conn) is None


def test_any_interleaving_keeps_the_states_legal_and_loses_nothing(world):
    chain.collect(world)
    Interleaving.world, Interleaving.team = world, three.join(world)
    run_state_machine_as_test(
        Interleaving,
        settings=settings(
            max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
