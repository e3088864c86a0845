"""The few words that Streamlit's own widgets have in English only, said in Chinese by the style sheet.

The English ones are hidden from screen readers, too, and what a style sheet writes is read out in their place.
"""

import json

import streamlit as st

from core.knowledge import documents
from pages._ui import session
from pages._ui.session import plain

FIELD = "[data-testid=InputInstructions]"
BOX = "[data-testid=stFileUploaderDropzone]"
MENU = "[data-testid=stMainMenuItem-%s]"


def translate() -> None:
    """Put the words into place where the reader's language is not Streamlit's."""
    if session.language() == "en":
        return
    limit = plain("Up to %(limit)s MB a file", limit=st.get_option("server.maxUploadSize"))
    less = plain("Up to %(limit)s MB a file", limit=documents.LARGEST_FILE // 1_000_000)
    said = {
        f"{BOX} button [data-testid=stMarkdownContainer]": plain("Choose a file"),
        f"{BOX} [data-testid=stFileUploaderDropzoneInstructions]": limit,
        f"[class*=st-key-knowledge-upload] {BOX} [data-testid=stFileUploaderDropzoneInstructions]": less,
        f"{FIELD}:has(span)": plain("Enter applies it"),
        f"[data-testid=stForm] {FIELD}:has(span)": plain("Enter sends the form"),
        f"[data-testid=stTextArea] {FIELD}:has(span)": plain("Ctrl+Enter applies it"),
        f"[data-testid=stForm] [data-testid=stTextArea] {FIELD}:has(span)": plain("Ctrl+Enter sends the form"),
    }
    hidden = f"{BOX} button p, {BOX} [data-testid=stFileUploaderDropzoneInstructions] > *, {FIELD} > span:first-child"
    rules = [f"{hidden} {{ display: none; }}", f"{BOX} [data-testid$=Instructions] {{ font-size: 0.875rem; }}"]
    bare = {
        MENU % "theme-System": plain("As the system"),
        MENU % "theme-Light": plain("Light"),
        MENU % "theme-Dark": plain("Dark"),
        MENU % "print" + " [data-testid=stMainMenuItemLabel]": plain("Print"),
        MENU % "recordScreencast" + " [data-testid=stMainMenuItemLabel]": plain("Record the screen"),
        "[data-testid=stStatusWidget] button": plain("Stop"),
    }
    # Words without an element of their own can only be made too small to be seen.
    rules += [f"{place} {{ font-size: 0; }} {place}::after {{ font-size: 0.875rem; }}" for place in bare]
    rules += [f"{place}::before {{ content: {_quoted(words)}; }}" for place, words in said.items()]
    rules += [f"{place}::after {{ content: {_quoted(words)}; }}" for place, words in bare.items()]
    st.html(f"<style>{' '.join(rules)}</style>")


def _quoted(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)
