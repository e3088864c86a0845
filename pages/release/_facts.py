"""What an entry of the audit trail says beyond who did what: the parts of its detail that people ask for, in words."""

import json
from collections.abc import Mapping
from typing import Any

from core.locale.mark import N_
from core.release import signatures
from pages._ui.session import plain
from pages.admin import _roles

FACTS: Mapping[str, str] = {
    "alias": "%(value)s",
    "meaning": "%(value)s",
    "version": N_("version %(value)s"),
    "roles": N_("roles: %(value)s"),
    "before": N_("before: %(value)s"),
    "after": N_("after: %(value)s"),
    "rows": N_("rows: %(value)s"),
    "samples": N_("samples: %(value)s"),
    "answers": N_("answers: %(value)s"),
    "documents": N_("documents: %(value)s"),
    "judgements": N_("judgements: %(value)s"),
    "rewrites": N_("rewrites: %(value)s"),
    "calls": N_("calls: %(value)s"),
    "minutes": N_("minutes: %(value)s"),
    "months": N_("months: %(value)s"),
    "missing": N_("missing entries: %(value)s"),
    "deadline": N_("last day: %(value)s"),
    "licence": N_("licence: %(value)s"),
    "message": "%(value)s",
    "note": N_("note: %(value)s"),
    "why": N_("why: %(value)s"),
    "reason": N_("reason: %(value)s"),
}
"""Part of a detail -> how it is said, in this order. What is not here stands in the entry as a whole."""
WORDS = {
    **signatures.MEANINGS,
    "accepted": N_("can be accepted"),
    "blocker": N_("blocker"),
}
LONGEST = 160


def of(detail: str) -> str:
    """The facts in one line, as plain text; empty where there are none."""
    said: dict[str, Any] = json.loads(detail)
    signature = said.get("signature")
    if isinstance(signature, dict):
        said = {**said, **{name: signature.get(name) for name in ("meaning", "reason")}}
    if "answer" in said:
        said["meaning"] = said["answer"]
    told = (plain(words, value=_value(name, said[name])) for name, words in FACTS.items() if _tells(said.get(name)))
    return " · ".join(told)


def _tells(value: Any) -> bool:
    told = isinstance(value, str | int | float | list) and not isinstance(value, bool) and value != ""
    return told and "%(" not in str(value)  # a message whose values stand in the job


def _value(name: str, value: Any) -> str:
    if name in ("roles", "before", "after") and isinstance(value, list):
        return _roles.names(value) or plain("none")
    if isinstance(value, list):
        return str(len(value))
    if name == "meaning" and value in WORDS:
        return plain(WORDS[value])
    text = plain(value) if name == "message" else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
