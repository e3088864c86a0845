"""What a round of blind comparisons has shown; nothing before it is locked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import duckdb

from core.diagnosis import pairwise
from core.diagnosis.pairwise import Duel, Ranking, Vote
from core.errors import Refusal
from core.locale.mark import N_
from core.store import database

VALUES = {"left": 1, "right": -1, "tie": 0, "both_bad": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal:
    """A locked round. `versions` has each run's prompt and model; a duel is the later run against the earlier."""

    versions: Mapping[str, Mapping[str, Any]]
    duels: Mapping[tuple[str, str], Duel]
    """(new run, old run) -> the duel."""
    ranking: Ranking | None
    """Of three versions or more."""
    both_bad: int
    identical: int
    choices: Sequence[Mapping[str, Any]]
    """One row a choice with both texts and runs, the reason, and who chose."""


def of_round(conn: duckdb.DuckDBPyConnection, round_id: str) -> Reveal:
    """Wins, ties and losses of every two versions, and their order. Raises Refusal while the round is open."""
    found = database.row(conn, "select * from rounds where round_id = ?", [round_id])
    if found is None or found["locked_at"] is None:
        raise Refusal(N_("This round is still open. Lock it first; until then nobody may know who wrote what."))
    query = """
        select p.pair_id, p.sample_id, s.group_id, s.input, p.identical, l.run_id as left_run, g.run_id as right_run,
            l.text as left_text, g.text as right_text, c.rater, c.choice, c.reason
        from pairs as p join samples as s using (sample_id)
        join answers as l on l.answer_id = p.left_answer join answers as g on g.answer_id = p.right_answer
        left join latest_preferences as c on c.pair_id = p.pair_id and c.choice <> 'undone'
        where p.round_id = ? and (p.identical or c.choice is not null) order by p.position, c.rater
    """
    rows = database.rows(conn, query, [round_id])
    votes = [
        Vote(
            sample=row["sample_id"],
            left=row["left_run"],
            right=row["right_run"],
            value=0 if row["identical"] else VALUES[row["choice"]],
        )
        for row in rows
    ]
    groups = {row["sample_id"]: row["group_id"] for row in rows}
    runs = list(dict.fromkeys(found["run_ids"]))
    return Reveal(
        versions=_versions(conn, runs),
        duels={(new, old): pairwise.duel(votes, new, old, groups) for old, new in combinations(runs, 2)},
        ranking=pairwise.rank(votes, seed=found["seed"]) if len(runs) > 2 else None,
        both_bad=sum(row["choice"] == "both_bad" for row in rows),
        identical=sum(row["identical"] for row in rows),
        choices=[row for row in rows if not row["identical"]],
    )


def _versions(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    query = """
        select r.run_id, p.name as prompt_name, m.name as model_name from runs as r join prompts as p using (prompt_id)
        join models as m using (model_id) where list_contains($runs, r.run_id)
    """
    return {row["run_id"]: row for row in database.rows(conn, query, {"runs": list(run_ids)})}
