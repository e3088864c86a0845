"""Before the start: what a trial would take on this machine, and the points that have to be right."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.access import roles
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.jobs import folder as job_folder
from core.jobs import jobs
from core.training import preflight, recipes, training_sets, trials
from core.training.recipes import Recipe
from core.training.training_sets import Draft
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
    key = f"trial.probe.{base.model_id}"
    asked = st.session_state.get(key)
    wanted = (prompt.prompt_id, recipe)
    job_id = asked[1] if asked and asked[0] == wanted else None
    found = _result(job_id) if job_id else None
    st.subheader(_("Before the start"))
    if found:
        findings += found["findings"]
        _show_cost(found)
    _show_list(findings)
    if job_id and not found:
        parts.job(job_id, "trial.probe.job")
    elif not found:
        may = roles.may(session.person(), "train.start") and bool(draft.rows)
        st.caption(_("Time, memory and the other points are known after one step on this machine."))
        if st.button(_("Check and estimate"), icon=":material/speed:", disabled=not may, key="trial.check"):
            with session.refusing():
                conn, person = session.conn(), session.person()
                frozen = training_sets.freeze(
                    conn, by=person, task_id=session.task().task_id, prompt=prompt, method=recipe.method
                )
                probe = trials.probe(conn, by=person, training_set=frozen, base=base, recipe=recipe)
                st.session_state[key] = (wanted, probe)
                st.rerun()
    return not preflight.blocks(findings)


def _result(job_id: str) -> Mapping[str, Any] | None:
    job = jobs.find(session.conn(), job_id)
    result = job_folder.result(session.job_folder(job_id)) if job and job.state == "done" else None
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
