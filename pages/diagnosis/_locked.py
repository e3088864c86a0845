"""The winner of a ladder on locked samples: it was chosen for looking best, so the first look is too good."""

from typing import Any

import streamlit as st

from core.access import roles
from core.diagnosis.ladder import Confirmation, Ladder
from core.evaluation import estimates, ladders, models, prompts, retrieving, winners
from core.evaluation.eval_sets import EvalSet
from core.evaluation.ladders import Climb
from core.evaluation.tasks import Task
from core.locale.mark import N_
from pages._ui import parts, remembered, session
from pages._ui.session import _
from pages.evaluation import _costs, _limits

MEANING = {
    "held": N_("So the target is reached there, too."),
    "fell": N_("So it misses the target: where it was chosen, it was lucky."),
    "not_enough": N_("Whether it reaches the target there, too, cannot be told yet."),
}


def show(task: Task, eval_set: EvalSet, climb: Climb, judged: Ladder) -> None:
    """What the winner did on the locked samples, or the button that asks them."""
    conn = session.conn()
    winner = next(run for run in climb.runs if run["rung"] == judged.best)
    st.subheader(_("Confirm the winner: prompt %(rung)s", rung=winner["rung"]))
    count = eval_set.counts.get("gate", 0)
    st.caption(
        _(
            "The best of several prompts always looks a little better than it is, since luck helped to choose it. "
            "Before anybody signs, it is measured once more on samples that nobody has looked at."
        )
    )
    retrieval = retrieving.of_run(winner)
    asked = winners.locked(conn, task.task_id, eval_set.name, climb.model_id, winner["prompt_id"], retrieval)
    if asked:
        parts.job(asked[0]["job_id"], "ladder.locked.job")
        _limits.go_on(asked[0]["job_id"])
        if all(run["answered"] >= run["planned"] for run in asked):
            _result(task, asked, winners.confirmed(conn, task, asked))
        return
    if not count:
        st.info(_("This set has no locked samples (gate). Import a version with a gate share."))
        return
    model, sides = models.find(conn, climb.model_id), []
    for run in (climb.runs[0], winner):
        prompt = prompts.find(conn, run["prompt_id"])
        assert prompt is not None, "a run is saved after its prompt"
        sides.append((run["rung"], prompt))
    assert model is not None, "a run is saved after its model"
    wanted = winners.matrix(eval_set, sides, model, winner, climb.retrieval)
    _costs.estimate(estimates.of(conn, wanted, split="gate", settings=session.settings()))
    cap = _limits.cap("ladder.locked")
    pressed = st.button(
        _("Measure it on the %(count)s locked samples, once", count=count),
        disabled=not roles.may(session.person(), "run.start"),
        key="ladder.locked",
        icon=":material/lock_open:",
    )
    if pressed:
        with session.refusing():
            winners.measure(
                conn,
                by=session.person(),
                eval_set=eval_set,
                first=sides[0],
                winner=sides[1],
                model=model,
                like=winner,
                retrieval=climb.retrieval,
                cap=cap,
            )
            st.rerun()


def _result(task: Task, asked: list[dict[str, Any]], confirmed: Confirmation) -> None:
    st.markdown(_(confirmed.sentence.message, **confirmed.sentence.values) + " " + _(MEANING[confirmed.verdict]))
    if len(asked) > 1:
        sentence = remembered.call(ladders.compare, task, asked[0], asked[-1]).sentence
        told = _(sentence.message, **sentence.values)
        st.markdown(_("Against prompt %(rung)s:", rung=asked[0]["rung"]) + " " + told)
