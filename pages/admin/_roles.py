"""The roles in the reader's words."""

from collections.abc import Collection
from typing import Any

import streamlit as st

from core.access import roles
from core.locale.mark import N_
from pages._ui.session import _, plain

ROLES = {
    "expert": (N_("Expert"), N_("rates and corrects answers")),
    "approver": (N_("Approver"), N_("approves samples for training, and signs releases")),
    "manager": (N_("Manager"), N_("reads everything, and signs as second")),
    "operator": (N_("Operator"), N_("looks after tasks, eval sets, prompts, models, runs and training")),
    "admin": (N_("Admin"), N_("looks after people")),
}


def names(held: Any) -> str:
    """Some roles in a row."""
    return " · ".join(_word(role) for role in roles.ROLES if role in held)


def choose(key: str, held: Collection[str]) -> list[Any]:
    """A picker of roles."""
    chosen = st.pills(
        _("Roles"), roles.ROLES, selection_mode="multi", format_func=_word, key=key, default=sorted(held) or None
    )
    return list(chosen)


def _word(role: str) -> str:
    name = ROLES[role][0]
    return plain(name)
