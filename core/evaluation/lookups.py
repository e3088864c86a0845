"""What runs that look passages up have shown: found sources, citations, and the grid of retrieval and tuning."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from core.diagnosis import intervals, retrieval
from core.diagnosis.intervals import Paired, Rate
from core.diagnosis.retrieval import Grid, Lost, Search
from core.evaluation import results, retrieving, sources
from core.evaluation.tasks import Task
from core.knowledge import grounding
from core.store import database

MOST_READ = 2_000
"""Answers whose citations a report reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run's retrieval. Rates without a sample to count have value None."""

    search: Search
    lost: Lost
    exist: Rate
    """Of the answers that cite, those that cite only passages they were shown."""
    supports: Rate
    """Share of the citing sentences whose words the cited passages have, averaged over samples."""
    grounded: Rate
    """Share of an answer's words that passages or question have, averaged over samples."""
    citing: Rate
    """Answers that cite at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One run of the grid with what a call of it took; None is what was not told."""

    run: Mapping[str, Any]
    cost: float | None
    seconds: float | None
    prompt_tokens: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The grid of one prompt with the runs behind it, by `base`, `base_rag`, `tuned` and `tuned_rag`."""

    prompt_name: str
    cells: Mapping[str, Cell]
    grid: Grid


def runs_of(conn: duckdb.DuckDBPyConnection, task_id: str) -> list[dict[str, Any]]:
    """Complete runs that looked passages up, the newest first, with model, prompt and set by name."""
    query = """
        select r.*, m.name as model_name, p.name as prompt_name, s.name as set_name, s.version
        from runs as r join models as m using (model_id) join prompts as p using (prompt_id)
        join eval_sets as s using (eval_set_id)
        where r.task_id = ? and r.index_id is not null and r.purpose <> 'proof'
            and r.planned <= (select count(*) from answers as a where a.run_id = r.run_id)
        order by r.created_at desc, m.name, r.rung
    """
    return database.rows(conn, query, [task_id])


def report(conn: duckdb.DuckDBPyConnection, task: Task, run: Mapping[str, Any]) -> Report:
    """What the run's passages and citations were worth. Repeats are averaged inside the sample.

    Citations are read in at most `MOST_READ` answers; ids are hashes, so the first ones by id are drawn at random.
    """
    query = """
        select a.sample_id, p.input, a.text from answers as a join samples as p using (sample_id)
        where a.run_id = ? and a.text is not null order by a.sample_id, a.repeat limit ?
    """
    read = conn.execute(query, [run["run_id"], MOST_READ]).fetchall()
    shown = retrieving.of_samples(conn, run["run_id"], sorted({sample_id for sample_id, _, _ in read}))
    cited: dict[str, list[grounding.Citing]] = {}
    for sample_id, question, text in read:
        cited.setdefault(sample_id, []).append(grounding.cited(text, question, shown.get(sample_id, ())))
    search, lost = sources.of_run(conn, task, run)
    return Report(
        search=search,
        lost=lost,
        exist=_mean({sample: [one.exist for one in found] for sample, found in cited.items()}),
        supports=_mean({sample: [one.supports for one in found] for sample, found in cited.items()}),
        grounded=_mean({sample: [one.grounded for one in found] for sample, found in cited.items()}),
        citing=_mean({sample: [float(one.exist is not None) for one in found] for sample, found in cited.items()}),
    )


def _mean(values: Mapping[str, list[float | None]]) -> Rate:
    known = ([value for value in found if value is not None] for found in values.values())
    return intervals.mean_rate([sum(found) / len(found) for found in known if found])


def gains(conn: duckdb.DuckDBPyConnection, task: Task) -> dict[str, Paired | None]:
    """What `retrieval` and `tuning` add on the base by the newest grid; None is what was not run."""
    newest = next(iter(grids(conn, task)), None)
    steps = {"retrieval": newest.grid.retrieval, "tuning": newest.grid.tuning} if newest else {}
    return {lever: found if (found := steps.get(lever)) and found.n else None for lever in ("retrieval", "tuning")}


def tags(conn: duckdb.DuckDBPyConnection, measured: Measured) -> list[str]:
    """The tags of the grid's samples."""
    query = """
        select distinct tag from (
            select unnest(p.tags) as tag from eval_set_samples as m join samples as p using (sample_id)
            where m.eval_set_id = $eval_set_id and p.split = $split
        ) order by tag
    """
    run = measured.cells["base"].run
    found = conn.execute(query, {part: run[part] for part in ("eval_set_id", "split")}).fetchall()
    return [tag for (tag,) in found]


def narrowed(conn: duckdb.DuckDBPyConnection, task: Task, measured: Measured, tag: str) -> Measured:
    """The same grid over the samples with that tag only."""
    return _read(conn, task, {cell: one.run for cell, one in measured.cells.items()}, tag)


def grids(conn: duckdb.DuckDBPyConnection, task: Task) -> list[Measured]:
    """Each prompt that was asked with and without passages, the newest first.

    The base is a model that was asked both ways; the tuned one is its newest adapter that was asked in either.
    """
    query = """
        select r.*, m.name as model_name, m.base_model_id, p.name as prompt_name, j.number,
            count(a.answer_id) as answered, avg(a.prompt_tokens) as prompt_tokens, median(a.latency_s) as seconds,
            avg(a.cost) filter (a.copied_from is null) as cost
        from runs as r join models as m using (model_id) join prompts as p using (prompt_id)
        join jobs as j using (job_id) left join answers as a using (run_id)
        where r.task_id = ? and r.split in ('dev', 'train') and r.purpose in ('matrix', 'ladder')
        group by all having answered >= r.planned order by j.number desc, r.run_id
    """
    asked: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for run in database.rows(conn, query, [task.task_id]):
        asked.setdefault((run["prompt_id"], run["eval_set_id"], run["split"]), []).append(run)
    found = []
    for of_prompt in asked.values():
        chosen = _cells(of_prompt)
        if len(chosen) > 1:
            found.append(_read(conn, task, chosen))
    return sorted(found, key=lambda one: max(cell.run["number"] for cell in one.cells.values()), reverse=True)


def _cells(asked: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The newest run for each cell; runs with passages are of the newest index and number of passages only."""
    with_index = [run for run in asked if run["index_id"]]
    if not with_index:
        return {}
    way = with_index[0]["index_id"], with_index[0]["k"]
    newest: dict[tuple[str, bool], dict[str, Any]] = {}
    for run in asked:
        if run["index_id"] is None or (run["index_id"], run["k"]) == way:
            newest.setdefault((run["model_id"], run["index_id"] is not None), run)
    bases = [model for model, looks_up in newest if looks_up and (model, False) in newest]
    base = next((model for model in bases if newest[model, True]["base_model_id"] not in bases), None)
    if base is None:
        return {}
    tuned = next((run["model_id"] for run in newest.values() if run["base_model_id"] == base), None)
    named = {"base": (base, False), "base_rag": (base, True), "tuned": (tuned, False), "tuned_rag": (tuned, True)}
    return {cell: newest[model, looks_up] for cell, (model, looks_up) in named.items()
            if model is not None and (model, looks_up) in newest}  # fmt: skip


def _read(
    conn: duckdb.DuckDBPyConnection, task: Task, chosen: Mapping[str, Mapping[str, Any]], tag: str | None = None
) -> Measured:
    run = chosen["base"]
    query = """
        select p.sample_id from eval_set_samples as m join samples as p using (sample_id)
        where m.eval_set_id = $eval_set_id and p.split = $split and list_contains(p.tags, $tag)
    """
    with_tag = None
    if tag is not None:
        given = {"eval_set_id": run["eval_set_id"], "split": run["split"], "tag": tag}
        with_tag = [sample_id for (sample_id,) in conn.execute(query, given).fetchall()]
    found = results.shared(conn, [one["run_id"] for one in chosen.values()], task.plan.metric, with_tag)
    values = {cell: found.values[one["run_id"]] for cell, one in chosen.items()}
    measured = retrieval.grid(values, found.groups)
    cells = {
        cell: Cell(run=one, cost=one["cost"], seconds=one["seconds"], prompt_tokens=one["prompt_tokens"])
        for cell, one in chosen.items()
    }
    return Measured(prompt_name=run["prompt_name"], cells=cells, grid=measured)
