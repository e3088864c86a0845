"""The form for a new task: its name, and what is agreed for it before anything is measured."""

import streamlit as st

from core.evaluation import demo_task, tasks
from core.evaluation.tasks import Plan
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _


def show() -> None:
    """The form, for somebody who may add tasks."""
    form = parts.fresh("tasks.new")
    with st.form(form):
        name = st.text_input(_("Name"), key=f"{form}.name", help=_("In a few words: which job is it?"))
        description = st.text_area(_("Description"), key=f"{form}.description", height=100)
        left, middle, right = st.columns(3)
        target = left.number_input(
            _("Target, percent right"),
            1,
            100,
            80,
            key=f"{form}.target",
            help=_("How good the answers must be to be used."),
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
            help=_(
                "Adds a small set of everyday questions, so that a fine-tune that spoils other abilities is noticed."
            ),
        )
        saved = st.form_submit_button(_("Create task"), type="primary", key=f"{form}.create")
    if saved:
        with session.refusing():
            task = tasks.create(
                session.conn(),
                by=session.person(),
                name={"en": name.strip(), "zh": name.strip()},
                description={"en": description.strip(), "zh": description.strip()},
                target=target / 100,
                plan=Plan(smallest_gain=gain / 100, margin=margin / 100, repeats=repeats, samples=samples),
            )
            if general:
                demo_task.add_general(session.conn(), by=session.person(), task_id=task.task_id)
            st.session_state["task"] = task.task_id
            parts.renew("tasks.new")
            session.keep_message(N_("The task is there. Next, import its questions under Eval sets."))
            st.rerun()
