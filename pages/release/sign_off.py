"""Sign-off: agree on a plan, see whether the gate is passed, answer what broke, and decide with signatures."""

import streamlit as st

from core.release import gates, plans, sign_offs
from core.training import trials
from pages._ui import persons, session, withdrawn
from pages._ui.session import _
from pages.release import _decision, _gate, _next, _pick, _terms

task = session.task()
st.title(_("Sign-off"))
st.caption(_("First agree on what has to be shown, then see whether it is, and then decide by name and password."))
trial_id = _pick.trial(task.task_id, "sign_off.trial")
if trial_id is None:
    st.stop()
conn = session.conn()
trial = trials.find(conn, trial_id)
assert trial is not None, "the picker knows it"
withdrawn.show(trial["model_id"], trial["model_name"] or "")

place = st.container()

st.header(_("1 · Plan"))
plan = plans.current(conn, trial_id)
if opened := plans.opened(conn, trial_id):
    st.error(
        _("%(name)s looked at these results without a plan, so nothing can be signed off on this trial. "
          "Start another one and sign its plan first.", name=persons.name(opened["opened_by"]))
    )  # fmt: skip
    st.stop()
if plan is None:
    _next.plan(place)
    st.markdown(_("Agree now on what has to be shown. The results stay hidden until somebody has signed this."))
    _terms.edit(trial_id, plans.draft(conn, trial_id))
    st.stop()
_terms.show(trial_id)
cases = sign_offs.of_trial(conn, trial_id)
if not cases:
    with st.expander(_("Amend the plan")):
        st.caption(_("An amendment is signed with a reason and stands on every report."))
        _terms.edit(trial_id, plan["terms"])

st.header(_("2 · Gate"))
gate = gates.judge(conn, trial_id)
if gate is None:
    _next.proof(place)
    _pick.progress(trial_id)
    st.stop()
_pick.stop_while_judging(gate.report)
_next.show(place, gate, cases[0] if cases else None)
_gate.show(gate)
_gate.ask_for_labels(trial_id, gate)
_gate.show_broken(trial_id, gate)

st.header(_("3 · Decision"))
if not cases or sign_offs.state(conn, cases[0]) in ("rejected", "insufficient") or sign_offs.stale(conn, cases[0]):
    _decision.request(trial_id)
for case in cases:
    _decision.show(case)
