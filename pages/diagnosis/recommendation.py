"""Recommendation: the one lever to pull next, what it rests on, and what would change it."""

import streamlit as st

from core.diagnosis import levers
from pages._ui import parts, remembered, session
from pages._ui.session import _
from pages.diagnosis import _evidence, _guide, _lever_words

conn, task = session.conn(), session.task()
st.title(_("Recommendation"))
st.caption(
    _("Everything that was measured, read by one table of rules. It recommends one thing, or says what is missing.")
)
bases = remembered.call(_evidence.bases, task)
base = next(iter(bases), None)
if len(bases) > 1:
    base = st.selectbox(_("The model you want to use"), list(bases), format_func=bases.__getitem__, key="lever.base")
measured = remembered.call(_evidence.facts, task, base, session.person().person_id)
shares = remembered.call(_evidence.error_shares, task)
facts = measured | _evidence.errors_in(task, shares, session.language())
found = levers.recommend(facts)
title, page, icon = _lever_words.LEVERS[found.lever]
with st.container(border=True):
    st.markdown(f"## :material/{icon}: {_(title)}")
    st.markdown(_(found.rule.why))
    st.markdown(_("**What would change this:** ") + _(found.rule.change))
    parts.link(page, _("Go there"), "arrow_forward")

st.subheader(_("What it rests on"))
for kind, one in facts.items():
    with st.container(border=True):
        st.markdown(f"**{_(_lever_words.KINDS[kind])}:** {_(one.sentence.message, **one.sentence.values)}")
        if kind in found.decisive:
            st.badge(_("decides"), icon=":material/check:", color="gray")
if not facts:
    st.info(_("Nothing has been measured to its end yet."))
if found.doubts:
    st.subheader(_("What leaves it in doubt"))
    for doubt in found.doubts:
        st.markdown("- " + _(doubt))

_guide.show(task, found.lever)
answered = _guide.read(task)

st.subheader(_("To forward"))
st.caption(_("The same paragraph in both languages; the button at its corner copies it."))
for language in ("en", "zh"):
    said = levers.recommend(measured | _evidence.errors_in(task, shares, language))
    parts.text(_lever_words.paragraph(task, said, language, answered))

with st.expander(_("The table of rules"), icon=":material/table:"):
    st.caption(_("Read from the top; the first row that fits counts. The order is the argument."))
    st.dataframe(_lever_words.table(found), hide_index=True, row_height=70)
