"""A judge at work: asked about a run, and what it said."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.access import roles
from core.diagnosis.intervals import Rate
from core.evaluation import models
from core.evaluation.tasks import Task
from core.judging import judgings, standing
from core.judging.criteria import Judge
from core.locale.mark import N_
from core.review import blindness
from pages._ui import parts, remembered, session
from pages._ui.session import _, plain

WORDS = {
    "pass": N_("pass"),
    "fail": N_("fail"),
    "first": N_("first is better"),
    "second": N_("second is better"),
    "tie": N_("tie"),
}


def start(task: Task, judge: Judge) -> None:
    """Choose a run, or two, and ask."""
    conn, person = session.conn(), session.person()
    ready = judgings.ready_runs(conn, task.task_id)
    if not ready:
        st.info(_("No run of this task has all its answers yet. Run the ladder under Evaluation, Runs."))
        return
    run = _choose(_("Ask it about the run"), ready, "judges.run")
    other = None
    if judge.form == "pair":
        same = [one for one in ready if (one["eval_set_id"], one["split"]) == (run["eval_set_id"], run["split"])]
        other = _choose(_("Beside the run"), [one for one in same if one["run_id"] != run["run_id"]], "judges.other")
    judged = models.find(conn, run["model_id"])
    if judged is not None and judge.model_id in (judged.model_id, judged.base_model_id):
        st.warning(_("This judge is the same model that wrote the answers. Models favour their own: take another one."))
    blocked = not roles.may(person, "run.start") or (judge.form == "pair" and other is None)
    if st.button(_("Ask the judge"), type="primary", disabled=blocked, key="judges.start"):
        with session.refusing():
            judgings.start(
                conn, by=person, judge=judge, run_id=run["run_id"], other_run_id=other["run_id"] if other else None
            )
            st.rerun()


def _choose(label: str, runs: list[dict[str, Any]], key: str) -> Any:
    named = {run["run_id"]: run for run in runs}
    chosen = parts.select(
        label,
        list(named),
        index=0 if named else None,
        format_func=lambda one: _name(named[one]) if one in named else "",
        key=f"{key}.{len(named)}",
    )
    return named.get(chosen)


def _name(run: Mapping[str, Any]) -> str:
    words = [plain(run["set_name"]), run["split"], run["rung"], run["model_name"], parts.moment(run["created_at"])]
    return " · ".join(words)


def show(judge: Judge) -> None:
    """Each run that it was asked about: how far it is, what share passes, and the verdicts one by one."""
    conn, person = session.conn(), session.person()
    alone = len(standing.models(conn, judge)) < 2
    for judging in remembered.call(judgings.of_judge, judge.judge_id):
        name = judging["judging_id"]
        st.divider()
        versions = [f"{judging['rung']} · {judging['model_name']}"]
        if judging["other_run_id"]:
            versions.append(f"{judging['other_rung']} · {judging['other_model_name']}")
        st.markdown(
            f"**{session.escape(plain(judging['set_name']))} · {judging['split']} · "
            + session.escape(" / ".join(versions))
            + "**"
        )
        parts.job(judging["job_id"], f"judges.job.{name}")
        if not judging["judged"]:
            continue
        counts = remembered.call(judgings.counts, name)
        said = [f"{plain(word)}: {counts[one]}" for one, word in WORDS.items() if counts.get(one)]
        said.append(plain("Judge failed: %(count)s", count=judging["failed"]))
        st.markdown(session.escape(" · ".join(said)))
        st.caption(_("Counts of the judge's verdicts, not of right answers."))
        rate = _estimate(judge, judging, alone) if judge.form == "single" else None
        if rate is not None and rate.value is not None:
            st.markdown(
                _(
                    "People would probably pass %(value)s%% of these samples, 95%% interval %(low)s%% to %(high)s%%: "
                    "the judge's share, corrected by its errors on the %(n)s samples that people rated.",
                    value=round(rate.value * 100),
                    low=round(rate.low * 100),
                    high=round(rate.high * 100),
                    n=rate.n,
                )
            )
        waiting = remembered.call(
            blindness.waiting, [one for one in (judging["run_id"], judging["other_run_id"]) if one], person
        )
        if waiting:
            st.info(_("%(count)s of these answers wait for your own judgement. The verdicts are shown after that.",
                      count=waiting))  # fmt: skip
        elif st.toggle(_("Show the verdicts"), key=f"judges.show.{name}"):
            st.dataframe(
                [_row(row) for row in judgings.verdicts(conn, name)],
                hide_index=True,
                row_height=70,
                key=f"judges.table.{name}",
            )


def _estimate(judge: Judge, judging: Mapping[str, Any], alone: bool) -> Rate | None:
    """With the calibration that is on the page already: of the run's model, which is that of all if it is alone."""
    known = remembered.call(standing.calibrate, judge, *([] if alone else [judging["model_id"]]))
    return remembered.call(standing.estimate, judge, judging, known)


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    verdict = row["verdict"]
    shown = {
        plain("Key"): row["key"],
        plain("Judge"): plain(WORDS[verdict]) if verdict else plain("failed"),
        plain("People"): "" if row["human"] is None else plain("pass") if row["human"] else plain("fail"),
        plain("Why"): row["rationale"] or row["failure"] or "",
        plain("Answer"): row["text"],
    }
    return shown | ({plain("Other answer"): row["other_text"]} if row["other_text"] is not None else {})
