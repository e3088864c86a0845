"""Before a run: what so many samples can show, and how many more it takes."""

import streamlit as st

from core.diagnosis import chances
from core.evaluation.eval_sets import EvalSet
from core.evaluation.tasks import Task
from pages._ui.session import _

TYPICAL = 0.15
"""The true gain that a plan's chance is told for, as in the reference tables."""
MOST = 5000
"""Samples that the calculators reckon with: from here on any gain worth having shows."""


def show(task: Task, eval_set: EvalSet) -> None:
    """Two small calculators, each with plain sentences."""
    with st.expander(_("Before the next run: what can this plan show?"), icon=":material/calculate:"):
        _ladder(task, eval_set)
        _proof(task, eval_set)


def promise(task: Task, n: int, repeats: int) -> str:
    """What so many samples with so many answers each can show of a ladder, in a sentence."""
    goal = task.plan.smallest_gain
    return _(
        "If the last prompt truly gains nothing, %(n)s samples (K = %(repeats)s) show that in "
        "**%(flat)s of 100** cases. If prompting truly gains %(gain)s points, they show that in **%(climb)s of "
        "100**.",
        n=n,
        repeats=repeats,
        flat=_hundred(chances.plateau(n, goal, repeats)),
        gain=round(max(2 * goal, TYPICAL) * 100),
        climb=_hundred(chances.climb(n, max(2 * goal, TYPICAL), repeats)),
    )


def _ladder(task: Task, eval_set: EvalSet) -> None:
    goal, there = task.plan.smallest_gain, eval_set.counts.get("dev", 0)
    st.markdown(_("**The ladder**"))
    left, right = st.columns(2)
    n = left.number_input(_("Samples (n)"), 1, MOST, min(max(there, 1), MOST), key=f"planning.n.{eval_set.eval_set_id}")
    choices, key = sorted({1, 3, 5, task.plan.repeats}), f"planning.repeats.{task.task_id}"
    repeats = right.segmented_control(
        _("Answers per sample (K)"), choices, default=task.plan.repeats, required=True, key=key
    )
    st.markdown(promise(task, n, repeats))
    if task.plan.samples > n:
        st.markdown(_("The plan agreed on %(n)s samples; before that there is no verdict.", n=task.plan.samples))
    needed = chances.samples_for_plateau(goal, repeats)
    if needed is not None and needed > there:
        st.markdown(
            _(
                "You need **%(more)s more samples** than the %(there)s you have, so that a prompt which gains less "
                "than %(goal)s points is recognised in 80 of 100 cases.",
                more=needed - there,
                there=there,
                goal=round(goal * 100),
            )
        )
    st.caption(_("K = 5 and at least 50 samples are usual. Five answers leave about half of one answer's noise."))


def _proof(task: Task, eval_set: EvalSet) -> None:
    st.markdown(_("**The proof on locked samples**"))
    left, right = st.columns(2)
    key = eval_set.eval_set_id
    gate = left.number_input(
        _("Locked samples (gate)"), 0, MOST, min(eval_set.counts.get("gate", 0), MOST), key=f"planning.gate.{key}"
    )
    retain = right.number_input(_("Samples that must not break (retain)"), 0, MOST, 100, key=f"planning.retain.{key}")
    margin = task.plan.margin
    yes = {size: _hundred(chances.proof(gate, retain, size, margin)) for size in (0.0, TYPICAL, 0.3)}
    st.markdown(
        _(
            "Chance that this plan gives a yes: **%(typical)s of 100** if the truth is a gain of 15 points, "
            "**%(large)s of 100** for 30 points, and **%(none)s of 100** if there is no gain at all.",
            typical=yes[TYPICAL],
            large=yes[0.3],
            none=yes[0.0],
        )
    )
    visible = chances.smallest_visible(gate)
    if visible is None:
        st.markdown(_("So few locked samples can hardly show any gain."))
    else:
        st.markdown(_("The smallest gain that %(n)s locked samples usually show is %(gain)s points.",
                      n=gate, gain=round(visible * 100)))  # fmt: skip
    wanted = st.number_input(_("Gain you hope for, points"), 1, 90, round(TYPICAL * 100), key="planning.gain")
    needed = chances.samples_for(wanted / 100)
    if needed is None:
        st.markdown(_("A gain of %(gain)s points is too small for any reasonable number of samples.", gain=wanted))
    else:
        st.markdown(_("To show a gain of %(gain)s points in 80 of 100 cases takes %(n)s samples, if one in twenty gets "
                      "worse.", gain=wanted, n=needed))  # fmt: skip


def _hundred(chance: float) -> int:
    return round(100 * chance)
