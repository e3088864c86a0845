"""A judge beside people: confusion, what it gets right of each kind, and how well people agree among themselves."""

import streamlit as st

from core.diagnosis.agreement import Agreement
from core.diagnosis.intervals import Rate
from core.judging import standing
from core.judging.calibration import ENOUGH, Calibration, Length
from core.judging.criteria import Judge
from core.locale.mark import N_
from pages._ui import remembered, session
from pages._ui.session import _, plain


def show(judge: Judge) -> None:
    """The calibration, or what is short of it."""
    st.subheader(_("Beside people"))
    if judge.form == "pair":
        st.info(
            _("People have judged single answers, which says nothing of a preference: this judge is not calibrated.")
        )
        return
    found = remembered.call(standing.calibrate, judge)
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
    left, right = st.container(), st.container()  # side by side one of the tables would be cut
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
                    (plain("People say the same"), _rate(found.people.raw)),
                )
            ],
            hide_index=True,
        )
        st.caption(_("With 95% intervals, per sample. How well people agree is the most a judge can reach."))
    if found.one_sided:
        st.info(_("Almost all of these got the same verdict from people; agreement cannot be judged from them. "
                  "Rate harder ones."))  # fmt: skip
    _models(judge, found)
    _lengths(judge)


def _rate(rate: Rate) -> str:
    if rate.value is None:
        return plain("not known")
    return f"{rate.value:.0%} ({rate.low:.0%}–{rate.high:.0%}), n={rate.n}"


def _alpha(found: Agreement) -> str:
    if found.value is not None:
        return f"{found.value:.2f} ({found.low:.2f}–{found.high:.2f}), n={found.n}"
    return plain("no variation") + f", n={found.n}" if found.n else plain("not known")


def _models(judge: Judge, everywhere: Calibration) -> None:
    """Errors differ between models: one line for each whose answers the judge was asked about."""
    known = standing.models(session.conn(), judge)
    if len(known) < 2:
        return
    found = {name: remembered.call(standing.calibrate, judge, model_id) for model_id, name in known.items()}
    st.markdown(_("**Model by model**"))
    st.dataframe(
        [
            {
                plain("Model"): name,
                plain("Samples"): one.samples,
                plain("Passes what people pass (TPR)"): _rate(one.tpr),
                plain("Fails what people fail (TNR)"): _rate(one.tnr),
                plain("Alpha, judge and people"): _alpha(one.alpha),
                plain("Calibrated"): plain("yes") if one.calibrated else plain("needs %(n)s more", n=one.needed),
            }
            for name, one in {**found, plain("all models"): everywhere}.items()
        ],
        hide_index=True,
    )
    st.caption(_("A judge that is kinder to one model makes it look better: compare models by people's ratings."))


def _lengths(judge: Judge) -> None:
    """Whether it favours long answers more than people do."""
    found = remembered.call(standing.lengths, judge)
    st.markdown(_("**Length of the answers**"))
    st.dataframe(
        [
            {
                plain("Who"): who,
                plain("Rank correlation of pass and length"): _correlation(one),
                plain("So"): plain(_LEANS[one.leans]),
            }
            for who, one in ((plain("Judge"), found.judge), (plain("People"), found.people))
        ],
        hide_index=True,
    )
    if found.judge.leans and found.people.value is not None and found.judge.leans != found.people.leans:
        st.warning(_("The judge's verdicts follow the length of the answers, people's do not: read its reasons."))


_LEANS = {
    "long": N_("longer answers pass more often"),
    "short": N_("shorter answers pass more often"),
    "": N_("no lean can be told"),
}


def _correlation(one: Length) -> str:
    if one.value is None:
        return plain("not known") + f", n={one.n}"
    return f"{one.value:+.2f} ({one.low:+.2f} – {one.high:+.2f}), n={one.n}"
