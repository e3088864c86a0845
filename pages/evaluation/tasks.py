"""Tasks: what each is about and what was agreed for it; a new one."""

import streamlit as st

from core.access import roles
from core.evaluation import demo_task, tasks
from core.evaluation.tasks import Plan
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain

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
form = parts.fresh("tasks.new")
with st.form(form):
    name = st.text_input(_("Name"), key=f"{form}.name", help=_("In a few words: which job is it?"))
    description = st.text_area(_("Description"), key=f"{form}.description", height=100)
    left, middle, right = st.columns(3)
    target = left.number_input(
        _("Target, percent right"), 1, 100, 80, key=f"{form}.target", help=_("How good the answers must be to be used.")
    )
    gain = middle.number_input(
        _("Smallest gain worth having, points"),
        1,
        100,
        10,
        key=f"{form}.gain",
        help=_("A smaller improvement would not be worth the effort. Agreed before any result is seen."),
    )
    margin = right.number_input(
        _("Harmless loss, points"),
        1,
        100,
        10,
        key=f"{form}.margin",
        help=_("Elsewhere, a loss up to this size counts as nothing broken. Agreed before any result is seen."),
    )
    left, middle, right = st.columns(3)
    repeats = left.number_input(
        _("Answers per sample (K)"),
        1,
        20,
        5,
        key=f"{form}.repeats",
        help=_(
            "How often a ladder asks each sample. Several answers tell chance from change without more work for "
            "people; with K above 1 the model is asked with some randomness (temperature 0.7)."
        ),
    )
    samples = middle.number_input(
        _("Fewest samples for a verdict (n)"),
        0,
        5000,
        50,
        key=f"{form}.samples",
        help=_("Before so many samples are answered there is progress and no verdict. 0 agrees on no number."),
    )
    general = st.checkbox(
        _("Also watch general questions that must not break"),
        True,
        key=f"{form}.general",
        help=_("Adds a small set of everyday questions, so that a fine-tune that spoils other abilities is noticed."),
    )
    saved = st.form_submit_button(_("Create task"), type="primary", key=f"{form}.create")
if saved:
    with session.refusing():
        task = tasks.create(
            conn,
            by=person,
            name={"en": name.strip(), "zh": name.strip()},
            description={"en": description.strip(), "zh": description.strip()},
            target=target / 100,
            plan=Plan(smallest_gain=gain / 100, margin=margin / 100, repeats=repeats, samples=samples),
        )
        if general:
            demo_task.add_general(conn, by=person, task_id=task.task_id)
        st.session_state["task"] = task.task_id
        parts.renew("tasks.new")
        session.keep_message(N_("The task is there. Next, import its questions under Eval sets."))
        st.rerun()
