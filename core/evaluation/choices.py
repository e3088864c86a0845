"""Which scorer counts for an eval set; choosing another one scores what is there anew, without asking a model."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from core import content
from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import current_scorers, retrieving, sums
from core.evaluation.eval_sets import EvalSet
from core.jobs import jobs
from core.knowledge import shown
from core.locale.mark import N_
from core.scoring import scorers
from core.scoring.cases import Score
from core.scoring.scorers import Scorer
from core.store import audit, database

MOST_PREVIEWED = 2_000
"""Answers that a preview scores; it is drawn anew with every change of the form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One answer that another scorer would score otherwise, by the leading metrics of the two."""

    key: str
    answer: str
    reference: str
    before: float | None
    after: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a scorer would say of the answers that are there; `correct` are means, None where nothing is scored."""

    answers: int
    metric: str
    before: float | None
    after: float | None
    changes: Sequence[Change]


def history(conn: duckdb.DuckDBPyConnection, eval_set_id: str) -> list[dict[str, Any]]:
    """The choices for the set, the newest first: `scorer_id`, `definition` (JSON text), `chosen_by`, `chosen_at`."""
    query = """
        select scorer_id, definition, chosen_by, chosen_at from scorer_choices join scorers using (scorer_id)
        where eval_set_id = ? order by choice_id desc
    """
    return database.rows(conn, query, [eval_set_id])


def apply(scorer: Scorer, eval_set: EvalSet, answer: dict[str, Any]) -> list[Score]:
    """The scores of one answer: a row with `text`, `reference`, `input` and `context`."""
    return scorers.score(
        scorer, answer["text"], answer["reference"], eval_set.schema,
        question=answer["input"], context=answer["context"],
    )  # fmt: skip


def choose(conn: duckdb.DuckDBPyConnection, *, by: Person, eval_set: EvalSet, scorer: Scorer) -> int:
    """Let the scorer count for the set, and score the answers that are there anew; returns how many.

    Scores given before stay readable in `superseded_scores`. Raises Refusal while answers are coming in, and once the
    set has been used for a proof: a scorer chosen with the result in sight could be chosen for the result.
    """
    roles.require(by, "run.start")
    check_open(conn, eval_set)
    if current_scorers.of_set(conn, eval_set).scorer_id == scorer.scorer_id:
        raise Refusal(N_("This scorer counts for the set already. Change something, or leave it as it is."))
    answers = _answers(conn, eval_set.eval_set_id)
    rows = [
        {"answer_id": answer["answer_id"], "scorer": scorer.scorer_id, **asdict(score)}
        for answer in answers
        for score in apply(scorer, eval_set, answer)
    ]
    detail = {"scorer": scorer.scorer_id, "definition": scorer.definition, "answers": len(answers)}
    now = database.now()
    with audit.change(conn, actor=by.person_id, act="scorer.chosen", subject=eval_set.eval_set_id, detail=detail):
        made = {"definition": content.canonical(scorer.definition), "created_by": by.person_id, "created_at": now}
        if database.row(conn, "select 1 from scorers where scorer_id = ?", [scorer.scorer_id]) is None:
            database.insert(conn, "scorers", [{"scorer_id": scorer.scorer_id, **made}])
        choice = {"eval_set_id": eval_set.eval_set_id, "scorer_id": scorer.scorer_id}
        database.insert(conn, "scorer_choices", [{**choice, "chosen_by": by.person_id, "chosen_at": now}])
        mine = {"eval_set": eval_set.eval_set_id}
        conn.execute(
            """
            insert into superseded_scores
            select c.answer_id, c.scorer, c.metric, c.value, c.reason, $now::timestamp
            from scores as c join answers as a using (answer_id) join runs as r using (run_id)
            where r.eval_set_id = $eval_set
            """,
            {**mine, "now": now},
        )
        conn.execute(
            """
            delete from scores where answer_id in (
                select answer_id from answers join runs as r using (run_id) where r.eval_set_id = $eval_set
            )
            """,
            mine,
        )
        database.insert(conn, "scores", rows)
        runs = conn.execute("select run_id from runs where eval_set_id = $eval_set order by run_id", mine).fetchall()
        sums.keep(conn, [run_id for (run_id,) in runs])
    return len(answers)


def carry_over(conn: duckdb.DuckDBPyConnection, *, by: Person, before: EvalSet, after: EvalSet) -> None:
    """Let the scorer that counts for one version count for the next one, which nobody has answered yet.

    Nothing is done where it counts already, so that it may be asked twice.
    """
    roles.require(by, "run.start")
    scorer = current_scorers.of_set(conn, before)
    if current_scorers.of_set(conn, after).scorer_id != scorer.scorer_id:
        choose(conn, by=by, eval_set=after, scorer=scorer)


def check_open(conn: duckdb.DuckDBPyConnection, eval_set: EvalSet) -> None:
    """Raises Refusal when the set's scorer may not change: its answers are coming in, or a proof has been made."""
    query = """
        select count(*) filter (purpose = 'proof') as proofs, count(*) filter (list_contains($open, j.state)) as going
        from runs as r join jobs as j using (job_id) where r.eval_set_id = $eval_set
    """
    found = database.row(conn, query, {"open": list(jobs.OPEN), "eval_set": eval_set.eval_set_id})
    assert found is not None
    if found["proofs"]:
        raise Refusal(
            N_(
                "A final proof has been made with the set “%(name)s”, version %(version)s, so its scorer is fixed: a "
                "scorer chosen with the result in sight could be chosen for the result. "
                "Import the samples as a new version and choose its scorer before the next proof."
            ),
            name=eval_set.name,
            version=eval_set.version,
        )
    if found["going"]:
        raise Refusal(N_("Answers to this set are still coming in. Wait until the run has ended, or stop it."))


def preview(conn: duckdb.DuckDBPyConnection, eval_set: EvalSet, scorer: Scorer) -> Preview:
    """What the scorer would change on the newest answers outside the proof; nothing is kept."""
    current = current_scorers.of_set(conn, eval_set)
    answers = _answers(conn, eval_set.eval_set_id, proofs=False, limit=MOST_PREVIEWED)
    before, after, changes = list[float](), list[float](), list[Change]()
    for answer in answers:
        old, new = (_lead(apply(one, eval_set, answer)) for one in (current, scorer))
        before += [old.value] if old.value is not None else []
        after += [new.value] if new.value is not None else []
        if old.value != new.value:
            texts = {"key": answer["key"], "answer": answer["text"], "reference": answer["reference"]}
            changes.append(Change(**texts, before=old.value, after=new.value, reason=new.reason or old.reason))
    return Preview(
        answers=len(answers),
        metric=scorers.metrics(scorer)[0],
        before=sum(before) / len(before) if before else None,
        after=sum(after) / len(after) if after else None,
        changes=changes,
    )


def _lead(scores: Sequence[Score]) -> Score:
    return scores[0] if scores else Score(metric="", value=None)


def _answers(
    conn: duckdb.DuckDBPyConnection, eval_set_id: str, *, proofs: bool = True, limit: int | None = None
) -> list[dict[str, Any]]:
    """The set's answers that have a text and a reference, the newest run first; gate answers with `proofs` only."""
    query = """
        select a.answer_id, p.key, a.text, p.reference, p.input, p.context
        from runs as r join answers as a using (run_id) join samples as p using (sample_id)
        where r.eval_set_id = $eval_set and a.text is not null and p.reference <> ''
            and ($proofs or (r.purpose <> 'proof' and p.split not in ('gate', 'retain')))
        order by r.created_at desc, r.rung, p.key, a.repeat limit $limit
    """
    found = database.rows(conn, query, {"eval_set": eval_set_id, "proofs": proofs, "limit": limit})
    passages = retrieving.of_answers(conn, [row["answer_id"] for row in found])
    return [{**row, "context": shown.as_context(row["context"], passages.get(row["answer_id"], ()))} for row in found]
