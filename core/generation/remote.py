"""Any OpenAI-compatible endpoint: many calls at once, retried where that helps, none able to fail the others."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from core.errors import Refusal
from core.generation.base import Answer, Decoding, Request
from core.generation.endpoint import Endpoint, Failed, Line
from core.locale.mark import N_

TRIES = 5
BATCH = 64
BATCH_SECONDS = 1.0
GLANCE_SECONDS = 0.25
"""`stopped` is asked at least this often."""

BAD_ADDRESS = N_(
    "The address %(address)s cannot be used. It has to start with http:// or https:// and hold no user name, "
    "question mark or #; most addresses end in /v1."
)
NO_KEY = N_(
    "The environment variable %(key_env)s holds no usable key. Set it where Countersign is started, then start again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteGenerator:
    """A configured endpoint and how many calls may run at once. `load` makes it."""

    endpoint: Endpoint
    concurrency: int

    def generate(
        self, requests: Sequence[Request], decoding: Decoding, *, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[list[Answer]]:
        """Answers in batches, about one a second; a call that failed is an Answer with its failure.

        The first call goes alone: if it shows that none can succeed (no server, wrong key, no such model), that is a
        Refusal. When `stopped`, what is finished is yielded and the calls still running are cancelled.
        """
        waiting, running, batch = deque(requests), set[asyncio.Task[Answer]](), list[Answer]()
        proven, yielded = False, monotonic()
        line = Line(self.endpoint, self.concurrency)
        with asyncio.Runner() as runner:
            try:
                while (waiting or running) and not stopped():
                    room = (self.concurrency if proven else 1) - len(running)
                    starting = [waiting.popleft() for _ in range(min(room, len(waiting)))]
                    done, running = runner.run(_advance(running, line, starting, decoding, first=not proven))
                    batch += [task.result() for task in done]
                    proven = proven or bool(done)
                    if len(batch) >= BATCH or (batch and monotonic() - yielded >= BATCH_SECONDS):
                        yield batch
                        batch, yielded = [], monotonic()
                batch += [task.result() for task in running if task.done()]
                if batch:
                    yield batch
            finally:
                runner.run(_close(running, line))


def load(
    *, base_url: str, model: str, key_env: str | None, concurrency: int = 16, deadline_s: float = 60
) -> RemoteGenerator:
    """The endpoint, not yet called. The key is in the environment variable named, if one is.

    `deadline_s` bounds one answer with all its tries.
    """
    address = base_url.strip()
    if not _usable(address):
        # A password must not be repeated, so all before an @ is left out.
        raise Refusal(BAD_ADDRESS, address=address.rpartition("@")[2])
    key = os.environ.get(key_env, "").strip() if key_env else ""
    if key_env and not (key and key.isascii() and key.isprintable()):
        raise Refusal(NO_KEY, key_env=key_env)
    endpoint = Endpoint(base_url=address, model=model, key_env=key_env or None, key=key, deadline_s=deadline_s)
    return RemoteGenerator(endpoint=endpoint, concurrency=max(1, concurrency))


def check(base_url: str, model: str, key_env: str | None) -> None:
    """Ask the endpoint one small thing. Raises Refusal with what stands in the way of using it."""
    asked = Request(key="check", messages=({"role": "user", "content": "Reply with: OK"},))
    generator = load(base_url=base_url, model=model, key_env=key_env, deadline_s=20)
    [[answer]] = generator.generate([asked], Decoding(max_new_tokens=256))
    if answer.failure is not None:
        raise Refusal(N_("The server was reached but gave no answer: %(problem)s"), problem=answer.failure)


def _usable(address: str) -> bool:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc or not address.isprintable())
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and plain


async def _advance(
    running: set[asyncio.Task[Answer]], line: Line, starting: Sequence[Request], decoding: Decoding, *, first: bool
) -> tuple[set[asyncio.Task[Answer]], set[asyncio.Task[Answer]]]:
    """Start these calls and wait until any call is done, or for a glance; the done and the running ones."""
    started = {asyncio.create_task(_answer(line, request, decoding, first=first)) for request in starting}
    return await asyncio.wait(running | started, timeout=GLANCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)


async def _answer(line: Line, request: Request, decoding: Decoding, *, first: bool) -> Answer:
    failed = line.timeout()

    async def attempt() -> Answer:
        nonlocal failed
        try:
            return await line.call(request, decoding)
        except Failed as error:
            failed = error
            raise

    deadline_s = line.endpoint.deadline_s
    tries = AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, Failed) and error.again),
        stop=stop_after_attempt(TRIES) | stop_before_delay(deadline_s),
        wait=_pause,
        reraise=True,
    )
    try:
        async with asyncio.timeout(deadline_s):
            return await tries(attempt)
    except (Failed, TimeoutError):
        if first and failed.wholly:
            raise failed.refusal from None
    return Answer(key=request.key, failure=str(failed.refusal))


def _pause(state: RetryCallState) -> float:
    """As long as the server asks for, else longer each time with jitter, so that the calls do not return together."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Failed) and error.after_s is not None:
        return error.after_s
    return wait_random_exponential(multiplier=0.5, max=8)(state)


async def _close(running: set[asyncio.Task[Answer]], line: Line) -> None:
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await line.close()
