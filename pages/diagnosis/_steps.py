"""Each step of a ladder: what the prompt added, what that gained, and the samples it fixed and broke."""

import pandas as pd
import streamlit as st

from core.diagnosis.ladder import Ladder, Step
from core.diagnosis.verdicts import points
from core.evaluation import flips, prompts, rendering
from core.evaluation.ladders import Climb
from core.evaluation.tasks import Task
from pages._ui import charts, remembered, session
from pages._ui import flips as flip_parts
from pages._ui.session import _, plain
from pages.diagnosis import _samples

EXAMPLES = 3


def show(task: Task, climb: Climb, judged: Ladder) -> None:
    """All steps as intervals, then one step in full."""
    st.subheader(_("What each step brought"))
    st.caption(
        _("The same samples with both prompts. A line that crosses zero may be chance. Click a point to see its step.")
    )
    rows = [_row(one) for one in [*judged.steps, judged.climb]]
    chart = charts.paired(rows)
    picked = charts.show(chart, pd.DataFrame(rows), key="ladder.steps")
    if judged.last_two is not None:
        both = judged.last_two
        words = {"gain": points(both.mean or 0.0), "low": points(both.low), "high": points(both.high), "n": both.n}
        st.caption(
            _(
                "The last two steps as one: %(gain)s points, 95%% interval %(low)s to %(high)s, n = %(n)s. "
                "A slow climb looks flat one step at a time.",
                **words,
            )
        )
    names = {f"{step.start}{step.end}": step for step in judged.steps}
    key, labels = f"ladder.step.{climb.runs[0]['job_id']}", {_row(step)["label"]: name for name, step in names.items()}
    charts.steer(key, next((labels[one["label"]] for one in picked if one["label"] in labels), None))
    chosen = st.segmented_control(
        _("Which step"),
        list(names),
        default=None if key in st.session_state else list(names)[-1],
        required=True,
        format_func=lambda one: f"{names[one].start} → {names[one].end}",
        key=key,
    )
    _one(task, climb, names[chosen])


def _row(step: Step) -> dict[str, object]:
    found = step.paired
    label = f"{step.start} → {step.end}"
    return {"label": label, "gain": found.mean or 0.0, "low": found.low, "high": found.high, "n": found.n}


def _one(task: Task, climb: Climb, step: Step) -> None:
    runs = {run["rung"]: run for run in climb.runs}
    before, after = runs[step.start], runs[step.end]
    text, gain = st.columns(2, gap="medium")
    with text:
        st.markdown(_("**What prompt %(rung)s changed**", rung=step.end))
        old, new = (prompts.find(session.conn(), run["prompt_id"]) for run in (before, after))
        lines = rendering.difference(old, new) if old and new else []
        st.code("\n".join(lines) or plain("The text is the same."), language="diff", wrap_lines=True, height=280)
        st.caption(_("Lines with + are new and lines with - are gone, compared with the prompt before."))
    with gain:
        found = step.paired
        st.metric(_("Gain in points, n = %(n)s", n=found.n), points(found.mean or 0.0))
        words = {"low": points(found.low), "high": points(found.high), "p": f"{step.p_holm:.3f}"}
        st.markdown(_("95%% interval %(low)s to %(high)s; p = %(p)s, corrected for several looks (Holm).", **words))
        st.markdown(_("Samples: %(fixed)s fixed, %(broken)s broken, %(unchanged)s unchanged.",
                      fixed=found.fixed, broken=found.broken, unchanged=found.unchanged))  # fmt: skip
        st.markdown(_meaning(step))
    ids = [before["run_id"]], [after["run_id"]]
    if not (found.fixed or found.broken) or _samples.hidden([*ids[0], *ids[1]]):
        return
    changed = remembered.call(flips.between, task.plan.metric, *ids, most=EXAMPLES)
    for change, title in (("fixed", _("Fixed, for example")), ("broken", _("Broken, for example"))):
        examples = [one for one in changed if one.change == change]
        if examples:
            with st.expander(title, expanded=change == "broken"):
                for one in examples:
                    flip_parts.show(one)


def _meaning(step: Step) -> str:
    if step.better:
        return _("This step helped.")
    if step.paired.high < 0:
        return _("This step made it worse.")
    if step.flat:
        return _("This step gained less than what is worth having.")
    return _("Whether this step helped cannot be told yet.")
