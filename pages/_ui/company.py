"""The company's own sign-in (OpenID Connect), and with it the proof at the moment of signing that it is really them.

A sign-in that was begun is kept here for ten minutes, under a name that only this browser's cookie holds; what comes
back is used once. Authlib checks the rest: state, nonce, PKCE, and the signature, issuer and audience of the ID token.
"""

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth, StarletteOAuth2App
from joserfc.errors import JoseError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.access import identities, people, providers, sessions
from core.access.identities import Identity
from core.access.providers import Provider
from core.errors import Refusal
from core.locale.mark import N_
from pages._ui import entrance, state

START = "/sign-in/company"
CONFIRM = "/confirm"
FLOW_COOKIE = "countersign_flow"
LASTS = 600
MOST = 1000
LEEWAY = 30
"""Seconds by which the provider's clock may be behind ours."""

NO_PROVIDER = N_("There is no company sign-in here. Sign in with name and password.")
LOST = N_("This sign-in was begun in another browser, is too old or was used already. Start again.")
FAILED = N_("The company sign-in did not succeed. Start again; if that does not help, tell an admin the time.")
UNREACHABLE = N_("The company sign-in cannot be reached now. Try again in a minute, or tell an admin.")
NOT_ANEW = N_("The company sign-in did not ask you anew who you are, so nothing can be signed with it. Tell an admin.")
DONE = N_("Close this tab, go back to the form and sign. You have %(minutes)s minutes.")
TITLE = N_("Company sign-in")


@dataclass(slots=True, kw_only=True)
class Flow:
    """A sign-in that was begun: where it leads, or the form that is to be confirmed by it."""

    next_path: str = "/"
    what: str = ""
    began: float = field(default_factory=time.time)
    kept: dict[str, Any] = field(default_factory=dict)
    """What Authlib remembers until the answer comes."""


_flows: dict[str, Flow] = {}


async def start(request: Request) -> Response:
    """Send the person to the provider."""
    flow = Flow(next_path=entrance.local_path(request.query_params.get("next", "/")))
    return await _begin(request, flow)


async def confirm(request: Request) -> Response:
    """Send somebody who is about to sign to the provider, who has to ask them anew."""
    what = request.query_params.get("for", "")
    if not re.fullmatch("[0-9a-f]{64}", what):
        return entrance.notice(request, TITLE, LOST, 403)
    return await _begin(request, Flow(what=what), prompt="login", max_age=0)


async def _begin(request: Request, flow: Flow, **asked: Any) -> Response:
    provider, known = await run_in_threadpool(lambda: (state.provider(), people.any_exist(state.conn())))
    if provider is None or not known:
        return entrance.notice(request, TITLE, NO_PROVIDER, 404)
    try:
        response = await _client(provider).authorize_redirect(_with(request, flow), provider.redirect_uri, **asked)
    except (httpx2.HTTPError, AuthlibBaseError, RuntimeError, ValueError):
        return entrance.notice(request, TITLE, UNREACHABLE, 502)
    name = secrets.token_urlsafe(24)
    while len(_flows) >= MOST:
        del _flows[next(iter(_flows))]  # the oldest
    _flows[name] = flow
    response.set_cookie(
        FLOW_COOKIE, name, max_age=LASTS, httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def finish(request: Request) -> Response:
    """Take what the provider answers: sign the person in, or note that they have confirmed a form."""
    flow = _flows.pop(request.cookies.get(FLOW_COOKIE, ""), None)
    provider = await run_in_threadpool(state.provider)
    if flow is None or provider is None or flow.began < time.time() - LASTS:
        return entrance.notice(request, TITLE, LOST, 403)
    try:
        token = await _client(provider).authorize_access_token(_with(request, flow))
        claims = token["userinfo"]
        identity = _identity(claims, provider)
    except (httpx2.HTTPError, AuthlibBaseError, JoseError, LookupError, RuntimeError, ValueError) as error:
        why = getattr(error, "error", "") or type(error).__name__
        await run_in_threadpool(lambda: identities.failed(state.conn(), str(why)[:60]))
        return entrance.notice(request, TITLE, FAILED, 403)
    try:
        if flow.what:
            return await _confirmed(request, flow, identity, claims)
        person = await run_in_threadpool(lambda: identities.admit(state.conn(), identity, mapping=provider.mapping))
    except Refusal as refusal:
        return entrance.notice(request, TITLE, refusal.message, 403)
    return await entrance.admit(request, person, flow.next_path)


async def _confirmed(request: Request, flow: Flow, identity: Identity, claims: Mapping[str, Any]) -> Response:
    cookie, idle = request.cookies.get(sessions.COOKIE), state.settings().idle
    person = await run_in_threadpool(lambda: sessions.person_of(state.conn(), cookie, idle=idle))
    if person is None:
        return entrance.notice(request, TITLE, LOST, 403)
    if int(claims.get("auth_time") or 0) < flow.began - LEEWAY:
        conn = state.conn()
        subject = person.person_id
        await run_in_threadpool(lambda: identities.failed(conn, "not anew", subject=subject, act="confirmation.failed"))
        return entrance.notice(request, TITLE, NOT_ANEW, 403)
    await run_in_threadpool(lambda: identities.confirm(state.conn(), person, identity, flow.what))
    minutes = int(people.CONFIRMED_FOR.total_seconds() // 60)
    return entrance.notice(request, N_("You have shown that it is you"), DONE, minutes=minutes)


def _with(request: Request, flow: Flow) -> Request:
    """The request as Authlib wants it. Streamlit keeps a session of its own in the real one, which stays as it is."""
    return Request({**request.scope, "session": flow.kept})


def _identity(claims: Mapping[str, Any], provider: Provider) -> Identity:
    if not claims["iss"] or not claims["sub"]:
        raise LookupError("An identity has an issuer and a subject.")
    names = [str(claims[name]) for name in ("name", "preferred_username", "email") if claims.get(name)]
    found: Any = claims.get(provider.groups_claim)
    if found is None:  # Keycloak nests them, as in realm_access.roles
        found = claims
        for part in provider.groups_claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    groups = [found] if isinstance(found, str) else [str(one) for one in found] if isinstance(found, list) else []
    return Identity(issuer=str(claims["iss"]), subject=str(claims["sub"]), names=names, groups=groups)


def _client(provider: Provider) -> StarletteOAuth2App:
    asked = tuple(sorted(provider.asked.items()))
    return _made(provider.metadata_url, provider.client_id, provider.client_secret, asked)


@lru_cache(maxsize=4)
def _made(
    metadata_url: str, client_id: str, client_secret: str, asked: tuple[tuple[str, str], ...]
) -> StarletteOAuth2App:
    fixed = {"code_challenge_method": "S256", "timeout": 10, "follow_redirects": False}
    return OAuth().register(
        "company",
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=metadata_url,
        client_kwargs={**dict(asked), **fixed},
    )


routes = [
    Route(START, start),
    Route(CONFIRM, confirm),
    Route(providers.CALLBACK, finish),
]
