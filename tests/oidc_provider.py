"""A small OpenID Connect provider over HTTP, to test against: discovery, sign-in page, code with PKCE, RS256 tokens.

It can be told to misbehave, as a broken or hostile provider would.
"""

import base64
import hashlib
import html
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "countersign", "a secret of the client"


@dataclass
class Provider:
    """`users` is subject -> further claims; `lie` changes a token's claims before it is signed."""

    port: int
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    lie: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first"}))
    signs_with: RSAKey | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    """The parameters of each request to the sign-in page."""
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, redirect_uri: str, more: str = "") -> str:
        """The section that an operator writes to use this provider."""
        return (
            f'[oidc]\nlabel = "Acme SSO"\nserver_metadata_url = "{self.issuer}/.well-known/openid-configuration"\n'
            f'client_id = "{CLIENT_ID}"\nclient_secret = "{CLIENT_SECRET}"\nredirect_uri = "{redirect_uri}"\n{more}'
        )

    def streamlit_settings(self, redirect_uri: str, named: str = "", more: str = "") -> str:
        """The sections that Streamlit documents for `st.login`, of an unnamed provider or of a named one."""
        shared = f'[auth]\nredirect_uri = "{redirect_uri}"\ncookie_secret = "xxx"\n'
        return (
            f'{shared}{f"[auth.{named}]" if named else ""}\nclient_id = "{CLIENT_ID}"\n'
            f'client_secret = "{CLIENT_SECRET}"\n'
            f'server_metadata_url = "{self.issuer}/.well-known/openid-configuration"\n{more}'
        )

    async def discovery(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def jwks(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        """Without `user`, a page with a link for each; with one, they have signed in just now."""
        asked = dict(request.query_params)
        if "user" not in asked:
            self.asked.append(asked)
            links = "".join(
                f'<p><a href="/authorize?{html.escape(urlencode(asked | {"user": user}))}">{user}</a></p>'
                for user in self.users
            )
            return HTMLResponse(f"<h1>Acme</h1>{links}")
        code = secrets.token_urlsafe(12)
        self.codes[code] = asked | {"auth_time": int(time.time())}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 302)

    async def token(self, request: Request) -> Response:
        async with request.form() as form:
            given = dict(form)
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET.replace(' ', '%20')}".encode()).decode()
        plain = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization", "").removeprefix("Basic ") not in (expected, plain):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(str(given.get("code")), None)
        verifier = hashlib.sha256(str(given.get("code_verifier", "")).encode()).digest()
        if asked is None or base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": asked["user"], "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        claims |= {"nonce": asked["nonce"], "auth_time": asked["auth_time"], **self.users[asked["user"]], **self.lie}
        claims = {name: value for name, value in claims.items() if value is not None}
        signed = jwt.encode({"alg": "RS256", "kid": "first"}, claims, self.signs_with or self.key)
        return JSONResponse({"access_token": "unused", "token_type": "Bearer", "id_token": signed})


@contextmanager
def running() -> Iterator[Provider]:
    """The provider on a port of its own."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        provider = Provider(port=bound.getsockname()[1])
        routes = [
            Route("/.well-known/openid-configuration", provider.discovery),
            Route("/authorize", provider.authorize),
            Route("/token", provider.token, methods=["POST"]),
            Route("/jwks", provider.jwks),
        ]
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.should_exit = True
            thread.join(timeout=20)
