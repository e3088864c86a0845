"""Recommendation: the one lever to pull next, what it rests on, and what would change it."""

import streamlit as st

from core.diagnosis import levers
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.diagnosis import _evidence, _lever_words

conn, task = session.conn(), session.task()
st.title(_("Recommendation"))
st.caption(
    _("Everything that was measured, read by one table of rules. It recommends one thing, or says what is missing.")
)
measured = _evidence.facts(conn, task, session.person().person_id)
facts = measured | _evidence.errors_in(conn, task, session.language())
found = levers.recommend(facts)
title, page, icon = _lever_words.LEVERS[found.lever]
with st.container(border=True):
    st.markdown(f"## :material/{icon}: {_(title)}")
    st.markdown(_(found.rule.why))
    st.markdown(_("**What would change this:** ") + _(found.rule.change))
    parts.link(page, _("Go there"), "arrow_forward")

st.subheader(_("What it rests on"))
if facts:
    st.dataframe(
        [
            {
                plain("Evidence"): plain(_lever_words.KINDS[kind]),
                plain("What it says, with n and interval"): plain(one.sentence.message, **one.sentence.values),
                plain("Decides"): plain("yes") if kind in found.decisive else "",
            }
            for kind, one in facts.items()
        ],
        hide_index=True,
        row_height=90,
        column_config={plain("What it says, with n and interval"): {"width": "large"}},
    )
else:
    st.info(_("Nothing has been measured to its end yet."))
if found.doubts:
    st.subheader(_("What leaves it in doubt"))
    for doubt in found.doubts:
        st.markdown("- " + _(doubt))

st.subheader(_("To forward"))
st.caption(_("The same paragraph in both languages; the button at its corner copies it."))
for language in ("en", "zh"):
    said = levers.recommend(measured | _evidence.errors_in(conn, task, language))
    parts.text(_lever_words.paragraph(task, said, language))

with st.expander(_("The table of rules"), icon=":material/table:"):
    st.caption(_("Read from the top; the first row that fits counts. The order is the argument."))
    st.dataframe(_lever_words.table(found), hide_index=True, row_height=70)
