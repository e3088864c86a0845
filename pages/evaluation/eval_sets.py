"""Eval sets: what is in them, and a new one from a file."""

import streamlit as st

from core.access import roles
from core.evaluation import current_scorers, eval_sets
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _draft, _import_form, _samples, _scorer_words, _versions, _words

conn, task = session.conn(), session.task()
st.title(_("Eval sets"))
st.caption(_("An eval set is a frozen list of questions with their right answers. A change makes a new version."))
views = {"sets": plain("The sets"), "versions": plain("Versions and files"), "import": plain("Import a file")}
if roles.may(session.person(), "eval_set.import"):
    views = {"sets": views["sets"], "draft": plain("Edit"), **views}
view = parts.view(_("View"), views, parts.fresh("eval_sets.view"), "sets")
if view == "import" and roles.may(session.person(), "eval_set.import"):
    _import_form.show(task)
elif view == "import":
    st.info(_("An operator can import eval sets."))
else:
    sets = eval_sets.of_task(conn, task.task_id)
    if not sets:
        st.info(_("This task has no eval set yet. Import a file with its questions and, if you have them, answers."))
        st.stop()
    if view == "versions":
        _versions.show(task)
        st.stop()
    if view == "draft":
        _draft.show(task)
        st.stop()
    st.dataframe(
        [
            {
                plain("Eval set"): plain(one.name),
                plain("Version"): one.version,
                plain("Judged by"): _scorer_words.sentence(current_scorers.of_set(conn, one).definition),
                **{plain(word): one.counts.get(split, 0) for split, word in _words.SPLITS_SHORT.items()},
            }
            for one in sets
        ],
        hide_index=True,
    )
    with st.expander(_("What the four parts of a set are for")):
        for split, explained in _words.SPLITS_EXPLAINED.items():
            st.markdown(f"**{_(_words.SPLITS[split])}**: {_(explained)}")
    _samples.browse(task)
