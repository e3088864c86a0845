"""What the task's next queues will ask of raters: the scale, the reference, the question."""

from typing import get_args

import streamlit as st

from core.locale.mark import N_
from core.review import rubrics
from core.review.rubrics import Reference, Scale
from pages._ui import session
from pages._ui.session import _, plain

SCALES = {"pass_fail": N_("Pass or fail"), "five": N_("1 to 5; 4 and 5 pass")}
REFERENCES = {"shown": N_("always shown"), "on_demand": N_("on demand"), "hidden": N_("hidden")}


def revise(task_id: str) -> None:
    """A form over the newest rubric; queues that exist keep theirs."""
    rubric = rubrics.latest(session.conn(), task_id)
    st.markdown(_("**For new queues of this task**"))
    with st.form("rate.rubric", border=False):
        language = session.language()
        question = st.text_input(_("Question"), session.either(rubric.question), key="rate.rubric.question")
        guidelines = st.text_area(
            _("Guidelines, one a line"), session.either(rubric.guidelines), key="rate.rubric.guidelines"
        )
        scale = st.selectbox(
            _("Scale"),
            get_args(Scale),
            get_args(Scale).index(rubric.scale),
            format_func=lambda one: plain(SCALES[one]),
            key="rate.rubric.scale",
        )
        reference = st.selectbox(
            _("Reference"),
            get_args(Reference),
            get_args(Reference).index(rubric.reference),
            format_func=lambda one: plain(REFERENCES[one]),
            key="rate.rubric.reference",
        )
        saved = st.form_submit_button(_("Save"), key="rate.rubric.save")
    if saved:
        with session.refusing():
            rubrics.revise(
                session.conn(),
                by=session.person(),
                task_id=task_id,
                scale=scale,
                reference=reference,
                question={**rubric.question, language: question},
                guidelines={**rubric.guidelines, language: guidelines},
            )
            session.keep_message(N_("Saved. Queues made from now on ask this; those that exist keep their question."))
            st.rerun()
