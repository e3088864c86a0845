"""Rate: which answers wait for this person. The answer itself is on the card, or in the plain form."""

from datetime import date

import streamlit as st

from core.access import preferences, roles
from core.review import queues
from pages._ui import parts, session
from pages._ui.session import _
from pages.review import _card, _form, _repair, _rubric, _words

person, task = session.person(), session.task()
head = st.container(horizontal=True, vertical_alignment="center")
head.title(_("Rate"), width="stretch")
more = head.container(width="content")  # beside the title on a phone, where the queues take a line of their own
choice = head.container(width=420)
if not roles.may(person, "rate"):
    st.info(_("Experts rate answers. Ask an admin for the role of an expert if you know this business."))
    st.stop()


def remember() -> None:
    preferences.choose_form(session.conn(), person, st.session_state["rate.form"])


plain_form = preferences.rates_in_form(session.conn(), person)
with more.popover("", icon=":material/tune:", help=_("How to rate")):
    st.toggle(
        _("Plain form"),
        value=plain_form,
        key="rate.form",
        help=_("The same work in ordinary fields and buttons, for screen readers. Slower than the card."),
        on_change=remember,
    )
    if roles.may(person, "task.manage"):
        _rubric.revise(task.task_id)
        _repair.choose(task.task_id)

known = {queue["queue_id"]: queue for queue in queues.of_task(session.conn(), task.task_id, person.person_id)}
if not known:
    st.info(_("No answers wait to be rated yet. They come from a run: see Evaluation, Runs."))
    st.stop()
open_ones = [place for place, queue in enumerate(known.values()) if queue["done"] < queue["total"]]
open_ones.sort(key=lambda place: [*known.values()][place]["deadline"] or date.max)  # what is due first, then the newest
chosen = next(iter(known))
if len(known) > 1:
    with choice:
        chosen = parts.select(
            _("Answers"),
            list(known),
            index=parts.asked_about("queue", list(known), (open_ones or [0])[0]),
            format_func=lambda one: _words.queue_name(known[one]),
            key="rate.queue",
            label_visibility="collapsed",
        )
if not plain_form:  # the card goes on at once, so it does not fade while the server is at it
    st.html("<style>[class*=st-key-rate-card-][data-stale] { opacity: 1; }</style>")
(_form if plain_form else _card).show(chosen)
