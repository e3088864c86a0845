"""Putting up a prompt or another model for release, without any training: it is proven and signed like a trial."""

import streamlit as st

from core.access import roles
from core.evaluation import models, prompts
from core.evaluation.models import Model
from core.evaluation.tasks import Task
from core.locale.mark import N_
from core.release import candidates
from pages._ui import parts, session
from pages._ui.session import _
from pages.evaluation import _retrieval


def show(task: Task) -> None:
    """The form, for those who start runs: what answers now, and what would answer instead."""
    if not roles.may(session.person(), "run.start"):
        return
    with st.expander(_("Put up a prompt or another model, without training"), icon=":material/swap_horiz:"):
        eval_set = parts.choose_eval_set(task.task_id, "candidate.set", split="gate")
        ladder = prompts.ladder(session.conn(), task.task_id, eval_set.name) if eval_set else None
        known = list(reversed(models.offered(session.conn())))
        if eval_set is None or ladder is None or not known:
            st.info(_("This needs an eval set with gate samples, a prompt ladder for it, and a model."))
            return
        rungs = dict(ladder.rungs)
        left, right = st.columns(2)
        with left:
            st.markdown(_("**Now**"))
            rung = parts.select(_("Prompt"), list(rungs), format_func=lambda one: rungs[one].name, key="candidate.rung")
            now = _model(known, "candidate.before")
        with right:
            st.markdown(_("**Instead**"))
            other = parts.select(
                _("Prompt"), list(rungs), index=len(rungs) - 1, format_func=lambda one: rungs[one].name,
                key="candidate.instead",
            )  # fmt: skip
            then = _model(known, "candidate.after")
        retrieval = _retrieval.for_prompts(task.task_id, "candidate", [rungs[rung], rungs[other]])
        st.caption(_("Both answer the gate and retain samples now. The result stays hidden until a plan is signed."))
        if st.button(_("Prove it"), type="primary", key="candidate.propose"):
            with session.refusing():
                trial_id = candidates.propose(
                    session.conn(),
                    by=session.person(),
                    eval_set=eval_set,
                    rung=rung,
                    before=(rungs[rung], now),
                    after=(rungs[other], then),
                    retrieval=retrieval,
                )
                st.query_params["trial"] = trial_id
                session.keep_message(N_("The proof has begun. Sign its plan meanwhile, under Release, Sign-off."))
                st.rerun()


def _model(known: list[Model], key: str) -> Model:
    names = {one.model_id: one.name for one in known}
    chosen = parts.select(_("Model"), list(names), format_func=names.__getitem__, key=key)
    return next(one for one in known if one.model_id == chosen)
