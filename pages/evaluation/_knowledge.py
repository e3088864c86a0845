"""Parts of the knowledge page. Everything that documents say is shown as text and never read as anything else."""

from collections.abc import Sequence

import streamlit as st

from core.errors import Refusal
from core.evaluation import spreadsheets
from core.knowledge import documents as readable
from core.knowledge import indexes, passages, ways
from core.knowledge.indexes import Index, Passage
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _search_way

LARGEST_MB = readable.LARGEST_FILE // 1_000_000
PREVIEWED = 5
"""Passages of each file that are shown before it is added."""


def upload(task_id: str) -> None:
    """Files to add; what became of each is kept for after the rerun."""
    form = parts.fresh("knowledge.upload")
    given = st.file_uploader(
        _("Add documents"), list(readable.ENDINGS), accept_multiple_files=True, key=f"{form}.files",
        max_upload_size=LARGEST_MB,
        help=_("%(kinds)s, up to %(limit)s MB each. A document of the same name takes the place of the one that is "
               "there.", kinds=", ".join(readable.ENDINGS), limit=LARGEST_MB),
    )  # fmt: skip
    if not given:
        return
    with st.container(horizontal=True):
        add = st.button(_("Add to the knowledge base"), type="primary", key=f"{form}.add")
        look = st.button(_("See the passages first"), key=f"{form}.look")
    files = [(one.name, one.getvalue()) for one in given]
    if look:
        with st.spinner(_("Reading the documents…")):
            preview(files)
    if add:
        with session.refusing():
            with st.spinner(_("Reading the documents…")):
                st.session_state["knowledge.outcomes"] = indexes.add(
                    session.conn(), by=session.person(), task_id=task_id, files=files
                )
            parts.renew("knowledge.upload")
            st.rerun()


def preview(files: Sequence[tuple[str, bytes]]) -> None:
    """What each file would be cut into, the first passages as they would be found; nothing is kept."""
    for name, given in files:
        try:
            cut = passages.cut(readable.read(name, given))
        except Refusal as refusal:
            refused(name, refusal)
            continue
        shown = min(len(cut), PREVIEWED)
        told = _("%(name)s: %(count)s passages, not kept yet; shown: %(shown)s", name=name, count=len(cut), shown=shown)
        st.info(told)
        for place, one in enumerate(cut[:shown], 1):
            where = {"document": name, "place": place, "page": one.page, "section": one.section}
            show(place, Passage(passage_id="", text=one.text, **where))


def refused(name: str, refusal: Refusal) -> None:
    """A file that cannot be read, by name."""
    st.error(session.escape(name) + ": " + _(refusal.message, **refusal.values))


def show_outcomes() -> None:
    """What became of each file of the last upload."""
    for one in st.session_state.pop("knowledge.outcomes", []):
        if one.refusal is None:
            st.success(_("%(name)s: %(count)s passages", name=one.name, count=one.passages))
        else:
            refused(one.name, one.refusal)


def waiting(task_id: str) -> None:
    """The job that gets vectors for the next version, while it is not done."""
    if job_id := ways.waiting(session.conn(), task_id):
        st.caption(
            _("The next version is there once its passages have their vectors; until then the one before is searched. "
              "Passages that have theirs already are not asked for again.")
        )  # fmt: skip
        parts.job(job_id, "knowledge.job")


def try_question(index: Index) -> None:
    """The passages that a question finds, as a run would show them."""
    left, right = st.columns([4, 1])
    question = left.text_input(_("Question"), key="knowledge.question")
    k = right.number_input(_("Passages"), 1, indexes.MOST_SHOWN, 4, key="knowledge.k")
    if not question.strip():
        st.caption(_("Write a question as a customer would, and see which passages are found."))
        return
    with session.refusing():
        found = indexes.search(session.conn(), session.settings(), index, question, k)
        if not found:
            st.info(_("No passage shares a word with the question."))
        for number, (passage, score) in enumerate(found, 1):
            show(number, passage)
            st.caption(_search_way.score(index, score))


def show(number: int, passage: Passage) -> None:
    """One passage with its number and where it stands."""
    st.markdown(f"**[{number}]** {session.escape(where(passage))}")
    parts.text(passage.text)


def where(passage: Passage) -> str:
    """Document, page and section in the reader's language, as plain text."""
    page = plain("page %(page)s", page=passage.page) if passage.page is not None else ""
    return " · ".join(part for part in (passage.document, page, passage.section) if part)


def documents(index: Index, may: bool) -> None:
    """The documents of a version, the passages of one of them, and taking one out."""
    conn = session.conn()
    rows = indexes.of_index(conn, index)
    st.dataframe(
        [
            {
                plain("Document"): spreadsheets.escape(row["name"]),
                plain("Passages"): row["passages"],
                plain("Size (kB)"): round(row["size"] / 1000, 1),
                plain("Added"): parts.moment(row["added_at"]),
            }
            for row in rows
        ],
        hide_index=True,
    )
    names = {row["document_id"]: row["name"] for row in rows}
    chosen = st.selectbox(
        _("Document"), list(names), format_func=names.__getitem__, key=f"knowledge.document.{index.number}"
    )
    if may and st.button(_("Take this document out"), key=f"knowledge.remove.{chosen}"):
        with session.refusing():
            indexes.remove(conn, by=session.person(), task_id=index.task_id, document_ids=[chosen])
            session.keep_message(
                N_("“%(name)s” is out of the newest version; earlier ones keep it."), name=names[chosen]
            )
            st.rerun()
    for passage in parts.paged(indexes.of_document(conn, chosen), f"knowledge.passages.{chosen}", 10):
        show(passage.place, passage)


def versions(known: Sequence[Index], may: bool) -> None:
    """All versions, and an earlier one brought back."""
    st.dataframe(
        [
            {
                plain("Version"): one.number,
                plain("Documents"): len(one.documents),
                plain("Passages"): one.passages,
                plain("Search"): _search_way.name(one),
                plain("Made"): parts.moment(one.created_at),
                plain("Content"): one.index_id,
            }
            for one in known
        ],
        hide_index=True,
    )
    earlier = {one.number: one for one in known[1:] if one.index_id != known[0].index_id}
    if may and earlier:
        number = st.selectbox(_("Earlier version"), list(earlier), key=f"knowledge.earlier.{len(known)}")
        if st.button(_("Bring it back as the newest"), key="knowledge.bring_back"):
            indexes.bring_back(session.conn(), earlier[number], by=session.person())
            session.keep_message(N_("Version %(number)s is the newest again."), number=number)
            st.rerun()
