"""Queues: which answers wait for whom, in a stored random order that mixes the versions."""

import json
import random
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal
from uuid import uuid4

import duckdb

from core import content
from core.access import people, roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import tasks
from core.locale.mark import N_
from core.review import claims, selections
from core.review.selections import Choice
from core.store import audit, database

State = Literal["waiting", "needs_others", "disputed", "done", "closed"]
"""Of an item: nobody has judged it; more ratings are wanted; pass against fail, or points two or more apart; enough
agree, or a lead decided; nobody is asked any more."""

OVERLAP = 50
"""With fewer double-rated answers, a true agreement of 0.6 may show as anything from 0.3 to 0.9."""

LONGEST_CLAIM = 24 * 60
"""Minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the operator asks of a queue.

    `each` is how many ratings an answer needs; None leaves every answer open to every rater, and one is enough. With
    `each` = 1, `overlap` answers drawn at random need two, so that agreement can be measured. Nobody in `raters`
    means every expert. A rater holds an answer for `claim_minutes`.
    """

    name: str = ""
    choice: Choice = "all"
    metric: str = "correct"
    raters: Sequence[str] = ()
    each: int | None = None
    overlap: int = 0
    deadline: date | None = None
    claim_minutes: int = 30

    def __post_init__(self) -> None:
        if self.choice not in selections.CHOICES:
            raise ValueError("A choice is one of the list.")
        if self.each is not None and self.raters and max(self.each, 2 if self.overlap else 1) > len(set(self.raters)):
            raise Refusal(
                N_("%(raters)s raters cannot give %(each)s ratings to one answer. Name more raters, or ask for fewer."),
                raters=len(set(self.raters)),
                each=max(self.each, 2 if self.overlap else 1),
            )
        if (self.each is not None and self.each < 1) or self.overlap < 0:
            raise Refusal(N_("An answer needs at least one rating. Ask for one or more."))
        if not 1 <= self.claim_minutes <= LONGEST_CLAIM:
            raise Refusal(
                N_("A claim lasts between 1 and %(longest)s minutes. Choose such a time."), longest=LONGEST_CLAIM
            )


def create(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    task_id: str,
    run_ids: Sequence[str],
    limit: int | None = None,
    terms: Terms | None = None,
    only: Collection[str] | None = None,
) -> str:
    """Put the runs' answers into a queue, shuffled with a seed that is kept; returns the queue's id.

    `limit` draws that many at random, `only` names the answers to choose from. Raises Refusal when the runs have no
    such answers, when an answer would need more ratings than there are raters, or when somebody named cannot rate.
    """
    roles.require(by, "run.start")
    terms = terms or Terms()
    _check_raters(conn, terms)
    answers = selections.answers(conn, run_ids, terms.choice, terms.metric)
    answers = [answer for answer in answers if only is None or answer in only]
    if not answers and terms.choice != "all" and selections.answers(conn, run_ids):
        raise Refusal(N_("None of the answers fits this choice. Choose other answers."))
    if not answers:
        raise Refusal(N_("These runs have no answers to rate yet. Wait until some are in."))
    seed = random.SystemRandom().randrange(2**31)
    order = random.Random(seed)
    order.shuffle(answers)
    answers = answers[:limit]
    twice = set(order.sample(answers, min(terms.overlap, len(answers)))) if terms.each == 1 else set()
    queue_id = uuid4().hex
    asked = asdict(terms) | {"raters": list(terms.raters), "deadline": str(terms.deadline) if terms.deadline else None}
    detail = {"runs": list(run_ids), "answers": len(answers), "seed": seed, "terms": asked}
    with audit.change(conn, actor=by.person_id, act="queue.created", subject=queue_id, detail=detail):
        row = {"queue_id": queue_id, "task_id": task_id, "rubric_id": tasks.rubric(conn, task_id)["rubric_id"]}
        row |= {"run_ids": list(run_ids), "seed": seed, "created_by": by.person_id, "created_at": database.now()}
        row |= {"name": terms.name.strip(), "terms": content.canonical(asked), "deadline": terms.deadline}
        database.insert(conn, "queues", [{**row, "raters": list(terms.raters), "claim_minutes": terms.claim_minutes}])
        items = [
            {
                "queue_id": queue_id,
                "position": position,
                "answer_id": answer,
                "needed": 2 if answer in twice else terms.each,
            }
            for position, answer in enumerate(answers)
        ]
        database.insert(conn, "queue_items", items)
    return queue_id


def _check_raters(conn: duckdb.DuckDBPyConnection, terms: Terms) -> None:
    can = {one.person_id for one in people.everyone(conn) if roles.may(one, "rate")}
    if unable := sorted(set(terms.raters) - can):
        name = people.names(conn)[unable[0]]
        raise Refusal(N_("%(name)s cannot rate. Name people with the role of an expert."), name=name)


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str, rater: str) -> list[dict[str, Any]]:
    """The task's queues that the rater may work on, the newest first.

    `done` counts the rater's judgements, `total` adds what waits for the rater now. With `name`, `deadline`,
    `closed_at`, `purpose`, `split` and `set_name`.
    """
    query = """
        with mine as (
            select queue_id, count(*) filter (verdict in ('pass', 'fail', 'skip')) as done
            from queue_ratings where rater = $rater group by queue_id
        )
        select q.queue_id, q.name, q.deadline, q.closed_at, q.created_at, any_value(r.purpose) as purpose,
            any_value(r.split) as split, any_value(s.name) as set_name, coalesce(any_value(m.done), 0) as done
        from queues as q join runs as r on list_contains(q.run_ids, r.run_id) join eval_sets as s using (eval_set_id)
        left join mine as m on m.queue_id = q.queue_id
        where q.task_id = $task and (len(q.raters) = 0 or list_contains(q.raters, $rater))
        group by q.queue_id, q.name, q.deadline, q.closed_at, q.created_at order by q.created_at desc
    """
    found = database.rows(conn, query, {"task": task_id, "rater": rater})
    return [{**row, "total": row["done"] + len(claims.available(conn, row["queue_id"], rater))} for row in found]


def overview(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """All queues of the task, the newest first: `terms`, how many items are in each state, and in all (`total`).

    `twice` counts the items that at least two people have judged, which is what agreement is measured on.
    """
    query = """
        select q.queue_id, q.name, q.raters, q.terms, q.deadline, q.closed_by, q.closed_at, q.created_by, q.created_at,
            (select any_value(s.name) from runs as r join eval_sets as s using (eval_set_id)
                where list_contains(q.run_ids, r.run_id)) as set_name,
            count(*) as total, count(*) filter (i.state = 'waiting') as waiting,
            count(*) filter (i.state = 'needs_others') as needs_others,
            count(*) filter (i.state = 'disputed') as disputed, count(*) filter (i.state = 'done') as done,
            count(*) filter (i.state = 'closed') as closed, count(*) filter (i.passed + i.failed >= 2) as twice
        from queues as q join queue_states as i using (queue_id)
        where q.task_id = ? group by all order by q.created_at desc
    """
    return [{**row, "terms": json.loads(row["terms"])} for row in database.rows(conn, query, [task_id])]


def raters(conn: duckdb.DuckDBPyConnection, queue_id: str) -> list[dict[str, Any]]:
    """Who works on the queue: `rater`, how many `judged` and `skipped`, how many are `held` now; by name."""
    query = """
        with said as (
            select rater, count(*) filter (verdict in ('pass', 'fail')) as judged,
                count(*) filter (verdict = 'skip') as skipped
            from queue_ratings where queue_id = $queue group by rater
        ), held as (
            select c.rater, count(distinct c.answer_id) as held
            from claims as c left join queue_ratings as r using (queue_id, answer_id, rater)
            where c.queue_id = $queue and c.expires_at > $now and coalesce(r.verdict, 'undone') = 'undone'
            group by c.rater
        ), named as (select unnest(raters) as rater from queues where queue_id = $queue)
        select rater, coalesce(judged, 0) as judged, coalesce(skipped, 0) as skipped, coalesce(held, 0) as held
        from named full join said using (rater) full join held using (rater) order by rater
    """
    return database.rows(conn, query, {"queue": queue_id, "now": database.now()})


def states(conn: duckdb.DuckDBPyConnection, queue_id: str) -> dict[str, State]:
    """answer id -> the state of the item."""
    query = "select answer_id, state from queue_states where queue_id = ?"
    return dict(conn.execute(query, [queue_id]).fetchall())
