"""What a run looks up: nothing, or so many passages of a version of the knowledge base."""

import streamlit as st

from core.evaluation import retrieving
from core.evaluation.retrieving import Retrieval
from core.knowledge import indexes
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _search_way


def choose(task_id: str, key: str) -> tuple[Retrieval | None, bool]:
    """The choice, and whether the same is to be asked without passages, too."""
    known = {one.number: one for one in indexes.versions(session.conn(), task_id)}
    if not known:
        return None, False
    words = {0: plain("nothing")} | {
        number: plain("knowledge base, version %(number)s (%(passages)s passages, %(way)s)", number=number,
                      passages=one.passages, way=_search_way.name(one)) for number, one in known.items()
    }  # fmt: skip
    left, right = st.columns(2)
    with left:
        number = parts.select(
            _("Look up in"), list(words), format_func=words.__getitem__, key=f"{key}.index.{len(known)}",
            help=_("The passages that fit a question best are put where the prompt says {passages}."),
        )  # fmt: skip
    if not number:
        return None, False
    k = right.number_input(_("Passages per question"), 1, retrieving.MOST, retrieving.USUAL, key=f"{key}.k")
    both = st.checkbox(
        _("Ask the same without passages, too"), key=f"{key}.both",
        help=_("Shows what the passages add on the same samples."),
    )  # fmt: skip
    return Retrieval(index_id=known[number].index_id, k=k), both
