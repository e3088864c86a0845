"""What waits for the person at hand: a link for each kind of work, and one for each queue with a name or a deadline."""

from collections.abc import Iterator

import duckdb

from core.access import roles
from core.access.people import Person
from core.evaluation.tasks import Task
from core.review import adjudication, approvals, blindness, closings, comparisons, flags, queues
from pages._ui import session
from pages._ui.session import _

Link = tuple[str, str, str, dict[str, str]]
"""The page, the words, an icon, and what the page is to be opened about."""


def links(conn: duckdb.DuckDBPyConnection, task: Task, person: Person) -> Iterator[Link]:
    """Only what the person may do."""
    if roles.may(person, "rate"):
        yield from _to_rate(conn, task, person)
        for one in comparisons.of_task(conn, task.task_id, person.person_id):
            if one["mine"] and not one["locked_at"] and one["done"] < one["asked"]:
                words = _("%(count)s pairs to compare", count=one["asked"] - one["done"])
                named = f" · {session.escape(one['name'])}" if one["name"] else ""
                yield "review/compare.py", words + named, "compare", {"round": one["round_id"]}
    if roles.may(person, "run.start"):
        if count := len(closings.stuck(conn, task.task_id)):
            yield "review/queues.py", _("%(count)s answers that everybody skipped", count=count), "skip_next", {}
        if count := closings.late(conn, task.task_id):
            yield "review/queues.py", _("%(count)s late queues", count=count), "event_busy", {}
    viewer = person.person_id
    if roles.may(person, "adjudicate"):
        if count := len(blindness.shown(conn, viewer, adjudication.disputed(conn, task.task_id))):
            yield "review/adjudicate.py", _("%(count)s disputed answers to decide", count=count), "balance", {}
        if count := len(blindness.shown(conn, viewer, flags.standing(conn, task.task_id))):
            yield "review/adjudicate.py", _("%(count)s flagged answers to look at", count=count), "flag", {}
    if roles.may(person, "approve") and (
        count := len(blindness.shown(conn, viewer, approvals.candidates(conn, task.task_id)))
    ):
        yield "review/approvals.py", _("%(count)s samples to approve", count=count), "inbox", {}


def _to_rate(conn: duckdb.DuckDBPyConnection, task: Task, person: Person) -> Iterator[Link]:
    unnamed = 0
    for queue in queues.of_task(conn, task.task_id, person.person_id):
        left = queue["total"] - queue["done"]
        if left and (queue["name"] or queue["deadline"]):
            words = _("%(count)s answers to rate", count=left)
            if queue["name"]:
                words += f" · {session.escape(queue['name'])}"
            if closings.is_late(queue["deadline"], queue["closed_at"], left):
                words += " · " + _("late: due on %(day)s", day=queue["deadline"])
            elif queue["deadline"]:
                words += " · " + _("until %(day)s", day=queue["deadline"])
            yield "review/rate.py", words, "assignment_ind", {"queue": queue["queue_id"]}
        else:
            unnamed += left
    if unnamed:
        yield "review/rate.py", _("%(count)s answers to rate", count=unnamed), "inbox", {}
