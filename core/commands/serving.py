"""`serve` and `verify`: releases for business systems, and the audit trail held against itself."""

import argparse
from typing import Any

from core import settings, verify


def add(commands: Any) -> None:
    """The two commands."""
    serve = commands.add_parser("serve", help="answer business systems with the releases, OpenAI-compatible")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: only this machine)")
    serve.add_argument("--port", type=int, default=8600, help="port (default 8600)")
    serve.set_defaults(run=_serve)
    check = commands.add_parser("verify", help="check an exported audit trail; needs no database and no secret")
    verify.add(check)
    check.set_defaults(run=verify.run)


def _serve(chosen: argparse.Namespace) -> int:
    from core.release import serving  # takes as long to load as all other commands together

    serving.run(settings.read(), host=chosen.host, port=chosen.port)
    return 0
