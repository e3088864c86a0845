"""What is agreed with whoever serves a model: prices, rate limits, and how many calls may run at once.

They change while the model stays the same version, so the newest row counts and earlier ones stay readable.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import duckdb

from core.access import roles
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.store import audit, database

Currency = Literal["USD", "CNY", "EUR"]
CURRENCIES: tuple[Currency, ...] = get_args(Currency)
MOST_AT_ONCE = 256
LONGEST_S = 3600.0
"""No call may be waited for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Prices are per million tokens; None is not known (a price) or no limit (the rest).

    `deadline_s` bounds one answer with all its tries, apart from the pauses that the server asks for.
    """

    currency: str = "USD"
    price_prompt: float | None = None
    price_completion: float | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    concurrency: int = 16
    deadline_s: float = 60.0

    def __post_init__(self) -> None:
        if self.currency not in CURRENCIES:
            raise Refusal(N_("The currency has to be one of %(known)s."), known=", ".join(CURRENCIES))
        prices = [price for price in (self.price_prompt, self.price_completion) if price is not None]
        if len(prices) == 1 or not all(0 <= price < 1e6 for price in prices):
            raise Refusal(N_("Give both prices, for prompt and answer, as numbers from 0 up; or leave both empty."))
        limits = (self.requests_per_minute, self.tokens_per_minute)
        if not all(limit is None or 0 < limit < 1e12 for limit in limits):
            raise Refusal(N_("A limit per minute is a number above 0; leave it empty if there is none."))
        if not 1 <= self.concurrency <= MOST_AT_ONCE:
            raise Refusal(N_("Between 1 and %(most)s calls can run at once."), most=MOST_AT_ONCE)
        if not 1 <= self.deadline_s <= LONGEST_S:
            raise Refusal(N_("An answer can be given between 1 and %(most)s seconds."), most=f"{LONGEST_S:.0f}")

    @property
    def priced(self) -> bool:
        """Whether it is known what an answer costs."""
        return self.price_prompt is not None and self.price_completion is not None

    def cost(self, prompt_tokens: float | None, completion_tokens: float | None) -> float | None:
        """What a call of so many tokens costs; None if tokens or prices are not known."""
        if self.price_prompt is None or self.price_completion is None:
            return None
        if prompt_tokens is None or completion_tokens is None:
            return None
        return (prompt_tokens * self.price_prompt + completion_tokens * self.price_completion) / 1_000_000

    def for_worker(self) -> dict[str, Any]:
        """The part of a job's spec that holds calls back."""
        return {
            "concurrency": self.concurrency,
            "deadline_s": self.deadline_s,
            "rates": {
                "requests_per_minute": self.requests_per_minute,
                "tokens_per_minute": self.tokens_per_minute,
            },
            "price": {"prompt": self.price_prompt or 0.0, "completion": self.price_completion or 0.0},
        }


def of(conn: duckdb.DuckDBPyConnection, model_id: str) -> Terms:
    """The newest terms of the model; the usual ones if nothing was agreed."""
    query = """
        select currency, price_prompt, price_completion, requests_per_minute, tokens_per_minute, concurrency,
            coalesce(deadline_s, 60.0) as deadline_s
        from model_terms where model_id = ? order by terms_id desc limit 1
    """
    row = database.row(conn, query, [model_id])
    return Terms(**row) if row else Terms()


def agree(conn: duckdb.DuckDBPyConnection, *, by: Person, model_id: str, terms: Terms) -> None:
    """From now on these are the model's terms. What was answered before keeps its cost."""
    roles.require(by, "model.manage")
    if of(conn, model_id) == terms:
        return
    with audit.change(conn, actor=by.person_id, act="model.terms_set", subject=model_id, detail=asdict(terms)):
        row = {"model_id": model_id, **asdict(terms), "set_by": by.person_id, "set_at": database.now()}
        database.insert(conn, "model_terms", [row])


def structured(conn: duckdb.DuckDBPyConnection, model_id: str) -> str | None:
    """The way in which the endpoint can be asked for JSON, if its calls have shown one."""
    row = conn.execute("select structured from model_ways where model_id = ?", [model_id]).fetchone()
    return str(row[0]) if row else None


def remember(conn: duckdb.DuckDBPyConnection, model_id: str, way: str) -> None:
    """Keep that way, for a caller that is inside a change already."""
    query = "insert or replace into model_ways (model_id, structured, learned_at) values (?, ?, ?)"
    conn.execute(query, [model_id, way, database.now()])
