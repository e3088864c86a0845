"""One call to an endpoint, tried until it is answered or another try would help nobody."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from core.generation.endpoint import Failed

Result = TypeVar("Result")

MOST = 5
LONGEST_WAIT_S = 120.0
"""How long one call waits in all when the server asks for pauses (429)."""
AGAIN = retry_if_exception(lambda error: isinstance(error, Failed) and error.again)
BACK_OFF = wait_random_exponential(multiplier=0.5, min=0.25, max=8)
"""Seconds before the next try where the server names none."""


class Tries:
    """The tries of one call, under one deadline. A pause that the server asks for is neither a try nor takes of it.

    There are `most` of them. `turn` is awaited before each try, told whether there was such a pause; its time does not
    count either. `ease` is told of each pause: its seconds, and whether it is the first.
    """

    def __init__(
        self,
        deadline_s: float,
        turn: Callable[[bool], Awaitable[None]],
        ease: Callable[[float, bool], None],
        most: int = MOST,
    ) -> None:
        self._left_s, self._turn, self._ease, self._most = deadline_s, turn, ease, most
        self._waited_s, self._pauses = 0.0, 0

    async def of(self, call: Callable[[float], Awaitable[Result]]) -> Result:
        """What `call` answers, given the seconds that it may take; raises the last try's Failed."""

        async def take_turn(_: RetryCallState) -> None:
            await self._turn(self._pauses > 0)

        trying = AsyncRetrying(
            before=take_turn, retry=AGAIN, wait=_pause_s, stop=self._enough, sleep=asyncio.sleep, reraise=True
        )
        answer: Result = await trying(self._timed, call)
        return answer

    async def _timed(self, call: Callable[[float], Awaitable[Result]]) -> Result:
        began = monotonic()
        try:
            return await call(self._left_s)
        finally:
            self._left_s -= monotonic() - began

    def _enough(self, state: RetryCallState) -> bool:
        pause_s = state.upcoming_sleep
        if _failed(state).failure.code == "rate_limit" and self._waited_s + pause_s <= LONGEST_WAIT_S:
            self._ease(pause_s, self._pauses == 0)
            self._waited_s, self._pauses = self._waited_s + pause_s, self._pauses + 1
            return False
        self._left_s -= pause_s
        return self._left_s <= 0 or state.attempt_number - self._pauses >= self._most


def _failed(state: RetryCallState) -> Failed:
    """What the last try failed with."""
    failed = state.outcome.exception() if state.outcome else None
    assert isinstance(failed, Failed), "nothing else is tried again"
    return failed


def _pause_s(state: RetryCallState) -> float:
    after_s = _failed(state).after_s
    return BACK_OFF(state) if after_s is None else after_s
