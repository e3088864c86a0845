"""What answers cost and took: tokens, money, seconds; and what they will, before a matrix starts."""

from collections.abc import Mapping
from typing import Any

import duckdb
import streamlit as st

from core.evaluation import runs, terms
from core.evaluation.estimates import Estimate
from pages._ui.session import _, plain


def show(conn: duckdb.DuckDBPyConnection, job_id: str, names: Mapping[str, str]) -> None:
    """One row for each run of the job."""
    st.dataframe(
        [
            {
                plain("Prompt"): names.get(run["run_id"], run["rung"]),
                plain("Answers"): run["answered"],
                plain("Copied"): run["copied"],
                plain("Prompt tokens"): run["prompt_tokens"],
                plain("Answer tokens"): run["completion_tokens"],
                plain("Seconds for an answer (median)"): _seconds(run["latency_s"]),
                plain("Cost"): told(conn, run),
                plain("Cost of an answer"): told(conn, run, run["answered"] - run["copied"] - run["failed"]),
            }
            for run in runs.measured(conn, job_id)
        ],
        hide_index=True,
    )
    st.caption(_("Copied answers were given before to the very same question and cost nothing. Prices are those that "
                 "were set when an answer came in."))  # fmt: skip


def _seconds(value: float | None) -> str:
    return plain("not known") if value is None else f"{value:.2f}"


def told(conn: duckdb.DuckDBPyConnection, run: Mapping[str, Any], among: int | None = None) -> str:
    """The run's `cost` in its model's currency, shared among so many answers; or that it is not known."""
    if run["cost"] is None or among == 0:
        return plain("not known")
    return money(run["cost"] / (among or 1), terms.of(conn, run["model_id"]).currency)


def money(amount: float, currency: str) -> str:
    """An amount with as many digits as it needs to be more than nothing."""
    return f"{amount:,.2f} {currency}" if amount >= 1 or amount == 0 else f"{amount:.2g} {currency}"


def estimate(found: Estimate) -> None:
    """Calls, cost and time in a few sentences; what is not known says so."""
    said = [_("%(calls)s answers", calls=f"{found.calls:,}")]
    if found.known and found.projected:
        said.append(_("about %(known)s of them were given before and are copied", known=f"{found.known:,}"))
    elif found.known:
        said.append(_("%(known)s of them were given before and are copied", known=f"{found.known:,}"))
    for currency, (low, high) in found.costs.items():
        amounts = {"low": money(low, currency), "high": money(high, currency)}
        if found.projected:
            said.append(_("about %(low)s, perhaps up to %(high)s", **amounts))
        else:
            said.append(_("about %(low)s, at most %(high)s", **amounts))
    if found.unpriced:
        said.append(_("cost not known: %(names)s has no price", names=", ".join(found.unpriced)))
    if found.seconds is None:
        said.append(_("time not known before %(names)s has answered once", names=", ".join(found.untimed)))
    else:
        said.append(_("about %(time)s", time=duration(found.seconds)))
    if found.projected:
        counts = {"looked_at": f"{found.looked_at:,}", "samples": f"{found.samples:,}"}
        said.append(_("measured on %(looked_at)s of the %(samples)s samples, evenly spread, and scaled up", **counts))
    st.caption(" · ".join(said))


def duration(seconds: float) -> str:
    """A length of time in words a person would use."""
    if seconds < 90:
        return plain("%(count)s s", count=max(1, round(seconds)))
    if seconds < 5400:
        return plain("%(count)s min", count=round(seconds / 60))
    return plain("%(count)s h", count=f"{seconds / 3600:.1f}")
