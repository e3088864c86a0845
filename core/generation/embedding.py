"""Texts to vectors by an OpenAI-compatible endpoint: several calls at once, and all of the vectors or none."""

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.errors import Refusal
from core.generation import remote
from core.generation.endpoint import Endpoint, Failed, Line
from core.generation.limits import Pace, Rates
from core.generation.tries import Tries
from core.locale.mark import N_

AT_ONCE = 16
"""Texts of one call: 16 vectors of 4,096 numbers stay under what an answer may have."""
WIDTH = 8
TRIES = 3
DEADLINE_S = 60.0
"""Seconds for one call with all its tries, apart from the pauses that the server asks for."""

UNEQUAL = N_("The vectors of %(model)s have different lengths. Check that one model answers under this name.")


def embed(*, base_url: str, model: str, key_env: str | None, texts: Sequence[str]) -> NDArray[np.float32]:
    """A vector of length 1 for each text, texts × dimensions. Raises Refusal if a single one cannot be had."""
    endpoint = remote.load(base_url=base_url, model=model, key_env=key_env, deadline_s=DEADLINE_S).endpoint
    return asyncio.run(_all(endpoint, texts))


async def _all(endpoint: Endpoint, texts: Sequence[str]) -> NDArray[np.float32]:
    line, pace = Line(endpoint, WIDTH), Pace(Rates())
    found: dict[int, NDArray[np.float32]] = {}
    starts = deque(range(0, len(texts), AT_ONCE))

    async def take_next() -> None:
        start = starts.popleft()
        found[start] = await _part(line, texts[start : start + AT_ONCE], pace)

    async def go_on() -> None:
        while starts:
            await take_next()

    try:
        await take_next()  # alone: most of what can go wrong does so at once
        async with asyncio.TaskGroup() as callers:
            for _ in range(min(WIDTH, len(starts))):
                callers.create_task(go_on())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None  # one is enough to say why there are no vectors
    finally:
        await line.close()
    return _joined(endpoint, [found[start] for start in sorted(found)])


async def _part(line: Line, texts: Sequence[str], pace: Pace) -> NDArray[np.float32]:
    """The vectors of one call, after as many tries as it takes and may take."""

    async def turn(_: bool) -> None:
        await pace.turn(0)

    def ease(pause_s: float, _: bool) -> None:
        pace.hold(pause_s)

    try:
        return await Tries(line.endpoint.deadline_s, turn, ease, TRIES).of(partial(line.embed, texts))
    except Failed as failed:
        if failed.failure.code != "too_large" or len(texts) == 1:
            raise failed.failure.refusal from None
    middle = len(texts) // 2
    return _joined(line.endpoint, [await _part(line, half, pace) for half in (texts[:middle], texts[middle:])])


def _joined(endpoint: Endpoint, parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    if len({part.shape[1] for part in parts}) > 1:
        raise Refusal(UNEQUAL, model=endpoint.model)
    return np.concatenate(parts)
