"""Before the start: what a trial would take on this machine, and the points that have to be right."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.access import roles
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.jobs import folder as job_folder
from core.jobs.jobs import Job
from core.training import estimates, preflight, recipes, training_sets
from core.training.drafts import Draft
from core.training.recipes import Recipe
from pages._ui import parts, session
from pages._ui.session import _

ICONS = {
    "good": ":green[:material/check_circle:]",
    "doubt": ":orange[:material/info:]",
    "bad": ":red[:material/block:]",
}


def show(draft: Draft, base: Model, recipe: Recipe, prompt: Prompt) -> bool:
    """The list, with what a look at the rows and one step of the model has added; whether a start is possible."""
    findings = preflight.of_rows(len(draft.rows), len(draft.left_out), len(draft.waived), recipes.FEW)
    job = _asked(draft, base, recipe, prompt)
    found = _result(job) if job else None
    st.subheader(_("Before the start"))
    if found:
        findings += found["findings"]
        _show_cost(found)
    _show_list(findings)
    if job and not found:
        parts.job(job.job_id, "trial.probe.job")
    elif not found:
        may = roles.may(session.person(), "train.start") and bool(draft.rows)
        st.caption(_("Time, memory and the other points are known after one step on this machine."))
        if st.button(_("Check and estimate"), icon=":material/speed:", disabled=not may, key="trial.check"):
            with session.refusing():
                conn, person = session.conn(), session.person()
                frozen = training_sets.freeze(
                    conn, by=person, task_id=session.task().task_id, prompt=prompt, method=recipe.method
                )
                estimates.start(conn, by=person, training_set=frozen, base=base, recipe=recipe)
                st.rerun()
    return not preflight.blocks(findings)


def _asked(draft: Draft, base: Model, recipe: Recipe, prompt: Prompt) -> Job | None:
    """The look at exactly this: another approval or setting makes it another training."""
    if not draft.rows:
        return None
    name = training_sets.name(draft, session.task().task_id, prompt)
    return estimates.latest(session.conn(), name, base.model_id, recipe)


def _result(job: Job) -> Mapping[str, Any] | None:
    result = job_folder.result(session.job_folder(job.job_id)) if job.state == "done" else None
    return result["probe"] if result else None


def _show_cost(found: Mapping[str, Any]) -> None:
    if "seconds" not in found:
        return
    columns = st.columns(4)
    columns[0].metric(_("Rows"), f"{found['rows']:,}")
    columns[1].metric(_("Tokens"), f"{found['tokens']:,}", help=_("Of all rows, once."))
    minutes = found["seconds"] / 60
    time = _("%(minutes)s min", minutes=round(minutes)) if minutes >= 1 else _("under 1 min")
    columns[2].metric(_("Expected time"), time, help=_("From one step, times %(steps)s steps.", steps=found["steps"]))
    columns[3].metric(_("Expected memory"), f"{found['memory'] / 1e9:.1f} GB")


def _show_list(findings: list[preflight.Finding]) -> None:
    order = list(preflight.POINTS)
    for one in sorted(findings, key=lambda one: order.index(one["point"])):
        message, values = one["message"], one["values"]
        sentence = _(message, **values)
        st.markdown(f"{ICONS[one['state']]} **{_(preflight.POINTS[one['point']])}** · {sentence}")
