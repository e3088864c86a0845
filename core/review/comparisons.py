"""Blind comparison: two answers to one sample, sides shuffled. Who wrote which is told once the round is locked."""

import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, get_args
from uuid import uuid4

import duckdb

from core import content
from core.access import people, roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.store import audit, database

Choice = Literal["left", "right", "tie", "both_bad"]
CHOICES: tuple[Choice, ...] = get_args(Choice)


class _AlreadySaidError(Exception):
    """Rolls a change back that would say nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two answers as a rater may see them: nothing here tells which prompt or model wrote which."""

    pair_id: str
    input: str
    context: str
    left: str
    right: str


def create(
    conn: duckdb.DuckDBPyConnection,
    *,
    by: Person,
    task_id: str,
    run_ids: Sequence[str],
    name: str = "",
    limit: int | None = None,
    raters: Sequence[str] = (),
) -> str:
    """Open a round over the samples that all runs have answered, or `limit` of them at random; returns its id.

    Every two runs are compared on every sample, sides and order shuffled with a seed that is kept. Equal answers are
    a tie that nobody is asked about. Raises Refusal when there is nothing to compare or somebody named cannot rate.
    """
    roles.require(by, "run.start")
    if len(set(run_ids)) < 2:
        raise Refusal(N_("A comparison needs two versions. Choose two runs or more."))
    can = {one.person_id for one in people.everyone(conn) if roles.may(one, "rate")}
    if unable := sorted(set(raters) - can):
        name = people.names(conn)[unable[0]]
        raise Refusal(N_("%(name)s cannot rate. Name people with the role of an expert."), name=name)
    texts = _texts(conn, run_ids)
    shared = sorted(sample for sample, found in texts.items() if len(found) == len(set(run_ids)))
    if not shared:
        raise Refusal(N_("These runs have answered no sample in common. Choose runs over the same samples."))
    seed = random.SystemRandom().randrange(2**31)
    order = random.Random(seed)
    order.shuffle(shared)
    round_id = uuid4().hex
    rows = [row for sample in shared[:limit] for row in _pairs(round_id, sample, texts[sample], order)]
    if all(row["identical"] for row in rows):
        raise Refusal(N_("All these answers are equal, so there is nothing to compare. Choose other runs."))
    order.shuffle(rows)
    detail = {"runs": list(run_ids), "pairs": len(rows), "seed": seed, "raters": list(raters)}
    with audit.change(conn, actor=by.person_id, act="round.opened", subject=round_id, detail=detail):
        row = {"round_id": round_id, "task_id": task_id, "name": name.strip(), "run_ids": list(run_ids), "seed": seed}
        row |= {"raters": list(raters), "created_by": by.person_id, "created_at": database.now()}
        database.insert(conn, "rounds", [row])
        database.insert(conn, "pairs", [{**row, "position": position} for position, row in enumerate(rows)])
    return round_id


def _texts(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[str, dict[str, tuple[str, str]]]:
    """sample id -> run id -> the first answer's id and text."""
    query = """
        select sample_id, run_id, answer_id, text from answers
        where list_contains($runs, run_id) and text is not null
        qualify row_number() over (partition by sample_id, run_id order by repeat) = 1 order by sample_id, run_id
    """
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for row in database.rows(conn, query, {"runs": list(run_ids)}):
        found.setdefault(row["sample_id"], {})[row["run_id"]] = (row["answer_id"], row["text"])
    return found


def _pairs(
    round_id: str, sample_id: str, texts: Mapping[str, tuple[str, str]], order: random.Random
) -> list[dict[str, Any]]:
    rows = []
    for two in combinations(sorted(texts), 2):
        left, right = order.sample(two, 2)
        rows.append(
            {
                "pair_id": content.name("pair", [round_id, sample_id, *two]),
                "round_id": round_id,
                "sample_id": sample_id,
                "left_answer": texts[left][0],
                "right_answer": texts[right][0],
                "identical": texts[left][1].strip() == texts[right][1].strip(),
            }
        )
    return rows


def of_task(conn: duckdb.DuckDBPyConnection, task_id: str, rater: str) -> list[dict[str, Any]]:
    """The task's rounds, the newest first, with `total` pairs to compare, `done` by the rater of those `asked`, and
    `mine`: whether the rater is asked at all; `chosen` counts everybody's choices and `people` who made them."""
    query = """
        with own as (select answer_id from own_answers where rater = $rater), said as (
            select round_id, count(*) as chosen, count(distinct rater) as people,
                count(*) filter (rater = $rater) as done
            from latest_preferences where choice <> 'undone' group by round_id
        )
        select r.round_id, r.name, r.run_ids, r.raters, r.created_by, r.created_at, r.locked_by, r.locked_at,
            count(*) filter (not p.identical) as total, count(*) filter (p.identical) as identical,
            count(*) filter (not p.identical and (m.choice is not null or p.left_answer not in (from own)
                and p.right_answer not in (from own))) as asked,
            coalesce(any_value(s.done), 0) as done, coalesce(any_value(s.chosen), 0) as chosen,
            coalesce(any_value(s.people), 0) as people,
            len(r.raters) = 0 or list_contains(r.raters, $rater) as mine
        from rounds as r join pairs as p using (round_id) left join said as s using (round_id)
        left join latest_preferences as m on m.pair_id = p.pair_id and m.rater = $rater and m.choice <> 'undone'
        where r.task_id = $task group by all order by r.created_at desc
    """
    return database.rows(conn, query, {"task": task_id, "rater": rater})


def waiting(conn: duckdb.DuckDBPyConnection, round_id: str, rater: str, limit: int = 1) -> list[Pair]:
    """The rater's next pairs, in an order of their own; none once the round is locked or is for others.

    A pair with an answer that is word for word what the rater once wrote as a correction is left to others.
    """
    query = """
        with own as (select answer_id from own_answers where rater = $rater)
        select p.pair_id, s.input, s.context, l.text as left, g.text as right
        from pairs as p join rounds as r using (round_id) join samples as s using (sample_id)
        join answers as l on l.answer_id = p.left_answer join answers as g on g.answer_id = p.right_answer
        left join latest_preferences as m on m.pair_id = p.pair_id and m.rater = $rater
        where p.round_id = $round and not p.identical and r.locked_at is null
            and (len(r.raters) = 0 or list_contains(r.raters, $rater))
            and coalesce(m.choice, 'undone') = 'undone'
            and p.left_answer not in (from own) and p.right_answer not in (from own)
        order by md5(concat_ws(':', r.seed, $rater, p.pair_id)) limit $limit
    """
    found = database.rows(conn, query, {"round": round_id, "rater": rater, "limit": limit})
    return [Pair(**row) for row in found]


def choose(
    conn: duckdb.DuckDBPyConnection, round_id: str, pair_id: str, choice: Choice, *, by: Person, reason: str = ""
) -> None:
    """Add the rater's choice; it supersedes an earlier one, and the same twice is kept once.

    Raises Refusal when the round is locked, is for others, or has no such pair, or when one of the answers is in the
    rater's own words.
    """
    roles.require(by, "rate")
    if choice not in CHOICES:
        raise Refusal(N_("“%(choice)s” is not a choice. Choose A, B, a tie or both bad."), choice=choice)
    _append(conn, round_id, pair_id, choice, reason.strip(), by)


def undo(conn: duckdb.DuckDBPyConnection, round_id: str, *, by: Person) -> str | None:
    """Take back the rater's newest choice in the round; the pair waits again. Returns its id, or None."""
    roles.require(by, "rate")
    query = """
        select pair_id from latest_preferences where round_id = $round and rater = $rater and choice <> 'undone'
        order by preference_id desc limit 1
    """
    latest = database.row(conn, query, {"round": round_id, "rater": by.person_id})
    if latest is None:
        return None
    _append(conn, round_id, latest["pair_id"], "undone", "", by)
    return str(latest["pair_id"])


def _append(conn: duckdb.DuckDBPyConnection, round_id: str, pair_id: str, choice: str, reason: str, by: Person) -> None:
    detail = {"round": round_id}
    with (
        suppress(_AlreadySaidError),
        audit.change(conn, actor=by.person_id, act="pair.compared", subject=pair_id, detail=detail),
    ):
        known = _known(conn, round_id, pair_id, by.person_id)
        if known["own"] and choice != "undone":
            raise Refusal(
                N_("One of these answers is word for word what you wrote as a correction, so others compare them.")
            )
        if (known["choice"], known["reason"]) == (choice, reason):
            raise _AlreadySaidError
        row: dict[str, Any] = {"round_id": round_id, "pair_id": pair_id, "rater": by.person_id, "choice": choice}
        row |= {"reason": reason, "supersedes": known["preference_id"], "chosen_at": database.now()}
        database.insert(conn, "preferences", [row])


def _known(conn: duckdb.DuckDBPyConnection, round_id: str, pair_id: str, rater: str) -> dict[str, Any]:
    """The pair with the rater's choice so far. Raises Refusal when there is nothing (any more) to choose."""
    query = """
        select p.identical, r.locked_at, r.raters, m.preference_id, m.choice, m.reason,
            exists (from own_answers where rater = $rater and answer_id in (p.left_answer, p.right_answer)) as own
        from rounds as r join pairs as p using (round_id)
        left join latest_preferences as m on m.pair_id = p.pair_id and m.rater = $rater
        where r.round_id = $round and p.pair_id = $pair
    """
    known = database.row(conn, query, {"round": round_id, "pair": pair_id, "rater": rater})
    if known is None or known["identical"]:
        raise Refusal(N_("This pair is not in the round. Go back to the list of rounds."))
    if known["locked_at"] is not None:
        raise Refusal(N_("This round is locked: who wrote what has been told. Open a new round to compare more."))
    if known["raters"] and rater not in known["raters"]:
        raise Refusal(N_("This round is for other raters. Ask the operator to open one for you."))
    return known


def lock(conn: duckdb.DuckDBPyConnection, round_id: str, *, by: Person) -> None:
    """End the round for good: from now on nobody chooses, and everybody may see who wrote what.

    Raises Refusal when nothing was compared, or when it is locked already.
    """
    roles.require(by, "run.start")
    with audit.change(conn, actor=by.person_id, act="round.locked", subject=round_id) as detail:
        query = "select count(*) as n from latest_preferences where round_id = ? and choice <> 'undone'"
        detail["choices"] = (database.row(conn, query, [round_id]) or {"n": 0})["n"]
        if not detail["choices"]:
            raise Refusal(N_("Nothing has been compared in this round yet. Wait until somebody has."))
        changed = conn.execute(
            """
            update rounds set locked_by = $by, locked_at = $now where round_id = $round and locked_at is null
            returning round_id
            """,
            {"by": by.person_id, "now": database.now(), "round": round_id},
        ).fetchall()
        if not changed:
            raise Refusal(N_("This round is locked already. Look at its result."))
