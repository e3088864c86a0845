"""What an entry of the audit trail is about, under the name that people know it by instead of its id.

An answer goes by its sample alone: raters may read the trail, and must not learn which version wrote what they judge.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import duckdb

from core.locale.mark import N_

BARE = "%(name)s"
WORDS = {
    "answer": N_("Answer to sample “%(name)s”"),
    "backup": N_("Backup %(name)s"),
    "candidate": N_("Candidate: %(name)s on %(more)s"),
    "curve": N_("Learning curve on “%(name)s” v%(more)s"),
    "distillation": N_("Teacher’s answers to “%(name)s” v%(more)s"),
    "draft": N_("Draft from “%(name)s” v%(more)s"),
    "judge": N_("Judge “%(name)s”"),
    "key": N_("Key “%(name)s”"),
    "ladder": N_("Prompts for “%(name)s”"),
    "model": N_("Model “%(name)s”"),
    "pair": N_("Pair of answers to sample “%(name)s”"),
    "question": N_("Test question “%(name)s”"),
    "queue": N_("Queue “%(name)s”"),
    "release": N_("Release %(name)s"),
    "round": N_("Comparison “%(name)s”"),
    "sample": N_("Sample “%(name)s”"),
    "set": N_("Eval set “%(name)s” v%(more)s"),
    "sign_off": N_("Sign-off %(name)s"),
    "task": N_("Task “%(name)s”"),
    "training_set": N_("Training set of %(name)s samples"),
    "trial": N_("Trial on %(name)s samples"),
}
FIXED = {
    "audit": N_("Audit trail"),
    "served": N_("Answers from production"),
    "unknown name": N_("a name that nobody has"),
}
UNNAMED = {
    "queue": N_("Queue without a name"),
    "round": N_("Comparison without a name"),
    "session": "",  # the act says it
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What to call it: a message and its values; a value may be a text in two languages."""

    message: str
    values: dict[str, Any] = field(default_factory=dict)


def named(conn: duckdb.DuckDBPyConnection, ids: Collection[str]) -> dict[str, Subject]:
    """Id -> what it is called, for those that have a name here; people are named elsewhere."""
    wanted = sorted(set(ids))
    found = {one: Subject(message=FIXED[one]) for one in wanted if one in FIXED}
    found |= {one: Subject(message=WORDS["backup"], values={"name": one}) for one in wanted if _is_backup(one)}
    for name, kind, named, more in conn.execute(_NAMES, {"ids": wanted}).fetchall():
        if kind == "job":
            title = json.loads(named)
            found[name] = Subject(message=title["message"], values=title["values"])
        elif not named and kind in UNNAMED:
            found[name] = Subject(message=UNNAMED[kind])
        else:
            values = {"name": json.loads(named) if kind == "task" else named, "more": more}
            found[name] = Subject(message=WORDS[kind], values=values)
    return found


def _is_backup(name: str) -> bool:
    return name.startswith("countersign-")


_NAMES = """
    with ids as (select unnest($ids::text[]) as id),
    names as (
        select task_id as id, 'task' as kind, name::text as name, '' as more from tasks
        union all select eval_set_id, 'set', name, version::text from eval_sets
        union all select sample_id, 'sample', key, '' from samples
        union all select answer_id, 'answer', s.key, '' from answers join samples as s using (sample_id)
            where answer_id in (select id from ids)
        union all select pair_id, 'pair', s.key, '' from pairs join samples as s using (sample_id)
        union all select ladder_id, 'ladder', eval_set_name, '' from ladders
        union all select model_id, 'model', name, '' from models
        union all select judge_id, 'judge', name, '' from judges
        union all select judging_id, 'judge', j.name, '' from judgings join judges as j using (judge_id)
        union all select job_id, 'job', title::text, '' from jobs
        union all select run_id, 'job', j.title::text, '' from runs join jobs as j using (job_id)
        union all select queue_id, 'queue', name, '' from queues
        union all select round_id, 'round', name, '' from rounds
        union all select draft_id, 'draft', e.name, e.version::text from drafts join eval_sets as e using (eval_set_id)
        union all select training_set_id, 'training_set', row_count::text, '' from training_sets
        union all select t.trial_id, if(x.row_count is null, 'candidate', 'trial'),
            coalesce(x.row_count::text, p.name), coalesce(m.name, '')
            from trials as t left join training_sets as x using (training_set_id)
            left join prompts as p on p.prompt_id = t.prompt_id
            left join models as m on m.model_id = t.candidate_model_id
        union all select sign_off_id, 'sign_off', number::text, '' from sign_offs
        union all select release_id, 'release', number::text, '' from releases
        union all select key_hash[:16], 'key', name, '' from serving_keys
        union all select question_id, 'question', question, '' from questions
        union all select distillation_id, 'distillation', e.name, e.version::text
            from distillations join eval_sets as e using (eval_set_id)
        union all select curve_id, 'curve', e.name, e.version::text
            from learning_curves join eval_sets as e using (eval_set_id)
        union all select token_hash[:16], 'session', '', '' from sessions
    )
    select id, kind, name, more from names semi join ids using (id)
"""
