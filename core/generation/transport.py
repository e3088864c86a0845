"""What carries the openai client's requests: connections that go nowhere they must not, and small answers only."""

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aiohttp
import httpx2
from yarl import URL

from core.generation.addresses import Forbidden, Resolver

LARGEST_BODY = 2_000_000
CONNECT_SECONDS = 10.0
SENT = ("authorization", "content-type", "accept")
"""Headers that leave this machine. The client's others describe it, or come from variables for other services."""
TAKEN = ("content-type", "retry-after")
"""Headers of an answer that are looked at. Cookies are not among them."""


class Fault(Exception):
    """The server could not be reached, or what came is no answer. `code` and `values` are those of a Failure."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code, self.values = code, values


class Transport(httpx2.AsyncBaseTransport):
    """At most `width` connections, kept open, without redirects, proxies, cookies or decompression.

    How long a call may take is for the caller to bound; only connecting has a limit of its own.
    """

    def __init__(self, width: int, connect_s: float = CONNECT_SECONDS) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=width, resolver=Resolver(), ssl=ssl.create_default_context()),
            headers={"Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s),
            auto_decompress=False,  # a small body can be unpacked to a large one
            trust_env=False,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, whatever its status; whole, unless it is a stream of events. Raises Fault, then or while read."""
        url, sent = URL(str(request.url), encoded=True), _named(SENT, request.headers)
        with _faults():
            response = await self._session.request(
                request.method, url, data=request.content or None, headers=sent, allow_redirects=False
            )
        taken, parts = _named(TAKEN, response.headers), _parts(response)
        if taken.get("content-type", "").startswith("text/event-stream"):
            return httpx2.Response(response.status, headers=taken, stream=_Events(response, parts))
        content = b"".join([part async for part in parts])
        return httpx2.Response(response.status, headers=taken, content=content)

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._session.close()


def _named(names: tuple[str, ...], headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


class _Events(httpx2.AsyncByteStream):
    """A body that is read as it comes."""

    def __init__(self, response: aiohttp.ClientResponse, parts: AsyncIterator[bytes]) -> None:
        self._response, self._parts = response, parts

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._parts

    async def aclose(self) -> None:
        self._response.close()


async def _parts(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body if it is small enough; of a body that is not, no more than that is ever read."""
    packed = response.headers.get("Content-Encoding", "identity").lower() != "identity"
    left = LARGEST_BODY
    with _faults():
        async with response:
            if not packed and (response.content_length or 0) <= left:
                async for part in response.content.iter_any():
                    left -= len(part)
                    if left < 0:
                        break
                    yield part
                else:
                    return
            response.close()
    raise Fault("too_large", megabytes=LARGEST_BODY // 1_000_000)


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientConnectorDNSError as error:
        if isinstance(error.os_error, Forbidden):
            raise Fault("address", ip=error.os_error.ip) from None
        raise Fault("dns") from None
    except aiohttp.ClientConnectorCertificateError:
        raise Fault("untrusted") from None
    except aiohttp.ClientConnectorSSLError:
        raise Fault("no_tls") from None
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise Fault("unreachable") from None
    except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError):
        raise Fault("broken") from None
    except aiohttp.ClientError:  # what is no HTTP
        raise Fault("incompatible") from None
