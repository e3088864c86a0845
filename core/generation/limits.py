"""What holds calls to an endpoint back: its rate limits, and how much may be spent."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from core.generation.base import Decoding, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What an endpoint allows in a minute; None is no limit that is known."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None

    def seconds(self, tokens: int) -> float:
        """How long one call of so many tokens uses the limits up."""
        by_requests = 60 / self.requests_per_minute if self.requests_per_minute else 0.0
        return max(by_requests, 60 * tokens / self.tokens_per_minute if self.tokens_per_minute else 0.0)


class Pace:
    """Spreads calls evenly over time, as the rates allow, and holds all of them when the server asks for a pause."""

    def __init__(self, rates: Rates) -> None:
        self._rates, self._next = rates, 0.0

    async def turn(self, tokens: int) -> None:
        """Wait until a call of so many tokens may start."""
        now, after = monotonic(), self._next
        if (seconds := self._rates.seconds(tokens)) > 0:
            self._next = max(now, after) + seconds
        if after > now:
            await asyncio.sleep(after - now)

    def hold(self, seconds: float) -> None:
        """Start no further call for so long."""
        self._next = max(self._next, monotonic() + seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Per million tokens, in the model's currency."""

    prompt: float = 0.0
    completion: float = 0.0

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What a call of so many tokens costs."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1_000_000


class Spending:
    """Money spent and reserved under a cap. A call is started only if it fits even at its longest."""

    def __init__(self, cap: float | None, spent: float = 0.0) -> None:
        self.cap, self.spent, self.reserved, self.reached = cap, spent, 0.0, False

    def reserve(self, most: float) -> bool:
        """Set aside what a call may cost at most; False if that might exceed the cap."""
        if self.cap is not None and self.spent + self.reserved + most > self.cap + 1e-12:
            return False
        self.reserved += most
        return True

    def settle(self, most: float, cost: float) -> None:
        """Replace what was set aside by what the call did cost."""
        self.reserved = max(0.0, self.reserved - most)
        self.spent += cost


def tokens_at_most(request: Request, decoding: Decoding) -> tuple[int, int]:
    """A careful guess of a call's tokens without its tokenizer: those of the prompt, and all that the answer may use.

    A letter of English takes at most half a token on average, any other character at most as many as it has bytes.
    """
    texts = [message["content"] for message in request.messages]
    ascii_ones = sum(map(len, texts)) if all(map(str.isascii, texts)) else -1
    if ascii_ones < 0:
        ascii_ones = sum(character.isascii() for text in texts for character in text)
    others = sum(len(text.encode("utf-8", "replace")) for text in texts) - ascii_ones
    return ascii_ones // 2 + others + 8 * len(texts) + 8, decoding.max_new_tokens
