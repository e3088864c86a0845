"""Three experts beside Mina, and what they do with a queue."""

from collections.abc import Mapping
from typing import Any

from core.access.people import Person
from core.review import ratings
from core.review.ratings import Rating
from core.store import database
from tests.chain import World

RATERS = ("ann", "bo", "cy")
EXPERT = frozenset(["expert"])


def join(world: World) -> dict[str, Person]:
    """The three, by their ids; they never sign in."""
    made = {name.casefold(): Person(person_id=name.casefold(), name=name, roles=EXPERT) for name in ("Ann", "Bo", "Cy")}
    rows = [{"person_id": key, "name": one.name, "password_hash": "", "roles": ["expert"]} for key, one in made.items()]
    database.insert(world.conn, "people", [{**row, "created_at": database.now()} for row in rows])
    return made


def waiting(world: World, queue_id: str, rater: str, limit: int = 100) -> list[str]:
    """The answers that come on the rater's screen, who holds them from now on."""
    return [item.answer_id for item in ratings.waiting(world.conn, queue_id, rater, limit)]


def rate(
    world: World,
    team: Mapping[str, Person],
    queue_id: str,
    answer_id: str,
    rater: str,
    verdict: str = "pass",
    **more: Any,
) -> None:
    rating = Rating(queue_id=queue_id, answer_id=answer_id, verdict=verdict, **more)  # type: ignore[arg-type]
    ratings.record(world.conn, rating, by=team[rater])


def expire(world: World, queue_id: str) -> None:
    """What is held in the queue is held no more."""
    world.conn.execute("update claims set expires_at = ? where queue_id = ?", [database.now(), queue_id])
