"""What a run looks up: nothing, or so many passages of a version of the knowledge base."""

from collections.abc import Sequence

import streamlit as st

from core.evaluation import retrieving
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.knowledge import indexes
from core.knowledge.indexes import Index
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _search_way


def choose(task_id: str, key: str) -> tuple[Retrieval | None, tuple[Retrieval, ...], bool]:
    """The choice, others to be asked beside it, and whether the same is to be asked without passages, too."""
    retrieval = _choose(task_id, key, None)
    if retrieval is None:
        return None, (), False
    others = {
        one.index_id: one for one in indexes.versions(session.conn(), task_id) if one.index_id != retrieval.index_id
    }
    chosen = (
        st.multiselect(
            _("Beside it, look up in"), list(others), key=f"{key}.beside.{retrieval.index_id}",
            format_func=lambda one: _version(others[one]),
            help=_("Asks the same with each of these, too, so that versions and ways of searching can be compared."),
        )
        if others
        else []
    )  # fmt: skip
    both = st.checkbox(
        _("Ask the same without passages, too"), key=f"{key}.both",
        help=_("Shows what the passages add on the same samples."),
    )  # fmt: skip
    return retrieval, tuple(Retrieval(index_id=one, k=retrieval.k) for one in chosen), both


def for_prompts(task_id: str, key: str, asked: Sequence[Prompt], usual: Retrieval | None = None) -> Retrieval | None:
    """The choice where one of the prompts has a place for passages; the usual one, or the newest version, is proposed.

    Nothing is asked where no prompt has one.
    """
    if not any(prompt.takes_passages for prompt in asked):
        return None
    newest = indexes.newest(session.conn(), task_id)
    if newest is None:
        st.caption(_("A prompt has a place for passages, but this task has no knowledge base yet."))
        parts.link("evaluation/knowledge.py", _("Add documents"), "menu_book")
        return None
    return _choose(task_id, key, usual or Retrieval(index_id=newest.index_id))


def _version(one: Index) -> str:
    return plain("knowledge base, version %(number)s (%(passages)s passages, %(way)s)", number=one.number,
                 passages=one.passages, way=_search_way.name(one))  # fmt: skip


def _choose(task_id: str, key: str, usual: Retrieval | None) -> Retrieval | None:
    known = {one.number: one for one in indexes.versions(session.conn(), task_id)}
    if not known:
        return None
    words = {0: plain("nothing")} | {number: _version(one) for number, one in known.items()}
    proposed = next((number for number, one in known.items() if usual and one.index_id == usual.index_id), 0)
    # Another proposal is another widget, since a widget keeps what it said first.
    tail = f".{proposed}" if proposed else ""
    left, right = st.columns(2)
    with left:
        number = parts.select(
            _("Look up in"), list(words), index=list(words).index(proposed), format_func=words.__getitem__,
            key=f"{key}.index.{len(known)}{tail}",
            help=_("The passages that fit a question best are put where the prompt says {passages}."),
        )  # fmt: skip
    if not number:
        return None
    usual_k = usual.k if usual else retrieving.USUAL
    k = right.number_input(_("Passages per question"), 1, retrieving.MOST, usual_k, key=f"{key}.k{tail}")
    return Retrieval(index_id=known[number].index_id, k=k)
