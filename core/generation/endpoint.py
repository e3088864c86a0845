"""One call to an OpenAI-compatible endpoint, bounded in time and size: an Answer, or Failed with the reason why."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from core.generation import failures
from core.generation.addresses import Forbidden, Resolver
from core.generation.base import Answer, Decoding, Request
from core.generation.failures import Failure

LARGEST_BODY = 2_000_000
CONNECT_SECONDS = 10.0
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
    """Open connections to an endpoint, at most `width` of them. To be used within one event loop, and closed."""

    def __init__(self, endpoint: Endpoint, width: int, structured: str = STRUCTURED[0]) -> None:
        self.endpoint, self.structured = endpoint, structured
        self._limit_name, self._proven = "max_tokens", False
        self._url = URL(endpoint.base_url.rstrip("/") + "/chat/completions", encoded=True)
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        if endpoint.key:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=width, resolver=Resolver(), ssl=ssl.create_default_context()),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout(endpoint.deadline_s),
            auto_decompress=False,  # a small body can be unpacked to a large one
            trust_env=False,
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._session.close()

    async def call(self, request: Request, decoding: Decoding, seconds: float) -> Answer:
        """One try that may take so long. Repeats of a request differ in their seed."""
        began = monotonic()
        while True:
            limit_name, structured = self._limit_name, self.structured
            body = self._body(request, decoding)
            status, headers, received = await self._post(body, seconds - (monotonic() - began))
            if status == 200:
                self._proven = True
                return self._read(request, decoding, received, monotonic() - began)
            self._adapt(status, received, request, decoding)
            if (limit_name, structured) == (self._limit_name, self.structured):
                raise self._status(status, headers, received)

    def failed(self, code: str, *, after_s: float | None = None, again: bool = False, **values: object) -> Failed:
        """The failure with what its sentence needs."""
        return Failed(Failure(code=code, values={**values, "host": self.endpoint.host}), again=again, after_s=after_s)

    def timeout(self) -> Failed:
        """The failure of a call that ran out of time."""
        return self.failed("timeout", seconds=f"{self.endpoint.deadline_s:g}")

    async def models(self) -> list[str]:
        """The names of the models that the server lists; empty if it does not say."""
        url = URL(self.endpoint.base_url.rstrip("/") + "/models", encoded=True)
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                listed = json.loads(await self._received(response))["data"]
            return sorted(str(one["id"])[:100] for one in listed)
        except (aiohttp.ClientError, TimeoutError, Failed, ValueError, LookupError, TypeError, RecursionError):
            return []

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=max(seconds, 0.001), sock_connect=min(CONNECT_SECONDS, max(seconds, 0.001)))

    def _body(self, request: Request, decoding: Decoding) -> bytes:
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
        try:
            return json.dumps(body, ensure_ascii=False).encode()
        except UnicodeError:
            raise self.failed("unsendable") from None

    async def _post(self, body: bytes, seconds: float) -> tuple[int, Mapping[str, str], bytes]:
        whole = seconds > self.endpoint.deadline_s - 0.05  # the session's own limit, made once
        timeout = self._session.timeout if whole else self._timeout(seconds)
        try:
            async with self._session.post(self._url, data=body, allow_redirects=False, timeout=timeout) as response:
                return response.status, response.headers, await self._received(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self.failure_of(error) from None

    def failure_of(self, error: Exception) -> Failed:
        """What went wrong on the way."""
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            if isinstance(error.os_error, Forbidden):
                return self.failed("address", ip=error.os_error.ip)
            return self.failed("dns")
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return self.failed("untrusted")
        if isinstance(error, aiohttp.ClientConnectorSSLError):
            return self.failed("no_tls")
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return self.failed("unreachable")
        if isinstance(error, TimeoutError):
            return self.timeout()
        if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientConnectionError):
            return self.failed("broken")
        return self.failed("incompatible")  # what is no HTTP

    async def _received(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole body if it is small enough; of a body that is not, no more than that is ever read."""
        packed = response.headers.get("Content-Encoding", "identity").lower() != "identity"
        if packed or (response.content_length or 0) > LARGEST_BODY:
            response.close()
            raise self._too_large()
        parts, size = [], 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > LARGEST_BODY:
                response.close()
                raise self._too_large()
            parts.append(part)
        return b"".join(parts)

    def _too_large(self) -> Failed:
        return self.failed("too_large", megabytes=LARGEST_BODY // 1_000_000)

    def _read(self, request: Request, decoding: Decoding, body: bytes, seconds: float) -> Answer:
        """The answer in a body that may be anything: compatible servers leave out much of what the format asks for."""
        try:
            loaded = json.loads(body)
            if loaded["choices"] == []:
                raise self.failed("no_choice")
            choice = loaded["choices"][0]
            text, finish = choice["message"].get("content"), str(choice.get("finish_reason"))
            usage = loaded.get("usage") or {}
            counts = [usage.get("prompt_tokens"), usage.get("completion_tokens")]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise self.failed("incompatible") from None
        if not text and finish == "length":
            raise self.failed("only_thought", tokens=decoding.max_new_tokens)
        if text is None:
            raise self.failed("no_text", finish=self._quoted(finish))
        if not isinstance(text, str):
            raise self.failed("incompatible")
        prompt_tokens, completion_tokens = map(count, counts)
        return Answer(
            key=request.key,
            text=text.encode("utf-8", "replace").decode(),  # half a surrogate pair could not be stored
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            latency_s=seconds,
        )

    def _adapt(self, status: int, body: bytes, request: Request, decoding: Decoding) -> None:
        """Ask in another way from now on, if the server did not know the one it was asked in."""
        said = body[:5000].decode("utf-8", "replace").lower()
        if status == 400 and "max_completion_tokens" in said and self._limit_name == "max_tokens":
            # Newer models of OpenAI want it under this name, most other servers under the old one.
            self._limit_name = "max_completion_tokens"
        elif decoding.structured and self.structured != "text" and status in (400, 404, 415, 422, 500, 501):
            words = ("response_format", "json_schema", "json_object", "schema", "structured", "grammar", "guided")
            if any(word in said for word in words) or (not self._proven and status in (400, 422)):
                self.structured = STRUCTURED[STRUCTURED.index(self.structured) + 1]
                if request.schema is None and self.structured == "json_object":
                    self.structured = "text"  # without a schema the first two ask the same

    def _status(self, status: int, headers: Mapping[str, str], body: bytes) -> Failed:
        after_s = _retry_after(headers.get("Retry-After", ""))
        if status in (401, 403):
            code = "key_wanted" if self.endpoint.key_env is None else "wrong_key"
            return self.failed(code, status=status, key_env=self.endpoint.key_env)
        if status == 404:
            return self.failed("not_found", model=self.endpoint.model)
        if status == 429:
            return self.failed("rate_limit", after_s=after_s)
        if status == 408 or status >= 500:
            return self.failed("server_error", after_s=after_s, status=status)
        if status < 300:
            return self.failed("incompatible")
        if status < 400:
            return self.failed("redirect", status=status)
        return self.failed("rejected", again=status == 409, status=status, detail=self._quoted(_message(body)))

    def _quoted(self, text: str) -> str:
        """What a server says, short and without the key it may repeat."""
        return (text.replace(self.endpoint.key, "…") if self.endpoint.key else text)[:300]


def _message(body: bytes) -> str:
    """The words of an error's body, in the form that OpenAI gives it or as they are."""
    text = body.decode("utf-8", "replace")
    try:
        said = json.loads(text)["error"]
        return str(said["message"] if isinstance(said, dict) else said)
    except (ValueError, LookupError, TypeError, RecursionError):
        return text


def count(value: object) -> int | None:
    """A number of tokens that can be believed and stored."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


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


def _retry_after(header: str) -> float | None:
    """Seconds to wait, from either form of the header: a number, or a date."""
    try:
        seconds = float(header)
        return seconds if 0 <= seconds < float("inf") else None
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time())
    except (ValueError, OverflowError):
        return None
