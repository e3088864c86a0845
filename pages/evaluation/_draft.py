"""A draft of a set: its rows in a grid, every change kept at once, and the button that makes it a version."""

import streamlit as st

from core.evaluation import draft_rows, drafts, versions
from core.evaluation.drafts import Draft
from core.evaluation.tasks import Task
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _draft_grid, _samples, _words


def show(task: Task) -> None:
    """Choose a set, and start, edit, save or drop one's own draft of it."""
    chosen = parts.choose_eval_set(task.task_id, "eval_sets.draft")
    assert chosen is not None, "the page has looked"
    conn, person = session.conn(), session.person()
    if also := drafts.others(conn, person, task.task_id, chosen.name):
        st.caption(
            _("A draft of this set is also open with: %(people)s. Who saves first makes the next version.",
              people=", ".join(also))
        )  # fmt: skip
    draft = drafts.find(conn, person, task.task_id, chosen.name)
    if draft is None:
        st.caption(_("A draft is yours alone. Every change in it is kept at once, and saving it makes a new version."))
        label = _("Start a draft of version %(version)s", version=chosen.version)
        if st.button(label, type="primary", key="draft.start"):
            drafts.start(conn, by=person, eval_set_id=chosen.eval_set_id)
            st.rerun()
        return
    newest = versions.of_set(conn, task.task_id, draft.name)[0]
    if newest.version != draft.version:
        st.warning(
            _("Version %(newest)s was saved after this draft of version %(version)s was started. Nothing will be "
              "overwritten, but this draft cannot be saved any more: make your changes on the newest version.",
              newest=newest.version, version=draft.version)
        )  # fmt: skip
    _draft_grid.show(draft)
    found = drafts.find(conn, person, task.task_id, draft.name)  # the grid may have changed it
    _save(found or draft)


def _save(draft: Draft) -> None:
    conn, person, key = session.conn(), session.person(), draft.draft_id
    counts = draft_rows.counts(conn, draft.draft_id)
    st.markdown(
        _("Draft of version %(version)s: %(changed)s changed · %(added)s added · %(deleted)s deleted",
          version=draft.version, changed=draft.changed, added=draft.added, deleted=draft.deleted)
    )  # fmt: skip
    words = [f"{plain(word)} {counts[split]:,}" for split, word in _words.SPLITS_SHORT.items() if counts.get(split)]
    if undrawn := counts.get(""):
        words.append(plain("%(count)s still to be drawn", count=undrawn))
    st.caption(" · ".join(words))
    note = st.text_input(_("What is new in this version"), key=f"{key}.note")
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with session.refusing():
        if left.button(_("Save as the next version"), type="primary", key=f"{key}.save"):
            saved = drafts.save(conn, by=person, draft_id=draft.draft_id, note=note)
            _samples.go_to(saved)
        with right.popover(_("Drop the draft")):
            st.markdown(_("All changes in this draft will be left out. The versions stay as they are."))
            if st.button(_("Drop it"), key=f"{key}.drop"):
                drafts.drop(conn, by=person, draft_id=draft.draft_id)
                st.rerun()
