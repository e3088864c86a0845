"""Retrieval: does looking up help, does it stack with tuning, and where are wrong answers lost?"""

import streamlit as st

from core.evaluation import lookups
from pages._ui import parts, remembered, session
from pages._ui.session import _, plain
from pages.diagnosis import _retrieval

conn, task = session.conn(), session.task()
st.title(_("Retrieval"))
st.caption(
    _(
        "What the passages of the knowledge base add, whether they do something else than tuning, and whether wrong "
        "answers lacked the passage or did not use it."
    )
)
runs = {run["run_id"]: run for run in remembered.call(lookups.runs_of, task.task_id)}
if not runs:
    st.info(_("Nothing was looked up yet. Run a matrix that looks passages up, and the same without them."))
    parts.link("evaluation/runs.py", _("Go to Runs"), "stairs")
    st.stop()
_retrieval.grid(task)
st.subheader(_("One run in detail"))
chosen = parts.select(
    _("Run"), list(runs), format_func=lambda one: _retrieval.name(runs[one]), key=f"retrieval.run.{len(runs)}"
)
found = remembered.call(lookups.report, task, runs[chosen])
st.info(_(found.lost.sentence.message, **found.lost.sentence.values), icon=":material/troubleshoot:")
if found.search.hits.n:
    _retrieval.table(found)
else:
    st.caption(
        _(
            "To name sources, keep a column “source” of the file as a further column when importing: the document's "
            "name, and after a bar words of the passage, such as “fees.md | Late payment”."
        )
    )
st.dataframe(_retrieval.rates(found), hide_index=True)
st.caption(
    plain(
        "A citation is supported when the passages it names have at least 60 percent of the sentence's words and all "
        "its numbers. That compares words, not meaning; what it finds wrong, a person should read."
    )
)
_retrieval.opinions(runs[chosen])
_retrieval.ways(task, runs[chosen])
