"""What a ladder showed: the verdict, the rates with their intervals, the failed calls, and the answers behind them."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pandas as pd
import streamlit as st

from core.access import roles
from core.access.people import Person
from core.evaluation import answers, results, runs
from core.evaluation.tasks import Task
from core.review import blindness
from pages._ui import charts, parts, session
from pages._ui.session import _, plain
from pages.evaluation import _words


def show(conn: duckdb.DuckDBPyConnection, task: Task, person: Person, of_runs: Sequence[Mapping[str, Any]]) -> None:
    """Everything known of the ladder's of_runs so far; nothing before the first answer."""
    answered, planned = sum(run["answered"] for run in of_runs), sum(run["planned"] for run in of_runs)
    if not answered:
        return
    st.subheader(_("Results"))
    words = _(
        "On %(model)s, asked on %(day)s (UTC).",
        model=of_runs[0]["model_name"],
        day=f"{of_runs[0]['created_at']:%Y-%m-%d %H:%M}",
    )
    if answered < planned:
        words += " " + _("%(answered)s of %(planned)s answers are in; the rest may still change this.",
                         answered=answered, planned=planned)  # fmt: skip
    st.caption(words)
    if answered < planned:
        st.button(_("Show the newest numbers"), icon=":material/refresh:", key="results.refresh")
    table = results.table(conn, of_runs)
    if table.empty:
        st.info(_("No answer could be compared with a reference, so there is nothing to count."))
    else:
        if len(of_runs) > 1:
            sentence = results.judge_ladder(conn, task, of_runs).sentence
            st.info(_(sentence.message, **sentence.values), icon=":material/stairs:")
        st.altair_chart(charts.rates(table, by="rung", title=plain("Prompt")), key="results.chart")
        st.dataframe(_by_rung(table, of_runs), hide_index=True)
        st.caption(_("Share of right answers; in brackets the 95% interval: where the true share very probably lies."))
    _show_failures(answers.failures(conn, [run["run_id"] for run in of_runs]), of_runs[0]["job_id"])
    with st.expander(_("The answers themselves"), icon=":material/forum:"):
        waiting = blindness.waiting(conn, [run["run_id"] for run in of_runs], person)
        if waiting:
            st.info(_("%(count)s of these answers wait for your own judgement. They are shown with their prompt after "
                      "that, so that you judge without knowing it.", count=waiting))  # fmt: skip
        else:
            _show_answers(conn, of_runs)


def _by_rung(table: pd.DataFrame, of_runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for run in of_runs:
        found = {row["metric"]: row for row in table[table["run_id"] == run["run_id"]].to_dict("records")}
        n = max((row["n"] for row in found.values()), default=0)
        rows.append(
            {plain("Prompt"): run["rung"], plain("Samples (n)"): n, plain("Failed calls"): run["failed"]}
            | {charts.metric_name(metric): _share(found.get(metric), n) for metric in dict.fromkeys(table["metric"])}
        )
    return rows


def _share(row: Mapping[str, Any] | None, n: int) -> str:
    if row is None:
        return plain("no answer")
    share = f"{row['value']:.0%} ({row['low']:.0%}–{row['high']:.0%})"
    return share if row["n"] == n else f"{share}, n={row['n']}"


def _show_failures(failures: Sequence[Mapping[str, Any]], job_id: str) -> None:
    if failures:
        st.warning(_("Some calls gave no answer. They are counted apart and are not wrong answers."))
        st.dataframe(
            [
                {plain("Prompt"): row["rung"], plain("Calls"): row["count"], plain("Reason"): _words.failure(row)}
                for row in failures
            ],
            hide_index=True,
            row_height=_words.row_height(map(_words.failure, failures)),
        )
        _repeat(job_id, sum(row["count"] for row in failures))


def _repeat(job_id: str, count: int) -> None:
    if not roles.may(session.person(), "run.start") or parts.is_open(job_id):
        return
    words = _("Ask the %(count)s failed calls again", count=count)
    if st.button(words, icon=":material/replay:", key=f"results.retry.{job_id}"):
        with session.refusing():
            runs.retry_failed(session.conn(), session.settings(), job_id, by=session.person())
            st.rerun()


def _show_answers(conn: duckdb.DuckDBPyConnection, of_runs: Sequence[Mapping[str, Any]]) -> None:
    by_rung = {run["rung"]: run["run_id"] for run in of_runs if run["answered"]}
    rung = st.segmented_control(
        _("Prompt"), list(by_rung), default=next(iter(by_rung)), required=True, key="results.rung"
    )
    found = answers.of_run(conn, by_rung[rung])
    chosen = st.dataframe(
        [
            {
                plain("Result"): _judged(row),
                plain("Input"): row["input"],
                plain("Answer"): row["text"] if row["failure"] is None else _words.failure(row),
                plain("Reference"): row["reference"],
                plain("Why"): row["reason"],
            }
            for row in found
        ],
        hide_index=True,
        row_height=_words.row_height((row["input"] for row in found), lines=5),
        column_config={title: {"width": "medium"} for title in (plain("Input"), plain("Answer"), plain("Reference"))},
        on_select="rerun",
        selection_mode="single-row",
        key=f"results.answers.{by_rung[rung]}",
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


def _judged(row: Mapping[str, Any]) -> str:
    if row["failure"] is not None:
        return plain("failed")
    if row["value"] is None:
        return plain("not scored")
    if row["value"] in (0, 1):
        return plain("right") if row["value"] else plain("wrong")
    return f"{row['value']:.0%}"
