"""Agreement: do the raters of a queue judge alike, and which answers split them?"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.diagnosis.agreement import ENOUGH, TENTATIVE, Agreement
from core.diagnosis.verdicts import percent
from core.locale.mark import N_
from core.review import agreement, queues
from pages._ui import parts, persons, session
from pages._ui.session import _, plain
from pages.review import _words

MEANING = N_(
    "Alpha says how much of the disagreement that chance would bring the raters avoid: 1 means they always agree, 0 "
    "means they might as well have tossed a coin."
)
CEILING = N_(
    "Two people say the same of %(raw)s of these answers (95%% interval %(low)s to %(high)s, %(n)s samples). That is "
    "the ceiling: no automatic judge can agree with people more than people agree with each other."
)
conn, person, task = session.conn(), session.person(), session.task()


def row(label: str, name: str, found: Agreement) -> dict[str, Any]:
    """A line of a table; what could not be measured says why."""
    words = {
        "no_overlap": plain("nobody else judged these"),
        "no_variation": plain("no variation"),
        "one_sided": plain("almost always the same"),
        None: "",
    }
    known = found.value is not None
    return {
        label: name,
        "n": found.n,
        "alpha": f"{found.value:.2f}" if known else "–",
        plain("95% interval"): f"{found.low:.2f} – {found.high:.2f}" if known else "–",
        plain("Said the same"): percent(found.raw.value) if found.raw.value is not None else "–",
        plain("Remark"): words[found.problem],
    }


def show_split(one: Mapping[str, Any], types: Mapping[str, str]) -> None:
    """An answer that raters judge differently, with what each of them says."""
    with st.container(border=True):
        _words.texts(one["input"], one["text"])
        _words.ratings(one["ratings"], types)
        if one["state"] == "disputed":
            parts.link("review/adjudicate.py", _("Waits for a decision"), "balance")


st.title(_("Agreement"))
st.caption(_("Where two people judged the same answer: do they judge alike? If not, mend the guidelines first."))
known = {queue["queue_id"]: queue for queue in queues.overview(conn, task.task_id)}
if not known:
    st.info(_("There is no queue yet. An operator makes one under Review, Queues."))
    st.stop()
most = max(known, key=lambda one: known[one]["twice"])
chosen = parts.select(
    _("Queue"),
    list(known),
    index=list(known).index(most),
    format_func=lambda one: _words.queue_name(known[one]),
    key="agreement.queue",
)
report = agreement.of_queue(conn, chosen, person.person_id)
if report.hidden:
    _words.left_out(report.hidden)
found = report.overall
sentence = found.sentence
reliable = not found.problem and found.low is not None and found.low >= TENTATIVE
(st.success if reliable else st.info)(_(sentence.message, **sentence.values))
if found.problem == "no_overlap":
    st.stop()
st.caption(_(MEANING))
if found.n < ENOUGH:
    st.caption(_("%(n)s answers are double-rated; at least %(enough)s are advised.", n=found.n, enough=ENOUGH))
if found.raw.value is not None:
    values = {"raw": percent(found.raw.value), "low": percent(found.raw.low), "high": percent(found.raw.high)}
    st.markdown(_(CEILING, n=found.raw.n, **values))
types = {one["id"]: session.either(one) for one in task.error_types}
who = persons.names()
st.subheader(_("By pair of raters"))
st.dataframe(
    [row(plain("Raters"), " + ".join(who[one] for one in pair), one) for pair, one in report.by_pair.items()],
    hide_index=True,
)
st.subheader(_("By error type"))
st.dataframe(
    [row(plain("Error type"), types.get(kind, kind), one) for kind, one in report.by_type.items()], hide_index=True
)
st.subheader(_("The answers that split raters most"))
if not report.split:
    st.info(_("None."))
for each in parts.paged(report.split, f"agreement.split.{chosen}", 10):
    show_split(each, types)
