"""The company's own sign-in, as the operator has set it up in the secrets file.

Streamlit's own sections are read as they are: `[auth]`, with or without an `[auth.<provider>]`, as for `st.login`. What
those have no word for (label, groups and roles) stands in `[oidc]`, where the whole may stand as well; where both say
something, `[oidc]` counts.
"""

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
SHARED = {"redirect_uri", "cookie_secret", "expose_tokens", "client_kwargs"}
"""Keys of `[auth]` itself that say nothing of a provider. A cookie secret is of no use here: no identity is kept in a
cookie; nor are tokens exposed."""
ASKED = {"scope", "prompt", "login_hint", "token_endpoint_auth_method"}
"""What `client_kwargs` may ask for. PKCE with S256 is always used, and no request goes to anywhere unverified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An OpenID Connect provider. `label` is what people call it; `groups_claim` names the claim with their groups;
    `asked` is what a sign-in asks for, of ASKED.

    `mapping` is group -> roles; None where the provider's groups say nothing and an admin gives the roles here.
    """

    label: str
    metadata_url: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    asked: Mapping[str, str]
    groups_claim: str
    mapping: Mapping[str, tuple[Role, ...]] | None


def read(settings: Settings, port: int = 8501) -> Provider | None:
    """The provider, or None where there is none. Raises Refusal when its section cannot work as it stands.

    `port` stands in for the `{port}` of a redirect_uri.
    """
    try:
        written = tomllib.loads(settings.secrets.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Refusal(
            "The secrets file %(file)s cannot be read (%(error)s). Correct it, or move it away.",
            file=settings.secrets,
            error=error,
        ) from error
    if "oidc" not in written and "auth" not in written:
        return None
    ours, standard = written.get("oidc", {}), _standard(written.get("auth", {}), written.get("oidc", {}))
    section, name = {**standard, **ours}, "[oidc]" if "oidc" in written else "[auth]"
    if missing := [key for key in NEEDED if not section.get(key)]:
        raise Refusal(
            "%(section)s in %(file)s lacks %(name)s. Add it.",
            section=name, file=settings.secrets, name=", ".join(missing),
        )  # fmt: skip
    section["redirect_uri"] = str(section["redirect_uri"]).replace("{port}", str(port))
    for key in ("server_metadata_url", "redirect_uri"):
        _check_address(key, section[key], name)
    if urlsplit(section["redirect_uri"]).path != CALLBACK:
        raise Refusal(
            "redirect_uri in %(section)s has to end in %(path)s, where Countersign waits for it.",
            section=name, path=CALLBACK,
        )  # fmt: skip
    return Provider(
        label=str(section.get("label") or "SSO"),
        metadata_url=section["server_metadata_url"],
        client_id=section["client_id"],
        client_secret=section.get("client_secret") or os.environ.get(ENVIRONMENT, ""),
        redirect_uri=section["redirect_uri"],
        asked=_asked(section, is_standard="auth" in written),
        groups_claim=section.get("groups_claim", "groups"),
        mapping=_mapping(section["roles"]) if "roles" in section else None,
    )


def _standard(auth: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """What Streamlit's sections say of the one provider that people sign in with, in one table."""
    named = {name: table for name, table in auth.items() if isinstance(table, Mapping) and name != "client_kwargs"}
    alone = {name: value for name, value in auth.items() if name not in named}
    wanted = ours.get("provider")
    if wanted is None and (alone.keys() - SHARED or not named):
        return alone
    if wanted is None and len(named) > 1:
        raise Refusal(
            "The secrets file names several providers (%(names)s). People sign in with one: name it as `provider` in "
            "[oidc].",
            names=", ".join(sorted(named)),
        )
    wanted = wanted or next(iter(named))
    if wanted not in named:
        raise Refusal("The secrets file has no [auth.%(name)s]. Add it, or name another provider.", name=wanted)
    shared = {name: value for name, value in alone.items() if name in SHARED - {"client_kwargs"}}
    return {"label": wanted, **shared, **named[wanted]}


def _asked(section: Mapping[str, Any], *, is_standard: bool) -> dict[str, str]:
    """What a sign-in asks for; in a section of Streamlit's what it would ask for where nothing is said."""
    asked = (
        {"scope": "openid email profile", "prompt": "select_account"} if is_standard else {"scope": "openid profile"}
    )
    given = dict(section.get("client_kwargs", {}))
    if given.get("code_challenge_method") == "S256":
        del given["code_challenge_method"]  # so it is in any case
    if unknown := given.keys() - ASKED:
        raise Refusal(
            "client_kwargs in the secrets file has %(name)s, which Countersign does not use. Take it out; it knows "
            "%(known)s.",
            name=min(unknown),
            known=", ".join(sorted(ASKED)),
        )
    asked |= {name: str(value) for name, value in given.items()}
    return {**asked, "scope": section["scope"]} if "scope" in section else asked


def _check_address(name: str, address: str, section: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise Refusal(
            "%(name)s in %(section)s has to begin with https://. Change %(address)s.",
            name=name, section=section, address=address,
        )  # fmt: skip


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
