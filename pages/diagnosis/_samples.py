"""The answers behind a number, hidden from somebody who still has to judge them blind."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.evaluation import answers
from core.review import blindness
from pages._ui import session
from pages._ui.session import _
from pages.evaluation import _words

MOST_SHOWN = 200


def hidden(run_ids: Sequence[str]) -> bool:
    """Whether the reader may not see these answers yet; says so if that is how it is."""
    waiting = blindness.waiting(session.conn(), run_ids, session.person())
    if waiting:
        st.info(
            _(
                "%(count)s of these answers wait for your own judgement. They are shown with their prompt after "
                "that, so that you judge without knowing it.",
                count=waiting,
            )
        )
    return waiting > 0


def show(run: Mapping[str, Any], key: str) -> None:
    """The first answers of a run, the wrong ones before all others."""
    if hidden([run["run_id"]]):
        return
    found = answers.of_run(session.conn(), run["run_id"], wrong_first=True, limit=MOST_SHOWN)
    st.dataframe(
        [_words.answer(row) for row in found],
        hide_index=True,
        height=320,
        key=key,
    )
    if run["planned"] > MOST_SHOWN:
        st.caption(_("The first %(shown)s of %(all)s answers, the wrong ones first.",
                     shown=MOST_SHOWN, all=run["planned"]))  # fmt: skip
