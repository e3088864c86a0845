"""The answers behind a number, hidden from somebody who still has to judge them blind."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.evaluation import answers, flips
from core.evaluation.tasks import Task
from core.review import blindness
from pages._ui import flips as flip_parts
from pages._ui import remembered, session
from pages._ui.session import _
from pages.evaluation import _words

MOST_SHOWN = 200
EXAMPLES = 3


def hidden(run_ids: Sequence[str]) -> bool:
    """Whether the reader may not see these answers yet; says so if that is how it is."""
    waiting = remembered.call(blindness.waiting, run_ids, session.person())
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


def unlike(task: Task, before: str, after: str, tag: str | None = None) -> None:
    """Samples that one of two runs answers better, a few of each kind; only those with that tag if one is given."""
    if hidden([before, after]):
        return
    changed = remembered.call(flips.between, task.plan.metric, [before], [after], most=EXAMPLES, tag=tag)
    found = [one for one in changed if one.change != "unchanged"]
    for one in found:
        flip_parts.show(one)
    if not found:
        st.caption(_("Both answer the same samples right."))
