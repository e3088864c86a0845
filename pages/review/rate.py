"""Rate: which answers wait for this person. The answer itself is in _card.py, in a fragment of its own."""

import streamlit as st

from core.access import roles
from core.review import queues
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.review import _card

person, task = session.person(), session.task()
heading, choice = st.columns(2, gap="medium", vertical_alignment="center")
heading.title(_("Rate"))
if not roles.may(person, "rate"):
    st.info(_("Experts rate answers. Ask an admin for the role of an expert if you know this business."))
    st.stop()

known = {queue["queue_id"]: queue for queue in queues.of_task(session.conn(), task.task_id, person.person_id)}
if not known:
    st.info(_("No answers wait to be rated yet. They come from a run: see Evaluation, Runs."))
    st.stop()


def name(queue_id: str) -> str:
    queue = known[queue_id]
    values = {"set": plain(queue["set_name"]), "count": queue["total"], "when": parts.moment(queue["created_at"])}
    return plain("%(set)s · %(count)s answers of %(when)s", **values)


open_ones = [place for place, queue in enumerate(known.values()) if queue["done"] < queue["total"]]
chosen = next(iter(known))
if len(known) > 1:
    with choice:
        chosen = parts.select(
            _("Answers"),
            list(known),
            index=(open_ones or [0])[0],
            format_func=name,
            key="rate.queue",
            label_visibility="collapsed",
        )
_card.show(chosen)
