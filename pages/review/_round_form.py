"""A new round of blind comparisons: which versions, how many samples, who compares."""

import streamlit as st

from core.access import people, roles
from core.evaluation.tasks import Task
from core.locale.mark import N_
from core.review import comparisons, selections
from pages._ui import parts, session
from pages._ui.session import _
from pages.review import _words


def show(task: Task) -> None:
    """The fields; runs over the same samples can be compared."""
    conn, key = session.conn(), parts.fresh("compare.form")
    known = {run["run_id"]: run for run in selections.sources(conn, task.task_id)}
    if len(known) < 2:
        st.caption(_("At least two runs with answers are needed."))
        return
    raters = {one.person_id: one.name for one in people.everyone(conn) if roles.may(one, "rate")}
    chosen = st.multiselect(
        _("Versions"), list(known), format_func=lambda one: _words.source(known[one]), placeholder=_("Choose"),
        key=f"{key}.runs",
    )  # fmt: skip
    left, right = st.columns(2, gap="medium")
    limit = left.number_input(_("How many samples, drawn at random"), 1, 1000, 100, key=f"{key}.limit")
    name = left.text_input(_("Name"), placeholder=_("may stay empty"), key=f"{key}.name")
    who = right.multiselect(
        _("Who compares"),
        list(raters),
        format_func=raters.__getitem__,
        placeholder=_("every expert"),
        key=f"{key}.raters",
    )
    if not st.button(_("Open the round"), type="primary", disabled=len(chosen) < 2, key="compare.open"):
        return
    with session.refusing():
        comparisons.create(
            conn, by=session.person(), task_id=task.task_id, run_ids=chosen, name=name, limit=limit, raters=who
        )
        parts.renew("compare.form")
        session.keep_message(N_("The round is open. Its raters find it on their overview."))
        st.rerun()
