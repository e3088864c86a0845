"""A judge beside people: confusion, what it gets right of each kind, and how well people agree among themselves."""

import streamlit as st

from core.diagnosis.intervals import Rate
from core.judging import judgings
from core.judging.calibration import ENOUGH, Alpha
from core.judging.criteria import Judge
from pages._ui import session
from pages._ui.session import _, plain


def show(judge: Judge) -> None:
    """The calibration, or what is short of it."""
    st.subheader(_("Beside people"))
    if judge.form == "pair":
        st.info(
            _("People have judged single answers, which says nothing of a preference: this judge is not calibrated.")
        )
        return
    found = judgings.calibrate(session.conn(), judge)
    if found.needed:
        st.warning(
            _(
                "Not calibrated: needs %(needed)s more samples that people rated and the judge judged, beside the "
                "%(there)s that are there (of %(enough)s). Until then its numbers are no accuracy.",
                needed=found.needed,
                there=found.samples,
                enough=ENOUGH,
            )
        )
    elif not found.calibrated:
        st.warning(_("Not calibrated: people gave one verdict only. Rate answers of the other kind, too."))
    else:
        st.success(_("Calibrated on %(samples)s samples that people rated.", samples=found.samples))
    if not any(found.confusion.values()):
        return
    left, right = st.columns(2)
    with left:
        st.dataframe(
            [
                {
                    plain("People said"): plain("pass") if human else plain("fail"),
                    plain("Judge: pass"): found.confusion[human, True],
                    plain("Judge: fail"): found.confusion[human, False],
                    plain("Judge failed"): found.confusion[human, None],
                }
                for human in (True, False)
            ],
            hide_index=True,
        )
        st.caption(_("Answers. “Judge failed” are replies that could not be read; they are no verdicts."))
    with right:
        st.dataframe(
            [
                {plain("Metric"): title, plain("Value"): value}
                for title, value in (
                    (plain("Passes what people pass (TPR)"), _rate(found.tpr)),
                    (plain("Fails what people fail (TNR)"), _rate(found.tnr)),
                    (plain("Agrees with people"), _rate(found.agreement)),
                    (plain("Alpha, judge and people"), _alpha(found.alpha)),
                    (plain("Alpha, people among themselves"), _alpha(found.people)),
                )
            ],
            hide_index=True,
        )
        st.caption(_("With 95% intervals (Wilson), per sample. How well people agree is the most a judge can reach."))
    if found.one_sided:
        st.info(_("Almost all of these got the same verdict from people; agreement cannot be judged from them. "
                  "Rate harder ones."))  # fmt: skip


def _rate(rate: Rate) -> str:
    if rate.value is None:
        return plain("not known")
    return f"{rate.value:.0%} ({rate.low:.0%}–{rate.high:.0%}), n={rate.n}"


def _alpha(alpha: Alpha) -> str:
    if alpha.value is not None:
        return f"{alpha.value:.2f}, n={alpha.n}"
    return plain("no variation") + f", n={alpha.n}" if alpha.n else plain("not known")
