"""A judge version: what is asked for a new one, and what an old one was asked."""

import streamlit as st

from core.access import roles
from core.evaluation import models, tasks
from core.evaluation.tasks import Task
from core.judging import judges
from core.judging.criteria import Judge
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain

FORMS = {"single": N_("One answer: pass or fail"), "pair": N_("Two answers: which is better")}


def show(task: Task) -> None:
    """The form of a new version."""
    conn, person = session.conn(), session.person()
    if not roles.may(person, "task.manage"):
        st.caption(_("An operator can add judges."))
        return
    model = parts.choose_model("judges.model")
    if model is None:
        return
    rubric = tasks.rubric(conn, task.task_id)
    form = parts.fresh("judges.new")
    with st.form(form):
        name = st.text_input(_("Name"), key=f"{form}.name", help=_("In a few words: what does it look at?"))
        kind = parts.select(
            _("It looks at"), list(FORMS), format_func=lambda one: plain(FORMS[one]), key=f"{form}.form"
        )
        criterion = st.text_area(
            _("The one criterion"), session.either(rubric["question"]), height=80, key=f"{form}.criterion"
        )
        left, right = st.columns(2)
        passes = left.text_area(_("It passes when"), height=100, key=f"{form}.passes")
        fails = right.text_area(_("It fails when"), height=100, key=f"{form}.fails")
        reference = st.checkbox(_("Show it the reference"), True, key=f"{form}.reference")
        st.caption(_("Any change of these makes a new version, since verdicts of two versions are not comparable."))
        saved = st.form_submit_button(_("Make this judge"), type="primary", key=f"{form}.save")
    if saved:
        with session.refusing():
            judge = Judge(
                name=name,
                criterion=criterion,
                passes=passes,
                fails=fails,
                model_id=model.model_id,
                form=kind,
                with_reference=reference,
            )
            kept = judges.save(conn, by=person, task_id=task.task_id, judge=judge)
            parts.renew("judges.new")
            parts.renew("judges.view")
            session.keep_message(N_("The judge “%(name)s” is there. Ask it about a run."), name=kept.name)
            st.rerun()


def describe(judge: Judge) -> None:
    """All that decides the version's verdicts."""
    model = models.find(session.conn(), judge.model_id)
    st.caption(
        _(
            "%(form)s · model %(model)s · version %(version)s",
            form=plain(FORMS[judge.form]),
            model=model.name if model else judge.model_id,
            version=judge.judge_id,
        )
    )
    for title, text in (
        (_("The one criterion"), judge.criterion),
        (_("It passes when"), judge.passes),
        (_("It fails when"), judge.fails),
    ):
        st.markdown(f"**{title}**")
        parts.text(text)
