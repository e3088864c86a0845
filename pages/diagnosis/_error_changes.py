"""Two versions by the mistakes that people named: on the same samples, kind by kind."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pandas as pd
import streamlit as st

from core.diagnosis import errors
from core.diagnosis.errors import Change
from core.diagnosis.verdicts import percent, points
from core.locale.mark import N_
from core.review import error_counts
from pages._ui import charts, parts, remembered
from pages._ui.session import _, plain
from pages.diagnosis import _pareto

WORDS = {"fewer": N_("fewer"), "more": N_("more"), "not_enough": N_("not enough evidence yet")}


def show(versions: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> None:
    """Choose two versions; a sentence, the changes with their intervals, and the answers behind one of them."""
    if not versions:
        _pareto.nothing()
        return
    if len(versions) < 2:
        st.info(_("People have judged answers of one version only. Put those of another one into a queue, too."))
        return
    numbers = range(len(versions))
    left, right = st.columns(2)
    with left:
        first = parts.select(
            _("Earlier version"), numbers, format_func=lambda one: _pareto.label(versions, one), key="errors.before"
        )
    with right:
        others = [one for one in numbers if one != first]
        second = parts.select(
            _("Later version"),
            others,
            index=len(others) - 1,
            format_func=lambda one: _pareto.label(versions, one),
            key=f"errors.after.{first}",
        )
    before, after = versions[first]["run_ids"], versions[second]["run_ids"]
    found = remembered.call(_compared, before, after, list(names))
    known = {**names, error_counts.FAILED: plain("Failed for any reason")}
    told = errors.sentence([one for one in found if one.kind != error_counts.FAILED], known)
    st.info(f"### {_(told.message, **told.values)}", icon=":material/difference:")
    if not found[0].paired.n:
        return
    _table(found, known, [*before, *after], f"errors.changes.{first}.{second}")


def _compared(
    conn: duckdb.DuckDBPyConnection, before: Sequence[str], after: Sequence[str], kinds: Sequence[str]
) -> list[Change]:
    return errors.changes(error_counts.between(conn, before, after, kinds))


def _table(found: Sequence[Change], names: Mapping[str, str], run_ids: Sequence[str], key: str) -> None:
    rows = [
        {"label": names[one.kind], "gain": one.paired.mean or 0.0, "low": one.paired.low, "high": one.paired.high,
         "n": one.paired.n}
        for one in found
    ]  # fmt: skip
    points = charts.show(charts.paired(rows), pd.DataFrame(rows), key=key, name="errors.changes")
    st.caption(
        _(
            "Change in the share of samples with that mistake: left of zero is better, and a line that crosses zero "
            "may be chance. Click a point to see the answers of both versions."
        )
    )
    st.dataframe([_row(one, names) for one in found], hide_index=True)
    picked = next((one["label"] for one in points), None)
    kind = next((one.kind for one in found if names[one.kind] == picked), None)
    if kind is not None:
        _pareto.examples(run_ids, kind, names)


def _row(one: Change, names: Mapping[str, str]) -> dict[str, Any]:
    change = f"{points(one.paired.mean or 0.0)} ({points(one.paired.low)} – {points(one.paired.high)})"
    return {
        plain("Error type"): names[one.kind],
        plain("Earlier"): percent(one.before.value or 0.0),
        plain("Later"): percent(one.after.value or 0.0),
        plain("Change in points, 95% interval"): f"{change}, n={one.paired.n}",
        plain("p (Holm)"): f"{one.p_holm:.3f}" if one.p_holm >= 0.001 else "< 0.001",
        plain("So"): plain(WORDS[one.word]),
    }
