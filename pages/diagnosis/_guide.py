"""Retrieval or fine-tuning: six questions, and where their answers stand beside the evidence."""

from typing import Any

import streamlit as st

from core.access import roles
from core.diagnosis import guide
from core.diagnosis.guide import Guide
from core.diagnosis.levers import Lever
from core.evaluation import guides, lookups
from core.evaluation.tasks import Task
from core.locale.mark import N_
from pages._ui import parts, persons, remembered, session
from pages._ui.session import _, plain

ANSWERS = {"yes": N_("yes"), "no": N_("no")}
SIDES: dict[guide.Measured, str] = {"rag": N_("Retrieval"), "fine_tune": N_("Fine-tune")}


def read(task: Task) -> Guide | None:
    """Where the kept answers point; None before anybody answered."""
    kept = guides.latest(session.conn(), task.task_id)
    return _weighed(task, kept["answers"]) if kept else None


def _weighed(task: Task, answers: dict[str, Any]) -> Guide:
    return guide.weigh(answers, **remembered.call(lookups.gains, task))


def show(task: Task, lever: Lever) -> None:
    """The answers beside what the evidence recommends, and the questions to answer (again)."""
    conn, person = session.conn(), session.person()
    kept = guides.latest(conn, task.task_id)
    st.subheader(_("Retrieval or fine-tuning: what you know of the task"))
    if kept:
        found = _weighed(task, kept["answers"])
        with st.container(border=True):
            st.markdown(_(found.sentence.message, **found.sentence.values))
            if (told := guide.beside(found, lever)) is not None:
                st.markdown(_(told))
            for side, measured in found.measured.items():
                title = SIDES[side]
                st.markdown(f"**{_(title)}:** " + _(measured.message, **measured.values))
            st.caption(
                _(
                    "Answered by %(name)s, %(when)s.",
                    name=persons.name(kept["answered_by"]),
                    when=parts.moment(kept["answered_at"]),
                )
            )
    else:
        st.caption(_("Some things no measurement shows. Six short questions; the answers stand beside the evidence."))
    may = roles.may(person, "guide.answer")
    with st.expander(_("The six questions"), icon=":material/quiz:", expanded=not kept and may), st.form("guide.form"):
        said = {name: _ask(task, name, kept["answers"] if kept else {}) for name in guide.QUESTIONS}
        saved = st.form_submit_button(_("Keep these answers"), key="guide.save", disabled=not may)
    if saved:
        with session.refusing():
            answers: dict[str, Any] = {name: one for name, one in said.items() if one is not None}
            guides.answer(conn, by=person, task_id=task.task_id, answers=answers)
            session.keep_message(N_("The answers are kept."))
            st.rerun()


def _ask(task: Task, name: str, kept: dict[str, str]) -> str | None:
    question = guide.QUESTIONS[name]
    said = st.segmented_control(
        _(question.text),
        list(ANSWERS),
        default=kept.get(name),
        format_func=lambda one: plain(ANSWERS[one]),
        key=f"guide.{task.task_id}.{name}",
        help=_("If nobody knows, leave it out."),
    )
    st.caption(_(question.why))
    return said
