"""Two prompt versions side by side, line by line."""

import difflib

import streamlit as st

from core.evaluation import prompts, rendering
from core.evaluation.eval_sets import EvalSet
from core.evaluation.prompts import Ladder, Prompt
from pages._ui import session
from pages._ui.session import _, plain


def show(ladder: Ladder, place: int, eval_set: EvalSet) -> None:
    """The rung beside the one before it, or beside any version there ever was."""
    prompt = ladder.rungs[place][1]
    known = {one.prompt_id: (rung, one) for rung, one in ladder.rungs}
    for rung, one in prompts.versions(session.conn(), eval_set.task_id, eval_set.name):
        known.setdefault(one.prompt_id, (rung, one))
    others = [one for one in known if one != prompt.prompt_id]
    if not others:
        st.info(_("There is no other version to compare with yet."))
        return
    before = ladder.rungs[place - 1][1].prompt_id if place else others[0]

    def name(prompt_id: str) -> str:
        rung, one = known[prompt_id]
        return f"{rung} · {plain(one.name)} ({prompt_id[-4:]})"

    chosen = st.selectbox(
        _("Compare with"),
        others,
        index=others.index(before),
        format_func=name,
        key=f"prompts.other.{ladder.ladder_id}.{place}",
    )
    left, right = beside(known[chosen][1], prompt)
    st.caption(_("Lines with - are only on the left, lines with + only on the right."))
    for column, title, lines in zip(st.columns(2), (name(chosen), name(prompt.prompt_id)), (left, right), strict=True):
        column.markdown(session.escape(title))
        column.code("\n".join(lines), language="diff")


def beside(before: Prompt, after: Prompt) -> tuple[list[str], list[str]]:
    """Both texts as lines of equal number: `  ` common, `- ` gone, `+ ` new, empty where the other has more."""
    texts = [rendering.lines(before), rendering.lines(after)]
    left: list[str] = []
    right: list[str] = []
    matcher = difflib.SequenceMatcher(None, *texts, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        signs = ("  ", "  ") if kind == "equal" else ("- ", "+ ")
        left += [signs[0] + line for line in texts[0][a:b]]
        right += [signs[1] + line for line in texts[1][c:d]]
        left += [""] * (len(right) - len(left))
        right += [""] * (len(left) - len(right))
    return left, right
