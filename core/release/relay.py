"""Models behind an endpoint: the release's prompt is put around the question and passed through, word by word."""

import os
from collections.abc import Sequence

from core.errors import Refusal
from core.generation import addresses, remote
from core.generation.base import Answer, Message, Request
from core.generation.endpoint import Endpoint, Failed
from core.generation.streaming import StreamingLine
from core.release.bundles import Bundle
from core.release.replies import Refused, Reply, Whole

AT_ONCE = 64
DEADLINE_S = 300.0
"""For one whole answer, however slowly its words come, where a bundle of an earlier version does not say."""


class Relay:
    """Open connections to the endpoints that releases use."""

    def __init__(self) -> None:
        self._lines: dict[Endpoint, StreamingLine] = {}

    async def ask(self, bundle: Bundle, messages: Sequence[Message], *, streaming: bool) -> Reply:
        """The endpoint answers; one try, since whoever asks may try again."""
        line = self._line(bundle)
        request = Request(key="", messages=tuple(messages), schema=bundle.manifest.get("schema"))
        try:
            if not streaming:
                yield _whole(await line.call(request, bundle.decoding, line.endpoint.deadline_s))
                return
            async for piece in line.stream(request, bundle.decoding):
                yield piece if isinstance(piece, str) else _whole(piece)
        except Failed as error:
            status = 429 if error.failure.code == "rate_limit" else 502
            raise Refused(status, str(error.failure)) from None

    def _line(self, bundle: Bundle) -> StreamingLine:
        model = bundle.manifest["model"]
        key_env = model.get("key_env")
        key = os.environ.get(key_env, "").strip() if key_env else ""
        try:
            if key_env and not key:
                raise Refusal(remote.NO_KEY, key_env=key_env)
            address = addresses.check(model["base_url"])
        except Refusal as refusal:
            raise Refused(503, str(refusal)) from refusal
        deadline_s = model.get("deadline_s", DEADLINE_S)
        where = Endpoint(base_url=address, model=model["api_model"], key_env=key_env, key=key, deadline_s=deadline_s)
        if where not in self._lines:
            self._lines[where] = StreamingLine(where, AT_ONCE)
        return self._lines[where]

    async def close(self) -> None:
        """Give the connections back."""
        for line in self._lines.values():
            await line.close()


def _whole(answer: Answer) -> Whole:
    return Whole(text=answer.text or "", prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens)
