"""The samples of a set, page by page. Those of the gate stay closed."""

import streamlit as st

from core.evaluation import eval_sets, splits
from core.evaluation.eval_sets import EvalSet
from core.evaluation.tasks import Task
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _words

PAGE = 50


def go_to(saved: EvalSet) -> None:
    """Show the samples of a version that was just saved, and say so."""
    parts.renew("eval_sets.view")
    st.session_state["eval_sets.set"] = saved
    session.keep_message(
        N_("Saved: %(name)s, version %(version)s, with %(count)s samples."),
        name=saved.name,
        version=saved.version,
        count=sum(saved.counts.values()),
    )
    st.rerun()


def browse(task: Task) -> None:
    """Choose a set and one of its parts, and look through it."""
    chosen = parts.choose_eval_set(task.task_id, "eval_sets.set")
    assert chosen is not None, "the page has looked"
    if locked := chosen.counts.get("gate"):
        st.caption(
            _("%(count)s samples for the final proof stay closed here, so that nobody tunes to them.", count=locked)
        )
    shown = [split for split in splits.SPLITS if split != "gate" and chosen.counts.get(split)]
    if not shown:
        return
    split = st.segmented_control(
        _("Samples"),
        shown,
        default=shown[0],
        required=True,
        format_func=lambda one: f"{plain(_words.SPLITS[one])} · {chosen.counts[one]}",
        key=f"eval_sets.split.{chosen.eval_set_id}",
    )
    first = parts.offset(chosen.counts[split], f"eval_sets.page.{chosen.eval_set_id}.{split}", PAGE)
    found = eval_sets.samples(session.conn(), chosen.eval_set_id, split, offset=first, limit=PAGE)
    with_context = any(sample.context for sample in found)
    st.dataframe(
        [
            {
                plain("Key"): sample.key,
                plain("Input"): sample.input,
                **({plain("Context"): sample.context} if with_context else {}),
                plain("Reference"): sample.reference,
                plain("Tags"): ", ".join(sample.tags),
                plain("Critical"): sample.critical,
            }
            for sample in found
        ],
        hide_index=True,
        row_height=_words.row_height(sample.input for sample in found),
    )
