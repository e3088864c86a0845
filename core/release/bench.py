"""Local models behind the server: one worker process holds the model, and what waits together is answered together."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.generation.base import Message
from core.release.bundles import Bundle
from core.release.replies import Refused, Reply, Whole
from core.settings import REPOSITORY

MOST_AT_ONCE = 32
"""Questions that are answered together at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    bundle: Bundle
    messages: Sequence[Message]
    streaming: bool
    said: "asyncio.Queue[str | Whole | Refused]" = field(default_factory=asyncio.Queue)


class Bench:
    """The queue in front of the worker, and the worker, which is started when it is needed."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[_Question] = asyncio.Queue()
        self._worker: asyncio.subprocess.Process | None = None

    async def ask(self, bundle: Bundle, messages: Sequence[Message], *, streaming: bool) -> Reply:
        """The bundle's model answers."""
        question = _Question(bundle=bundle, messages=messages, streaming=streaming)
        await self._waiting.put(question)
        while True:
            said = await question.said.get()
            if isinstance(said, Refused):
                raise said
            yield said
            if isinstance(said, Whole):
                return

    async def work(self) -> None:
        """Take what waits, as many of one bundle as there are, until the server ends."""
        held: _Question | None = None
        while True:
            first = held or await self._waiting.get()
            held, batch = None, [first]
            while len(batch) < MOST_AT_ONCE and not self._waiting.empty():
                following = self._waiting.get_nowait()
                if following.bundle is not first.bundle:
                    held = following
                    break
                batch.append(following)
            try:
                await self._answer(batch)
            except (Refused, OSError, ValueError) as error:
                await self.close()
                refused = error if isinstance(error, Refused) else Refused(503, "The model stopped.")
                for question in batch:
                    question.said.put_nowait(refused)

    async def _answer(self, batch: list[_Question]) -> None:
        worker = await self._running()
        assert worker.stdin is not None
        assert worker.stdout is not None
        asked = [question.messages for question in batch]
        told = [place for place, question in enumerate(batch) if question.streaming]
        worker.stdin.write((json.dumps(task(batch[0].bundle) | {"requests": asked, "told": told}) + "\n").encode())
        await worker.stdin.drain()
        while line := await worker.stdout.readline():
            reply = json.loads(line)
            if "refusal" in reply:
                raise Refused(503, reply["refusal"])
            if "piece" in reply:
                batch[reply["place"]].said.put_nowait(reply["piece"])
                continue
            for question, answer in zip(batch, reply["answers"], strict=True):
                question.said.put_nowait(_whole(answer))
            return
        raise Refused(503, "The model's process ended. Ask again; it is started anew.")

    async def _running(self) -> asyncio.subprocess.Process:
        if self._worker is None or self._worker.returncode is not None:
            self._worker = await asyncio.create_subprocess_exec(
                *COMMAND,
                cwd=REPOSITORY,
                env=environment(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=2**26,
            )
        return self._worker

    async def close(self) -> None:
        """End the worker."""
        if self._worker is not None and self._worker.returncode is None:
            self._worker.kill()
            await self._worker.wait()
        self._worker = None


COMMAND = (sys.executable, "-m", "core.release.answering")


def environment() -> dict[str, str]:
    """The worker's, which never asks any network."""
    return {**os.environ, "HF_HUB_OFFLINE": "1"}


def task(bundle: Bundle) -> dict[str, Any]:
    """What the worker has to load, as its input says it."""
    adapter = str(bundle.adapter) if bundle.adapter else None
    return {"base": str(bundle.base), "adapter": adapter, "decoding": asdict(bundle.decoding)}


def _whole(answer: dict[str, Any]) -> Whole | Refused:
    if answer["failure"]:
        return Refused(502, answer["failure"])
    return Whole(
        text=answer["text"], prompt_tokens=answer["prompt_tokens"], completion_tokens=answer["completion_tokens"]
    )
