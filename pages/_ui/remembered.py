"""What pages work out over many rows: kept for everybody until something changes."""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from core.store import audit
from pages._ui import session

Found = TypeVar("Found")


def call(work: Callable[..., Found], *args: Any, **more: Any) -> Found:
    """`work(conn, *args, **more)`, worked out once for each state of the data.

    Every change of state is an entry of the audit trail, so the hash of its newest entry names the state: a click that
    changes nothing costs nothing. For functions alone that read nothing but the database and what they are given.
    """
    name = f"{work.__module__}.{work.__qualname__}{args!r}{sorted(more.items())!r}"
    return _kept(audit.head(session.conn())[1], name, lambda: work(session.conn(), *args, **more))


@st.cache_data(max_entries=300, show_spinner=False)
def _kept(state: str, name: str, _work: Callable[[], Any]) -> Any:
    return _work()
