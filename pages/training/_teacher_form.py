"""Asking a teacher: which model, with which prompt, how many candidates, under which terms, and what it will cost."""

import streamlit as st

from core.evaluation import estimates, models
from core.evaluation.eval_sets import EvalSet
from core.evaluation.matrices import Matrix
from core.evaluation.prompts import Ladder
from core.locale.mark import N_
from core.training import distillations
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _costs


def show(eval_set: EvalSet, ladder: Ladder) -> None:
    """The form; the estimate follows every change."""
    conn, rungs = session.conn(), dict(ladder.rungs)
    left, right = st.columns(2, gap="medium")
    with left:
        teacher = parts.choose_model("distil.teacher")
        rung = parts.select(
            _("With the prompt"),
            list(rungs),
            index=len(rungs) - 1,
            format_func=lambda one: plain(rungs[one].name),
            help=_("The best prompt is usual: the student learns the answers and needs only the short prompt."),
            key=f"distil.rung.{ladder.ladder_id}",
        )
    with right:
        count = st.number_input(
            _("Candidates for each sample"), 1, 20, 3, key="distil.candidates",
            help=_("The best one is kept. Several need a temperature above 0, else they are all the same."),
        )  # fmt: skip
        temperature = st.number_input(_("Temperature"), 0.0, 2.0, 0.7 if count > 1 else 0.0, 0.1,
                                      key=f"distil.temperature.{count > 1}")  # fmt: skip
    licence = st.text_input(
        _("Terms under which its answers may be learned from"),
        key="distil.licence",
        placeholder=_("Such as: Apache-2.0, or our contract of March"),
        help=_("Some providers forbid it. The note stays on every row, in the model card and in every export."),
    )
    with st.expander(_("Pairs for DPO, spending cap")):
        students = [None, *(one for one in reversed(models.offered(conn)) if one.kind == "local")]
        student = st.selectbox(
            _("Also let a student answer"),
            students,
            format_func=lambda one: one.name if one else plain("No"),
            help=_("With its answers as the worse ones, DPO can learn the difference. What it answered before is "
                   "copied."),
            key="distil.student",
        )  # fmt: skip
        cap = st.number_input(
            _("Spending cap (in the models' currency)"), 0.0, None, None, key="distil.cap",
            help=_("No call is started that could take the cost above it. What is in by then is kept."),
        )  # fmt: skip
    if teacher is None:
        return
    with session.refusing():
        matrix = Matrix(eval_set=eval_set, split="train", prompts=[(rung, rungs[rung])], models=[teacher],
                        repeats=count, temperature=temperature)  # fmt: skip
        _costs.estimate(estimates.of(conn, matrix))
        if st.button(_("Ask the teacher"), type="primary", key="distil.start"):
            distillations.start(conn, by=session.person(), matrix=matrix, licence=licence, student=student, cap=cap)
            session.keep_message(N_("The teacher is at work. You may close this page; it goes on by itself."))
            st.rerun()
