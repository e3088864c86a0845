"""Repair on the pages: which model rewrites for raters, and the rounds, for the card and in the plain form."""

from collections.abc import Collection
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import Refusal
from core.evaluation import models
from core.locale.mark import N_
from core.review import repair
from core.review.ratings import Item
from pages._ui import session
from pages._ui.session import _, plain
from pages.review import _card_words

LOOK_AGAIN_S = 2.0


def rounds(queue_id: str, asked: Collection[str]) -> list[dict[str, Any]]:
    """What became of the rounds with these receipts, for the card: `receipt`, `state`, `round`, and the `text`."""
    if not asked:
        return []
    found = {one["receipt"]: one for one in repair.rounds(session.conn(), queue_id, session.person().person_id)}
    unknown = {"state": "failed", "round": 0, "text": None}
    told = ("state", "round", "text")
    return [{"receipt": one, **{key: found.get(one, unknown)[key] for key in told}} for one in sorted(asked)]


def choose(task_id: str) -> None:
    """The operator's choice of a model for the task, with why it failed lately."""
    conn = session.conn()
    now = repair.model_of(conn, task_id)
    known = {one.model_id: one for one in [*models.offered(conn), *([now] if now else [])]}
    st.markdown(_("**A model that rewrites what raters call wrong**"))
    chosen = st.selectbox(
        _("Model"),
        [None, *known],
        ([None, *known]).index(now.model_id if now else None),
        format_func=lambda one: known[one].name if one else plain("none"),
        help=_(
            "Raters say what is wrong, and this model rewrites the answer until they take it. They are not told which "
            "model it is; approvals and training sets keep it. It sees the question, the context, the guidelines and "
            "the answer, not the reference."
        ),
        key="rate.rewriter",
    )
    if chosen != (now.model_id if now else None):
        with session.refusing():
            repair.choose(conn, by=session.person(), task_id=task_id, model_id=chosen)
            session.keep_message(N_("Saved. Raters find it beside the corrected answer."))
            st.rerun()
    asked, why = repair.failures(conn, task_id)
    if asked:
        st.caption(_("%(count)s rounds so far", count=asked))
    for one in why[:3]:
        st.warning(_(one.message, **one.values))


def show(queue_id: str, item: Item, place: DeltaGenerator) -> None:
    """The same in the plain form: what to tell the model, and how far it is."""
    task_id = session.task().task_id
    if repair.model_of(session.conn(), task_id) is None:
        return
    with place:
        _ask_form(queue_id, item)


def _ask_form(queue_id: str, item: Item) -> None:
    last = _last(queue_id, item)
    waits = last is not None and last["state"] == "waiting"
    st.text_input(
        _("Tell a model what is wrong"),
        key=f"rate.wrong.{item.answer_id}",
        on_change="ignore",
        placeholder=_("Tell a model what is wrong"),
        label_visibility="collapsed",
        disabled=waits,
    )
    st.button(
        _("Rewrite it"),
        key=f"rate.rewrite.{item.answer_id}",
        icon=":material/auto_fix_high:",
        on_click=_ask,
        args=(queue_id, item),
        disabled=waits,
    )
    if (refused := st.session_state.pop("rate.repair.refused", None)) is not None:
        st.error(_(refused.message, **refused.values))
    if waits:
        st.fragment(_wait, run_every=LOOK_AGAIN_S)(queue_id, item)
    elif last is not None:
        st.caption(_card_words.rounds()[last["state"]].format(round=last["round"]))


def bring(queue_id: str, item: Item) -> None:
    """Before the fields are drawn: what came back goes into the corrected answer, once. What the model was told stays
    in sight until then, and longer where nothing came of it, so that nobody types it anew."""
    last = _last(queue_id, item)
    if last is None:
        return
    seen, field = f"rate.rewritten.{item.answer_id}", f"rate.correction.{item.answer_id}"
    new = field not in st.session_state or st.session_state.get(seen) != last["rewrite_id"]
    if last["state"] == "waiting" or new:
        st.session_state[f"rate.wrong.{item.answer_id}"] = "" if last["state"] == "back" else last["wrong"]
    if last["state"] == "back" and new:
        st.session_state[field] = last["text"]
    if last["state"] != "waiting":
        st.session_state[seen] = last["rewrite_id"]


def _last(queue_id: str, item: Item) -> dict[str, Any] | None:
    person = session.person().person_id
    return next(iter(repair.rounds(session.conn(), queue_id, person, item.answer_id)), None)


def _wait(queue_id: str, item: Item) -> None:
    last = _last(queue_id, item)
    if last is None or last["state"] != "waiting":
        st.rerun()
    st.caption(_("The model is rewriting it."))


def _ask(queue_id: str, item: Item) -> None:
    person, wrong = session.person(), f"rate.wrong.{item.answer_id}"
    before = str(st.session_state.get(f"rate.correction.{item.answer_id}") or "")
    try:
        repair.ask(
            session.conn(),
            by=person,
            queue_id=queue_id,
            answer_id=item.answer_id,
            wrong=str(st.session_state.get(wrong) or ""),
            before=before,
        )
    except Refusal as refusal:
        st.session_state["rate.repair.refused"] = refusal  # a callback cannot write at the right place
