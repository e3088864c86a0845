"""An OpenAI-compatible endpoint that is listened to while it answers."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import openai

from core.generation import replies
from core.generation.base import Answer, Decoding, Request
from core.generation.endpoint import COMPLETIONS, Line


class StreamingLine(Line):
    """A Line whose answers can be had piece by piece."""

    async def stream(self, request: Request, decoding: Decoding) -> AsyncIterator[str | Answer]:
        """Pieces of the text as they arrive, and last the whole Answer. Raises Failed, perhaps after some pieces.

        A server that cannot stream sends its answer as one piece.
        """
        began, ends = monotonic(), asyncio.get_running_loop().time() + self.endpoint.deadline_s
        with self._failing():
            async with asyncio.timeout_at(ends):
                events = await self._ask(request, decoding, self._listen)
        async with events:
            if "event-stream" not in events.response.headers.get("content-type", ""):
                whole = self._answer(events.response.content, request, decoding, began)
                yield whole.text or ""
                yield whole
                return
            said, usage, finish = "", dict[str, Any](), ""
            while (event := await self._next(events, ends)) is not None:
                piece, finish, usage = self._event(event, finish, usage)
                said += piece
                if piece:
                    yield piece
        if not finish:
            raise self.failed("broken")
        if not said and finish == "length":
            raise self.failed("only_thought", tokens=decoding.max_new_tokens)
        if not said:
            raise self.failed("no_text", finish=self._quoted(finish))
        asked, answered = (replies.count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
        yield Answer(
            key=request.key,
            text=said,
            cut=finish == "length",
            prompt_tokens=asked,
            completion_tokens=answered,
            latency_s=monotonic() - began,
        )

    async def _listen(self, body: dict[str, Any]) -> openai.AsyncStream[object]:
        return await self._client.post(
            COMPLETIONS,
            body={**body, "stream": True},
            cast_to=object,
            options=self._options,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )

    async def _next(self, events: openai.AsyncStream[object], ends: float) -> object | None:
        """The next event, None when there is none."""
        try:
            with self._failing():
                async with asyncio.timeout_at(ends):
                    return await anext(events, None)
        except openai.APIError:  # the server says within the stream that it failed
            raise self.failed("broken", again=True) from None
        except (ValueError, RecursionError):
            raise self.failed("incompatible") from None

    def _event(self, event: Any, finish: str, usage: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
        """The piece of text in an event, and what is known by now of the end and of the tokens."""
        try:
            choices = event.get("choices") or [{}]
            piece = (choices[0].get("delta") or {}).get("content") or ""
            finish, usage = choices[0].get("finish_reason") or finish, event.get("usage") or usage
        except (LookupError, TypeError, AttributeError):
            raise self.failed("incompatible") from None
        if not isinstance(piece, str) or not isinstance(usage, dict):
            raise self.failed("incompatible")
        return piece.encode("utf-8", "replace").decode(), str(finish), usage
