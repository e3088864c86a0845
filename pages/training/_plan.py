"""What a new trial would learn from, and how."""

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from core.locale.mark import N_
from core.training import recipes, training_sets
from core.training.recipes import RANGES, Recipe
from core.training.training_sets import Draft
from pages._ui import parts, session
from pages._ui.session import _, plain

FIELDS = {
    "epochs": (N_("Epochs"), N_("How often each sample is seen. Too often, and it is learned by heart.")),
    "learning_rate": (N_("Learning rate"), N_("The size of a step. Halve it when the loss jumps about.")),
    "batch_size": (N_("Batch size"), N_("Samples per step. Smaller needs less memory and is less steady.")),
    "rank": (N_("Rank"), N_("How much the adapter can hold. 16 is enough for hundreds of samples.")),
    "replay_share": (
        N_("General samples mixed in"),
        N_("Part of general questions with the model's own answers, so that it forgets less."),
    ),
    "seed": (N_("Seed"), N_("Where chance begins. Another one shows how much of the result is luck.")),
}


def show_rows(draft: Draft) -> None:
    """How many approved samples there are to learn from, and which are left out for whose sake."""
    counts = {"rows": len(draft.rows), "as_is": draft.origins["as_is"], "corrected": draft.origins["corrected"]}
    st.markdown(
        _("It learns from **%(rows)s approved samples**: %(as_is)s as they are, %(corrected)s corrected.", **counts)
    )
    if not draft.rows:
        st.info(_("Rate answers to train samples and approve them first."))
        parts.link("review/approvals.py", _("Go to Approvals"), "fact_check")
    elif len(draft.rows) < training_sets.FEW:
        st.warning(
            _(
                "With fewer than %(few)s samples a trial rarely shows anything. You can start it; to approve more "
                "first is better.",
                few=training_sets.FEW,
            )
        )
    if draft.left_out:
        with st.expander(_("%(count)s left out: too much like gate or retain samples", count=len(draft.left_out))):
            st.dataframe(
                pd.DataFrame(
                    {
                        plain("Approved sample"): [pair["input"] for pair in draft.left_out],
                        plain("Locked sample"): [pair["locked_input"] for pair in draft.left_out],
                        plain("Its key"): [pair["locked_key"] for pair in draft.left_out],
                        plain("Likeness of 100"): [pair["likeness"] for pair in draft.left_out],
                    }
                ),
                hide_index=True,
            )


def recipe(rows: int) -> Recipe | None:
    """The settings, the usual ones unless somebody changes them; None when they cannot be used."""
    usual = recipes.default(rows)
    changed: dict[str, Any] = {}
    with st.expander(_("Advanced settings")):
        columns = st.columns(2, gap="medium")
        for place, (name, (label, help_text)) in enumerate(FIELDS.items()):
            value = getattr(usual, name)
            least, most = (type(value)(bound) for bound in RANGES[name])
            step = {"learning_rate": 1e-4, "replay_share": 0.05}.get(name, 1)
            changed[name] = columns[place % 2].number_input(
                _(label),
                least,
                most,
                value,
                step,
                format={"learning_rate": "%.5f", "replay_share": "%.2f"}.get(name),
                key=f"trial.{name}.{value}",
                help=_(help_text),
            )
    with session.refusing():
        return replace(usual, **changed)
    return None
