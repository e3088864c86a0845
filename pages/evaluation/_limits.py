"""What a start may cost and how long its answers may become; and going on after a spending cap was reached."""

import streamlit as st

from core.evaluation import runs
from core.evaluation.matrices import MOST_TOKENS
from core.jobs import jobs
from core.locale.mark import N_
from pages._ui import session
from pages._ui.session import _, plain


def fields(key: str) -> tuple[float | None, int | None]:
    """Spending cap and longest answer, None where nothing is said."""
    left, right = st.columns(2)
    with left:
        most = cap(key)
    with right:
        longest = st.number_input(
            _("Longest answer (tokens)"), 1, MOST_TOKENS, None, key=f"{key}.longest", placeholder=plain("as needed"),
            help=_("Empty is as many tokens as the longest reference of the set needs. What is longer is cut off, so "
                   "allow more for models that think before they answer."),
        )  # fmt: skip
    return most, longest


def cap(key: str) -> float | None:
    """The spending cap, None if there is to be none."""
    return st.number_input(
        _("Spending cap (in the models' currency)"), 0.0, None, None, key=f"{key}.cap",
        help=_("No call is started that could take the cost above it. What is in by then is kept."),
    )  # fmt: skip


def go_on(job_id: str) -> None:
    """A job that ended at its cap can go on with a higher one."""
    job = jobs.find(session.conn(), job_id)
    if job is None or job.spec.get("cap") is None or job.state not in jobs.RESUMABLE:
        return
    with st.form(f"runs.raise.{job_id}"):
        higher = st.number_input(_("New spending cap"), 0.0, None, 2 * job.spec["cap"], key=f"runs.new_cap.{job_id}")
        if st.form_submit_button(_("Go on with this cap"), key=f"runs.raise_cap.{job_id}"):
            with session.refusing():
                runs.raise_cap(session.conn(), session.settings(), job_id, higher, by=session.person())
                session.keep_message(N_("The job goes on."))
                st.rerun()
