"""A model card: what the model was made from, by whom, how, and where."""

import pandas as pd
import streamlit as st

from core.jobs import folder as job_folder
from core.training import cards
from core.training.cards import Card
from pages._ui import downloads, parts, persons, session, training_charts
from pages._ui.session import _, plain


def show(card: Card) -> None:
    """The card's facts, its curve, and which approved samples the model learned from."""
    trial, summary, made_of = card.trial, card.summary, card.training_set
    when, who = parts.moment(trial["created_at"]), persons.names()
    st.markdown(
        _(
            "Tuned from **%(base)s** on %(rows)s approved samples, begun by %(name)s on %(when)s.",
            base=card.base.name,
            rows=made_of.row_count,
            name=who[trial["created_by"]],
            when=when,
        )
    )
    columns = st.columns(5)
    columns[0].metric(_("As they are"), made_of.composition.get("as_is", 0))
    columns[1].metric(_("Corrected"), made_of.composition.get("corrected", 0))
    columns[2].metric(_("Teacher-made"), made_of.composition.get("teacher", 0))
    columns[3].metric(_("Minutes"), f"{summary['wall_s'] / 60:.1f}" if "wall_s" in summary else "–")
    columns[4].metric(_("Peak memory"), f"{summary['peak_bytes'] / 1e9:.1f} GB" if "peak_bytes" in summary else "–")
    for one in made_of.composition.get("teachers", ()):
        st.caption(_("%(rows)s answers of %(teacher)s: %(licence)s", **one))
    for name, count in made_of.composition.get("rewriters", {}).items():
        st.caption(_("%(count)s corrections are or began as the words of %(model)s.", count=count, model=name))
    events = job_folder.events(session.job_folder(trial["job_id"]))
    if steps := list({event["step"]: event for event in events if event["event"] == "step"}.values()):
        held_out = list({event["step"]: event for event in events if event["event"] == "held_out"}.values())
        chart = training_charts.losses(steps, held_out)
        st.altair_chart(chart, key=f"card.{card.model.model_id}.losses")
        downloads.of_chart(chart, pd.DataFrame([*steps, *held_out]), f"card.{card.model.model_id}.losses")
    with st.expander(_("Which approved samples it learned from")):
        st.dataframe(
            pd.DataFrame(
                {
                    plain("Key"): [row["key"] for row in card.approvals],
                    plain("Input"): [row["input"] for row in card.approvals],
                    plain("Approved answer"): [row["completion"] for row in card.approvals],
                    plain("Approved by"): [who[row["decided_by"]] for row in card.approvals],
                    plain("When"): [parts.moment(row["decided_at"]) for row in card.approvals],
                }
            ),
            hide_index=True,
        )
    with st.expander(_("Recipe, hashes and machine")):
        st.json({name: value for name, value in card.fields().items() if name != "data"}, expanded=1)
    st.download_button(
        _("Download the card"),
        lambda: cards.as_json(card),
        file_name=f"{card.model.model_id}.card.json",
        mime="application/json",
        icon=":material/download:",
        key=f"card.{card.model.model_id}.json",
    )
