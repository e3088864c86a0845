"""A new queue: which answers, who rates them, how often, until when."""

from collections.abc import Sequence

import streamlit as st

from core.access import people, roles
from core.evaluation.tasks import Task
from core.locale.mark import N_
from core.review import queues, selections
from core.review.queues import Terms
from pages._ui import charts, parts, session
from pages._ui.session import _, plain
from pages.review import _words

WHY_OVERLAP = N_(
    "Whether raters agree can only be seen on answers that two of them have judged. With 30 such answers a true "
    "agreement of 0.6 may show as anything from 0.3 to 0.9; take 50 or more, better 100."
)

WHAT_A_DEADLINE_DOES = N_(
    "After this day the queue is shown as late, to its raters and to you. It still takes ratings until you close it or "
    "give it another day."
)


def show(task: Task) -> None:
    """The fields; the number of answers follows what is chosen."""
    conn, key = session.conn(), parts.fresh("queues.form")
    known = {run["run_id"]: run for run in selections.sources(conn, task.task_id)}
    if not known:
        st.caption(_("There are no answers to rate yet. Collect some under Evaluation, Runs."))
        parts.link("evaluation/runs.py", _("Go to Runs"), "stairs")
        return
    chosen = st.multiselect(
        _("Answers of these runs"),
        list(known),
        default=[next(iter(known))],
        format_func=lambda one: _words.source(known[one]),
        placeholder=_("Choose"),
        key=f"{key}.runs",
    )
    choice, metric = _choice(chosen, key)
    answers = len(selections.answers(conn, chosen, choice, metric))
    if not answers:
        st.caption(_("No answer fits this choice."))
        return
    left, right = st.columns(2, gap="medium")
    with left:
        limit = st.number_input(
            _("How many, drawn at random"), 1, answers, answers, key=f"{key}.limit.{choice}.{metric}.{answers}"
        )
        raters = _raters(key)
    with right:
        each, overlap = _each(raters, limit, key)
        name = st.text_input(_("Name"), placeholder=_("may stay empty"), key=f"{key}.name")
        deadline = st.date_input(
            _("Until"), value=None, min_value="today", help=_(WHAT_A_DEADLINE_DOES), key=f"{key}.deadline"
        )
    minutes = st.number_input(
        _("A rater holds an answer for so many minutes"), 1, queues.LONGEST_CLAIM, 30, key=f"{key}.minutes", width=320
    )
    if not st.button(_("Make the queue with %(count)s answers", count=limit), type="primary", key="queues.make"):
        return
    with session.refusing():
        terms = Terms(
            name=name,
            choice=choice,
            metric=metric,
            raters=raters,
            each=each,
            overlap=overlap,
            deadline=deadline,
            claim_minutes=minutes,
        )
        person = session.person()
        queues.create(conn, by=person, task_id=task.task_id, run_ids=chosen, limit=limit, terms=terms)
        parts.renew("queues.form")
        session.keep_message(N_("The queue is made. Its raters find it on their overview."))
        st.rerun()


def _choice(run_ids: Sequence[str], key: str) -> tuple[selections.Choice, str]:
    left, right = st.columns(2, gap="medium")
    with left:
        choice = parts.select(
            _("Which of them"),
            list(selections.CHOICES),
            format_func=lambda one: plain(_words.CHOICES[one]),
            key=f"{key}.choice",
        )
    metric = "correct"
    metrics = selections.metrics(session.conn(), run_ids)
    if choice == "failures" and metrics:
        with right:
            metric = parts.select(_("Metric"), metrics, format_func=charts.metric_name, key=f"{key}.metric")
    return choice, metric


def _raters(key: str) -> list[str]:
    known = {one.person_id: one.name for one in people.everyone(session.conn()) if roles.may(one, "rate")}
    return st.multiselect(
        _("Who rates"),
        list(known),
        format_func=known.__getitem__,
        placeholder=_("every expert"),
        key=f"{key}.raters",
    )


def _each(raters: Sequence[str], limit: int, key: str) -> tuple[int | None, int]:
    words = {
        1: plain("one"),
        2: plain("two"),
        3: plain("three"),
        None: plain("open: everybody may rate everything"),
    }
    each = parts.select(_("Ratings per answer"), list(words), format_func=words.__getitem__, key=f"{key}.each")
    if each != 1:
        return each, 0
    usual = min(queues.OVERLAP, limit) if len(raters) != 1 else 0
    overlap = st.number_input(
        _("Of these, rated by two"), 0, limit, usual, help=_(WHY_OVERLAP), key=f"{key}.overlap.{limit}.{bool(usual)}"
    )
    if overlap < min(queues.OVERLAP, limit):
        st.caption(_("At least %(count)s are advised, to measure agreement.", count=queues.OVERLAP))
    return each, overlap
