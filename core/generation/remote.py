"""Any OpenAI-compatible endpoint: many calls at once, retried where that helps, none able to fail the others."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from core.errors import Refusal
from core.generation import addresses, failures, limits
from core.generation.base import Answer, Decoding, Request
from core.generation.endpoint import STRUCTURED, Endpoint, Failed, Line
from core.generation.limits import Pace, Price, Rates, Spending
from core.generation.tries import Tries
from core.locale.mark import N_

GLANCE_SECONDS = 0.25
"""`stopped` is asked at least this often."""
HEAD_START_SECONDS = 1.0
"""How long the first call goes alone: who refuses it does so sooner, and who thinks for a minute holds up nobody."""
HOPELESS = 40
"""So many failures one after the other, and more than twice what runs at once, end the job: it can be resumed."""

NO_KEY = N_(
    "The environment variable %(key_env)s holds no usable key. Set it where Countersign is started, then start again."
)
GIVEN_UP = N_(
    "The last %(count)s calls all failed, so the rest was not tried. The reasons are listed with the results. "
    "Press Resume when the server is well again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteGenerator:
    """A configured endpoint and how many calls may run at once. `load` makes it.

    `learned` is what the calls taught about the server, such as how it can be asked for JSON.
    """

    endpoint: Endpoint
    concurrency: int
    rates: Rates = field(default_factory=Rates)
    price: Price = field(default_factory=Price)
    spending: Spending = field(default_factory=lambda: Spending(None))
    learned: dict[str, str] = field(default_factory=dict)

    def generate(
        self, requests: Sequence[Request], decoding: Decoding, *, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[list[Answer]]:
        """Answers as soon as they are in; a call that failed is an Answer with its failure.

        The first call has a head start. If the first to end shows that none can succeed (no server, wrong key, no such
        model), that is a Refusal, and so is a long row of failures; what is in by then is yielded first. When
        `stopped`, what is finished is yielded and the calls still running are cancelled; when the spending cap is
        reached, no further call is started.
        """
        with asyncio.Runner() as runner:
            crew = runner.run(_crew(self, requests, decoding))
            try:
                while not stopped() and runner.run(crew.advance()):
                    yield crew.take()
                if left := crew.take():
                    yield left
                if crew.error is not None:
                    raise crew.error
            finally:
                self.learned["structured"] = crew.line.structured
                runner.run(crew.close())


def load(
    *,
    base_url: str,
    model: str,
    key_env: str | None,
    concurrency: int = 16,
    deadline_s: float = 60,
    rates: Rates | None = None,
    price: Price | None = None,
    spending: Spending | None = None,
    structured: str = STRUCTURED[0],
) -> RemoteGenerator:
    """The endpoint, not yet called. The key is in the environment variable named, if one is.

    `deadline_s` bounds one answer with all its tries, apart from the pauses that the server asks for.
    """
    address = addresses.check(base_url)
    key = os.environ.get(key_env, "").strip() if key_env else ""
    if key_env and not (key and key.isascii() and key.isprintable()):
        raise Refusal(NO_KEY, key_env=key_env)
    return RemoteGenerator(
        endpoint=Endpoint(base_url=address, model=model, key_env=key_env or None, key=key, deadline_s=deadline_s),
        concurrency=max(1, concurrency),
        rates=rates or Rates(),
        price=price or Price(),
        spending=spending or Spending(None),
        learned={"structured": structured},
    )


def check(base_url: str, model: str, key_env: str | None) -> None:
    """Ask the endpoint one small thing. Raises Refusal with what stands in the way of using it."""
    asked = Request(key="check", messages=({"role": "user", "content": "Reply with: OK"},))
    generator = load(base_url=base_url, model=model, key_env=key_env, deadline_s=20)
    try:
        [answer] = [one for batch in generator.generate([asked], Decoding(max_new_tokens=256)) for one in batch]
    except Refusal as refusal:
        if refusal.message == failures.MESSAGES["not_found"] and (known := _models(generator)):
            raise Refusal(
                N_("%(host)s has no model %(model)s. It has: %(known)s."),
                host=generator.endpoint.host,
                model=model,
                known=", ".join(known[:20]),
            ) from None
        raise
    if answer.failure is not None:
        raise answer.failure.refusal


def _models(generator: RemoteGenerator) -> list[str]:
    async def ask() -> list[str]:
        line = Line(generator.endpoint, 1)
        try:
            return await line.models()
        finally:
            await line.close()

    return asyncio.run(ask())


async def _crew(generator: RemoteGenerator, requests: Sequence[Request], decoding: Decoding) -> "_Crew":
    return _Crew(generator, requests, decoding)


class _Crew:
    """The callers of one `generate`: each takes a request, sees it through, and takes the next."""

    def __init__(self, generator: RemoteGenerator, requests: Sequence[Request], decoding: Decoding) -> None:
        self.line = Line(generator.endpoint, generator.concurrency, generator.learned["structured"])
        self._generator, self._decoding = generator, decoding
        self._pace = Pace(generator.rates)
        self._limited = generator.rates != Rates() or generator.spending.cap is not None
        self._waiting, self._finished = deque(requests), list[Answer]()
        self._news = asyncio.Event()
        self._width = float(generator.concurrency)  # how many of the callers work; fewer after a 429
        self._busy = self._failed_in_a_row = 0
        self._begun = asyncio.Event()  # a call has shown that calls can succeed
        self._callers = {asyncio.create_task(self._call_on(0)), asyncio.create_task(self._follow())}
        self.error: BaseException | None = None
        """What ended it all, such as a Refusal."""

    async def advance(self) -> bool:
        """Go on until an answer is in or a glance is over; False when nothing is left to do, or an error ended it."""
        self._news.clear()
        if not all(caller.done() for caller in self._callers):  # else nobody is left to bring any
            with suppress(TimeoutError):
                async with asyncio.timeout(GLANCE_SECONDS):
                    await self._news.wait()
        ended = [caller for caller in self._callers if caller.done()]
        self.error = next((error for caller in ended if (error := caller.exception())), None)
        return self.error is None and (bool(self._finished) or len(ended) < len(self._callers))

    def take(self) -> list[Answer]:
        """What is finished and was not taken yet."""
        taken, self._finished = self._finished, []
        return taken

    async def close(self) -> None:
        """Cancel what is running."""
        for caller in self._callers:
            caller.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)
        await self.line.close()

    async def _follow(self) -> None:
        """The other callers, after the first one's head start."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEAD_START_SECONDS):
                await self._begun.wait()
        places = range(1, self._generator.concurrency)
        self._callers |= {asyncio.create_task(self._call_on(place)) for place in places}

    async def _call_on(self, number: int) -> None:
        try:
            while self._waiting:
                if number >= self._width:
                    await asyncio.sleep(GLANCE_SECONDS)
                    continue
                most = 0.0
                if self._limited:
                    most = self._most(self._waiting[0])
                    if not self._generator.spending.reserve(most):
                        if not self._busy:
                            self._generator.spending.reached = True
                            break
                        await asyncio.sleep(0.05)  # those that are under way may cost less than was set aside
                        continue
                request = self._waiting.popleft()
                self._busy += 1
                answer = await self._see_through(request)
                self._busy -= 1
                if self._limited:
                    self._generator.spending.settle(most, self._cost(answer, most))
                self._finished.append(answer)
                self._news.set()
                self._begun.set()
            if number == 0:  # it has nothing more to begin with; another one that finds nothing left says nothing
                self._begun.set()
        finally:
            self._news.set()

    async def _see_through(self, request: Request) -> Answer:
        """The answer after as many tries as it takes and may take."""

        async def turn(paused: bool) -> None:
            if self._limited or paused:
                await self._pace.turn(sum(limits.tokens_at_most(request, self._decoding)))

        tries = Tries(self.line.endpoint.deadline_s, turn, self._ease)
        try:
            answer = await tries.of(partial(self.line.call, request, self._decoding))
        except Failed as failed:
            return self._give_up(request, failed)
        self._failed_in_a_row = 0
        self._width = min(self._width + 1 / self._width, self._generator.concurrency)
        return answer

    def _ease(self, pause_s: float, first: bool) -> None:
        """The server asks for a pause: no call begins before it is over, and fewer at once from then on."""
        self._pace.hold(pause_s)
        if first:
            self._width = max(1.0, self._width / 2)

    def _give_up(self, request: Request, failed: Failed) -> Answer:
        if not self._begun.is_set() and failed.failure.code in failures.WHOLE:
            raise failed.failure.refusal
        if failed.again or failed.failure.code in failures.WHOLE:
            self._failed_in_a_row += 1
            if self._failed_in_a_row == max(HOPELESS, 2 * self._generator.concurrency):  # of many callers, one ends it
                raise Refusal(GIVEN_UP, count=self._failed_in_a_row)
        return Answer(key=request.key, failure=failed.failure)

    def _most(self, request: Request) -> float:
        return self._generator.price.of(*limits.tokens_at_most(request, self._decoding))

    def _cost(self, answer: Answer, most: float) -> float:
        """What is known of it; a call that may have been served, or was served without counts, is taken at its most."""
        if answer.failure is not None:
            return most if answer.failure.code in failures.PERHAPS_PAID else 0.0
        if answer.prompt_tokens is None or answer.completion_tokens is None:
            return most
        return self._generator.price.of(answer.prompt_tokens, answer.completion_tokens)
