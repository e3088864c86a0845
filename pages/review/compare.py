"""Compare: two answers to one question, and which is better? Blind until the round is locked."""

from typing import Any

import streamlit as st

from core.access import roles
from core.locale.mark import N_
from core.review import comparisons
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.review import _pair, _reveal, _round_form

conn, person, task = session.conn(), session.person(), session.task()


def name(one: dict[str, Any]) -> str:
    """The round's own name, else its time, and how it stands; plain text."""
    said = one["name"] or plain("Round of %(when)s", when=parts.moment(one["created_at"]))
    state = plain("locked") if one["locked_at"] else plain("still open")
    return f"{said} · {state}"


def show(one: dict[str, Any]) -> None:
    """The round's pairs for a rater, its result once it is locked."""
    if one["locked_at"]:
        _reveal.show(one["round_id"])
        return
    if roles.may(person, "rate") and one["mine"]:
        _pair.show(one["round_id"])
    else:
        st.info(_("Experts compare. You see the result once the round is locked."))
    if roles.may(person, "run.start"):
        _lock(one)


def _lock(one: dict[str, Any]) -> None:
    st.divider()
    said = {"chosen": one["chosen"], "people": one["people"], "total": one["total"]}
    st.caption(_("%(chosen)s choices by %(people)s people so far, over %(total)s pairs.", **said))
    with st.popover(_("Lock and reveal"), icon=":material/lock:"):
        st.markdown(_("Nobody can compare in this round afterwards. Then everybody sees who wrote what."))
        if st.button(_("Lock the round"), type="primary", disabled=not one["chosen"], key="compare.lock"):
            with session.refusing():
                comparisons.lock(conn, one["round_id"], by=person)
                session.keep_message(N_("The round is locked."))
                st.rerun()


heading, choice = st.columns(2, gap="medium", vertical_alignment="center")
heading.title(_("Compare"))
st.caption(_("Two answers to one question, side by side: which is better? Nobody sees which version wrote which."))
known = {one["round_id"]: one for one in comparisons.of_task(conn, task.task_id, person.person_id)}
waiting = [
    place
    for place, one in enumerate(known.values())
    if one["mine"] and not one["locked_at"] and one["done"] < one["asked"]
]
if not known:
    st.info(_("There is no round of comparisons yet. An operator opens one over two runs or more."))
if len(known) > 1:
    with choice:
        chosen = parts.select(
            _("Round"),
            list(known),
            index=parts.asked_about("round", list(known), (waiting or [0])[0]),
            format_func=lambda one: name(known[one]),
            key="compare.round",
            label_visibility="collapsed",
        )
else:
    chosen = next(iter(known), None)
if chosen:
    show(known[chosen])
if roles.may(person, "run.start"):
    with st.expander(_("Open a round"), icon=":material/add:"):
        _round_form.show(task)
