"""A locked round: who wrote what, and which version people prefer."""

import streamlit as st

from core.diagnosis.verdicts import percent
from core.locale.mark import N_
from core.review import reveals
from core.review.reveals import Reveal
from pages._ui import parts, persons, session
from pages._ui.session import _, plain
from pages.review import _words

CHOICES = {"tie": N_("Tie"), "both_bad": N_("Both bad")}


def show(round_id: str) -> None:
    """The order of three versions or more, every two of them, and the choices one by one."""
    found = reveals.of_round(session.conn(), round_id)
    names = {run: _words.version(version) for run, version in found.versions.items()}
    if len(set(names.values())) < len(names):
        names = {run: f"{name} ({run[:4]})" for run, name in names.items()}
    if found.ranking is not None:
        _ranking(found, names)
    st.subheader(_("Two by two"))
    for (new, old), duel in found.duels.items():
        st.markdown(_("**%(new)s** against %(old)s", new=names[new], old=names[old]))
        (st.info if duel.outcome in ("open", "nothing") else st.success)(
            _(duel.sentence.message, **duel.sentence.values)
        )
    counts = {"both_bad": found.both_bad, "identical": found.identical}
    st.caption(_("Of the ties, %(identical)s were equal answers and %(both_bad)s choices said both bad.", **counts))
    with st.expander(_("The choices one by one")):
        for row in parts.paged(found.choices, f"compare.choices.{round_id}", 10):
            with st.container(border=True):
                _choice(row, names)


def _ranking(found: Reveal, names: dict[str, str]) -> None:
    assert found.ranking is not None
    st.subheader(_("The order"))
    if found.ranking.doubt is not None:
        st.info(_(found.ranking.doubt.message, **found.ranking.doubt.values))
    if not found.ranking.standings:
        return
    rows = [
        {
            plain("Version"): names[one.version],
            plain("Preferred to an average one"): percent(one.chance),
            plain("95% interval"): "–" if one.low is None else f"{percent(one.low)} – {percent(one.high or 0.0)}",
            plain("Samples (n)"): found.ranking.samples,
        }
        for one in found.ranking.standings
    ]
    st.dataframe(rows, hide_index=True)
    st.caption(
        _(
            "How probably people prefer the version to an average one of this round (Bradley-Terry; the interval comes "
            "from resampled samples)."
        )
    )


def _choice(row: dict[str, str], names: dict[str, str]) -> None:
    winner = {"left": names[row["left_run"]], "right": names[row["right_run"]]}.get(row["choice"])
    word = CHOICES.get(row["choice"], "")
    st.markdown(f"**{session.escape(winner) if winner else _(word)}** · {session.escape(persons.name(row['rater']))}")
    if row["reason"]:
        parts.text(row["reason"])
    st.caption(_("What was asked"))
    parts.text(row["input"])
    for column, run, text in zip(
        st.columns(2, gap="medium"), ("left_run", "right_run"), ("left_text", "right_text"), strict=True
    ):
        with column:
            st.caption(session.escape(names[row[run]]))
            parts.text(row[text])
