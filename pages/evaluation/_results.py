"""What runs showed: the verdict of a ladder, the rates with their intervals, and the answers behind them."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pandas as pd
import streamlit as st

from core.access.people import Person
from core.evaluation import answers, results, retrieving
from core.evaluation.tasks import Task
from core.review import blindness
from pages._ui import charts, parts, passages, remembered
from pages._ui.session import _, plain
from pages.diagnosis import _samples
from pages.evaluation import _costs, _failures, _words

PAGE = 100


def show(conn: duckdb.DuckDBPyConnection, task: Task, person: Person, of_runs: Sequence[Mapping[str, Any]]) -> None:
    """Everything known of the ladder's runs so far; nothing before the first answer."""
    words = _("On %(model)s, asked on %(day)s (UTC).", model=of_runs[0]["model_name"], day=_day(of_runs))
    if not _begin(words, of_runs):
        return
    table = remembered.call(results.table, of_runs)
    if not table.empty and len(of_runs) > 1:
        sentence = remembered.call(results.judge_ladder, task, of_runs).sentence
        st.info(_(sentence.message, **sentence.values), icon=":material/stairs:")
    if not table.empty:
        _show_chart(table, of_runs)
    _show_all(conn, person, of_runs, table)


def _show_chart(table: pd.DataFrame, of_runs: Sequence[Mapping[str, Any]]) -> None:
    """A bar per prompt and metric; a click shows the answers behind it."""
    chart = charts.rates(table, by="rung", title=plain("Prompt"))
    picked = charts.show(chart, table.drop(columns="run_id"), key="results.chart", name="results")
    for bar in picked[:1]:
        run = next(run for run in of_runs if run["rung"] == bar["rung"])
        st.markdown(_("**%(metric)s with prompt %(rung)s:** the samples behind this bar",
                      metric=charts.metric_name(bar["metric"]), rung=bar["rung"]))  # fmt: skip
        _samples.show(run["run_id"], "results.behind", bar["metric"])
    if not picked:
        st.caption(_("Click a bar to see its samples."))


def show_matrix(conn: duckdb.DuckDBPyConnection, person: Person, of_runs: Sequence[Mapping[str, Any]]) -> None:
    """Everything known of a matrix's runs so far; nothing before the first answer."""
    if _begin(_("Asked on %(day)s (UTC).", day=_day(of_runs)), of_runs):
        _show_all(conn, person, of_runs, remembered.call(results.table, of_runs))


def _day(of_runs: Sequence[Mapping[str, Any]]) -> str:
    return f"{of_runs[0]['created_at']:%Y-%m-%d %H:%M}"


def _begin(words: str, of_runs: Sequence[Mapping[str, Any]]) -> bool:
    """Heading and how far it is; whether there is anything to show."""
    answered, planned = sum(run["answered"] for run in of_runs), sum(run["planned"] for run in of_runs)
    if not answered:
        return False
    st.subheader(_("Results"))
    if answered < planned:
        words += " " + _("%(answered)s of %(planned)s answers are in; the rest may still change this.",
                         answered=answered, planned=planned)  # fmt: skip
    st.caption(words)
    if answered < planned:
        st.button(_("Show the newest numbers"), icon=":material/refresh:", key="results.refresh")
    return True


def _show_all(
    conn: duckdb.DuckDBPyConnection, person: Person, of_runs: Sequence[Mapping[str, Any]], table: pd.DataFrame
) -> None:
    """Rates, failures, cost and time, and the answers themselves."""
    if table.empty:
        st.info(_("No answer could be compared with a reference, so there is nothing to count."))
    else:
        st.dataframe(_rates(table, of_runs), hide_index=True)
        st.caption(_("Share of right answers; in brackets the 95% interval: where the true share very probably lies."))
    names = _names(of_runs)
    _failures.show_cut(of_runs)
    _failures.show(answers.failures(conn, list(names)), names, of_runs[0]["job_id"])
    with st.expander(_("Cost and time"), icon=":material/payments:"):
        _costs.show(conn, of_runs[0]["job_id"], names)
    with st.expander(_("The answers themselves"), icon=":material/forum:"):
        waiting = blindness.waiting(conn, list(names), person)
        if waiting:
            st.info(_("%(count)s of these answers wait for your own judgement. They are shown with their prompt after "
                      "that, so that you judge without knowing it.", count=waiting))  # fmt: skip
        else:
            answered = {run["run_id"]: run["answered"] for run in of_runs if run["answered"]}
            _show_answers(conn, names, answered)


def _names(of_runs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What each run is called: its rung, with the model where there are several, and with what it looked up."""
    several = len({run["model_id"] for run in of_runs}) > 1
    return {run["run_id"]: " · ".join([_rung(run), *([run["model_name"]] if several else [])]) for run in of_runs}


def _rung(run: Mapping[str, Any]) -> str:
    return f"{run['rung']} + " + plain("%(k)s passages", k=run["k"]) if run["index_id"] else str(run["rung"])


def _rates(table: pd.DataFrame, of_runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    several = len({run["model_id"] for run in of_runs}) > 1
    rows = []
    for run in of_runs:
        found = {row["metric"]: row for row in table[table["run_id"] == run["run_id"]].to_dict("records")}
        n = max((row["n"] for row in found.values()), default=0)
        rows.append(
            ({plain("Model"): run["model_name"]} if several else {})
            | {plain("Prompt"): _rung(run), plain("Samples (n)"): n, plain("Failed calls"): run["failed"]}
            | ({plain("Cut off"): run["cut"]} if any(one["cut"] for one in of_runs) else {})
            | {charts.metric_name(metric): _share(found.get(metric), n) for metric in dict.fromkeys(table["metric"])}
        )
    return rows


def _share(row: Mapping[str, Any] | None, n: int) -> str:
    if row is None:
        return plain("no answer")
    share = f"{row['value']:.0%} ({row['low']:.0%}–{row['high']:.0%})"
    return share if row["n"] == n else f"{share}, n={row['n']}"


def _show_answers(conn: duckdb.DuckDBPyConnection, names: Mapping[str, str], answered: Mapping[str, int]) -> None:
    """The answers of one run, page by page; `answered` says how many each run has, those without any left out."""
    run_id = st.segmented_control(
        _("Prompt"),
        list(answered),
        default=next(iter(answered)),
        required=True,
        format_func=names.__getitem__,
        key=f"results.rung.{len(answered)}",
    )
    first = parts.offset(answered[run_id], f"results.page.{run_id}", PAGE)
    found = answers.of_run(conn, run_id, offset=first, limit=PAGE)
    chosen = st.dataframe(
        [_words.answer(row) for row in found],
        hide_index=True,
        row_height=_words.row_height((row["input"] for row in found), lines=5),
        column_config={title: {"width": "medium"} for title in (plain("Input"), plain("Answer"), plain("Reference"))},
        on_select="rerun",
        selection_mode="single-row",
        key=f"results.answers.{run_id}.{first}",
    )
    st.caption(_("Tick a row at its left edge to read it in full."))
    for place in chosen["selection"]["rows"][:1]:
        row = found[place]
        for title, text in (
            (_("Input"), row["input"]),
            (_("Answer"), _words.failure(row) if row["failure"] else row["text"]),
            (_("Reference"), row["reference"]),
            (_("Why"), row["reason"]),
        ):
            if text:
                st.markdown(f"**{title}**")
                parts.text(text)
        shown = retrieving.of_answers(conn, [row["answer_id"]]).get(row["answer_id"], ())
        passages.show(shown, row["input"], key=f"results.passages.{row['answer_id']}")
