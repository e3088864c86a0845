"""Samples that tell nothing: always right, always wrong, or splitting the raters."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.diagnosis.items import KINDS, Kind
from core.evaluation.tasks import Task
from core.locale.mark import N_
from core.review import item_quality
from pages._ui import remembered
from pages._ui.session import _, plain
from pages.evaluation import _words

TITLES: dict[Kind, str] = {
    "always_pass": N_("always pass"),
    "always_fail": N_("always fail"),
    "split": N_("split the raters"),
}
ADVICE: dict[Kind, str] = {
    "always_pass": N_("Every version passes these, so they cannot tell one from another. Put harder ones in."),
    "always_fail": N_("No version passes these. Check their references and the rubric before blaming the model."),
    "split": N_("One person passes an answer to these, another fails it. Rewrite the question, or settle the rubric."),
}


def show(task: Task) -> None:
    """How many there are of each kind, and the samples of one."""
    found, first = remembered.call(item_quality.of_task, task.task_id, task.plan.metric)
    for one in found.sentences:
        st.markdown(_(one.message, **one.values))
    if not any(rate.n for rate in found.rates.values()):
        return
    counts = {kind: round((rate.value or 0.0) * rate.n) for kind, rate in found.rates.items()}
    kind = st.segmented_control(
        _("Which samples"),
        KINDS,
        default=next((one for one in reversed(KINDS) if counts[one]), KINDS[0]),
        required=True,
        format_func=lambda one: f"{plain(TITLES[one])}: {counts[one]}",
        key="errors.items",
    )
    st.caption(_(ADVICE[kind]))
    if not (rows := first[kind]):
        st.info(_("None."))
        return
    st.dataframe([_row(row) for row in rows], hide_index=True, height=min(560, 80 + 60 * len(rows)), row_height=60)
    st.caption(
        _(
            "“Goes with the rest” is the item-rest correlation over the versions: near 1, versions that are good "
            "elsewhere pass this sample, too; below 0 its reference may be wrong. It says little for few versions."
        )
    )


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    rest, part = row["with_rest"], _words.SPLITS_SHORT[row["part"]]
    return {
        plain("Key"): row["key"],
        plain("Input"): row["input"],
        plain("Reference"): row["reference"],
        plain("Split"): plain(part),
        plain("Right in"): "–" if row["share"] is None else f"{row['share']:.0%}",
        plain("Versions"): row["versions"] or 0,
        plain("Goes with the rest"): "–" if rest is None else f"{rest:.2f}",
    }
