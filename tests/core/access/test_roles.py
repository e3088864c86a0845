import pytest

from core.access import roles
from core.access.people import Person
from core.errors import Refusal

ALLOWED = {
    "expert": {"read", "rate", "breakage.answer", "guide.answer"},
    "approver": {
        "read", "adjudicate", "approve", "plan.sign", "breakage.answer", "sign_off.sign", "release.move",
        "guide.answer",
    },
    "manager": {"read", "plan.sign", "sign_off.sign", "release.move", "guide.answer"},
    "operator": {
        "read", "task.manage", "eval_set.import", "model.manage", "knowledge.manage", "run.start", "train.start",
        "job.stop", "plan.sign", "sign_off.request", "serving.manage", "guide.answer",
    },
    "admin": {"read", "people.manage", "backup.make", "recovery.accept"},
}  # fmt: skip


@pytest.mark.parametrize("role", roles.ROLES)
def test_a_role_may_do_its_own_acts_and_no_others(role):
    person = Person(person_id="bo", name="Bo", roles=frozenset([role]))
    for act in roles.ACTIONS:
        if act in ALLOWED[role]:
            roles.require(person, act)
        else:
            with pytest.raises(Refusal, match="Ask an admin for that role"):
                roles.require(person, act)


def test_without_a_role_nothing_is_allowed_not_even_reading():
    nobody = Person(person_id="bo", name="Bo", roles=frozenset())
    assert not any(roles.may(nobody, act) for act in roles.ACTIONS)
