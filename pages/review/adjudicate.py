"""Disputed: answers that raters judged differently, and those that they flagged. A lead decides, and says why."""

from typing import Any

import streamlit as st

from core.access import roles
from core.evaluation import retrieving
from core.review import adjudication, blindness, flags, rubrics
from pages._ui import parts, passages, persons, session
from pages._ui.session import _
from pages.review import _decide, _flags, _words

conn, person, task = session.conn(), session.person(), session.task()
types = {one["id"]: session.either(one) for one in task.error_types}


def show(item: dict[str, Any], may: bool) -> None:
    """One disputed answer with what each rater says of it."""
    with st.container(border=True):
        asked, answered = st.columns(2, gap="medium")
        with asked:
            st.caption(_("What was asked"))
            parts.text(item["input"])
            if item["context"]:
                st.caption(_("What was known"))
                parts.text(item["context"])
            found = retrieving.of_answers(conn, [item["answer_id"]]).get(item["answer_id"], ())
            passages.show(found, item["input"], key=f"adjudicate.passages.{item['answer_id']}")
            _words.guidelines(rubrics.of_queue(conn, item["queue_id"]))
        with answered:
            st.caption(_("The answer"))
            parts.text(item["text"])
            if item["reference"]:
                with st.expander(_("Reference")):
                    parts.text(item["reference"])
        _words.ratings(item["ratings"], types)
        if may:
            _decide.show(item, types)


def show_decided(found: list[dict[str, Any]]) -> None:
    """The decisions so far, the newest first."""
    for one in parts.paged(found, "adjudicate.decided", 10):
        with st.container(border=True):
            when = parts.moment(one["decided_at"])
            verdict = _words.VERDICTS[one["verdict"]]
            said = _("%(name)s on %(when)s", name=persons.name(one["decided_by"]), when=when)
            st.markdown(f"**{_(verdict)}** · {said}")
            parts.text(one["reason"])
            with st.expander(_("The answer and its ratings")):
                parts.text(one["text"])
                _words.ratings(adjudication.ratings(conn, one), types)


st.title(_("Disputed"))
st.caption(
    _(
        "Raters who judged blind do not agree: some pass and others fail it or, on the scale from 1 to 5, their "
        "points lie two or more apart. Decide by the guidelines, and say what settled it."
    )
)
disputed, decided = adjudication.disputed(conn, task.task_id), adjudication.decided(conn, task.task_id)
flagged, closed = flags.standing(conn, task.task_id), flags.closed(conn, task.task_id)
hidden = blindness.open_to(
    conn, person.person_id, {one["answer_id"] for one in (*disputed, *decided, *flagged, *closed)}
)


def seen(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what waits for the reader's own judgement."""
    return [one for one in found if one["answer_id"] not in hidden]


if hidden:
    _words.left_out(len(hidden))
if not seen([*disputed, *flagged]):
    st.info(_("Nothing is disputed. Answers come here when two raters judge them differently, or somebody flags one."))
elif not roles.may(person, "adjudicate"):
    st.info(_("You can read this list. Approvers decide about it."))
for each in parts.paged(seen(disputed), "adjudicate.page", 10):
    show(each, roles.may(person, "adjudicate"))
_flags.show(seen(flagged), types)
if seen(decided):
    st.subheader(_("Decided"))
    show_decided(seen(decided))
_flags.show_closed(seen(closed))
