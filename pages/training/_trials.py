"""The trials of a task: how the training and the proof of each go, and what came of it."""

import streamlit as st

from core.release import plans, proofs
from core.training import trials
from pages._ui import parts, persons, session
from pages._ui.session import _
from pages.release import _pick, _verdict
from pages.training import _live

A_PAGE = 5


def show(task_id: str) -> None:
    """The newest first."""
    known = trials.of_task(session.conn(), task_id)
    if not known:
        return
    st.header(_("Trials"))
    for trial in parts.paged(known, "trial.page", A_PAGE):
        trial_id = trial["trial_id"]
        with st.container(border=True):
            when = parts.moment(trial["created_at"])
            st.caption(_("Begun by %(name)s on %(when)s", name=persons.name(trial["created_by"]), when=when))
            _pick.say_retrieval(trial)
            parts.job(trial["job_id"], f"trial.training.{trial_id}")
            _live.show(trial["job_id"], f"trial.live.{trial_id}")
            proof = proofs.runs_of(session.conn(), trial_id)
            if proof:
                parts.job(proof[0]["job_id"], f"trial.proof.{trial_id}")
            report = plans.report(session.conn(), trial_id)
            if report is not None:
                _verdict.show(report.proof)
            if plans.complete(session.conn(), trial_id):
                st.page_link(
                    "../release/before_after.py",
                    label=_("See before and after"),
                    icon=":material/compare_arrows:",
                    query_params={"trial": trial_id},
                )
