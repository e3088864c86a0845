"""Calls that gave no answer, by reason, with the button that asks them again; and answers that are cut off."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.access import roles
from core.evaluation import runs
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _words


def show(failures: Sequence[Mapping[str, Any]], names: Mapping[str, str], job_id: str) -> None:
    """A table of reasons; nothing when no call failed. `names` says what each run is called."""
    if not failures:
        return
    st.warning(_("Some calls gave no answer. They are counted apart and are not wrong answers."))
    st.dataframe(
        [
            {
                plain("Prompt"): names[row["run_id"]],
                plain("Calls"): row["count"],
                plain("Reason"): _words.failure(row),
            }
            for row in failures
        ],
        hide_index=True,
        row_height=_words.row_height(map(_words.failure, failures)),
    )
    if not roles.may(session.person(), "run.start") or parts.is_open(job_id):
        return
    words = _("Ask the %(count)s failed calls again", count=sum(row["count"] for row in failures))
    if st.button(words, icon=":material/replay:", key=f"results.retry.{job_id}"):
        with session.refusing():
            runs.retry_failed(session.conn(), session.settings(), job_id, by=session.person())
            st.rerun()


def show_cut(of_runs: Sequence[Mapping[str, Any]]) -> None:
    """How many answers ended at the limit of tokens, and what to do; nothing when none did."""
    cut = sum(run["cut"] for run in of_runs)
    if not cut:
        return
    limits = sorted({json.loads(run["decoding"])["max_new_tokens"] for run in of_runs if run["cut"]})
    st.warning(
        _(
            "%(cut)s of %(answered)s answers ended at the limit of %(tokens)s tokens and are cut off. They are scored "
            "as they stand, apart from failed calls. Read a few: if they were not finished, run again with a higher "
            "“Longest answer”.",
            cut=f"{cut:,}",
            answered=f"{sum(run['answered'] for run in of_runs):,}",
            tokens=" / ".join(map(str, limits)),
        )
    )
