"""The plan of a trial: what was agreed with its amendments, or the form to agree on it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.access import roles
from core.diagnosis import verdicts
from core.locale.mark import N_
from core.release import plans
from core.release.agreed import JUDGES
from core.release.plans import Terms
from pages._ui import charts, session
from pages._ui.session import _, plain
from pages.release import _signing

FIELDS = {
    "metric": N_("Measure of success"),
    "smallest_gain": N_("Smallest gain worth having"),
    "margin": N_("Largest harmless loss elsewhere"),
    "n": N_("Gate samples compared at least"),
    "retain_n": N_("Retain samples compared at least"),
    "format_share": N_("Answers in valid format at least"),
    "labels": N_("Samples judged by people on both versions"),
    "judge": N_("Use of a judge model"),
    "sets": N_("Eval sets"),
    "critical": N_("Critical samples"),
}
UNITS = {
    "smallest_gain": N_("%(what)s, in points"),
    "margin": N_("%(what)s, in points"),
    "format_share": N_("%(what)s, in percent"),
}


def value(name: str, found: Any) -> str:
    """A field of the plan as people read it."""
    if name in ("smallest_gain", "margin"):
        return plain("%(points)s points", points=verdicts.points(found).lstrip("+"))
    if name == "format_share":
        return verdicts.percent(found)
    if name == "metric":
        return charts.metric_name(found)
    if name == "judge":
        return plain(JUDGES[found])
    return str(len(found)) if isinstance(found, tuple) else str(found)


def show(trial_id: str) -> None:
    """The plan that counts, who signed it, and every amendment with what it changed."""
    versions = plans.versions(session.conn(), trial_id)
    terms = versions[-1]["terms"]
    said = {name: {"what": plain(words), "value": value(name, getattr(terms, name))} for name, words in FIELDS.items()}
    st.markdown("\n".join("- " + _("%(what)s: **%(value)s**", **one) for one in said.values()))
    _signing.show([one["signature"] for one in versions])
    amendments(versions)


def amendments(versions: Sequence[Mapping[str, Any]]) -> None:
    """What each amendment changed; those from after the results could be seen are red."""
    for before, after in pairwise(versions):
        for name, old, new in plans.changed(before["terms"], after["terms"]):
            words = {"what": plain(FIELDS[name]), "old": value(name, old), "new": value(name, new)}
            if after["late"]:
                st.error(_("Amended after the results could be seen: %(what)s, %(old)s → %(new)s.", **words))
            else:
                st.warning(_("Amended before the results: %(what)s, %(old)s → %(new)s.", **words))


HELP = {
    "smallest_gain": N_("Points. A smaller gain is not worth the effort, however certain it is."),
    "margin": N_("Points. What already works may lose less than this."),
    "n": N_("Nothing is decided before so many samples of the task itself are compared."),
    "retain_n": N_("So many samples of what already works are compared, too."),
    "format_share": N_("Percent of the new answers that have the form that was asked for."),
    "labels": N_("Drawn by lot. Experts judge both answers without knowing which version wrote which."),
    "judge": N_("A judge model may sort what people read first. It never decides."),
}


def edit(trial_id: str, terms: Terms) -> None:
    """The fields, filled in from the task or the plan there is, and the form to sign them."""
    if not roles.may(session.person(), "plan.sign"):
        st.info(_("Operators, approvers and managers sign plans."))
        return
    words, told = ({name: _(label) for name, label in texts.items()} for texts in (FIELDS, HELP))
    words |= {name: _(counted, what=plain(FIELDS[name])) for name, counted in UNITS.items()}
    left, right = st.columns(2)

    def number(place: DeltaGenerator, name: str, least: int, most: int, value: int, key: str) -> int:
        return int(place.number_input(words[name], least, most, value, key=f"sign_off.{key}", help=told[name]))

    gain = number(left, "smallest_gain", 1, 100, round(terms.smallest_gain * 100), "gain")
    margin = number(right, "margin", 1, 100, round(terms.margin * 100), "margin")
    n = number(left, "n", 1, 100_000, terms.n, "n")
    retain_n = number(right, "retain_n", 1, 100_000, terms.retain_n, "retain_n")
    share = number(left, "format_share", 0, 100, round(terms.format_share * 100), "format")
    labels = number(right, "labels", 1, 10_000, terms.labels, "labels")
    judge = left.selectbox(
        words["judge"], list(JUDGES), format_func=lambda one: plain(JUDGES[one]), key="sign_off.judge",
        help=told["judge"],
    )  # fmt: skip
    st.caption(
        _("%(count)s critical samples must not break. Measure of success: %(metric)s.", count=len(terms.critical),
          metric=charts.metric_name(terms.metric))
    )  # fmt: skip
    with session.refusing():
        agreed = replace(
            terms, smallest_gain=gain / 100, margin=margin / 100, n=n, retain_n=retain_n, format_share=share / 100,
            labels=labels, judge=judge,
        )  # fmt: skip
        bound = plans.digest(trial_id, agreed)
        signing = _signing.form("sign_off.plan", subject=trial_id, digest=bound, label=_("Sign the plan"))
        if signing is not None:
            plans.sign(session.conn(), trial_id, agreed, signing, by=session.person())
            _signing.signed("sign_off.plan", N_("The plan is signed."))
