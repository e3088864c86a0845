"""Test questions from documents: having a model write them, an expert's check of each, and into a draft."""

import streamlit as st

from core.access import roles
from core.evaluation import questions
from core.evaluation.questions import Proposal
from core.jobs import jobs
from core.knowledge.indexes import Index
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _knowledge


def show(index: Index) -> None:
    """Everything about them, for whoever may do it."""
    conn, person = session.conn(), session.person()
    st.caption(
        _("A model writes questions that passages answer. None counts before an expert has checked it against its "
          "passage; approved ones go into a draft of an eval set, each with its source.")
    )  # fmt: skip
    if roles.may(person, "run.start"):
        _ask(index)
    last = next((job for job in jobs.everything(conn, index.task_id) if job.spec.get("questions")), None)
    if last is not None:
        parts.job(last.job_id, f"questions.job.{last.job_id}")
    counts = questions.counts(conn, index.task_id)
    if counts:
        st.markdown(
            _("%(waiting)s to check · %(approved)s approved · %(rejected)s rejected · %(taken)s in an eval set or a "
              "draft · %(failed)s replies without a question",
              **{state: counts.get(state, 0) for state in ("waiting", "approved", "rejected", "taken", "failed")})
        )  # fmt: skip
    if counts.get("waiting"):
        _check(questions.waiting(conn, index.task_id)[0], may=roles.may(person, "rate"))
    if counts.get("approved") and roles.may(person, "eval_set.import"):
        _take(index.task_id, counts["approved"])


def _ask(index: Index) -> None:
    model = parts.choose_model("questions.model")
    if model is None:
        return
    left, right = st.columns(2)
    most = min(index.passages, questions.MOST_PASSAGES)
    passages = left.number_input(
        _("Passages, spread evenly"), 1, most, min(20, most), key=f"questions.passages.{index.number}"
    )
    each = right.number_input(_("Questions to each"), 1, questions.MOST_EACH, 1, key="questions.each")
    if st.button(_("Write test questions"), type="primary", key="questions.ask"):
        with session.refusing():
            questions.ask(session.conn(), by=session.person(), index=index, model=model, passages=passages, each=each)
            st.rerun()


def _check(one: Proposal, *, may: bool) -> None:
    st.subheader(_("Is this a question that the passage answers?"))
    _knowledge.show(one.passage.place, one.passage)
    if not may:
        parts.text(f"{one.question}\n\n{one.answer}")
        st.caption(_("An expert checks the questions."))
        return
    with st.form(f"questions.check.{one.question_id}"):
        question = st.text_area(_("Question"), one.question, key=f"questions.question.{one.question_id}")
        answer = st.text_area(_("Right answer"), one.answer, key=f"questions.answer.{one.question_id}")
        with st.container(horizontal=True):
            approved = st.form_submit_button(_("Approve"), type="primary", key=f"questions.approve.{one.question_id}")
            rejected = st.form_submit_button(_("Reject"), key=f"questions.reject.{one.question_id}")
    if approved or rejected:
        with session.refusing():
            questions.decide(
                session.conn(), by=session.person(), question_id=one.question_id, approved=approved,
                question=question, answer=answer,
            )  # fmt: skip
            st.rerun()


def _take(task_id: str, count: int) -> None:
    chosen = parts.choose_eval_set(task_id, "questions.set")
    if chosen is None:
        st.caption(_("This task has no eval set yet. Import one under Evaluation, Eval sets."))
        return
    label = _("Put %(count)s approved questions into my draft of this set", count=count)
    if st.button(label, key="questions.take"):
        with session.refusing():
            questions.take(session.conn(), by=session.person(), eval_set=chosen)
            session.keep_message(
                N_("%(count)s questions are in your draft of “%(name)s”, under Evaluation, Eval sets."),
                count=count, name=plain(chosen.name),
            )  # fmt: skip
            st.rerun()
