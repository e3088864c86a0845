"""People by the name that they go by; the database knows them by an id made from it."""

from core.access import people
from core.locale.mark import N_
from pages._ui import session
from pages._ui.session import plain

PROGRAM = {
    "command": N_("Countersign (command line)"),
    "supervisor": N_("Countersign (jobs)"),
    "system": N_("Countersign"),
    "worker": N_("Countersign (worker)"),
    "nobody": N_("somebody not signed in"),
}


class Names(people.Names):
    """Person id -> name, as plain text; the program's own parts have words."""

    def __missing__(self, person_id: str) -> str:
        return plain(PROGRAM[person_id]) if person_id in PROGRAM else super().__missing__(person_id)


def names() -> Names:
    """Everybody who ever had an account here, for lists and tables."""
    return Names(people.names(session.conn()))


def name(person_id: str) -> str:
    """One person's name, as plain text."""
    return names()[person_id]
