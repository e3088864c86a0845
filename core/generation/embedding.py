"""Texts to vectors by an OpenAI-compatible endpoint: several calls at once, and all of the vectors or none."""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from core.errors import Refusal
from core.generation import remote
from core.generation.endpoint import Endpoint, Failed, Line
from core.generation.tries import LONGEST_WAIT_S
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
    line = Line(endpoint, WIDTH)
    found: dict[int, NDArray[np.float32]] = {}
    starts = deque(range(0, len(texts), AT_ONCE))

    async def take_next() -> None:
        start = starts.popleft()
        found[start] = await _part(line, texts[start : start + AT_ONCE])

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


async def _part(line: Line, texts: Sequence[str]) -> NDArray[np.float32]:
    """The vectors of one call, after as many tries as it takes and may take."""
    ends, waited, tries = monotonic() + line.endpoint.deadline_s, 0.0, 0
    while True:
        try:
            return await line.embed(texts, ends - monotonic())
        except Failed as error:
            failed = error
        if failed.failure.code == "too_large" and len(texts) > 1:
            middle = len(texts) // 2
            return _joined(line.endpoint, [await _part(line, texts[:middle]), await _part(line, texts[middle:])])
        tries += 1
        pause = random.uniform(0.25, 0.5) * 2**tries if failed.after_s is None else failed.after_s
        if failed.failure.code == "rate_limit" and waited + pause <= LONGEST_WAIT_S:
            waited += pause
            ends += pause
            tries -= failed.after_s is not None
        elif not failed.again or monotonic() + pause >= ends:
            raise failed.failure.refusal
        if tries >= TRIES:
            raise failed.failure.refusal
        await asyncio.sleep(pause)


def _joined(endpoint: Endpoint, parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    if len({part.shape[1] for part in parts}) > 1:
        raise Refusal(UNEQUAL, model=endpoint.model)
    return np.concatenate(parts)
