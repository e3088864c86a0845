"""The company's own sign-in, as the operator has set it up: the `[oidc]` section of the secrets file."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from core.access import roles
from core.access.roles import Role
from core.errors import Refusal
from core.settings import Settings

CALLBACK = "/oauth2callback"
NEEDED = ("server_metadata_url", "client_id", "redirect_uri")
ENVIRONMENT = "COUNTERSIGN_OIDC_CLIENT_SECRET"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An OpenID Connect provider. `label` is what people call it; `groups_claim` names the claim with their groups.

    `mapping` is group -> roles; None where the provider's groups say nothing and an admin gives the roles here.
    """

    label: str
    metadata_url: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    scope: str
    groups_claim: str
    mapping: Mapping[str, tuple[Role, ...]] | None


def read(settings: Settings) -> Provider | None:
    """The provider, or None where there is none. Raises Refusal when its section cannot work as it stands."""
    try:
        section = tomllib.loads(settings.secrets.read_text("utf-8")).get("oidc")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Refusal(
            "The secrets file %(file)s cannot be read (%(error)s). Correct it, or move it away.",
            file=settings.secrets,
            error=error,
        ) from error
    if section is None:
        return None
    if missing := [name for name in NEEDED if not section.get(name)]:
        raise Refusal("[oidc] in %(file)s lacks %(name)s. Add it.", file=settings.secrets, name=", ".join(missing))
    for name in ("server_metadata_url", "redirect_uri"):
        _check_address(name, section[name])
    if urlsplit(section["redirect_uri"]).path != CALLBACK:
        raise Refusal("redirect_uri in [oidc] has to end in %(path)s, where Countersign waits for it.", path=CALLBACK)
    return Provider(
        label=str(section.get("label") or "SSO"),
        metadata_url=section["server_metadata_url"],
        client_id=section["client_id"],
        client_secret=section.get("client_secret") or os.environ.get(ENVIRONMENT, ""),
        redirect_uri=section["redirect_uri"],
        scope=section.get("scope", "openid profile"),
        groups_claim=section.get("groups_claim", "groups"),
        mapping=_mapping(section["roles"]) if "roles" in section else None,
    )


def _check_address(name: str, address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise Refusal("%(name)s in [oidc] has to begin with https://. Change %(address)s.", name=name, address=address)


def _mapping(table: Mapping[str, Any]) -> Mapping[str, tuple[Role, ...]]:
    """The file says role -> groups, as an operator thinks of it; the other way round is what a sign-in needs."""
    found: dict[str, tuple[Role, ...]] = {}
    if unknown := set(table).difference(roles.ROLES):
        raise Refusal("There is no role %(role)s. Choose among %(roles)s.", role=min(unknown), roles=roles.ROLES)
    for role in roles.ROLES:
        groups = table.get(role, [])
        for group in [groups] if isinstance(groups, str) else groups:
            found[str(group)] = (*found.get(str(group), ()), role)
    return found
