"""An OpenAI-compatible endpoint that is listened to while it answers."""

import json
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import aiohttp

from core.generation import endpoint
from core.generation.base import Answer, Decoding, Request
from core.generation.endpoint import LARGEST_BODY, Line


class StreamingLine(Line):
    """A Line whose answers can be had piece by piece."""

    async def stream(self, request: Request, decoding: Decoding) -> AsyncIterator[str | Answer]:
        """Pieces of the text as they arrive, and last the whole Answer. Raises Failed, perhaps after some pieces.

        A server that cannot stream sends its answer as one piece.
        """
        began = monotonic()
        while True:
            limit_name, structured = self._limit_name, self.structured
            body = json.dumps({**json.loads(self._body(request, decoding)), "stream": True}).encode()
            try:
                async with self._session.post(self._url, data=body, allow_redirects=False) as response:
                    if response.status == 200:
                        self._proven = True
                        async for piece in self._pieces(response, request, decoding, began):
                            yield piece
                        return
                    status, headers, received = response.status, response.headers, await self._received(response)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise self.failure_of(error) from None
            self._adapt(status, received, request, decoding)
            if (limit_name, structured) == (self._limit_name, self.structured):
                raise self._status(status, headers, received)

    async def _pieces(
        self, response: aiohttp.ClientResponse, request: Request, decoding: Decoding, began: float
    ) -> AsyncIterator[str | Answer]:
        if "event-stream" not in response.headers.get("Content-Type", ""):
            whole = self._read(request, decoding, await self._received(response), monotonic() - began)
            yield whole.text or ""
            yield whole
            return
        said, usage, finish, size, ended = "", dict[str, Any](), "", 0, False
        async for line in _lines(response):
            size += len(line)
            if size > LARGEST_BODY:
                response.close()
                raise self._too_large()
            if (text := line.decode("utf-8", "replace").strip()).startswith("data:"):
                if (data := text.removeprefix("data:").strip()) == "[DONE]":
                    ended = True
                    break
                piece, finish, usage = self._event(data, finish, usage)
                said += piece
                if piece:
                    yield piece
        if not ended and not finish:
            raise self.failed("broken")
        if not said and finish == "length":
            raise self.failed("only_thought", tokens=decoding.max_new_tokens)
        if not said:
            raise self.failed("no_text", finish=self._quoted(finish))
        asked, answered = (endpoint.count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
        yield Answer(
            key=request.key,
            text=said,
            prompt_tokens=asked,
            completion_tokens=answered,
            latency_s=monotonic() - began,
        )

    def _event(self, data: str, finish: str, usage: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
        """The piece of text in an event, and what is known by now of the end and of the tokens."""
        try:
            event = json.loads(data)
            choices = event.get("choices") or [{}]
            piece = (choices[0].get("delta") or {}).get("content") or ""
            finish, usage = choices[0].get("finish_reason") or finish, event.get("usage") or usage
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise self.failed("incompatible") from None
        if "error" in event or not isinstance(piece, str):
            raise self.failed("broken", again=True)
        return piece.encode("utf-8", "replace").decode(), str(finish), usage


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body's lines, however long."""
    held = b""
    async for part in response.content.iter_any():
        *lines, held = (held + part).split(b"\n")
        for line in lines:
            yield line
        if len(held) > LARGEST_BODY:
            break
    yield held
