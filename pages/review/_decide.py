"""A lead's decision on one disputed answer."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.locale.mark import N_
from core.review import adjudication, rubrics
from core.review.adjudication import Decision
from core.review.rubrics import Scale
from pages._ui import session
from pages._ui.session import _, plain
from pages.review import _card_words


def show(item: dict[str, Any], types: Mapping[str, str]) -> None:
    """Verdict, correction and reason for one disputed item."""
    key = f"adjudicate.{item['queue_id']}.{item['answer_id']}"
    verdict, points = _verdict(item["scale"], key)
    correction, error_types = None, []
    if verdict == "fail":
        error_types = st.pills(
            _("What is wrong"), list(types), format_func=types.get, selection_mode="multi", key=f"{key}.types"
        )
        proposed = next((one["correction"] for one in item["ratings"] if one["correction"]), "")
        written = st.text_area(_("Corrected answer"), value=proposed, key=f"{key}.correction")
        correction = written if written.strip() else None
    reason = st.text_input(_("Why"), key=f"{key}.reason", placeholder=_("What settled it, for the raters to read"))
    if not st.button(_("Decide"), type="primary", disabled=verdict is None, key=f"{key}.decide"):
        return
    with session.refusing():
        decision = Decision(
            queue_id=item["queue_id"],
            answer_id=item["answer_id"],
            verdict=verdict,
            points=points,
            reason=reason,
            error_types=error_types,
            correction=correction,
        )
        adjudication.decide(session.conn(), decision, by=session.person())
        session.keep_message(N_("Decided. The ratings stay readable; the decision counts."))
        st.rerun()


def _verdict(scale: Scale, key: str) -> tuple[str | None, int | None]:
    """The verdict and, on the scale of five, the points that stand for it."""
    if scale == "five":
        steps = dict(enumerate(_card_words.points(), 1))
        points = st.segmented_control(
            _("Decision"), list(steps), format_func=lambda one: f"{one} · {steps[one]}", key=f"{key}.points"
        )
        return (None if points is None else "pass" if points >= rubrics.PASSES_FROM else "fail"), points
    words = {"pass": plain("Pass"), "fail": plain("Fail")}
    return st.segmented_control(_("Decision"), list(words), format_func=words.__getitem__, key=f"{key}.verdict"), None
