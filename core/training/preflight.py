"""What has to be right before anybody waits for a training: each point green, or with a sentence."""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from core.locale.mark import N_

State = Literal["good", "doubt", "bad"]
"""`doubt`: it can be started, somebody should read the sentence first. `bad`: it would be refused."""


class Finding(TypedDict):
    """One point. `message` is a gettext id filled in with `values`."""

    point: str
    state: State
    message: str
    values: Mapping[str, Any]


POINTS = {
    "enough": N_("Enough rows"),
    "leakage": N_("No locked sample among them"),
    "duplicates": N_("No duplicates"),
    "answers": N_("Something to learn in each row"),
    "end": N_("The answer's end is learned"),
    "template": N_("Chat template gives the answer back"),
    "length": N_("Nothing is cut"),
    "memory": N_("Enough memory"),
    "disk": N_("Enough disk"),
}
"""The points in the order in which they are shown."""


def finding(point: str, state: State, message: str, **values: Any) -> Finding:
    return {"point": point, "state": state, "message": message, "values": values}


def of_rows(rows: int, left_out: int, waived: int, few: int) -> list[Finding]:
    """What is known of a training set before any model is looked at."""
    found = []
    if rows < few:
        message = N_(
            "%(rows)s rows. With fewer than %(few)s a trial rarely shows anything, and none can be held out to watch: "
            "improvements typically begin at 50 to 100 good examples."
        )
        found.append(finding("enough", "bad" if not rows else "doubt", message, rows=rows, few=few))
    else:
        found.append(finding("enough", "good", N_("%(rows)s rows."), rows=rows))
    if waived:
        message = N_("%(waived)s rows are like gate or retain samples and are used all the same, as was signed for.")
        found.append(finding("leakage", "doubt", message, waived=waived))
    elif left_out:
        message = N_("%(left_out)s rows are like gate or retain samples and are left out.")
        found.append(finding("leakage", "good", message, left_out=left_out))
    else:
        found.append(finding("leakage", "good", N_("No row is like a gate or retain sample.")))
    return found


def blocks(findings: list[Finding]) -> bool:
    """Whether a training with these findings would be refused."""
    return any(one["state"] == "bad" for one in findings)
