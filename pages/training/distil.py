"""Teacher: a stronger model answers, people check a share, and the batch is approved; then how far the student came."""

import streamlit as st

from core.access import roles
from core.evaluation import prompts
from core.training import distillations
from pages._ui import parts, session
from pages._ui.session import _
from pages.training import _batch, _caught_up, _teacher_form

conn, person, task = session.conn(), session.person(), session.task()
st.title(_("Teacher"))
st.markdown(
    _(
        "A stronger model answers the samples to learn from, people judge a random share, and the batch is approved as "
        "a whole. A small model then learns from it."
    )
)
known = distillations.of_task(conn, task.task_id)
with st.expander(_("Ask a teacher"), expanded=not known, icon=":material/school:"):
    eval_set = parts.choose_eval_set(task.task_id, "distil.set", "train")
    ladder = prompts.ladder(conn, task.task_id, eval_set.name) if eval_set else None
    if eval_set is None:
        st.info(_("No eval set of this task has samples to learn from (train). Import one that has."))
    elif ladder is None:
        st.info(_("This eval set has no prompts yet. Write them under Evaluation, Prompts."))
    elif not roles.may(person, "train.start"):
        st.info(_("Operators ask a teacher."))
    else:
        _teacher_form.show(eval_set, ladder)
for batch in parts.paged(known, "distil.page", 5):
    with st.container(border=True):
        _batch.show(batch)
_caught_up.show(task.task_id)
