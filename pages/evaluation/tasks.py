"""Tasks: what each is about and what was agreed for it; a new one."""

import streamlit as st

from core.access import roles
from core.evaluation import tasks
from pages._ui import session
from pages._ui.session import _, plain
from pages.evaluation import _task_form

conn, person = session.conn(), session.person()
st.title(_("Tasks"))
st.caption(_("A task is one business job that an AI does: its questions, what counts as right, and what was agreed."))

for task in tasks.everything(conn):
    with st.container(border=True):
        st.markdown(f"**{session.escape(session.either(task.name))}**")
        if described := session.either(task.description):
            st.markdown(session.escape(described))
        st.caption(
            _(
                "Target %(target)s%% right · smallest gain worth having %(gain)s points · harmless loss up to "
                "%(margin)s points · answers per sample K = %(repeats)s · fewest samples n = %(samples)s",
                repeats=task.plan.repeats,
                samples=task.plan.samples or plain("not agreed"),
                target=round(task.target * 100),
                gain=round(task.plan.smallest_gain * 100),
                margin=round(task.plan.margin * 100),
            )
        )
        if task == session.task():
            st.badge(_("You are working on this task"), icon=":material/check:", color="gray")
        elif st.button(_("Work on this task"), key=f"tasks.choose.{task.task_id}"):
            st.session_state["task"] = task.task_id
            st.rerun()

st.subheader(_("New task"))
if not roles.may(person, "task.manage"):
    st.caption(_("An operator can add tasks."))
    st.stop()
_task_form.show()
