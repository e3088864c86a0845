"""The form that starts a ladder: what it will cost and take, its cap, and the button."""

from typing import Any

import streamlit as st

from core.evaluation import estimates, ladders
from core.evaluation.eval_sets import EvalSet
from core.evaluation.models import Model
from core.evaluation.prompts import Ladder
from core.evaluation.tasks import Task
from pages._ui import session
from pages._ui.session import _
from pages.evaluation import _costs, _limits, _retrieval


def show(task: Task, eval_set: EvalSet, ladder: Ladder, model: Model) -> None:
    """The whole form; a ladder that cannot be asked says why in the button's place."""
    conn = session.conn()
    retrieval = _retrieval.for_prompts(task.task_id, "runs", [prompt for _rung, prompt in ladder.rungs])
    with st.expander(_("Spending cap and longest answer")):
        cap, longest = _limits.fields("runs")
    asked: dict[str, Any] = {"task": task, "eval_set": eval_set, "ladder": ladder, "model": model}
    asked |= {"retrieval": retrieval, "max_new_tokens": longest}
    with session.refusing():
        _costs.estimate(estimates.of(conn, ladders.matrix(**asked), settings=session.settings()))
        if st.button(_("Run the ladder"), type="primary", key="runs.start"):
            ladders.start(conn, by=session.person(), **asked, cap=cap)
            st.rerun()
