"""Queues: which answers wait for whom, how far each queue is, and a new one."""

from typing import Any

import streamlit as st

from core.access import roles
from core.review import queues
from pages._ui import parts, persons, session
from pages._ui.session import _, plain
from pages.review import _closings, _queue_form, _words

conn, person, task = session.conn(), session.person(), session.task()


def show(queue: dict[str, Any]) -> None:
    """One queue: its states in numbers, and who works on it."""
    with st.container(border=True):
        st.markdown(f"**{session.escape(_words.queue_name(queue))}**")
        choice = _words.CHOICES[queue["terms"].get("choice", "all")]
        said = [_(choice), _raters_each(queue)]
        if queue["deadline"]:
            said.append(_("until %(day)s", day=queue["deadline"]))
        st.caption(" · ".join([*said, _("made by %(name)s", name=persons.name(queue["created_by"]))]))
        _closings.show_state(queue)
        st.progress((queue["done"] + queue["closed"]) / queue["total"], text=_words.states(queue))
        if queue["disputed"] and roles.may(person, "adjudicate"):
            parts.link("review/adjudicate.py", _("Decide %(count)s disputed", count=queue["disputed"]), "balance")
        with st.expander(_("Raters")):
            _raters(queue["queue_id"])
        if roles.may(person, "run.start"):
            _closings.show_acts(queue)


def _raters_each(queue: dict[str, Any]) -> str:
    each = queue["terms"].get("each")
    if each is None:
        return _("open to every rater")
    if each == 1 and queue["terms"]["overlap"]:
        return _("one rating each, two for %(count)s of them", count=queue["terms"]["overlap"])
    return _("%(each)s ratings each", each=each)


def _raters(queue_id: str) -> None:
    found = queues.raters(conn, queue_id)
    if not found:
        st.caption(_("Nobody has begun."))
        return
    who = persons.names()
    rows = [
        {
            plain("Rater"): who[one["rater"]],
            plain("Judged"): one["judged"],
            plain("Skipped"): one["skipped"],
            plain("Held now"): one["held"],
        }
        for one in found
    ]
    st.dataframe(rows, hide_index=True)


st.title(_("Queues"))
st.markdown(
    _(
        "A queue says which answers wait for whom. Nobody sees the ratings of others before an answer is done, and "
        "nobody sees which version wrote it. Past its last day a queue is shown as late, here and on its raters' "
        "overview, and goes on until an operator closes it or gives it another day."
    )
)
_closings.show_stuck(task.task_id)
if roles.may(person, "run.start"):
    with st.expander(_("Make a queue"), icon=":material/add:"):
        _queue_form.show(task)
known = queues.overview(conn, task.task_id)
if not known:
    st.info(_("There is no queue yet. An operator makes one here."))
for one in parts.paged(known, "queues.page", 10):
    show(one)
