"""When a session ends, an open page loses its connection at the next message, whoever sends it."""

import threading

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit.proto.BackMsg_pb2 import BackMsg

from core.access import accounts, people, sessions
from pages._ui import entrance, gate, state

OURS = "http://127.0.0.1:8501"
LIVE = "ws://127.0.0.1:8501/_stcore/stream"
PASSWORD = "four plain words here"


async def hello(_request):
    return PlainTextResponse("inside")


async def echo(websocket):
    await websocket.accept()
    async for message in websocket.iter_bytes():
        await websocket.send_bytes(message)


@pytest.fixture
def token(conn, mina):
    """Of Bo, an expert."""
    people.create(conn, name="Bo", password=PASSWORD, roles_held=["expert"], by=mina)
    return sessions.start(conn, next(one for one in people.everyone(conn) if one.name == "Bo"))


@pytest.fixture
def client(token):
    routes = [*entrance.routes, Route("/rate", hello), WebSocketRoute("/_stcore/stream", echo)]
    client = TestClient(Starlette(routes=routes, middleware=gate.middleware), base_url=OURS, follow_redirects=False)
    client.cookies.set(sessions.COOKIE, token)
    return client


def click(auto=False):
    message = BackMsg()
    message.rerun_script.is_auto_rerun = auto
    return message.SerializeToString()


def bo(conn):
    return next(one for one in people.everyone(conn) if one.name == "Bo")


ENDS = {
    "deactivated": lambda conn, mina: accounts.deactivate(conn, "bo", by=mina),
    "signed out everywhere": lambda conn, mina: accounts.sign_out_everywhere(conn, by=bo(conn)),
    "password changed": lambda conn, mina: accounts.change_password(
        conn, by=bo(conn), old=PASSWORD, new="quite another one"
    ),
    "password given": lambda conn, mina: accounts.give_password(conn, "bo", "quite another one", by=mina),
    "idle": lambda conn, mina: conn.execute("update sessions set seen_at = seen_at - interval 8 hour"),
    "old": lambda conn, mina: conn.execute("update sessions set expires_at = expires_at - interval 14 day"),
}


@pytest.mark.parametrize("why", ENDS)
def test_what_ends_a_session_ends_it_in_the_page_that_is_open(client, conn, mina, why):
    with client.websocket_connect(LIVE, headers={"Origin": OURS}) as live:
        live.send_bytes(click())
        assert live.receive_bytes() == click()
        ENDS[why](state.conn(), mina)
        live.send_bytes(click())
        with pytest.raises(WebSocketDisconnect):
            live.receive_bytes()
    assert client.get("/rate").status_code == 401
    assert client.get("/rate", headers={"Accept": "text/html"}).headers["location"] == "/sign-in?next=/rate"


def test_a_click_or_a_visit_counts_as_use_and_a_page_that_refreshes_itself_does_not(client, conn):
    def sit():
        conn.execute("update sessions set seen_at = seen_at - interval 30 minute")

    before = "select seen_at from sessions where person_id = 'bo'"
    with client.websocket_connect(LIVE, headers={"Origin": OURS}) as live:
        for message, counts in ((click(auto=True), False), (b"no message", False), (click(), True)):
            sit()
            seen = conn.execute(before).fetchone()
            live.send_bytes(message)
            assert live.receive_bytes() == message
            assert (conn.execute(before).fetchone() > seen) is counts
    sit()
    seen = conn.execute(before).fetchone()
    assert client.get("/rate").text == "inside"  # a picture or a script of the page
    assert conn.execute(before).fetchone() == seen
    client.get("/rate", headers={"Accept": "text/html"})
    assert conn.execute(before).fetchone() > seen


def test_the_database_is_closed_when_the_page_that_still_reads_it_is_done(conn):
    reading, done, read = threading.Event(), threading.Event(), []

    def slowly(value: int) -> int:
        reading.set()
        done.wait(30)
        return value

    page = state.conn()
    page.create_function("slowly", slowly, [int], int)
    visit = threading.Thread(target=lambda: read.append(page.execute("select slowly(7)").fetchall()))
    visit.start()
    assert reading.wait(30)
    threading.Timer(0.3, done.set).start()
    state.close()
    visit.join()
    assert read == [[(7,)]]
    assert state.conn().execute("select count(*) from people").fetchone() is not None, "and it opens again"
