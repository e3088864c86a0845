"""Which trial the page is about, and how far its proof is while nothing may be shown of it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.evaluation import retrieving
from core.release import proofs
from core.release.proofs import Report
from core.review import blindness
from core.training import trials
from pages._ui import parts, passages, session
from pages._ui.session import _, plain


def trial(task_id: str, key: str) -> str | None:
    """A picker over the task's trials, that of the address first; None, with a word, when there is none."""
    known = {one["trial_id"]: one for one in trials.contenders(session.conn(), task_id)}
    if not known:
        st.info(_("There is no trial yet. Start one under Training, Trial fine-tune, or put up a prompt or another "
                  "model under Release, Before and after."))  # fmt: skip
        return None

    def name(trial_id: str) -> str:
        one = known[trial_id]
        when = parts.moment(one["created_at"])
        if not one["training_set_id"]:
            named = {"prompt": one["prompt_name"], "model": one["model_name"]}
            return plain("Candidate of %(when)s: %(prompt)s on %(model)s", when=when, **named)
        return plain("Trial of %(when)s on %(rows)s samples", when=when, rows=one["row_count"])

    index = parts.asked_about("trial", list(known))
    chosen = str(parts.select(_("Trial"), list(known), index=index, format_func=name, key=key))
    if not known[chosen]["training_set_id"]:
        st.caption(session.escape(name(chosen)))  # a phone cuts the names of prompt and model in the box
    say_retrieval(known[chosen])
    return chosen


def say_retrieval(trial: Mapping[str, Any]) -> None:
    """Which index the trial's proof looks things up in, and how many passages; nothing where it does not."""
    if retrieval := retrieving.of_run(trial):
        st.caption(_("Both sides look up %(what)s, where their prompt has a place for passages.",
                     what=passages.place(retrieval)))  # fmt: skip


def progress(trial_id: str) -> None:
    """How far the proof is, without a number from it: nobody peeks at half a result."""
    runs = proofs.runs_of(session.conn(), trial_id)
    if not runs:
        st.info(_("The model is not trained yet. The proof begins by itself as soon as it is."))
        return
    done, planned = sum(run["answered"] for run in runs), sum(run["planned"] for run in runs)
    st.progress(done / planned, text=_("Answers in: %(done)s of %(planned)s", done=done, planned=planned))
    st.caption(_("The result is shown when all answers are in, so that nobody stops at a lucky moment."))


def stop_while_judging(report: Report) -> None:
    """Whoever still has some of these answers to judge blind sees nothing of the result, and the page ends here."""
    if waiting := blindness.waiting(session.conn(), [run["run_id"] for run in report.runs], session.person()):
        st.info(_("You still have %(count)s of these answers to judge blind. The results are shown to you afterwards.",
                  count=waiting))  # fmt: skip
        parts.link("review/rate.py", _("Go on rating"), "rate_review")
        st.stop()
