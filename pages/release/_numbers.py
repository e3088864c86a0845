"""The numbers of a proof: bars before and after, the paired changes, and every rung on the dev samples."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.evaluation import results
from core.release import proofs
from core.release.proofs import Report
from pages._ui import charts, session
from pages._ui.session import _, plain
from pages.diagnosis import _samples


def show(report: Report, metric: str) -> None:
    """All three, the plan's metric first."""
    gate = [run for run in report.runs if run["split"] == "gate"]
    names = {run["run_id"]: _version(run, report.trial["baseline_rung"]) for run in [*gate, *report.ladder]}
    two = _rates(gate, metric)
    st.header(_("On %(n)s gate samples", n=report.gate.paired.n))
    versions = two.assign(version=two["run_id"].map(names))
    chart = charts.rates(versions, by="version", title=plain("Version"))
    numbers = versions.drop(columns=["run_id", "order"])
    picked = charts.show(chart, numbers, key="before_after.rates")
    for bar in picked[:1]:
        run = next(run for run in gate if names[run["run_id"]] == bar["version"])
        st.markdown(_("**%(metric)s, %(version)s:** the samples behind this bar",
                      metric=charts.metric_name(bar["metric"]), version=bar["version"]))  # fmt: skip
        _samples.show(run["run_id"], "before_after.behind", bar["metric"])
    if not picked:
        st.caption(_("Click a bar to see its samples."))
    st.subheader(_("What changed"))
    st.caption(
        _("The same samples before and after. A line that crosses zero may be chance. Click a point to see samples "
          "that the two answer unlike.")
    )  # fmt: skip
    changes = _changes(report, metric)
    rows = pd.DataFrame(changes.values())
    for point in charts.show(charts.paired(list(changes.values())), rows, key="before_after.paired")[:1]:
        split, name = next(pair for pair, row in changes.items() if row["label"] == point["label"])
        before, after = (
            next(run["run_id"] for run in report.runs if (run["split"], run["side"]) == (split, side))
            for side in proofs.SIDES
        )
        _samples.unlike(name, before, after)
    with st.expander(_("Every prompt and the tuned model")):
        st.caption(_("On the samples of the ladder (dev), which the tuned model has not learned from either."))
        st.dataframe(_table(_rates(report.ladder, metric), names, report.ladder), hide_index=True)


def _rates(of_runs: Sequence[Mapping[str, Any]], metric: str) -> pd.DataFrame:
    found = results.table(session.conn(), of_runs)
    return found.assign(order=found["metric"] != metric).sort_values("order", kind="stable")


def _version(run: Mapping[str, Any], baseline: str) -> str:
    if run["side"] == "after":
        return plain("After: %(model)s", model=run["model_name"])
    label = plain("Rung %(rung)s: %(model)s", rung=run["rung"], model=run["model_name"])
    return plain("Before: %(version)s", version=label) if run["rung"] == baseline else label


def _changes(report: Report, metric: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Split and metric -> the row of the chart."""
    splits = {"gate": plain("gate"), "retain": plain("retain")}
    pairs = sorted(report.pairs.items(), key=lambda pair: (pair[0][0], pair[0][1] != metric, pair[0][1]))
    return {
        (split, name): {
            "label": f"{splits[split]} · {charts.metric_name(name)}",
            "gain": found.paired.mean,
            "low": found.paired.low,
            "high": found.paired.high,
            "n": found.paired.n,
        }
        for (split, name), found in pairs
    }


def _table(found: pd.DataFrame, names: Mapping[str, str], of_runs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per version, one column per metric: share, interval and n."""
    rows = []
    for run in of_runs:
        row: dict[str, Any] = {plain("Version"): names[run["run_id"]]}
        for rate in found[found["run_id"] == run["run_id"]].to_dict("records"):
            row[charts.metric_name(rate["metric"])] = (
                f"{rate['value']:.0%} ({rate['low']:.0%} – {rate['high']:.0%}), n={rate['n']}"
            )
        rows.append({**row, plain("Failed calls"): run["failed"]})
    return pd.DataFrame(rows)
