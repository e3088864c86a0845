"""Scorers: how answers to a set are judged, tried on an example and on the answers that are there."""

import streamlit as st

from core.access import roles
from core.errors import Refusal
from core.evaluation import choices, current_scorers, eval_sets
from core.scoring import schemas
from pages._ui import parts, session
from pages._ui.session import _
from pages.evaluation import _scorer_form, _scorer_trial, _scorer_words

conn, person, task = session.conn(), session.person(), session.task()
st.title(_("Scorers"))
st.caption(
    _("A scorer says by a fixed rule whether an answer is right. Another rule needs no new answers: they are kept.")
)
chosen = parts.choose_eval_set(task.task_id, "scorers.set")
if chosen is None:
    st.info(_("This task has no eval set yet. Import one under Evaluation, Eval sets."))
    st.stop()
current = current_scorers.of_set(conn, chosen)
samples = [
    one
    for split in ("dev", "train")  # the rest is locked
    for one in eval_sets.samples(conn, chosen.eval_set_id, split, limit=_scorer_trial.MOST_SHOWN)
]
st.markdown(_("Counts now: **%(scorer)s**", scorer=_scorer_words.sentence(current.definition)))

left, right = st.columns(2, gap="large")
key = f"scorers.{chosen.eval_set_id}.{current.scorer_id}"
wanted = None
with left:
    st.subheader(_("1. The rule"))
    with session.refusing():
        wanted = _scorer_form.ask(current, schemas.fields([one.reference for one in samples]), key)
if wanted is not None:
    with right:
        st.subheader(_("2. Try it on an example"))
        _scorer_trial.example(wanted, chosen, samples, key)
    st.subheader(_("3. What it would change"))
    _scorer_trial.on_answers(wanted, chosen)
    locked = None
    try:
        choices.check_open(conn, chosen)
    except Refusal as refusal:
        locked = _(refusal.message, **refusal.values)
    if locked:
        st.info(locked, icon=":material/lock:")
    same = wanted.scorer_id == current.scorer_id
    blocked = same or locked is not None or not roles.may(person, "run.start")
    if st.button(_("Let this scorer count for the set"), type="primary", disabled=blocked, key="scorers.choose"):
        with session.refusing():
            _scorer_trial.choose(wanted, chosen)
    if same:
        st.caption(_("This is the scorer that counts now."))
_scorer_trial.history(chosen)
