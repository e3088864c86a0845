"""What a proof used beside prompt and model: the index it looked things up in, and the judges that read its answers."""

import difflib
import json
from collections.abc import Mapping
from typing import Any

import duckdb

from core import content
from core.errors import Refusal
from core.evaluation import models, retrieving
from core.evaluation.retrieving import Retrieval
from core.judging import criteria, judges, standing
from core.knowledge import indexes
from core.store import database

MOST_LINES = 40
"""Lines of a changed document that are shown."""


def retrieval(conn: duckdb.DuckDBPyConnection, trial_id: str) -> Retrieval | None:
    """What the trial's proof looked up; None where it looked nothing up."""
    query = """
        select index_id, k from runs where trial_id = ? and purpose = 'proof' and index_id is not null
        order by created_at desc limit 1
    """
    row = database.row(conn, query, [trial_id])
    return retrieving.of_run(row) if row else None


def index(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, Any] | None:
    """What the proof rests on there: index and k, the passages as they were shown, and the knowledge base as it is now.

    So it changes with every change of the documents, and comes back when they do.
    """
    used = retrieval(conn, trial_id)
    found = indexes.find(conn, used.index_id) if used else None
    if used is None or found is None:
        return None
    now = indexes.newest(conn, found.task_id)
    query = """
        select p.run_id, p.sample_id, p.number, p.passage_id,
            sha256(concat_ws(chr(31), p.document, p.page, p.section, p.text)) as said
        from shown_passages as p join runs as r using (run_id)
        where r.trial_id = ? and r.purpose = 'proof' order by all
    """
    shown = content.digest(database.rows(conn, query, [trial_id]))
    return {"index_id": used.index_id, "k": used.k, "shown": shown, "newest": now and now.index_id}


def documents(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, list[str]]:
    """How the knowledge base is searched and what is in it now, a line each; none where nothing is looked up."""
    used = retrieval(conn, trial_id)
    found = indexes.find(conn, used.index_id) if used else None
    now = indexes.newest(conn, found.task_id) if found else None
    if now is None:
        return {}
    way = " ".join([now.method, *([now.embedder.model, now.embedder.base_url] if now.embedder else [])])
    found_in = {one["name"]: [f"{one['name']}  {one['document_id']}"] for one in indexes.of_index(conn, now)}
    return {"": [f"search: {way}"], **found_in}


def texts(conn: duckdb.DuckDBPyConnection, before: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> list[str]:
    """The lines that are gone (-) and new (+) inside documents that have kept their name; the first of each document.

    `before` and `now` are what `documents` gave.
    """
    found: list[str] = []
    for name in sorted(before.keys() & now.keys() - {""}):
        if before[name] != now[name]:
            old, new = (_lines(conn, one[name][0].rpartition("  ")[2]) for one in (before, now))
            changed = [line for line in difflib.unified_diff(old, new, n=0, lineterm="") if line[:1] in "+-"][2:]
            found += [f"{line[0]} {line[1:]}" for line in changed[:MOST_LINES]]
    return found


def _lines(conn: duckdb.DuckDBPyConnection, document_id: str) -> list[str]:
    return [line for one in indexes.of_document(conn, document_id) for line in one.text.splitlines()]


def of_judges(conn: duckdb.DuckDBPyConnection, trial_id: str) -> list[dict[str, Any]]:
    """The judges that read answers of the proof: `judge_id`, `name`, `definition`, `prompt`, the hash of all that they
    are told, and `newest`, the version that goes by that name now."""
    query = """
        select distinct j.judge_id, j.name, j.definition, (
                select arg_max(n.judge_id, n.created_at) from judges as n
                where n.task_id = j.task_id and n.name = j.name
            ) as newest
        from judges as j join judgings as g using (judge_id)
        join runs as r on r.run_id = g.run_id or r.run_id = g.other_run_id
        where r.trial_id = ? and r.purpose = 'proof' order by j.name, j.judge_id
    """
    rows = database.rows(conn, query, [trial_id])
    return [{**row, "definition": (said := json.loads(row["definition"])), "prompt": _prompt(said)} for row in rows]


def _prompt(definition: dict[str, Any]) -> str:
    return content.digest([definition, criteria.RULES, criteria.ORDER])


def judge_lines(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, list[str]]:
    """What each of these judges, in the version that goes by its name now, is told: a line a rule."""
    found: dict[str, list[str]] = {}
    for one in of_judges(conn, trial_id):
        row = database.row(conn, "select definition from judges where judge_id = ?", [one["newest"]])
        said = json.loads(row["definition"]) if row else {}
        told = [f"{name}: {line}" for name, value in said.items() for line in str(value).splitlines()]
        found[one["name"]] = [one["newest"], *told, f"words of all judges: {_prompt({})}"]
    return found


def described(conn: duckdb.DuckDBPyConnection, trial_id: str) -> list[dict[str, Any]]:
    """The same judges for the record: `judge_id`, `name`, `prompt`, `model` and `calibration` as it stands now."""
    found = []
    for one in of_judges(conn, trial_id):
        model = models.find(conn, one["definition"]["model_id"])
        kept = {name: one[name] for name in ("judge_id", "name", "prompt")}
        kept |= {"model": model.name if model else one["definition"]["model_id"]}
        found.append(kept | {"calibration": _calibration(conn, one["judge_id"])})
    return found


def _calibration(conn: duckdb.DuckDBPyConnection, judge_id: str) -> dict[str, Any] | None:
    """How the judge stands beside people now: samples, and its rates with interval; None where nobody can say."""
    try:
        judge = judges.find(conn, judge_id)
    except Refusal:
        return None  # an earlier wording cannot be asked any more
    found = standing.calibrate(conn, judge) if judge else None
    if found is None or not found.samples:
        return None
    rates = {"tpr": found.tpr, "tnr": found.tnr, "agreement": found.agreement}
    told = {name: {"value": one.value, "low": one.low, "high": one.high, "n": one.n} for name, one in rates.items()}
    return {"samples": found.samples, "calibrated": found.calibrated, **told}
