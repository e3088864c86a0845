"""A lead's decision on one disputed answer."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.locale.mark import N_
from core.review import adjudication
from core.review.adjudication import Decision
from pages._ui import session
from pages._ui.session import _, plain


def show(item: dict[str, Any], types: Mapping[str, str]) -> None:
    """Verdict, correction and reason for one disputed item."""
    key = f"adjudicate.{item['queue_id']}.{item['answer_id']}"
    words = {"pass": plain("Pass"), "fail": plain("Fail")}
    verdict = st.segmented_control(_("Decision"), list(words), format_func=words.__getitem__, key=f"{key}.verdict")
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
            reason=reason,
            error_types=error_types,
            correction=correction,
        )
        adjudication.decide(session.conn(), decision, by=session.person())
        session.keep_message(N_("Decided. The ratings stay readable; the decision counts."))
        st.rerun()
