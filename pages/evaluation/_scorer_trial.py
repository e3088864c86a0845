"""A scorer at work: on an example that can be edited, and on the answers that are there."""

import json
from collections.abc import Sequence

import streamlit as st

from core.evaluation import choices
from core.evaluation.eval_sets import EvalSet, Sample
from core.locale.mark import N_
from core.scoring import scorers
from core.scoring.scorers import Scorer
from pages._ui import charts, parts, persons, session
from pages._ui.session import _, plain
from pages.evaluation import _scorer_words, _words

MOST_SHOWN = 200


def example(scorer: Scorer, eval_set: EvalSet, samples: Sequence[Sample], key: str) -> None:
    """An example of the set, and what the scorer says of whatever is written as its answer."""
    with_reference = [one for one in samples if one.reference]
    sample = st.selectbox(
        _("Sample"),
        with_reference,
        format_func=lambda one: f"{one.key} · {' '.join(one.input.split())[:60]}",
        index=0 if with_reference else None,
        placeholder=_("Choose"),
        key=f"{key}.sample",
    )
    name = f"{key}.{sample.sample_id if sample else ''}"
    reference = st.text_area(_("Reference"), sample.reference if sample else "", height=80, key=f"{name}.reference")
    answer = st.text_area(_("Answer: change it and see"), reference, height=120, key=f"{name}.answer")
    found = scorers.score(
        scorer, answer, reference, eval_set.schema,
        question=sample.input if sample else "", context=sample.context if sample else "",
    )  # fmt: skip
    st.dataframe(
        [
            {
                plain("Metric"): charts.metric_name(one.metric),
                plain("Result"): _value(one.metric, one.value),
                plain("Why"): one.reason,
            }
            for one in found
        ],
        hide_index=True,
        key=f"{name}.scores",
    )


def _value(metric: str, value: float | None) -> str:
    if value is None:
        return plain("not scored")
    if value in (0, 1) and metric.startswith(("correct", "field:")):
        return plain("right") if value else plain("wrong")
    if value in (0, 1) and not metric.startswith(("overlap", "complete")):
        return plain("yes") if value else plain("no")
    return f"{value:.0%}"


def on_answers(scorer: Scorer, eval_set: EvalSet) -> None:
    """How many of the answers that are there would be judged otherwise, and which."""
    found = choices.preview(session.conn(), eval_set, scorer)
    if not found.answers:
        st.caption(_("There are no answers to this set yet. The scorer will judge the first ones."))
        return
    st.markdown(
        _(
            "Of %(answers)s answers, %(changed)s would be judged otherwise: %(before)s now, %(after)s with this rule.",
            answers=found.answers,
            changed=len(found.changes),
            before=_share(found.before),
            after=_share(found.after),
        )
    )
    if found.changes:
        st.dataframe(
            [
                {
                    plain("Key"): one.key,
                    plain("Now"): _value("correct", one.before),
                    plain("With this rule"): _value(found.metric, one.after),
                    plain("Answer"): one.answer,
                    plain("Reference"): one.reference,
                    plain("Why"): one.reason,
                }
                for one in found.changes[:MOST_SHOWN]
            ],
            hide_index=True,
            row_height=_words.row_height(one.answer for one in found.changes[:MOST_SHOWN]),
        )


def _share(value: float | None) -> str:
    return plain("not scored") if value is None else f"{value:.0%}"


def choose(scorer: Scorer, eval_set: EvalSet) -> None:
    """Make it count, and say how many answers were scored anew."""
    with st.spinner(_("Scoring the answers anew…")):
        count = choices.choose(session.conn(), by=session.person(), eval_set=eval_set, scorer=scorer)
    session.keep_message(N_("The scorer counts now; %(count)s answers were scored anew."), count=count)
    st.rerun()


def history(eval_set: EvalSet) -> None:
    """Who chose which scorer, and when."""
    found = choices.history(session.conn(), eval_set.eval_set_id)
    if not found:
        return
    who = persons.names()
    with st.expander(_("Earlier choices"), icon=":material/history:"):
        st.dataframe(
            [
                {
                    plain("Scorer"): _scorer_words.sentence(json.loads(row["definition"])),
                    plain("Version"): row["scorer_id"],
                    plain("Chosen by"): who[row["chosen_by"]],
                    plain("When"): parts.moment(row["chosen_at"]),
                }
                for row in found
            ],
            hide_index=True,
        )
