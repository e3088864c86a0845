"""How a knowledge base is searched: what it is called, what its scores are, and choosing another way."""

from collections.abc import Sequence

import streamlit as st

from core.knowledge import embedders, ways
from core.knowledge.embedders import Embedder
from core.knowledge.indexes import Index
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain

NAMES = {
    "bm25": N_("by words (BM25)"),
    "dense": N_("by meaning (embeddings)"),
    "hybrid": N_("by words and meaning (hybrid)"),
}
HELP = {
    "bm25": N_("Finds passages that share words with the question. Needs nothing, and is hard to beat on terms, names "
               "and numbers."),
    "dense": N_("Finds passages that mean the same in other words, or in another language. Needs a model for "
                "embeddings, which reads all passages and questions."),
    "hybrid": N_("Searches both ways and joins the two lists: a passage counts by its place in each (reciprocal rank "
                 "fusion). Needs a model for embeddings, which reads all passages and questions."),
}  # fmt: skip
SCORES = {
    "bm25": N_("BM25 score %(score)s"),
    "dense": N_("likeness of meaning (cosine) %(score)s"),
    "hybrid": N_("points for its places in both lists %(score)s"),
}


def name(index: Index) -> str:
    """The version's way of searching, as plain text."""
    return plain(NAMES[index.method])


def score(index: Index, value: float) -> str:
    """What the score of a passage is called in that index."""
    return _(SCORES[index.method], score=f"{value:.4f}" if index.method == "hybrid" else f"{value:.2f}")


def choose(known: Sequence[Index]) -> None:
    """Another way for the same documents, as a new version."""
    newest = known[0]
    method = parts.select(
        _("Search"), list(NAMES), index=list(NAMES).index(newest.method), format_func=lambda one: plain(NAMES[one]),
        key=f"knowledge.method.{newest.number}",
    )  # fmt: skip
    st.caption(_(HELP[method]))
    before = next((one.embedder for one in known if one.embedder), None)
    where = _where(before, newest.number) if method != "bm25" else ""
    with st.form(f"knowledge.way.{newest.number}.{method}.{where}"):
        typed = _endpoint(before, newest.number) if where == "endpoint" else ("", "", "")
        path = _folder(before, newest.number) if where == "folder" else ""
        made = st.form_submit_button(_("Make this the newest version"), type="primary", key="knowledge.way.make")
    if made:
        with session.refusing():
            chosen = None
            if where:
                chosen = embedders.folder(path) if where == "folder" else embedders.endpoint(*typed)
            said = {"by": session.person(), "task_id": newest.task_id, "method": method, "embedder": chosen}
            if ways.choose(session.conn(), **said) is None:
                session.keep_message(N_("Version %(number)s is searched in this way."), number=newest.number + 1)
            st.rerun()


def _where(before: Embedder | None, number: int) -> str:
    words = {"endpoint": plain("at an endpoint"), "folder": plain("in a folder on this machine")}
    return str(
        parts.select(
            _("The model for embeddings is"), list(words), index=int(bool(before and before.path)),
            format_func=words.__getitem__, key=f"knowledge.way.where.{number}",
        )
    )  # fmt: skip


def _folder(before: Embedder | None, number: int) -> str:
    return st.text_input(
        _("Folder"), before.path if before else "", placeholder="/models/multilingual-e5-small",
        key=f"knowledge.way.path.{number}",
        help=_("A sentence-transformers folder with safetensors weights. Nothing leaves this machine."),
    )  # fmt: skip


def _endpoint(before: Embedder | None, number: int) -> tuple[str, str, str]:
    before = None if before and before.path else before
    base_url = st.text_input(
        _("Address"), before.base_url if before else "", placeholder="http://127.0.0.1:11434/v1",
        key=f"knowledge.way.url.{number}",
    )  # fmt: skip
    model = st.text_input(
        _("Model for embeddings, as the server calls it"), before.model if before else "",
        key=f"knowledge.way.model.{number}",
    )  # fmt: skip
    key_env = st.text_input(
        _("Name of the environment variable that holds the key"), (before.key_env or "") if before else "",
        placeholder="OPENAI_API_KEY", help=_("Never the key itself. Leave it empty if the server wants none."),
        key=f"knowledge.way.key_env.{number}",
    )  # fmt: skip
    return base_url.strip(), model.strip(), key_env.strip()
