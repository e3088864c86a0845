"""A training while it runs and afterwards: curves, sample answers after each epoch, and the log in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.jobs import folder as job_folder
from core.jobs import jobs
from core.locale.mark import N_
from pages._ui import downloads, parts, session, training_charts
from pages._ui.session import _, plain

CURVES = {
    "learning_rate": N_("Learning rate"),
    "grad_norm": N_("Gradient norm"),
    "tokens_per_second": N_("Tokens a second"),
}


def show(job_id: str, key: str) -> None:
    """Details of one training job; follows it while it runs."""
    found = jobs.find(session.conn(), job_id)
    if found is None or not (session.job_folder(job_id) / "events.jsonl").exists():
        return
    with st.expander(_("Curves, sample answers and log")):
        st.fragment(_show, run_every=3.0 if found.state in ("running", "stopping") else None)(job_id, key)


def _show(job_id: str, key: str) -> None:
    events = job_folder.events(session.job_folder(job_id))
    steps = list({event["step"]: event for event in events if event["event"] == "step"}.values())
    if steps:
        _show_numbers(steps[-1], events)
        held_out = list({event["step"]: event for event in events if event["event"] == "held_out"}.values())
        chart = training_charts.losses(steps, held_out)
        st.altair_chart(chart, key=f"{key}.losses")
        downloads.of_chart(chart, pd.DataFrame([*steps, *held_out]), f"{key}.losses")
        _show_courses(pd.DataFrame(steps), key)
    _show_samples([event for event in events if event["event"] == "samples"], key)
    _show_log(job_id, events, key)


def _show_courses(steps: pd.DataFrame, key: str) -> None:
    """The numbers beside the loss, each small and to take along."""
    known = [field for field in CURVES if field in steps]
    for column, field in zip(st.columns(len(CURVES)), known, strict=False):
        table = steps[["step", field]].dropna()
        chart = training_charts.course(table, field, plain(CURVES[field]))
        with column:
            st.altair_chart(chart, key=f"{key}.{field}")
            downloads.of_chart(chart, table, f"{key}.{field}")


def _show_numbers(last: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
    held_out = [event["eval_loss"] for event in events if event["event"] == "held_out"]
    columns = st.columns(4)
    columns[0].metric(_("Loss"), f"{last['loss']:.3f}")
    columns[1].metric(_("Held-out loss"), f"{held_out[-1]:.3f}" if held_out else "–")
    columns[2].metric(_("Epoch"), f"{last.get('epoch', 0):g}")
    columns[3].metric(_("Tokens a second"), f"{last['tokens_per_second']:.0f}" if "tokens_per_second" in last else "–")


def _show_samples(samples: Sequence[Mapping[str, Any]], key: str) -> None:
    """The same three prompts after each epoch, so that one sees the model change."""
    if not samples:
        return
    st.markdown(_("**Sample answers** after each epoch to the same prompts"))
    rows = [
        {
            plain("Prompt"): answer["input"],
            plain("Epoch"): event["epoch"],
            plain("Answer"): answer["text"],
            plain("Approved answer"): answer["wanted"],
        }
        for place in range(len(samples[0]["answers"]))
        for event in samples
        for answer in [event["answers"][place]]
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key=f"{key}.samples")


def _show_log(job_id: str, events: Sequence[Mapping[str, Any]], key: str) -> None:
    st.markdown(_("**Log**"))
    words = [(event, sentence) for event in events if (sentence := _words(event))]
    for event, sentence in words[-12:]:
        st.caption(f"{event['at'][11:19]} UTC · {sentence}")
    log = session.job_folder(job_id) / "log.txt"
    if log.exists() and st.toggle(_("Show the worker's full log"), key=f"{key}.log"):
        parts.text(log.read_text("utf-8", errors="replace")[-20_000:] or "–")


def _words(event: Mapping[str, Any]) -> str:
    """What an event means; nothing for the many that only count."""
    if event["event"] == "started":
        return _("A worker has begun.")
    if event["event"] == "phase":
        phase = parts.PHASES.get(event["name"], "")
        return _(phase) if phase else ""
    if event["event"] == "held_out":
        values = {"epoch": f"{event['epoch']:g}", "loss": f"{event['eval_loss']:.3f}"}
        return _("After epoch %(epoch)s the loss on held-out rows was %(loss)s.", **values)
    return ""
