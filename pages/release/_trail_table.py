"""The entries of the audit trail as people read them: when, who, what happened, on what, and what was said."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import streamlit as st

from core.evaluation import spreadsheets
from core.release import subjects, trail
from core.release.trail import Filter
from pages._ui import parts, persons, session
from pages._ui.session import _, plain
from pages.release import _acts, _facts

MOST = 10_000
"""Entries in one table to take along; the whole trail goes as JSONL."""


def choose() -> Filter:
    """What the reader wants to see."""
    conn, who = session.conn(), persons.names()
    left, middle, right = st.columns(3)
    with left:
        act = parts.select(_("What happened"), [None, *trail.acts(conn)], format_func=_acts.act, key="audit.act")
    with middle:
        actor = parts.select(
            _("Who"),
            [None, *trail.actors(conn)],
            format_func=lambda one: plain("Everybody") if one is None else who[one],
            key="audit.actor",
        )
    with right:
        days = st.date_input(
            _("Days"), (), key="audit.days", format="YYYY-MM-DD", help=_("The first and the last day.")
        )
    since = parts.midnight(days[0]) if days else None
    until = parts.midnight(days[-1] + timedelta(days=1)) if days else None
    return Filter(act=act, actor=actor, since=since, until=until)


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Column -> cells, as plain text in the reader's language."""
    who, what = persons.names(), names(rows)
    return {
        plain("When"): [parts.moment(row["happened_at"]) for row in rows],
        plain("Who"): [who[row["actor"]] for row in rows],
        plain("What happened"): [_acts.act(row["act"]) for row in rows],
        plain("On what"): [what[row["subject"]] for row in rows],
        plain("In short"): [_facts.of(row["detail"]) for row in rows],
        plain("Entry"): [row["seq"] for row in rows],
    }


def widths() -> dict[str, Any]:
    """Pixels of each column, so that none is cut where there is room."""
    pixels = {
        plain("When"): 150,
        plain("Who"): 150,
        plain("What happened"): 220,
        plain("On what"): 230,
        plain("In short"): 300,
        plain("Entry"): 70,
    }
    return {name: st.column_config.Column(width=width) for name, width in pixels.items()}


def names(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Subject -> what it is called; what has no name here keeps its id."""
    who, known = persons.names(), subjects.named(session.conn(), [row["subject"] for row in rows])
    return {row["subject"]: _named(known[row["subject"]]) if row["subject"] in known else who[row["subject"]]
            for row in rows}  # fmt: skip


def _named(found: subjects.Subject) -> str:
    values = {name: session.either(one) if isinstance(one, dict) else one for name, one in found.values.items()}
    return plain(found.message, **values)


def as_csv(chosen: Filter) -> bytes:
    """The newest entries that the filter lets through, as a file that a spreadsheet opens."""
    rows = trail.entries(session.conn(), chosen, limit=MOST)
    table = columns(rows) | {plain("Details"): [row["detail"] for row in rows]}
    return spreadsheets.csv_bytes(
        list(table), [[str(cell) for cell in row] for row in zip(*table.values(), strict=True)]
    )
