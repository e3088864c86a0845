"""The answers behind a number, hidden from somebody who still has to judge them blind."""

from collections.abc import Sequence

import streamlit as st

from core.evaluation import answers, flips, repeats
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


def show(run_id: str, key: str, metric: str | None = None) -> None:
    """The first answers of a run, those that are wrong by that metric (or by the leading one) before all others."""
    if hidden([run_id]):
        return
    by = None if metric in repeats.METRICS else metric  # which say nothing of one answer alone
    found = answers.of_run(session.conn(), run_id, wrong_first=True, metric=by, limit=MOST_SHOWN + 1)
    st.dataframe(
        [_words.answer(row) for row in found[:MOST_SHOWN]],
        hide_index=True,
        height=320,
        key=key,
    )
    if len(found) > MOST_SHOWN:
        st.caption(_("The first %(shown)s answers, the wrong ones first.", shown=MOST_SHOWN))


def unlike(metric: str, before: str, after: str, tag: str | None = None) -> None:
    """Samples that one of two runs answers better by that metric, a few of each kind; only with the tag if given."""
    if hidden([before, after]):
        return
    changed = remembered.call(flips.between, metric, [before], [after], most=EXAMPLES, tag=tag)
    found = [one for one in changed if one.change != "unchanged"]
    for one in found:
        flip_parts.show(one)
    if not found:
        st.caption(_("Both answer the same samples right."))
