"""One entry of the audit trail in full: ids, detail and hashes, for whoever has to prove something with it."""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages._ui import parts
from pages._ui.session import _
from pages.release import _acts


def show(one: Mapping[str, Any], who: str, what: str) -> None:
    """The entry with all that it says: the table shows only what people ask for."""
    with st.container(border=True):
        values = {"number": one["seq"], "when": f"{one['happened_at']:%Y-%m-%d %H:%M:%S}"}
        words = _("Entry %(number)s, %(when)s UTC", **values)
        st.markdown(f"**{words}**")
        parts.text(" · ".join(filter(None, [who, _acts.act(one["act"]), what])))
        st.caption(_("As it is written: who, act and subject by their ids, and every detail"))
        told = {name: one[name] for name in ("actor", "act", "subject")}
        parts.text(json.dumps({**told, "detail": json.loads(one["detail"])}, ensure_ascii=False, indent=2))
        st.caption(_("Its hash, and that of the entry before it:"))
        parts.text(f"{one['hash']}\n{one['previous_hash']}")
