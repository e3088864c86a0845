"""What runs look up: the passages for each sample, kept with the run as they were shown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from core.errors import Refusal
from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import Prompt
from core.knowledge import indexes, shown
from core.knowledge.shown import Shown
from core.locale.mark import N_
from core.settings import Settings
from core.store import audit, database

MOST = 20
"""Passages shown with one question."""
USUAL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """Look up to `k` passages up in that index version for each question."""

    index_id: str
    k: int = USUAL

    def __post_init__(self) -> None:
        if not 1 <= self.k <= MOST:
            raise Refusal(N_("Between 1 and %(most)s passages can be looked up."), most=MOST)

    def check(self, prompt: Prompt) -> None:
        """Raises Refusal unless the prompt has a place for what is looked up."""
        if not prompt.takes_passages:
            raise Refusal(
                N_("The prompt “%(name)s” has no place for passages. Write {passages} where they belong, or look "
                   "nothing up."), name=prompt.name,
            )  # fmt: skip


def of_run(run: Mapping[str, Any]) -> Retrieval | None:
    """What the row of a run or a trial says that it looks up."""
    return Retrieval(index_id=run["index_id"], k=run["k"]) if run["index_id"] else None


def of_prompt(retrieval: Retrieval | None, prompt: Prompt) -> Retrieval | None:
    """What is looked up for this one of several prompts: nothing where it has no place for passages."""
    return retrieval if prompt.takes_passages else None


def check(
    conn: duckdb.DuckDBPyConnection, task_id: str, retrieval: Retrieval | None, asked: Sequence[Prompt], *, must: bool
) -> None:
    """Raises Refusal when none of the prompts has a place for what is looked up, or the index is not the task's.

    With `must`, also when one has a place and nothing would be looked up.
    """
    taking = [prompt for prompt in asked if prompt.takes_passages]
    if retrieval is None:
        if must and taking:
            raise Refusal(
                N_("The prompt “%(name)s” has a place for passages. Choose where to look them up."), name=taking[0].name
            )
        return
    if not taking:
        retrieval.check(asked[0])
    index = indexes.find(conn, retrieval.index_id)
    if index is None or index.task_id != task_id:
        raise Refusal(N_("This task has no such version of a knowledge base. Choose one of its own."))


def find(
    conn: duckdb.DuckDBPyConnection, settings: Settings | None, retrieval: Retrieval | None, samples: Sequence[Sample]
) -> dict[str, tuple[Shown, ...]]:
    """The passages for each sample by its id, the best first; empty where nothing is looked up."""
    if retrieval is None:
        return {}
    index = indexes.find(conn, retrieval.index_id)
    assert settings is not None, "the index lies in the data folder"
    if index is None:
        raise Refusal(N_("The knowledge base of this run is not there any more. Choose another version."))
    found = indexes.search_all(conn, settings, index, [one.input for one in samples], retrieval.k)
    return {one.sample_id: shown.of(passages) for one, passages in zip(samples, found, strict=True)}


def keep(
    conn: duckdb.DuckDBPyConnection, settings: Settings, run: Mapping[str, Any], samples: Sequence[Sample]
) -> dict[str, tuple[Shown, ...]]:
    """The passages for each sample of the run, looked up once: asked again, a question is shown the same."""
    retrieval = of_run(run)
    if retrieval is None:
        return {}
    if there := of_samples(conn, run["run_id"]):
        return there
    found = find(conn, settings, retrieval, samples)
    rows = [
        {"run_id": run["run_id"], "sample_id": sample_id, **asdict(one)}
        for sample_id, passages in found.items()
        for one in passages
    ]
    detail = {"index": retrieval.index_id, "k": retrieval.k, "passages": len(rows)}
    with audit.change(conn, actor="supervisor", act="run.looked_up", subject=run["run_id"], detail=detail):
        database.insert(conn, "shown_passages", rows)
    return found


def of_samples(
    conn: duckdb.DuckDBPyConnection, run_id: str, sample_ids: Sequence[str] | None = None
) -> dict[str, tuple[Shown, ...]]:
    """The passages as they were shown in the run, by sample; of all its samples, or of these."""
    query = """
        select * exclude (run_id) from shown_passages
        where run_id = $run and ($samples is null or sample_id in (select unnest($samples::text[])))
        order by sample_id, number
    """
    rows = database.rows(conn, query, {"run": run_id, "samples": sample_ids and list(sample_ids)})
    return _grouped(rows, "sample_id")


def of_answers(conn: duckdb.DuckDBPyConnection, answer_ids: Sequence[str]) -> dict[str, tuple[Shown, ...]]:
    """The passages that were shown with each of the answers, for those that had any."""
    query = """
        select a.answer_id, p.* exclude (run_id, sample_id)
        from answers as a join shown_passages as p on p.run_id = a.run_id and p.sample_id = a.sample_id
        where a.answer_id in (select unnest($ids::text[])) order by a.answer_id, number
    """
    return _grouped(database.rows(conn, query, {"ids": list(answer_ids)}), "answer_id")


def _grouped(rows: Sequence[dict[str, Any]], by: str) -> dict[str, tuple[Shown, ...]]:
    found: dict[str, list[Shown]] = {}
    for row in rows:
        found.setdefault(row.pop(by), []).append(Shown(**row))
    return {name: tuple(passages) for name, passages in found.items()}
