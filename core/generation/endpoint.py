"""One call to an OpenAI-compatible endpoint, bounded in time and size: an Answer, or Failed with the reason why."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import numpy as np
import openai
from numpy.typing import NDArray

from core.errors import Refusal
from core.generation import addresses, failures, replies
from core.generation.base import Answer, Decoding, Request
from core.generation.failures import Failure
from core.generation.transport import CONNECT_SECONDS, Fault, Transport

T = TypeVar("T")
COMPLETIONS = "/chat/completions"
EMBEDDINGS = "/embeddings"
STRUCTURED = ("json_schema", "json_object", "text")
"""Ways to ask for JSON, the strictest first. A server that does not know one is asked in the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a model answers, and as whom to ask."""

    base_url: str
    model: str
    key_env: str | None
    key: str = field(repr=False)
    deadline_s: float

    @property
    def host(self) -> str:
        """The name people know it by."""
        return urlsplit(self.base_url).netloc


class Failed(Exception):
    """One call failed. `again` if another try may help; `after_s` is how long the server asks to wait before it."""

    def __init__(self, failure: Failure, *, again: bool = False, after_s: float | None = None) -> None:
        super().__init__()
        self.failure, self.after_s = failure, after_s
        self.again = again or failure.code in failures.PASSING


class Line:
    """Open connections to an endpoint, at most `width` of them. To be used within one event loop, and closed.

    Raises Refusal if the address as the client understands it is not one that may be called.
    """

    def __init__(self, endpoint: Endpoint, width: int, structured: str = STRUCTURED[0]) -> None:
        self.endpoint, self.structured = endpoint, structured
        self._limit_name, self._proven = "max_tokens", False
        try:
            addresses.check(str(httpx2.URL(endpoint.base_url)))
        except httpx2.InvalidURL:
            raise Refusal(addresses.BAD_ADDRESS, address=endpoint.base_url) from None
        # Said with each request: what the client is told once can be overruled by variables meant for OpenAI.
        authorization = f"Bearer {endpoint.key}" if endpoint.key else openai.omit
        self._options: openai.RequestOptions = {"headers": {"Authorization": authorization}}
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.key or "none",
            admin_api_key="",
            max_retries=0,  # who waits for whom, and what a pause counts against, is decided above
            timeout=None,
            http_client=httpx2.AsyncClient(
                transport=Transport(width, min(CONNECT_SECONDS, endpoint.deadline_s / 2)), trust_env=False
            ),
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def call(self, request: Request, decoding: Decoding, seconds: float) -> Answer:
        """One try that may take so long. Repeats of a request differ in their seed."""
        began = monotonic()
        with self._failing():
            async with asyncio.timeout(max(seconds, 0.001)):
                content = await self._ask(request, decoding, self._whole)
        return self._answer(content, request, decoding, began)

    async def embed(self, texts: Sequence[str], seconds: float) -> NDArray[np.float32]:
        """One try that may take so long: a vector of length 1 for each text, texts × dimensions."""
        with self._failing():
            async with asyncio.timeout(max(seconds, 0.001)):
                try:
                    content = await self._post(EMBEDDINGS, {"model": self.endpoint.model, "input": list(texts)})
                except openai.APIStatusError as error:
                    failed = self._status(error)
                    if failed.failure.code == "not_found":
                        raise self.failed("no_embeddings", model=self.endpoint.model) from None
                    raise failed from None
        found = replies.vectors(content, len(texts))
        if found is None:
            raise self.failed("no_vectors", texts=len(texts))
        return found

    def failed(self, code: str, *, after_s: float | None = None, again: bool = False, **values: object) -> Failed:
        """The failure with what its sentence needs."""
        return Failed(Failure(code=code, values={**values, "host": self.endpoint.host}), again=again, after_s=after_s)

    def timeout(self) -> Failed:
        """The failure of a call that ran out of time."""
        return self.failed("timeout", seconds=f"{self.endpoint.deadline_s:g}")

    async def models(self) -> list[str]:
        """The names of the models that the server lists; empty if it does not say."""
        try:
            async with asyncio.timeout(self.endpoint.deadline_s):
                response = await self._client.get("/models", cast_to=httpx2.Response, options=self._options)
        except (TimeoutError, Fault, openai.OpenAIError):
            return []
        return replies.listed(response.content)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Whatever ends a call is Failed."""
        try:
            yield
        except TimeoutError:
            raise self.timeout() from None
        except Fault as fault:
            raise self.failed(fault.code, **fault.values) from None
        except UnicodeEncodeError:
            raise self.failed("unsendable") from None

    async def _ask(self, request: Request, decoding: Decoding, ask: Callable[[dict[str, Any]], Awaitable[T]]) -> T:
        """What `ask` returns for the request's body, in another form as long as the server does not know the one."""
        while True:
            form = (self._limit_name, self.structured)
            try:
                found = await ask(self._body(request, decoding))
            except openai.APIStatusError as error:
                if form == (self._limit_name, self.structured):  # else another call has learned it meanwhile
                    self._adapt(error.response, request, decoding)
                if form == (self._limit_name, self.structured):
                    raise self._status(error) from None
            else:
                self._proven = True
                return found

    async def _whole(self, body: dict[str, Any]) -> bytes:
        return await self._post(COMPLETIONS, body)

    async def _post(self, path: str, body: dict[str, Any]) -> bytes:
        # Not the client's typed method: what it makes of an answer takes the server's word for every type in it.
        response = await self._client.post(path, body=body, cast_to=httpx2.Response, options=self._options)
        if response.status_code != 200:
            raise self.failed("incompatible")
        return response.content

    def _answer(self, content: bytes, request: Request, decoding: Decoding, began: float) -> Answer:
        reply = replies.read(content, most_tokens=decoding.max_new_tokens, quoted=self._quoted)
        if isinstance(reply, Failure):
            raise self.failed(reply.code, **reply.values)
        return Answer(
            key=request.key,
            text=reply.text,
            cut=reply.cut,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            latency_s=monotonic() - began,
        )

    def _body(self, request: Request, decoding: Decoding) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": request.messages,
            self._limit_name: decoding.max_new_tokens,
            "temperature": decoding.temperature,
            "seed": decoding.seed + request.repeat,
        }
        if decoding.structured and self.structured == "json_schema" and request.schema is not None:
            schema = {"name": "answer", "schema": request.schema, "strict": _strict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif decoding.structured and self.structured != "text":
            body["response_format"] = {"type": "json_object"}
        return body

    def _adapt(self, response: httpx2.Response, request: Request, decoding: Decoding) -> None:
        """Ask in another way from now on, if the server did not know the one it was asked in."""
        status, said = response.status_code, response.content[:5000].decode("utf-8", "replace").lower()
        if status == 400 and "max_completion_tokens" in said and self._limit_name == "max_tokens":
            # Newer models of OpenAI want it under this name, most other servers under the old one.
            self._limit_name = "max_completion_tokens"
        elif decoding.structured and self.structured != "text" and status in (400, 404, 415, 422, 500, 501):
            words = ("response_format", "json_schema", "json_object", "schema", "structured", "grammar", "guided")
            if any(word in said for word in words) or (not self._proven and status in (400, 422)):
                self.structured = STRUCTURED[STRUCTURED.index(self.structured) + 1]
                if request.schema is None and self.structured == "json_object":
                    self.structured = "text"  # without a schema the first two ask the same

    def _status(self, error: openai.APIStatusError) -> Failed:
        status = error.status_code
        after_s = replies.pause_s(error.response.headers.get("retry-after", ""))
        if status in (401, 403):
            code = "key_wanted" if self.endpoint.key_env is None else "wrong_key"
            return self.failed(code, status=status, key_env=self.endpoint.key_env)
        if status == 404:
            return self.failed("not_found", model=self.endpoint.model)
        if status == 429:
            return self.failed("rate_limit", after_s=after_s or None)  # "at once" would be asked for ever
        if status == 408 or status >= 500:
            return self.failed("server_error", after_s=after_s, status=status)
        if status < 300:
            return self.failed("incompatible")
        if status < 400:
            return self.failed("redirect", status=status)
        said = self._quoted(replies.message(error.body, error.response.text))
        return self.failed("rejected", again=status == 409, status=status, detail=said)

    def _quoted(self, text: str) -> str:
        """What a server says, short and without the key it may repeat."""
        return (text.replace(self.endpoint.key, "…") if self.endpoint.key else text)[:300]


def _strict(schema: Any) -> bool:
    """Whether the schema is one that OpenAI takes as strict: every object closed and every field required."""
    if isinstance(schema, list):
        return all(map(_strict, schema))
    if not isinstance(schema, dict):
        return True
    fields = schema.get("properties")
    if isinstance(fields, dict) and (
        schema.get("additionalProperties") is not False or set(schema.get("required", [])) != set(fields)
    ):
        return False
    return all(map(_strict, schema.values()))
