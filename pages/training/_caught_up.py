"""Base, student and teacher side by side on the gate samples, and how much of the gap is closed."""

import pandas as pd
import streamlit as st

from core.access import roles
from core.evaluation.models import Model
from core.release import plans, teachers
from core.release.teachers import Comparison
from core.training import trials
from pages._ui import charts, parts, session
from pages._ui.session import _, plain
from pages.diagnosis import _samples
from pages.evaluation import _costs


def show(task_id: str) -> None:
    """For the trials that learned from a teacher."""
    conn = session.conn()
    known = {one["trial_id"]: (one, found) for one in trials.of_task(conn, task_id)
             if one["model_id"] and (found := teachers.of_trial(conn, one["trial_id"]))}  # fmt: skip
    if not known:
        return
    st.header(_("Base, student and teacher"))
    names = {trial_id: one["model_name"] for trial_id, (one, _found) in known.items()}
    chosen = parts.select(_("Student"), list(names), format_func=names.__getitem__, key="distil.trial")
    if plans.report(conn, chosen) is None:
        st.info(_("The student's own result on the gate samples comes first. It is hidden until a plan is signed."))
        parts.link("release/before_after.py", _("See before and after"), "compare_arrows")
        return
    for teacher in known[chosen][1]:
        run = teachers.run_of(conn, chosen, teacher.model_id)
        compared = teachers.compare(conn, chosen, teacher.model_id)
        if compared is not None:
            _show(compared, names[chosen], teacher.name)
        elif run is not None:
            parts.job(run["job_id"], f"distil.gate.{chosen}.{teacher.model_id}")
        else:
            _ask(chosen, teacher)


def _ask(trial_id: str, teacher: Model) -> None:
    conn, person = session.conn(), session.person()
    st.markdown(_("**%(name)s** has not been asked the gate samples. It is asked once, for this comparison only.",
                  name=teacher.name))  # fmt: skip
    with session.refusing():
        _costs.estimate(teachers.estimate(conn, trial_id, teacher))
    may = roles.may(person, "run.start")
    if st.button(_("Ask the teacher the gate samples"), disabled=not may, key=f"distil.ask.{teacher.model_id}"):
        with session.refusing():
            teachers.ask(conn, by=person, trial_id=trial_id, teacher=teacher)
            st.rerun()


def _show(found: Comparison, student: str, teacher: str) -> None:
    words = _(found.gap.sentence.message, **found.gap.sentence.values)
    (st.success if found.gap.outcome == "closes" else st.warning)(words)
    sides = {
        plain("Base with the best prompt"): found.base,
        plain("Student: %(name)s", name=student): found.student,
        plain("Teacher: %(name)s", name=teacher): found.teacher,
    }
    rows = [
        {"label": label, "value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}
        for label, rate in sides.items()
        if rate.value is not None
    ]
    if rows:
        table, key = pd.DataFrame(rows), f"distil.{teacher}"
        picked = charts.show(charts.forest(table, target=None, title=plain("Model")), table, key=key, name="distil")
        for point in picked[:1]:
            st.markdown(_("**%(model)s:** the samples behind this point", model=point["label"]))
            _samples.show(dict(zip(sides, found.run_ids, strict=True))[point["label"]], f"{key}.samples", found.metric)
        if not picked:
            st.caption(_("Click a point to see its samples."))
    st.caption(_("On the gate samples that all three have answered, by: %(metric)s.",
                 metric=charts.metric_name(found.metric)))  # fmt: skip
    if found.failed:
        st.warning(_("%(count)s calls failed. They are counted apart and not as wrong answers.", count=found.failed))
