"""Answers one by one: taken in from workers, scored, copied where the same was asked before; and read again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import duckdb

from core import content
from core.evaluation import choices, current_scorers, eval_sets, retrieving, sums, terms
from core.knowledge import shown
from core.store import audit, database

_FROM_WORKER = (
    "run_id", "sample_id", "repeat", "text", "cut", "failure", "failure_code", "prompt_tokens", "completion_tokens",
    "latency_s", "content_key",
)  # fmt: skip


def answer_id(run_id: str, sample_id: str, repeat: int) -> str:
    """The name of an answer; it tells nothing of the prompt or the model."""
    return content.name("answer", [run_id, sample_id, repeat])


def keep(conn: duckdb.DuckDBPyConnection, job_id: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Store and score a worker's answers. What is there already is left alone, but for a failure of an earlier round.

    Returns how many were new.
    """
    runs = {run["run_id"]: run for run in database.rows(conn, "select * from runs where job_id = ?", [job_id])}
    mine: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        name = answer_id(row["run_id"], row["sample_id"], row["repeat"])
        if row["run_id"] in runs and row.get("round", 0) >= mine.get(name, {}).get("round", 0):
            mine[name] = row
    query = "select answer_id, failure is null, round from answers where answer_id in (select unnest(?))"
    there = {name: (fine, round_) for name, fine, round_ in conn.execute(query, [list(mine)]).fetchall()}
    new = {name: row for name, row in mine.items() if name not in there}
    mended = {
        name: mine[name] for name, (fine, round_) in there.items() if not fine and mine[name].get("round", 0) > round_
    }
    if not new and not mended:
        return 0
    prices = {run["model_id"]: terms.of(conn, run["model_id"]) for run in runs.values()}
    records = [_record(name, row, prices[runs[row["run_id"]]["model_id"]]) for name, row in (new | mended).items()]
    scored = _scores(conn, new | mended, runs)
    detail = {"answers": len(new), **({"repeated": len(mended)} if mended else {})}
    with audit.change(conn, actor="worker", act="answers.stored", subject=job_id, detail=detail):
        database.insert(conn, "answers", records[: len(new)])
        _replace(conn, records[len(new) :])
        database.insert(conn, "scores", scored)
        sums.keep(conn, sorted({row["run_id"] for row in mine.values()}))
    return len(new) + len(mended)


def reuse(conn: duckdb.DuckDBPyConnection, job_id: str, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Copy the answers of those items that were asked before, at no cost; returns the items that are left to ask."""
    query = """
        select content_key, any_value(answer_id order by stored_at) as answer_id from answers
        where text is not null and copied_from is null and content_key in (select unnest(?)) group by content_key
    """
    known = dict(conn.execute(query, [[item["content_key"] for item in items]]).fetchall())
    copied = {item["content_key"]: known[item["content_key"]] for item in items if item["content_key"] in known}
    query = """
        select answer_id as copied_from, text, cut, prompt_tokens, completion_tokens, latency_s from answers
        where answer_id in (select unnest(?))
    """
    sources = {row["copied_from"]: row for row in database.rows(conn, query, [list(set(copied.values()))])}
    asked_before = [item for item in items if item["content_key"] in copied]
    keep(conn, job_id, ({**item, **sources[copied[item["content_key"]]]} for item in asked_before))
    return [dict(item) for item in items if item["content_key"] not in copied]


def _record(name: str, row: Mapping[str, Any], price: terms.Terms) -> dict[str, Any]:
    values, copied_from = row.get("failure_values"), row.get("copied_from")
    cost = price.cost(row.get("prompt_tokens"), row.get("completion_tokens"))
    return {
        "answer_id": name,
        **{column: row.get(column) for column in _FROM_WORKER},
        "failure_values": content.canonical(values) if values is not None else None,
        "round": row.get("round", 0),
        "copied_from": copied_from,
        "cost": 0.0 if copied_from and cost is not None else cost,
        "stored_at": database.now(),
    }


def _replace(conn: duckdb.DuckDBPyConnection, records: Sequence[Mapping[str, Any]]) -> None:
    """Put the answers of a later round in the place of failures."""
    if records:
        columns = [name for name in records[0] if name not in ("run_id", "sample_id", "repeat")]
        conn.execute(
            """
            update answers set text = n.text, cut = n.cut, failure = n.failure, failure_code = n.failure_code,
                failure_values = n.failure_values, prompt_tokens = n.prompt_tokens, round = n.round,
                completion_tokens = n.completion_tokens, latency_s = n.latency_s, content_key = n.content_key,
                copied_from = n.copied_from, cost = n.cost, stored_at = n.stored_at
            from (
                select unnest($answer_id) as answer_id, unnest($text::text[]) as text,
                    unnest($cut::boolean[]) as cut,
                    unnest($failure::text[]) as failure, unnest($failure_code::text[]) as failure_code,
                    unnest($failure_values::text[]) as failure_values, unnest($prompt_tokens::int[]) as prompt_tokens,
                    unnest($round::int[]) as round, unnest($completion_tokens::int[]) as completion_tokens,
                    unnest($latency_s::double[]) as latency_s, unnest($content_key::text[]) as content_key,
                    unnest($copied_from::text[]) as copied_from, unnest($cost::double[]) as cost,
                    unnest($stored_at::timestamp[]) as stored_at
            ) as n
            where answers.answer_id = n.answer_id
            """,
            {column: [record[column] for record in records] for column in columns},
        )


def _scores(
    conn: duckdb.DuckDBPyConnection, new: Mapping[str, Mapping[str, Any]], runs: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    sets = {set_id: eval_sets.find(conn, set_id) for set_id in {run["eval_set_id"] for run in runs.values()}}
    scorers = {
        set_id: current_scorers.of_set(conn, eval_set) for set_id, eval_set in sets.items() if eval_set is not None
    }
    query = "select sample_id, input, context, reference from samples where sample_id in (select unnest(?))"
    wanted = [list({row["sample_id"] for row in new.values()})]
    with_index = [run_id for run_id, run in runs.items() if run["index_id"]]
    passages = {run_id: retrieving.of_samples(conn, run_id, wanted[0]) for run_id in with_index}
    samples = {sample.pop("sample_id"): sample for sample in database.rows(conn, query, wanted)}
    scored = []
    for name, row in new.items():
        set_id, sample = runs[row["run_id"]]["eval_set_id"], samples[row["sample_id"]]
        eval_set = sets[set_id]
        assert eval_set is not None
        if row.get("text") is None or not sample["reference"]:
            continue  # nothing to compare: a failure is counted as a failure, and no reference is no score
        context = shown.as_context(sample["context"], passages.get(row["run_id"], {}).get(row["sample_id"], ()))
        for score in choices.apply(scorers[set_id], eval_set, {**sample, "context": context, "text": row["text"]}):
            scored.append({"answer_id": name, "scorer": scorers[set_id].scorer_id, **asdict(score)})
    return scored


def rounds(conn: duckdb.DuckDBPyConnection, job_id: str) -> dict[str, int | None]:
    """The job's answers by id: None for a text, for a failure the round it came from."""
    query = """
        select answer_id, case when failure is not null then round end
        from answers join runs using (run_id) where job_id = ?
    """
    return dict(conn.execute(query, [job_id]).fetchall())


def failed(conn: duckdb.DuckDBPyConnection, job_id: str) -> int:
    """How many of the job's calls have failed and were not mended."""
    query = "select count(*) from answers join runs using (run_id) where job_id = ? and failure is not null"
    return _number(conn, query, [job_id])


def spent(conn: duckdb.DuckDBPyConnection, job_id: str) -> float:
    """What the job's answers have cost so far."""
    query = "select coalesce(sum(cost), 0) from answers join runs using (run_id) where job_id = ?"
    found = conn.execute(query, [job_id]).fetchone()
    return float(found[0]) if found else 0.0


def of_run(
    conn: duckdb.DuckDBPyConnection,
    run_id: str,
    *,
    wrong_first: bool = False,
    metric: str | None = None,
    offset: int = 0,
    limit: int,
) -> list[dict[str, Any]]:
    """One row per answer in the set's order, or the wrong ones first and those without a score last: `key`, `input`,
    `reference`, `text` (perhaps `cut`) or `failure`, `value` and `reason`.

    `value` is that of the metric, or of the scorer's leading one, in 0..1; None where nothing could be compared.
    """
    query = """
        with page as (
            select a.answer_id, a.sample_id, c.value, coalesce(c.reason, '') as reason,
                if($wrong_first, coalesce(c.value, 2), 0) as rank, m.position
            from runs as r join answers as a using (run_id)
            join eval_set_samples as m on m.eval_set_id = r.eval_set_id and m.sample_id = a.sample_id
            left join scores as c on c.answer_id = a.answer_id and c.metric in ($metric, $other)
            where r.run_id = $run order by rank, m.position, a.repeat limit $limit offset $offset
        )
        select a.answer_id, p.key, p.input, p.reference, a.repeat, a.text, a.cut, a.failure, a.failure_code,
            a.failure_values, m.value, m.reason
        from page as m join answers as a using (answer_id) join samples as p on p.sample_id = m.sample_id
        order by m.rank, m.position, a.repeat
    """
    values = {"run": run_id, "wrong_first": wrong_first, "offset": offset, "limit": limit}
    return database.rows(conn, query, values | {"metric": metric or "correct", "other": metric or "overlap"})


def failures(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """How often each reason for a failed call occurred in each run, the commonest first.

    One row per run and reason: `run_id`, `rung`, `count`, and of one such call `failure`, `failure_code`,
    `failure_values`.
    """
    query = """
        select r.run_id, r.rung, count(*) as count, a.failure_code, any_value(a.failure order by answer_id) as failure,
            any_value(a.failure_values order by answer_id) as failure_values
        from answers as a join runs as r using (run_id)
        where list_contains($runs, run_id) and failure is not null
        group by r.run_id, r.rung, a.failure_code, coalesce(a.failure_code, a.failure)
        order by count desc, r.rung, failure
    """
    return database.rows(conn, query, {"runs": list(run_ids)})


def texts(conn: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> int:
    """How many answers with a text the runs have so far."""
    query = "select count(*) from answers where list_contains($runs, run_id) and text is not null"
    return _number(conn, query, {"runs": list(run_ids)})


def _number(conn: duckdb.DuckDBPyConnection, query: str, values: Any) -> int:
    found = conn.execute(query, values).fetchone()
    return int(found[0]) if found else 0
