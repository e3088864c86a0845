"""Judges: models that look at one criterion, held against people before their numbers mean anything."""

import streamlit as st

from core.judging import judges
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.diagnosis import _calibration, _judge_form, _judgings

task = session.task()
st.title(_("Judges"))
st.caption(
    _(
        "A judge is a model that is asked about one criterion. It reads more than people can, and errs in its own "
        "ways: its numbers are held against people's, and it never passes a gate."
    )
)
known = judges.of_task(session.conn(), task.task_id)
views = {"judges": plain("The judges"), "new": plain("New judge")}
view = parts.view(_("View"), views, parts.fresh("judges.view"), "judges" if known else "new")
if view == "new":
    _judge_form.show(task)
    st.stop()
if not known:
    st.info(_("This task has no judge yet. Make one under New judge."))
    st.stop()
judge = st.selectbox(
    _("Judge"), known, format_func=lambda one: f"{one.name} · {one.judge_id.rpartition('-')[2][:6]}", key="judges.judge"
)
with st.expander(_("What it is asked"), icon=":material/gavel:"):
    _judge_form.describe(judge)
_judgings.start(task, judge)
_calibration.show(judge)
_judgings.show(judge)
