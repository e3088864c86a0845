"""The answers behind a number, hidden from somebody who still has to judge them blind."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.review import blindness
from pages._ui import session
from pages._ui.session import _
from pages.evaluation import _words


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


def show(run_ids: Sequence[str], read: Callable[[], Sequence[Mapping[str, Any]]], key: str) -> None:
    """A table of answers as `answers.of_run` gives them, the wrong ones first."""
    if hidden(run_ids):
        return
    found = sorted(read(), key=lambda row: 2.0 if row["value"] is None else row["value"])
    st.dataframe(
        [_words.answer(row) for row in found],
        hide_index=True,
        height=320,
        key=key,
    )
