"""Knowledge base: documents to look answers up in, what they were cut into, a question to try, and the versions."""

import streamlit as st

from core.access import roles
from core.knowledge import indexes
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _knowledge, _questions, _search_way

conn, person, task = session.conn(), session.person(), session.task()
st.title(_("Knowledge base"))
st.caption(
    _("Documents that answers may be looked up in. They are cut into passages; a run with retrieval shows the model "
      "the best ones for each question.")
)  # fmt: skip
may = roles.may(person, "knowledge.manage")
known = indexes.versions(conn, task.task_id)
if may:
    _knowledge.upload(task.task_id)
_knowledge.show_outcomes()
_knowledge.waiting(task.task_id)
if not known:
    st.info(
        _("This task has no documents yet.") if may else _("This task has no documents yet. An operator adds some.")
    )
    st.stop()
views = {"try": plain("Try a question"), "documents": plain("Documents and passages"), "versions": plain("Versions")}
views["questions"] = plain("Test questions")
if may:
    views["search"] = plain("Way of searching")
view = parts.view(_("View"), views, "knowledge.view")
st.caption(
    _("Version %(number)s: %(documents)s documents, %(passages)s passages, searched %(way)s", number=known[0].number,
      documents=len(known[0].documents), passages=known[0].passages, way=_search_way.name(known[0]))
)  # fmt: skip
if view == "try":
    _knowledge.try_question(known[0])
elif view == "documents":
    _knowledge.documents(known[0], may)
elif view == "questions":
    _questions.show(known[0])
elif view == "search":
    _search_way.choose(known)
else:
    _knowledge.versions(known, may)
