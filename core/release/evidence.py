"""What a signature is bound to: one hash for each thing that the decision rests on, recomputed whenever it is shown."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path

import duckdb

from core import content
from core.errors import Refusal
from core.evaluation import models
from core.locale.mark import N_
from core.release import aids, plans
from core.settings import REPOSITORY
from core.store import database
from core.training import trials

ITEMS = {
    "terms": N_("What it may be used for, and until when"),
    "plan": N_("Plan and its amendments"),
    "rubric": N_("Rubric"),
    "eval_sets": N_("Eval sets"),
    "samples": N_("Samples"),
    "runs": N_("Runs and decoding"),
    "answers": N_("Answers"),
    "scores": N_("Scores"),
    "ratings": N_("Human ratings"),
    "breakages": N_("What experts said of broken samples"),
    "prompts": N_("Prompts"),
    "base": N_("Base model"),
    "adapter": N_("Adapter"),
    "training": N_("Training set and recipe"),
    "index": N_("Knowledge index"),
    "judge": N_("Judge"),
    "statistics": N_("Statistics code"),
}
"""Every item, in the words that a person reads when it no longer matches."""
LATER = ("judge", "terms")
"""Items that a sign-off of an earlier version of this program lacks; that is not held against it."""

VERSION = 3
"""How the hashes are taken now. Version 1 left out a prompt's examples and schema and whether it still stands in its
ladder, fields of samples, points and flags of ratings, what runs look up, and who wrote training rows; version 2 that
an answer was cut off at its limit of tokens."""

_QUERIES = {
    "rubric": """
        select rubric_id, question, guidelines, scale, reference from rubrics
        where task_id = (select task_id from trials where trial_id = $trial) order by all
    """,
    "eval_sets": """
        select distinct s.eval_set_id, s.name, s.version, s.scorer, s.schema from eval_sets as s
        join runs as r using (eval_set_id) where r.trial_id = $trial and r.purpose = 'proof' order by all
    """,
    "samples": """
        select distinct m.eval_set_id, m.position, p.sample_id, p.key, p.input, p.context, p.reference, p.group_id,
            p.split, p.critical, p.tags, p.kind, p.pair, p.fields
        from runs as r join eval_set_samples as m using (eval_set_id)
        join samples as p on p.sample_id = m.sample_id and p.split = r.split
        where r.trial_id = $trial and r.purpose = 'proof' order by all
    """,
    "runs": """
        select run_id, eval_set_id, split, prompt_id, rung, model_id, decoding, repeats, side, planned, index_id, k
        from runs
        where trial_id = $trial and purpose = 'proof' order by all
    """,
    "answers": """
        select a.run_id, a.sample_id, a.repeat, a.text, a.failure, a.cut
        from answers as a join runs as r using (run_id)
        where r.trial_id = $trial and r.purpose = 'proof' order by all
    """,
    "scores": """
        select c.answer_id, c.scorer, c.metric, c.value, c.reason
        from scores as c join answers as a using (answer_id) join runs as r using (run_id)
        where r.trial_id = $trial and r.purpose = 'proof' order by all
    """,
    "ratings": """
        select g.rating_id, g.queue_id, g.answer_id, g.rater, g.verdict, g.error_types, g.note, g.correction,
            g.points, g.flagged, g.origin, d.verdict as decided, d.reason as decision, d.points as decided_points
        from ratings as g join answers as a using (answer_id) join runs as r using (run_id)
        left join queue_decisions as d on d.queue_id = g.queue_id and d.answer_id = g.answer_id
        where r.trial_id = $trial and r.purpose = 'proof' order by all
    """,
    "breakages": """
        select breakage_id, sample_id, answer, reason, answered_by from breakages where trial_id = $trial order by all
    """,
    "prompts": """
        select distinct p.prompt_id, p.system, p.template, p.examples, p.schema,
            p.prompt_id = t.prompt_id and not contains((
                select arg_max(l.rungs, l.created_at)::text from ladders as l join eval_sets as s
                    on s.task_id = l.task_id and s.name = l.eval_set_name
                where s.eval_set_id = t.eval_set_id
            ), p.prompt_id) as replaced
        from prompts as p join runs as r using (prompt_id) join trials as t using (trial_id)
        where r.trial_id = $trial and r.purpose = 'proof' order by all
    """,
    "training": """
        select t.training_set_id, t.recipe, w.position, w.sample_id, w.messages, w.completion, w.teacher, w.licence
        from trials as t join training_rows as w using (training_set_id) where t.trial_id = $trial order by all
    """,
}

_EARLIER: dict[int, dict[str, str]] = {
    2: {
        "answers": """
            select a.run_id, a.sample_id, a.repeat, a.text, a.failure from answers as a join runs as r using (run_id)
            where r.trial_id = $trial and r.purpose = 'proof' order by all
        """,
    },
    1: {
        "rubric": """
            select rubric_id, question, guidelines, scale from rubrics
            where task_id = (select task_id from trials where trial_id = $trial) order by all
        """,
        "samples": """
            select distinct m.eval_set_id, m.position, p.sample_id, p.key, p.input, p.context, p.reference, p.group_id,
                p.split, p.critical, p.tags
            from runs as r join eval_set_samples as m using (eval_set_id)
            join samples as p on p.sample_id = m.sample_id and p.split = r.split
            where r.trial_id = $trial and r.purpose = 'proof' order by all
        """,
        "runs": """
            select run_id, eval_set_id, split, prompt_id, rung, model_id, decoding, repeats, side, planned from runs
            where trial_id = $trial and purpose = 'proof' order by all
        """,
        "ratings": """
            select g.rating_id, g.queue_id, g.answer_id, g.rater, g.verdict, g.error_types, g.note, g.correction,
                d.verdict as decided, d.reason as decision
            from ratings as g join answers as a using (answer_id) join runs as r using (run_id)
            left join queue_decisions as d on d.queue_id = g.queue_id and d.answer_id = g.answer_id
            where r.trial_id = $trial and r.purpose = 'proof' order by all
        """,
        "prompts": """
            select distinct p.prompt_id, p.system, p.template from prompts as p join runs as r using (prompt_id)
            where r.trial_id = $trial and r.purpose = 'proof' order by all
        """,
        "training": """
            select t.training_set_id, t.recipe, w.position, w.sample_id, w.messages, w.completion
            from trials as t join training_rows as w using (training_set_id) where t.trial_id = $trial order by all
        """,
    },
}
"""What a version read where it differs from the next."""


def collect(conn: duckdb.DuckDBPyConnection, trial_id: str, version: int = VERSION) -> dict[str, str]:
    """Item -> SHA-256 of all that it is now, but for `terms`, which are each sign-off's own.

    Nothing is generated anew: answers are those that were stored.
    """
    queries = dict(_QUERIES)
    for earlier in range(VERSION - 1, version - 1, -1):
        queries |= _EARLIER[earlier]
    found = {name: content.digest(database.rows(conn, query, {"trial": trial_id})) for name, query in queries.items()}
    trial = trials.find(conn, trial_id)
    if trial is None:
        raise Refusal(plans.NO_TRIAL)
    agreed = [
        [one["plan_id"], plans.digest(trial_id, one["terms"]), one["reason"], one["signature"]["person_id"]]
        for one in plans.versions(conn, trial_id)
    ]
    for item, model_id in (("base", trial["base_model_id"]), ("adapter", trial["model_id"])):
        model = models.find(conn, str(model_id))
        named = {"base_url": model.base_url, "api_model": model.api_model} if model and model.kind == "api" else None
        found[item] = content.digest(named or (dict(model.file_hashes) if model else None))
    found |= {"plan": content.digest(agreed), "statistics": statistics()}
    found |= {"index": content.digest(aids.index(conn, trial_id))}
    found |= {"judge": content.digest(aids.of_judges(conn, trial_id))}
    return {item: found[item] for item in ITEMS if item in found}


def terms(scope: str, expires_on: date) -> str:
    """SHA-256 of what a sign-off allows and until when."""
    return content.digest([scope, str(expires_on)])


@cache
def statistics() -> str:
    """The version of the code that counts: its own text and the libraries it stands on."""
    folder = REPOSITORY / "core" / "diagnosis"
    own = {name: content.file_digest(folder / name) for name in ("intervals.py", "verdicts.py", "sample_size.py")}
    return content.digest({**own, "statsmodels": version("statsmodels"), "scipy": version("scipy")})


def digest(items: Mapping[str, str]) -> str:
    """The one hash over all items, which is what people sign."""
    return content.digest(dict(items))


def changed(
    conn: duckdb.DuckDBPyConnection, trial_id: str, signed: Mapping[str, str], version: int = VERSION
) -> list[str]:
    """The items that are not what they were when they were signed, in the order of ITEMS. `version` is the signed one's
    (see VERSION)."""
    now = collect(conn, trial_id, version)
    return [item for item in now if now[item] != signed.get(item) and (item in signed or item not in LATER)]


def damaged(conn: duckdb.DuckDBPyConnection, trial_id: str) -> list[str]:
    """Model files on the disk that are missing or not those that were registered; this reads every byte of them."""
    trial = trials.find(conn, trial_id) or {}
    return [
        name
        for model_id in (trial.get("base_model_id"), trial.get("model_id"))
        if model_id and (model := models.find(conn, model_id)) is not None
        for name in differing(Path(model.path), model.file_hashes)
    ]


def altered(conn: duckdb.DuckDBPyConnection, trial_id: str, since: datetime) -> dict[str, dict[str, str]]:
    """`base` or `adapter` -> file -> what it is on the disk now: its hash, or "" where it is missing.

    Only files that were touched after `since` (UTC) are read, and each state of them once: a page asks this.
    """
    trial = trials.find(conn, trial_id) or {}
    found = {}
    for item, model_id in (("base", trial.get("base_model_id")), ("adapter", trial.get("model_id"))):
        model = models.find(conn, model_id) if model_id else None
        if model is None or model.kind == "api":
            continue
        now = {name: _on_disk(Path(model.path) / name, written, since) for name, written in model.file_hashes.items()}
        if other := {name: is_now for name, is_now in now.items() if is_now != model.file_hashes[name]}:
            found[item] = other
    return found


def _on_disk(path: Path, written: str, since: datetime) -> str:
    if not path.is_file():
        return ""
    stat = path.stat()
    if max(stat.st_mtime, stat.st_ctime) < since.replace(tzinfo=UTC).timestamp():
        return written
    return _hash_of(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@lru_cache(maxsize=1024)
def _hash_of(path: Path, *_state: int) -> str:
    return content.file_digest(path)


def differing(folder: Path, hashes: Mapping[str, str]) -> list[str]:
    """The files of the folder whose bytes are not those of the hashes."""
    return [
        name
        for name, written in sorted(hashes.items())
        if not (folder / name).is_file() or content.file_digest(folder / name) != written
    ]


def items(text: str) -> dict[str, str]:
    """The items as a row keeps them."""
    return dict(json.loads(text))
