"""One entry of the audit trail, read in full."""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages._ui import parts
from pages._ui.session import _


def read(rows: Mapping[int, Mapping[str, Any]]) -> None:
    """One of these entries with all that it says: the table shows only the beginning of a long one."""
    chosen = parts.select(
        _("Read an entry in full"), [None, *rows], format_func=lambda seq: "–" if seq is None else str(seq),
        key="audit.read",
    )  # fmt: skip
    if chosen in rows:
        one = rows[chosen]
        values = {"number": chosen, "when": f"{one['happened_at']:%Y-%m-%d %H:%M:%S}"}
        st.caption(_("Entry %(number)s, %(when)s UTC", **values))
        parts.text(json.dumps(json.loads(one["detail"]), ensure_ascii=False, indent=2))
        st.caption(_("Its hash, and that of the entry before it:"))
        parts.text(f"{one['hash']}\n{one['previous_hash']}")
