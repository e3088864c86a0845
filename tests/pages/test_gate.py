"""The real server, as `streamlit run app.py` starts it, spoken to over HTTP and WebSocket."""

import http.client
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from core import verify
from core.access import people, sessions
from core.locale import catalogue
from core.settings import REPOSITORY, Settings
from core.store import database
from pages._ui import entrance, gate, trail_file

NAME, PASSWORD = "李 Mina", "correct horse battery"
HTML = {"Accept": "text/html,*/*"}


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def cookie(self) -> str:
        """The session cookie it sets, as a request sends it back; empty when it sets none."""
        set_cookie = self.headers.get("Set-Cookie", "")
        return set_cookie.split(";")[0] if set_cookie.startswith(sessions.COOKIE + "=") else ""


@dataclass
class Server:
    process: subprocess.Popen[str]
    data: Path
    port: int
    first_line: str = field(default="")

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, body: str = "") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body.encode() or None, headers or {})
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read().decode("utf-8", "replace"))
        connection.close()
        return answer

    def post(self, path: str, fields: dict[str, str] | None = None, cookie: str = "", **headers: str) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin, "Cookie": cookie}
        return self.request("POST", path, {**form, **headers}, urlencode(fields or {}))

    def stream(self, cookie: str = "", origin: str | None = None, resume: str = "") -> ClientConnection:
        headers = {"Cookie": cookie, "Origin": origin or self.origin}
        protocols = [Subprotocol(part) for part in ["streamlit", "no-xsrf-token", resume] if part]
        url = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        return connect(url, additional_headers=headers, subprotocols=protocols, max_size=None)

    def sign_in(self, **fields: str) -> Answer:
        return self.post("/sign-in", {"name": NAME, "password": PASSWORD, **fields})


def launch(data: Path) -> Server:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    environment = {**os.environ, "COUNTERSIGN_DATA": str(data)}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=pipe, stderr=pipe, text=True)
    return Server(process, data, port)


def started(data: Path) -> Iterator[Server]:
    server = launch(data)
    try:
        assert server.process.stdout
        server.first_line = server.process.stdout.readline()
        while server.process.poll() is None and not answers(server):
            pass
        yield server
    finally:
        server.process.terminate()
        server.process.communicate(timeout=30)


def answers(server: Server) -> bool:
    try:
        return server.request("GET", "/healthz").status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that nobody has set up."""
    yield from started(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one person."""
    data = tmp_path_factory.mktemp("data")
    connection = database.connect(Settings(data=data))
    people.create_first(connection.cursor(), name=NAME, password=PASSWORD)
    connection.close()
    yield from started(data)


def token_in(line: str) -> str:
    found = re.search(r"/set-up\?token=(\S+)", line)
    assert found, line
    return found[1]


def run_script(stream: ClientConnection) -> list[ForwardMsg]:
    """Ask for one script run; the messages up to its end."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    stream.send(message.SerializeToString())
    messages = [ForwardMsg()]
    while messages[-1].WhichOneof("type") != "script_finished":
        received = ForwardMsg()
        received.ParseFromString(stream.recv(timeout=30))  # type: ignore[arg-type]
        messages.append(received)
    return messages


def page_of(stream: ClientConnection) -> str:
    """Streamlit's own id of the page that the connection belongs to."""
    found = [message.new_session for message in run_script(stream) if message.WhichOneof("type") == "new_session"]
    return str(found[0].initialize.session_id)


PAGES = ["/", "/rate", "/charts?x=1", "/sign-in/", "/sign-in/../rate", "//sign-in"]
STREAMLIT = [
    "/audit.jsonl",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/agent/openapi.json",
    "/media/a.png",
    "/favicon.png",
]


@pytest.mark.parametrize(
    "path", ["/", "/rate", "/charts?x=1", "/sign-in/", "/sign-in/../rate", "//sign-in", *STREAMLIT]
)
def test_without_a_session_every_url_leads_to_the_sign_in_and_nowhere_else(fresh: Server, path: str) -> None:
    seen = fresh.request("GET", path, HTML)
    assert (seen.status, seen.body) == (303, "")
    assert (seen.headers["Location"] + "?").startswith("/sign-in?")
    assert fresh.request("GET", path).status == 401
    assert fresh.request("PUT", path, {"Origin": fresh.origin}).status == 401


@pytest.mark.parametrize("cookie", ["", f"{sessions.COOKIE}=made-up", f"{sessions.COOKIE}="])
def test_without_a_session_there_is_no_live_connection(fresh: Server, cookie: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        fresh.stream(cookie)
    assert refused.value.response.status_code == 403


def test_set_up_needs_the_printed_token_which_then_works_once(fresh: Server) -> None:
    token = token_in(fresh.first_line)
    assert "Nobody can sign in yet" in fresh.request("GET", "/sign-in").body
    for wrong in ["", "?token=", "?token=guess", "?token=%E4%BD%A0"]:
        assert fresh.request("GET", "/set-up" + wrong).status == 403
    assert 'name="again"' in fresh.request("GET", f"/set-up?token={token}").body

    fields = {"token": token, "name": NAME, "password": PASSWORD, "again": PASSWORD}
    assert fresh.post("/set-up", {**fields, "token": "guess"}).status == 403
    differing = fresh.post("/set-up", {**fields, "again": "another"})
    assert 'role="alert">The two passwords differ.' in differing.body
    assert f'value="{NAME}"' in differing.body
    created = fresh.post("/set-up", fields)
    assert (created.status, created.headers["Location"]) == (303, "/")
    assert fresh.request("GET", "/", {**HTML, "Cookie": created.cookie}).status == 200
    assert fresh.post("/set-up", {**fields, "name": "Second"}).status == 403
    assert fresh.request("GET", f"/set-up?token={token}").status == 403


def test_the_cookie_is_kept_for_two_weeks_out_of_reach_of_scripts_and_other_sites(server: Server) -> None:
    cookie = server.sign_in().headers["Set-Cookie"]
    assert all(part in cookie for part in ["HttpOnly", "SameSite=lax", "Path=/", f"Max-Age={14 * 24 * 3600}"])
    assert "Secure" not in cookie  # plain http on this machine
    fields = urlencode({"name": NAME, "password": PASSWORD})
    by_https = {"X-Forwarded-Proto": "https", "Origin": server.origin}
    assert "Secure" in server.request("POST", "/sign-in", by_https, fields).headers["Set-Cookie"]


def test_a_session_reaches_the_pages_and_ends_at_sign_out(server: Server) -> None:
    cookie = server.sign_in().cookie
    assert "<title>Streamlit</title>" in server.request("GET", "/rate", {**HTML, "Cookie": cookie}).body
    with server.stream(cookie) as stream:
        assert page_of(stream)
        out = server.post("/sign-out", cookie=cookie)
        assert (out.status, out.headers["Location"]) == (303, "/sign-in")
        assert f'{sessions.COOKIE}=""' in out.headers["Set-Cookie"]
        with pytest.raises(ConnectionClosed):  # in the tab that was still open
            run_script(stream)
    assert server.request("GET", "/", {**HTML, "Cookie": cookie}).status == 303  # the cookie replayed
    with pytest.raises(InvalidStatus):
        server.stream(cookie)


def test_the_whole_audit_trail_is_sent_to_whoever_is_signed_in_and_can_be_verified(server: Server) -> None:
    sent = server.request("GET", trail_file.PATH, {"Cookie": server.sign_in().cookie})
    assert (sent.status, sent.headers["Content-Disposition"]) == (200, 'attachment; filename="audit.jsonl"')
    good, _, wrong = verify.verify(sent.body.splitlines(keepends=True))
    assert (good > 2, wrong) == (True, "")


def test_a_page_left_open_is_resumed_in_its_own_session_and_in_no_other(server: Server) -> None:
    mine, other = server.sign_in().cookie, server.sign_in().cookie
    with server.stream(mine) as stream:
        page = page_of(stream)
    with server.stream(other, resume=page) as stream:
        assert page_of(stream) != page
    with server.stream(mine, resume=page) as stream:
        assert page_of(stream) == page


def test_signing_in_again_ends_the_session_that_the_browser_had(server: Server) -> None:
    before = server.sign_in().cookie
    after = server.post("/sign-in", {"name": NAME, "password": PASSWORD}, before).cookie
    assert after != before
    assert server.request("GET", "/", {"Cookie": before}).status == 401
    assert server.request("GET", "/", {"Cookie": after}).status == 200


def test_a_wrong_password_is_told_without_saying_what_was_wrong_and_what_was_typed_is_escaped(server: Server) -> None:
    wrong = server.sign_in(name='<b>"Bo"</b>')
    assert wrong.status == 403
    assert 'role="alert">Name and password do not belong together.' in wrong.body
    assert "<b>" not in wrong.body
    assert wrong.cookie == ""


OTHER = "http://evil.example"


@pytest.mark.parametrize(
    "headers",
    [{"Origin": OTHER}, {"Origin": "null"}, {"Origin": "", "Referer": OTHER}, {"Origin": ""}, {"Origin": "http://127.0.0.1:1"}]
    + [{"Sec-Fetch-Site": site} for site in ["cross-site", "same-site", "none"]],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/sign-in", "/set-up", "/sign-out", "/_stcore/upload_file/a/b"])
def test_what_another_site_sends_is_refused(server: Server, path: str, headers: dict[str, str]) -> None:
    refused = server.post(path, {"name": NAME, "password": PASSWORD}, **headers)
    assert (refused.status, refused.cookie) == (403, "")


def test_a_page_of_another_port_cannot_open_the_live_connection_with_our_cookie(server: Server) -> None:
    cookie = server.sign_in().cookie
    for origin in ["http://127.0.0.1:1", "http://localhost:3000", OTHER]:  # Streamlit itself lets the first two in
        with pytest.raises(InvalidStatus):
            server.stream(cookie, origin)


ELSEWHERE = [
    "//evil.example",
    "https://evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "\\\\evil",
    "javascript:a",
    "",
]


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_signing_in_never_leads_to_another_site(server: Server, wanted: str) -> None:
    assert entrance.local_path(wanted) == "/"


def test_signing_in_leads_to_where_the_person_wanted_to_go(server: Server) -> None:
    asked = server.request("GET", "/rate?queue=3", HTML).headers["Location"]
    assert asked == "/sign-in?next=/rate%3Fqueue%3D3"
    assert 'name="next" value="/rate?queue=3"' in server.request("GET", asked).body
    assert server.sign_in(next="/rate?queue=3").headers["Location"] == "/rate?queue=3"
    assert server.sign_in(next="//evil.example").headers["Location"] == "/"


def test_both_languages_are_offered_and_the_choice_is_remembered(server: Server) -> None:
    assert "<h1>Sign in</h1>" in server.request("GET", "/sign-in").body
    assert "<h1>登录</h1>" in server.request("GET", "/sign-in", {"Accept-Language": "zh-CN,zh;q=0.9"}).body
    chosen = server.request("GET", "/sign-in?lang=zh")
    assert '<html lang="zh-CN">' in chosen.body
    remembered = chosen.headers["Set-Cookie"].split(";")[0]
    assert "<h1>登录</h1>" in server.request("GET", "/sign-in", {"Cookie": remembered}).body


def test_every_message_of_the_entrance_exists_in_chinese() -> None:
    sources = [gate.__file__, entrance.__file__, people.__file__, REPOSITORY / "core/access/roles.py"]
    sources.append(REPOSITORY / "pages/_ui/static_pages/__init__.py")
    text = "".join(Path(str(source)).read_text("utf-8") for source in sources)
    found = re.findall(r"(?:N_|Refusal)\(\s*((?:\"[^\"]+\"\s*)+)", text)
    messages = {"".join(re.findall(r'"([^"]+)"', parts)) for parts in found}
    assert len(messages) > 25
    assert messages - catalogue.messages("zh").keys() == set()


def test_no_page_may_be_framed_or_load_anything_from_elsewhere(server: Server) -> None:
    for path, headers in [("/sign-in", {}), ("/", {"Cookie": server.sign_in().cookie})]:
        seen = server.request("GET", path, headers)
        policy = seen.headers["Content-Security-Policy"]
        assert seen.headers.get_all("Content-Security-Policy") == [policy]
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
        assert "*" not in policy
        assert "unsafe-eval" not in policy
        assert (seen.headers["X-Frame-Options"], seen.headers["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert "src=" not in server.request("GET", "/sign-in").body


def test_a_second_start_on_the_same_folder_ends_with_one_sentence(server: Server) -> None:
    second = launch(server.data)
    output, errors = second.process.communicate(timeout=60)
    assert second.process.returncode == 1
    assert (output + errors).startswith("Another Countersign already uses the data folder")
    assert (output + errors).count("\n") == 1


def test_once_set_up_the_plain_address_is_printed(server: Server) -> None:
    assert server.first_line == f"Countersign is running: {server.origin}\n"
