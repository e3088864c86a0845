"""Which addresses may be called at all: an allow-list for base URLs, and a look at where a name really leads."""

import os
import re
import socket
from collections.abc import Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from core.errors import Refusal
from core.locale.mark import N_

VARIABLE = "COUNTERSIGN_ENDPOINTS"
USUAL = "https://*, http://localhost:*, https://localhost:*, http://127.0.0.1:*, https://127.0.0.1:*, http://[::1]:*"
"""Any public service over https on its usual port, and servers on this machine on any port."""

BAD_ADDRESS = N_(
    "The address %(address)s cannot be used. It has to start with http:// or https:// and hold no user name, "
    "question mark or #; most addresses end in /v1."
)
NOT_ALLOWED = N_(
    "Calls to %(place)s are not allowed here. Allowed are: %(allowed)s. Whoever runs Countersign can add the address "
    "to the environment variable %(variable)s."
)
FORBIDDEN = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local, with the metadata service of most clouds
        "fe80::/10",
        "fd00:ec2::/32",  # AWS metadata over IPv6
        "100.100.100.200/32",  # Alibaba Cloud metadata
        "168.63.129.16/32",  # Azure's host
        "192.0.0.0/24",  # Oracle Cloud metadata among the protocol assignments
        "0.0.0.0/8",
        "::/128",
        "224.0.0.0/4",
        "ff00::/8",
        "240.0.0.0/4",
    )
)
"""Nobody's language model lives here, but secrets of the machine do."""
PORTS = {"http": 80, "https": 443}


def allowed() -> tuple[str, ...]:
    """The patterns `scheme://host:port` in force; `*` stands for anything, and no port for the scheme's usual one."""
    told = os.environ.get(VARIABLE, "").strip() or USUAL
    return tuple(pattern for part in re.split(r"[,\s]+", told) if (pattern := part.rstrip("/")))


def check(base_url: str) -> str:
    """The address without white space around it. Raises Refusal unless it is one that may be called."""
    address = base_url.strip()
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").rstrip("."), parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        host, port = "", 0
    odd = "?" in address or "#" in address or "@" in address or not address.isprintable() or "\\" in address
    if odd or not host or not port or parts.scheme not in PORTS or address.endswith(":0"):
        # A password must not be repeated, so all before an @ is left out.
        raise Refusal(BAD_ADDRESS, address=address.rpartition("@")[2])
    place = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    if not any(_matches(place, pattern) for pattern in allowed()) or _forbidden_number(host):
        raise Refusal(NOT_ALLOWED, place=place, allowed=", ".join(allowed()), variable=VARIABLE)
    return address


def forbidden(address: str) -> bool:
    """Whether this IP address is never called; IPv4 addresses inside IPv6 ones are looked at as well."""
    found = ip_address(address.partition("%")[0])
    inner: Sequence[IPv4Address | IPv6Address] = [found]
    if isinstance(found, IPv6Address):
        wrapped = (found.ipv4_mapped, found.sixtofour)
        inner = [found, *(one for one in wrapped if one is not None)]
        if found in ip_network("64:ff9b::/96"):
            inner = [*inner, IPv4Address(found.packed[-4:])]
    return any(one in network for one in inner for network in FORBIDDEN if one.version == network.version)


def _matches(place: str, pattern: str) -> bool:
    """Host patterns are matched on the host alone, so that a star can never reach into scheme or port."""
    wanted = re.fullmatch(r"(\w+)://(\[[^]]*\]|[^:/]*)(?::(\*|\d+))?", pattern.lower())
    scheme, host, port = re.fullmatch(r"(\w+)://(\[[^]]*\]|[^:]*):(\d+)", place.lower()).groups()  # type: ignore[union-attr]
    if wanted is None or wanted[1] != scheme:
        return False
    literal = host == wanted[2]
    return (literal or ("[" not in wanted[2] and fnmatchcase(host, wanted[2]))) and (
        (wanted[3] or str(PORTS.get(scheme))) in ("*", port)
    )


def _forbidden_number(host: str) -> bool:
    """Whether the host is a number that is never called. Numbers are connected to without being looked up."""
    try:
        return forbidden(host)
    except ValueError:
        return host.replace(".", "").isdigit()  # 2852039166 and 0251.0376.0251.0376 are 169.254.169.254, too


class Forbidden(OSError):
    """A name led to an address that is never called."""

    def __init__(self, ip: str) -> None:
        super().__init__(ip)
        self.ip = ip


class Resolver(AbstractResolver):
    """Looks names up and gives back what may be called: the very addresses that are then connected to."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """All addresses of the name; Forbidden if any is one that is never called."""
        found = await self._system.resolve(host, port, family)
        for one in found:
            if forbidden(one["host"]):
                raise Forbidden(one["host"])
        return found

    async def close(self) -> None:
        await self._system.close()
