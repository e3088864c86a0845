"""One call to an OpenAI-compatible endpoint, bounded in time and size: an Answer, or Failed with the sentence why."""

import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai

from core.errors import Refusal
from core.generation.base import Answer, Decoding, Request
from core.locale.mark import N_

LARGEST_BODY = 2_000_000
CONNECT_SECONDS = 10.0

TIMEOUT = N_("%(host)s did not answer within %(seconds)s seconds. Try again when it is less busy, or allow more time.")
RATE_LIMIT = N_(
    "%(host)s turned the call away because of too many calls (429). Run fewer at once or wait; what is finished is "
    "kept."
)
UNREACHABLE = N_("%(host)s cannot be reached. Check the address and that the server is running.")
UNTRUSTED = N_("%(host)s shows a certificate that is not trusted here. Check the address, or install its authority.")
BROKEN = N_("%(host)s cut the connection before the answer was complete. Try again.")
WRONG_KEY = N_("%(host)s does not accept the key in %(key_env)s (%(status)s). Check the key and what it may do.")
KEY_WANTED = N_("%(host)s asks for a key (%(status)s). Name the environment variable that holds it.")
NOT_FOUND = N_(
    "%(host)s has no model %(model)s, or no chat completions at this address (404). Check both; most addresses end "
    "in /v1."
)
REDIRECT = N_("%(host)s points to another address (%(status)s), which is not followed. Enter the final address.")
SERVER_ERROR = N_("%(host)s failed (%(status)s). Look into the server's log, or try again later.")
REJECTED = N_("%(host)s rejected the call (%(status)s): %(detail)s")
INCOMPATIBLE = N_(
    "%(host)s did not answer as an OpenAI-compatible server does. Check the address; most addresses end in /v1."
)
NO_CHOICE = N_("%(host)s returned no choice, so there is no answer. Try again, or look into the server's log.")
NO_TEXT = N_("%(host)s returned no text (%(finish)s).")
ONLY_THOUGHT = N_(
    "The model used all %(tokens)s tokens before it began to answer. Allow more tokens, or turn its thinking off."
)
TOO_LARGE = N_("%(host)s sent an answer that is compressed or larger than %(megabytes)s MB; neither is read.")
UNSENDABLE = N_("The prompt holds broken characters (half of a surrogate pair), which cannot be sent. Correct it.")


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
    """One call failed. `again` if another try may help; `wholly` if every call would fail the same way."""

    def __init__(
        self, refusal: Refusal, *, again: bool = False, wholly: bool = False, after_s: float | None = None
    ) -> None:
        super().__init__()
        self.refusal, self.again, self.wholly, self.after_s = refusal, again, wholly, after_s


class Line:
    """Open connections to an endpoint, at most `width` of them. To be used within one event loop, and closed."""

    def __init__(self, endpoint: Endpoint, width: int) -> None:
        self.endpoint = endpoint
        self.limit_name = "max_tokens"
        limits = httpx2.Limits(max_connections=width, max_keepalive_connections=width)
        self.client = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key="unused",  # each call says what it sends, so that no key for another service is sent here
            max_retries=0,
            http_client=httpx2.AsyncClient(
                transport=_Bounded(verify=ssl.create_default_context(), trust_env=False, limits=limits),
                timeout=httpx2.Timeout(endpoint.deadline_s, connect=min(CONNECT_SECONDS, endpoint.deadline_s)),
                follow_redirects=False,
                trust_env=False,
            ),
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self.client.close()

    async def call(self, request: Request, decoding: Decoding) -> Answer:
        """One try. Repeats of a request differ in their seed."""
        messages: Any = request.messages
        limit: Any = {self.limit_name: decoding.max_new_tokens}
        began = monotonic()
        try:
            response = await self.client.chat.completions.with_raw_response.create(
                model=self.endpoint.model,
                messages=messages,
                temperature=decoding.temperature,
                seed=decoding.seed + request.repeat,
                extra_headers={
                    "Authorization": f"Bearer {self.endpoint.key}" if self.endpoint.key else openai.Omit(),
                    "OpenAI-Organization": openai.Omit(),
                    "OpenAI-Project": openai.Omit(),
                    "Accept-Encoding": "identity",
                },
                **limit,
            )
        except openai.APIStatusError as error:
            raise self._status(error) from None
        except openai.APIConnectionError as error:
            raise self._connection(error.__cause__) from None
        except _TooLarge:
            raise self.failed(TOO_LARGE, megabytes=LARGEST_BODY // 1_000_000) from None
        except UnicodeError:
            raise self.failed(UNSENDABLE) from None
        return self._read(request, decoding, response.http_response.content, monotonic() - began)

    def failed(
        self, message: str, *, again: bool = False, wholly: bool = False, after_s: float | None = None, **values: object
    ) -> Failed:
        """The failure with its sentence filled in."""
        refusal = Refusal(message, **values, host=self.endpoint.host)
        return Failed(refusal, again=again, wholly=wholly, after_s=after_s)

    def timeout(self) -> Failed:
        """The failure of a call that ran out of time."""
        return self.failed(TIMEOUT, again=True, seconds=f"{self.endpoint.deadline_s:g}")

    def _read(self, request: Request, decoding: Decoding, body: bytes, seconds: float) -> Answer:
        """The answer in a body that may be anything: compatible servers leave out much of what the format asks for."""
        try:
            loaded = json.loads(body)
            if loaded["choices"] == []:
                raise self.failed(NO_CHOICE)
            choice = loaded["choices"][0]
            text, finish = choice["message"].get("content"), str(choice.get("finish_reason"))
            usage = loaded.get("usage") or {}
            counts = [usage.get("prompt_tokens"), usage.get("completion_tokens")]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise self.failed(INCOMPATIBLE) from None
        if not text and finish == "length":
            raise self.failed(ONLY_THOUGHT, tokens=decoding.max_new_tokens)
        if text is None:
            raise self.failed(NO_TEXT, finish=self._quoted(finish))
        if not isinstance(text, str):
            raise self.failed(INCOMPATIBLE)
        prompt_tokens, completion_tokens = (count if isinstance(count, int) else None for count in counts)
        return Answer(
            key=request.key,
            text=text.encode("utf-8", "replace").decode(),  # half a surrogate pair could not be stored
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            latency_s=seconds,
        )

    def _status(self, error: openai.APIStatusError) -> Failed:
        status, after_s = error.status_code, _retry_after(error.response.headers.get("retry-after", ""))
        if status in (401, 403):
            message = KEY_WANTED if self.endpoint.key_env is None else WRONG_KEY
            return self.failed(message, wholly=True, status=status, key_env=self.endpoint.key_env)
        if status == 404:
            return self.failed(NOT_FOUND, wholly=True, model=self.endpoint.model)
        if status == 429:
            return self.failed(RATE_LIMIT, again=True, after_s=after_s)
        if status == 408 or status >= 500:
            return self.failed(SERVER_ERROR, again=True, after_s=after_s, status=status)
        if status < 400:
            return self.failed(REDIRECT, wholly=True, status=status)
        renamed = self.limit_name == "max_tokens" and "max_completion_tokens" in error.message
        if renamed:  # newer models of OpenAI want it under this name, most other servers under the old one
            self.limit_name = "max_completion_tokens"
        return self.failed(REJECTED, again=renamed or status == 409, status=status, detail=self._quoted(error.message))

    def _connection(self, cause: BaseException | None) -> Failed:
        if isinstance(cause, httpx2.ConnectError) and "CERTIFICATE" in str(cause):
            return self.failed(UNTRUSTED, wholly=True)
        if isinstance(cause, (httpx2.ConnectError, httpx2.ConnectTimeout)):
            return self.failed(UNREACHABLE, again=True, wholly=True)
        return self.timeout() if isinstance(cause, httpx2.TimeoutException) else self.failed(BROKEN, again=True)

    def _quoted(self, text: str) -> str:
        """What a server says, short and without the key it may repeat."""
        return (text.replace(self.endpoint.key, "…") if self.endpoint.key else text)[:300]


def _retry_after(header: str) -> float | None:
    """Seconds to wait, from either form of the header: a number, or a date."""
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time())
    except (ValueError, OverflowError):
        return None


class _TooLarge(Exception):
    pass


class _Bounded(httpx2.AsyncHTTPTransport):
    """Reads no body, not even of an error, that is larger than any answer. A compressed one could hide its size."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise _TooLarge
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Counted(response.stream)
        return response


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self.stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self.stream:
            size += len(chunk)
            if size > LARGEST_BODY:
                raise _TooLarge
            yield chunk

    async def aclose(self) -> None:
        await self.stream.aclose()
