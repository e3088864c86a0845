"""What ends without a verdict: answers that everybody skipped, and queues that are late or closed."""

from typing import Any

import streamlit as st

from core.access import roles
from core.locale.mark import N_
from core.review import blindness, closings
from core.store import database
from pages._ui import parts, persons, session
from pages._ui.session import _
from pages.review import _words


def show_state(queue: dict[str, Any]) -> None:
    """Whether the queue is late or closed."""
    if queue["closed_at"]:
        st.badge(_("closed by %(name)s", name=persons.name(queue["closed_by"])), icon=":material/lock:", color="gray")
    elif closings.is_late(queue["deadline"], None, queue["waiting"] + queue["needs_others"]):
        st.badge(_("late: due on %(day)s", day=queue["deadline"]), icon=":material/event_busy:", color="orange")


def show_acts(queue: dict[str, Any]) -> None:
    """Another last day, or the end."""
    conn, person, key = session.conn(), session.person(), f"queues.{queue['queue_id']}"
    with st.popover(_("Last day"), type="tertiary", icon=":material/event:"):
        today = database.now().date()
        day = st.date_input(_("Until"), max(queue["deadline"] or today, today), min_value=today, key=f"{key}.day")
        label = _("Open it again until this day") if queue["closed_at"] else _("Give it until this day")
        if st.button(label, key=f"{key}.extend"):
            with session.refusing():
                closings.extend(conn, queue["queue_id"], day, by=person)
                session.keep_message(N_("The queue goes on until %(day)s."), day=day)
                st.rerun()
        if not queue["closed_at"] and st.button(_("Close the queue"), key=f"{key}.close"):
            with session.refusing():
                closings.close_queue(conn, queue["queue_id"], by=person)
                session.keep_message(N_("The queue is closed. What was said counts; nobody is asked any more."))
                st.rerun()


def show_stuck(task_id: str) -> None:
    """The answers that nobody is left to judge, with the reasons given, and those that were closed."""
    conn, person = session.conn(), session.person()
    may = roles.may(person, "run.start")
    stuck, closed = closings.stuck(conn, task_id), closings.closed_items(conn, task_id)
    hidden = blindness.open_to(conn, person.person_id, {item["answer_id"] for item in stuck})
    if stuck:
        st.subheader(_("Skipped by everybody: %(count)s", count=len(stuck)))
        st.caption(_("All who could judge these have spoken, and it is not enough. Put them back, or close them."))
    for item in parts.paged(stuck, "queues.stuck", 5):
        with st.container(border=True):
            _words.texts(item["input"], item["text"])
            for one in item["skips"]:
                st.markdown(_("**%(name)s** skipped it", name=persons.name(one["rater"])))
                if one["note"] and (one["rater"] == person.person_id or item["answer_id"] not in hidden):
                    parts.text(one["note"])
            if may:
                _decide(item)
    if closed:
        with st.expander(_("Closed one by one: %(count)s", count=len(closed))):
            for item in parts.paged(closed, "queues.closed", 5):
                _words.texts(item["input"], item["text"])
                st.caption(_("closed by %(name)s", name=persons.name(item["closed_by"])))
                parts.text(item["reason"])
                if may:
                    _put_back(item)


def _decide(item: dict[str, Any]) -> None:
    key = f"queues.stuck.{item['queue_id']}.{item['answer_id']}"
    reason = st.text_input(_("Why nobody has to judge it"), key=f"{key}.reason")
    with st.container(horizontal=True):
        _put_back(item)
        if st.button(_("Close it"), key=f"{key}.close", icon=":material/lock:"):
            with session.refusing():
                person = session.person()
                closings.close_item(session.conn(), item["queue_id"], item["answer_id"], by=person, reason=reason)
                session.keep_message(N_("Closed. It counts nowhere, and can be put back."))
                st.rerun()


def _put_back(item: dict[str, Any]) -> None:
    key = f"queues.stuck.{item['queue_id']}.{item['answer_id']}"
    if st.button(_("Put it back"), key=f"{key}.back", icon=":material/undo:"):
        with session.refusing():
            closings.put_back(session.conn(), item["queue_id"], item["answer_id"], by=session.person())
            session.keep_message(N_("Put back: those who skipped it are asked again."))
            st.rerun()
