"""The passages that an answer was given, as its model read them; everything is set as text by the browser."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.evaluation.retrieving import Retrieval
from core.knowledge import indexes, words
from core.knowledge.shown import Shown
from pages._ui import session
from pages._ui.session import _, plain

_CSS = """
h4 { font: 600 0.875rem var(--st-font); margin: 0.75rem 0 0.25rem; color: var(--st-text-color); }
p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 1rem/1.6 var(--st-font);
  color: var(--st-text-color); border-inline-start: 3px solid var(--st-border-color); padding-inline-start: 0.75rem; }
mark { background: color-mix(in srgb, #e5b43c 38%, transparent); color: inherit; border-radius: 0.2em;
  text-decoration: underline; text-underline-offset: 0.2em; }
"""
_JS = """
function element(tag, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return made;
}

export default function ({ data, parentElement }) {
  const drawn = data.passages.flatMap((one) => {
    const text = element("p");
    text.translate = false;
    text.append(...one.parts.map(([part, hit]) => element(hit ? "mark" : "span", part)));
    return [element("h4", one.source), text];
  });
  parentElement.querySelector(".passages").replaceChildren(...drawn);
}
"""
_drawn = st.components.v2.component("countersign.passages", html='<div class="passages"></div>', css=_CSS, js=_JS)


def marked(shown: Sequence[Shown], question: str) -> list[dict[str, Any]]:
    """For the browser: `source`, and `parts` as text and whether it is a word of the question."""
    return [{"source": source(one), "parts": words.marked(one.text, question)} for one in shown]


def source(one: Shown) -> str:
    """Number, document, page and section in the reader's words; plain text."""
    page = [] if one.page is None else [plain("page %(page)s", page=one.page)]
    return f"[{one.number}] " + " · ".join([one.document, *page, *([one.section] if one.section else [])])


def place(retrieval: Retrieval) -> str:
    """Where a run, a proof or a release looks things up, and how much; plain text."""
    index = indexes.find(session.conn(), retrieval.index_id)
    number = index.number if index else "–"
    return plain("at most %(k)s passages of the knowledge base, version %(number)s", k=retrieval.k, number=number)


def show(shown: Sequence[Shown], question: str, *, key: str) -> None:
    """The passages under each other with the question's words marked; nothing where there are none."""
    if shown:
        st.markdown(_("**Passages that were looked up**"))
        _drawn(key=key, data={"passages": marked(shown, question)})
