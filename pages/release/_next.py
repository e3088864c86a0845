"""What comes next on the way to a decision, and whose it is, in one sentence above the three steps."""

from streamlit.delta_generator import DeltaGenerator

from core.locale.mark import N_
from core.release import gates, sign_offs
from core.release.gates import Gate
from core.release.sign_offs import SignOff
from pages._ui import session
from pages._ui.session import _, plain
from pages.release import _decision

NEXT = ":material/arrow_forward:"
DECIDED = {"approved": "success", "overridden": "error", "rejected": "warning", "insufficient": "warning"}
WHO = {
    "labels": N_("an operator puts answers up for blind rating, and experts judge them"),
    "broken": N_("an expert or approver answers every newly broken sample below"),
}
"""Conditions of the gate that wait for people, and for whom."""


def plan(place: DeltaGenerator) -> None:
    """Nobody has agreed on anything yet."""
    place.info(_("Next: an operator, approver or manager signs the plan (step 1)."), icon=NEXT)


def proof(place: DeltaGenerator) -> None:
    """Answers are still missing."""
    place.info(_("Next: wait. The proof runs by itself, and nobody sees half of it (step 2)."), icon=NEXT)


def show(place: DeltaGenerator, gate: Gate, case: SignOff | None) -> None:
    """From the result on: people who are waited for, a request, signatures, or the decision that was taken."""
    state = sign_offs.state(session.conn(), case) if case else None
    if case is None or state is None:
        if gate.waiting:
            what = "; ".join(plain(WHO.get(one.name, gates.NAMES[one.name])) for one in gate.waiting)
            place.info(_("Next: %(what)s (step 2).", what=what), icon=NEXT)
        else:
            place.info(_("Next: an operator puts it up for sign-off (step 3)."), icon=NEXT)
    elif state == "open":
        place.info(_("Next: an approver who was not involved signs (step 3)."), icon=NEXT)
    elif sign_offs.stale(session.conn(), case):
        place.warning(_("This was decided, but does not hold any more. It can be put up again (step 3)."), icon=NEXT)
    else:
        words = _("Decided: %(state)s, valid until %(day)s.", state=plain(_decision.STATES[state]), day=case.expires_on)
        getattr(place, DECIDED[state])(words, icon=":material/gavel:")
