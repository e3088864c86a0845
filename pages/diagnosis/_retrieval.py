"""Parts of the retrieval page: the grid of two levers, the 2×2 of answers and passages, rates."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.diagnosis import retrieval
from core.diagnosis.intervals import Paired, Rate
from core.diagnosis.verdicts import points
from core.evaluation import lookups, searches
from core.evaluation.lookups import Measured, Report
from core.evaluation.searches import Way
from core.evaluation.tasks import Task
from core.judging import opinions as judging
from core.locale.mark import N_
from pages._ui import charts, parts, remembered, session
from pages._ui.session import _, plain
from pages.diagnosis import _samples
from pages.evaluation import _search_way

CELLS = {
    "base": N_("base, nothing looked up"),
    "base_rag": N_("base + passages"),
    "tuned": N_("tuned, nothing looked up"),
    "tuned_rag": N_("tuned + passages"),
}
STEPS = {
    "retrieval": N_("passages, on the base"),
    "tuning": N_("tuning, without passages"),
    "retrieval_on_tuned": N_("passages, on the tuned model"),
    "tuning_with_retrieval": N_("tuning, with passages"),
    "both": N_("both together"),
}
STACK = N_(
    "On %(n)s samples: what passages add to the tuned model, less what they add to the base, is %(more)s points "
    "(%(low)s to %(high)s)."
)
HELP = N_("The two levers help each other.")
OVERLAP = N_("They do in part the same: having both gains less than the two gains added up.")
OPEN = N_("Whether they stack is not shown yet: the interval includes zero.")


def name(run: Mapping[str, Any]) -> str:
    """A run by its set, prompt and model; plain text."""
    prompt, of_set = run["prompt_name"], run["set_name"]
    told = [f"{plain(of_set)} v{run['version']}", plain(prompt), run["model_name"]]
    return " · ".join([*told, plain("%(k)s passages", k=run["k"]), parts.moment(run["created_at"])])


def grid(task: Task) -> None:
    """What each lever adds on the same samples, with what a call takes; nothing where no two cells were run."""
    conn = session.conn()
    known = remembered.call(lookups.grids, task)
    if not known:
        st.info(_("To see what passages add, ask the same prompt and model without them, too: tick it in the matrix."))
        return
    left, right = st.columns(2)
    names = [plain(one.prompt_name) for one in known]
    with left:
        place = parts.select(_("Prompt"), list(range(len(known))), format_func=names.__getitem__,
                             key=f"retrieval.prompt.{len(known)}")  # fmt: skip
    tags = lookups.tags(conn, known[place])
    with right:
        tag = parts.select(_("Samples"), ["", *tags], format_func=lambda one: one or plain("all"),
                           key=f"retrieval.tag.{place}") if tags else ""  # fmt: skip
    measured = remembered.call(lookups.narrowed, task, known[place], tag) if tag else known[place]
    steps = {step: getattr(measured.grid, step) for step in retrieval.STEPS}
    told = {plain(STEPS[step]): step for step, found in steps.items() if found is not None and found.n}
    rows = [_row(label, steps[step]) for label, step in told.items()]
    if not rows:
        st.info(_("No sample has a score in every cell, so there is nothing to compare."))
        return
    chart, key = charts.paired(rows), f"retrieval.grid.{place}.{tag}"
    picked = charts.show(chart, pd.DataFrame(rows), key=key)
    st.caption(_("A line that crosses zero may be chance. Click a point to see samples that the two answer unlike."))
    for point in picked[:1]:
        before, after = (measured.cells[cell].run["run_id"] for cell in retrieval.STEPS[told[point["label"]]])
        _samples.unlike(task.plan.metric, before, after, tag or None)
    _stacks(measured.grid.stacks)
    st.dataframe([_cell(cell, measured) for cell in CELLS], hide_index=True)
    st.caption(_("Share of right answers with its 95% interval, and what one call took. “–” was not run or not told."))


def _row(label: str, found: Paired) -> dict[str, Any]:
    return {"label": label, "gain": found.mean, "low": found.low, "high": found.high, "n": found.n}


def _stacks(found: Paired | None) -> None:
    if found is None or found.mean is None:
        st.caption(_("Whether the levers stack needs all four: base and tuned model, each with and without passages."))
        return
    ends = {"low": points(found.low), "high": points(found.high)}
    st.markdown(_(STACK, n=found.n, more=points(found.mean), **ends))
    st.markdown(_(HELP) if found.low > 0 else _(OVERLAP) if found.high < 0 else _(OPEN))


def _cell(cell: str, measured: Measured) -> dict[str, str]:
    rate, run = measured.grid.rates.get(cell), measured.cells.get(cell)

    def told(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    return {
        "": plain(CELLS[cell]),
        plain("Correct"): share(rate) if rate else "–",
        plain("Cost per call"): told(run and run.cost, ".6f"),
        plain("Seconds per call"): told(run and run.seconds, ".2f"),
        plain("Prompt tokens"): told(run and run.prompt_tokens, ",.0f"),
    }


def share(rate: Rate) -> str:
    """A rate with its interval and n; – where there was nothing to count."""
    if rate.value is None:
        return "–"
    return f"{rate.value:.0%} ({rate.low:.0%}–{rate.high:.0%}), n={rate.n}"


def table(found: Report) -> None:
    """The 2×2: right and wrong answers by whether the passage was there, with samples of each cell by name."""
    cells = found.lost.cells

    def told(cell: retrieval.Cell) -> str:
        named = ", ".join(cells[cell][:5])
        return f"{len(cells[cell])}  {named}{' …' if len(cells[cell]) > 5 else ''}".strip()

    st.dataframe(
        [
            {"": plain("answer right"), plain("passage there"): told("right_there"),
             plain("passage not there"): told("right_without")},
            {"": plain("answer wrong"), plain("passage there"): told("wrong_there"),
             plain("passage not there"): told("wrong_without")},
        ],
        hide_index=True,
    )  # fmt: skip


def rates(found: Report) -> list[dict[str, str]]:
    """Every rate of the run, with its interval and n."""
    named = {
        plain("Source among the passages (hit rate)"): found.search.hits,
        plain("How high it stands (mean reciprocal rank)"): found.search.reciprocal,
        plain("Answers that cite"): found.citing,
        plain("Citations exist"): found.exist,
        plain("Citations are supported"): found.supports,
        plain("Words grounded in passages or question"): found.grounded,
    }
    return [{plain("Measure"): title, plain("Share, 95% interval"): share(rate)} for title, rate in named.items()]


def opinions(run: Mapping[str, Any]) -> None:
    """What judges that are calibrated on this model say of the run; the others are named and not quoted."""
    found = remembered.call(judging.of_run, run["run_id"], run["model_id"])
    trusted = [one for one in found if one.calibration.calibrated]
    if trusted:
        st.dataframe(
            [{plain("Judge"): one.judge.name, plain("Passed, 95% interval"): share(one.passed)} for one in trusted],
            hide_index=True,
        )
    if others := ", ".join(one.judge.name for one in found if one not in trusted):
        st.caption(
            _("Asked, but not calibrated against people on this model, so not counted: %(judges)s.", judges=others)
        )
    if not found:
        st.caption(
            _("A judge reads the passages with the answer. Make one under Diagnosis, Judges, with a criterion such as "
              "“everything the answer says stands in the passages it cites”; once it is calibrated, its share is here.")
        )  # fmt: skip


def ways(task: Task, run: Mapping[str, Any]) -> None:
    """The same questions to the same documents, searched in other ways; what to do where there is no other."""
    found = remembered.call(searches.beside, task, run)
    if len(found) < 2:
        st.caption(
            _("To compare ways of searching (by words, by meaning, by both), choose another one under Evaluation, "
              "Knowledge base, and run the same matrix on that version.")
        )  # fmt: skip
        return
    st.subheader(_("Ways of searching, on the same samples"))
    st.dataframe([_way(one) for one in found], hide_index=True)


def _way(one: Way) -> dict[str, str]:
    more = "–"
    if one.more is not None and one.more.mean is not None:
        more = f"{points(one.more.mean)} ({points(one.more.low)} … {points(one.more.high)}), n={one.more.n}"
    return {
        plain("Search"): _search_way.name(one.index),
        plain("Version"): str(one.index.number),
        plain("Source among the passages (hit rate)"): share(one.search.hits),
        plain("How high it stands (mean reciprocal rank)"): share(one.search.reciprocal),
        plain("Correct"): share(one.right),
        plain("Points more than the first"): more,
    }
