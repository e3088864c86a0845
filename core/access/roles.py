"""What each role may do. Checked here, by the functions that do it, so that no page can forget."""

from typing import TYPE_CHECKING, Literal, get_args

from core.errors import Refusal
from core.locale.mark import N_

if TYPE_CHECKING:
    from core.access.people import Person

Role = Literal["expert", "approver", "manager", "operator", "admin"]
"""expert judges answers; approver approves samples and signs; manager reads everything and signs as second; operator
runs the chain; admin looks after people and settings, and has no way around anybody's signature."""

Act = Literal[
    "read",
    "rate",
    "adjudicate",
    "approve",
    "task.manage",
    "eval_set.import",
    "model.manage",
    "knowledge.manage",
    "run.start",
    "guide.answer",
    "train.start",
    "job.stop",
    "people.manage",
    "plan.sign",
    "breakage.answer",
    "sign_off.request",
    "sign_off.sign",
    "release.move",
    "serving.manage",
    "backup.make",
    "recovery.accept",
]

ROLES: tuple[Role, ...] = get_args(Role)

ACTIONS: dict[Act, tuple[Role, ...]] = {
    "read": ROLES,
    "rate": ("expert",),
    "adjudicate": ("approver",),
    "approve": ("approver",),
    "task.manage": ("operator",),
    "eval_set.import": ("operator",),
    "model.manage": ("operator",),
    "knowledge.manage": ("operator",),
    "run.start": ("operator",),
    "guide.answer": ("expert", "approver", "manager", "operator"),
    "train.start": ("operator",),
    "job.stop": ("operator",),
    "people.manage": ("admin",),
    "plan.sign": ("approver", "manager", "operator"),
    "breakage.answer": ("expert", "approver"),
    "sign_off.request": ("operator",),
    "sign_off.sign": ("approver", "manager"),
    "release.move": ("approver", "manager"),
    "serving.manage": ("operator",),
    "backup.make": ("admin",),
    "recovery.accept": ("admin",),
}

NEEDED: dict[Role, str] = {
    "expert": N_("Only an expert may do this. Ask an admin for that role."),
    "approver": N_("Only an approver may do this. Ask an admin for that role."),
    "manager": N_("Only a manager may do this. Ask an admin for that role."),
    "operator": N_("Only an operator may do this. Ask an admin for that role."),
    "admin": N_("Only an admin may do this. Ask an admin for that role."),
}


def may(person: "Person", act: Act) -> bool:
    """Whether one of the person's roles allows the act, so that a page can leave out what would be refused."""
    return not person.roles.isdisjoint(ACTIONS[act])


def require(person: "Person", act: Act) -> None:
    """Raises Refusal, naming the role that is missing, unless the person may do the act."""
    if not may(person, act):
        raise Refusal(NEEDED[ACTIONS[act][0]])
