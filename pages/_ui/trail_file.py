"""The whole audit trail as a file, sent while it is read: a million entries are 400 MB, which no page should hold."""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from core.release import trail
from pages._ui import state

PATH = "/audit.jsonl"


async def send(_request: Request) -> Response:
    """The trail as it is now. The gate lets only those pass who are signed in, all of whom may read it."""
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"', "Cache-Control": "no-store"}
    return StreamingResponse(_bytes(), media_type="application/jsonl", headers=headers)


def _bytes() -> Iterator[bytes]:
    conn = state.conn()
    try:
        for lines in trail.lines(conn):
            yield lines.encode("utf-8", "surrogatepass")
    finally:
        conn.close()


routes = [Route(PATH, send)]
