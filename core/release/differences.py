"""What exactly is not as it was signed: lines of a prompt, a rubric or a judge, files of a model, documents.

Texts and file hashes are kept with a sign-off when it is put up; the evidence itself is only hashes.
"""

import difflib
import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import duckdb

from core.evaluation import eval_sets, models, prompts, rendering
from core.release import aids, evidence
from core.store import database
from core.training import trials


def kept(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, dict[str, list[str]]]:
    """item of the evidence -> name -> lines: prompts, rubric, models, documents and judges as they are now."""
    trial = trials.find(conn, trial_id) or {}
    used = [prompts.find(conn, str(trial.get(which))) for which in ("baseline_prompt_id", "prompt_id")]
    query = "select rubric_id, question, guidelines, scale from rubrics where task_id = ? order by created_at"
    rubrics = database.rows(conn, query, [trial.get("task_id")])
    return {
        "prompts": {one.prompt_id: rendering.lines(one) for one in used if one},
        "rubric": {row["rubric_id"]: _texts([row["question"], row["guidelines"], row["scale"]]) for row in rubrics},
        "base": _files(conn, trial.get("base_model_id")),
        "adapter": _files(conn, trial.get("model_id")),
        "index": aids.documents(conn, trial_id),
        "judge": aids.judge_lines(conn, trial_id),
    }


def of(
    conn: duckdb.DuckDBPyConnection, trial_id: str, signed: Mapping[str, Any], items: Collection[str], since: datetime
) -> dict[str, list[str]]:
    """item -> the lines that are gone (-) and new (+) since `kept` was signed; items without a difference are left out.

    Of a prompt, what stands in its place in the ladder now; of a model, its files on the disk, as far as they were
    touched `since` then. Empty for a sign-off from before these texts were kept.
    """
    now = kept(conn, trial_id) | {"prompts": _standing(conn, trial_id)}
    for item, files in evidence.altered(conn, trial_id, since).items():
        lines = next(iter(now[item].values()))
        now[item] = {"": [_file(line.split("  ")[0], files) or line for line in lines]}
    found = {}
    for item, before in signed.items():
        if item not in items:
            continue
        old = [line for name in sorted(before) for line in before[name]]
        new = [line for name in sorted(now[item]) for line in now[item][name]]
        if lines := [line for line in difflib.ndiff(old, new) if line[0] in "+-"]:
            found[item] = lines + (aids.texts(conn, before, now[item]) if item == "index" else [])
    return found


def _standing(conn: duckdb.DuckDBPyConnection, trial_id: str) -> dict[str, list[str]]:
    """The trial's prompts, the released one as it stands now on its rung of the ladder."""
    trial = trials.find(conn, trial_id) or {}
    eval_set = eval_sets.find(conn, str(trial.get("eval_set_id")))
    signed, found = str(trial.get("prompt_id")), {}
    if eval_set is not None:
        ladder = prompts.ladder(conn, eval_set.task_id, eval_set.name)
        rungs = {one.prompt_id: rung for rung, one in prompts.versions(conn, eval_set.task_id, eval_set.name)}
        now = dict(ladder.rungs) if ladder else {}
        stands = any(one.prompt_id == signed for one in now.values())
        found = {} if stands or signed not in rungs else {signed: now.get(rungs[signed])}
    used = [prompts.find(conn, str(trial.get(which))) for which in ("baseline_prompt_id", "prompt_id")]
    texts = {one.prompt_id: found.get(one.prompt_id, one) for one in used if one}
    return {name: rendering.lines(one) if one else [] for name, one in texts.items()}


def _file(name: str, files: Mapping[str, str]) -> str:
    return f"{name}  {files[name] or '—'}" if name in files else ""


def _files(conn: duckdb.DuckDBPyConnection, model_id: Any) -> dict[str, list[str]]:
    model = models.find(conn, str(model_id))
    if model is None:
        return {}
    where = [model.base_url, model.api_model] if model.kind == "api" else []
    return {model.name: [*filter(None, where), *(f"{name}  {written}" for name, written in model.file_hashes.items())]}


def _texts(values: list[str]) -> list[str]:
    """The lines of texts that may be bilingual records."""
    lines: list[str] = []
    for value in values:
        try:
            texts = json.loads(value)
        except ValueError:
            texts = value
        for text in texts.values() if isinstance(texts, dict) else [texts]:
            lines.extend(str(text).splitlines())
    return lines
