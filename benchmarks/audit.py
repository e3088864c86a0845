"""A long audit trail: the check at the start, the page, its filters and its export, beside the stand-alone verifier.

python benchmarks/audit.py --entries 1000000
"""

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not this folder, in which `pages` is another file
logging.disable(logging.WARNING)

from streamlit.testing.v1 import AppTest  # noqa: E402

from core import content, verify  # noqa: E402
from core.access import people, sessions  # noqa: E402
from core.evaluation import demo_task  # noqa: E402
from core.release import trail  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.store import anchors, audit, checks, database  # noqa: E402
from pages._ui import session, state  # noqa: E402

AT_ONCE = 100_000


def fill(conn: duckdb.DuckDBPyConnection, count: int) -> None:
    """Entries of the usual kinds, each sealed with the one before it; 390 bytes in the export on average."""
    chance, at = random.Random(1), datetime(2026, 1, 1)
    seq, previous = audit.head(conn)
    while seq < count:
        rows = []
        for _ in range(min(AT_ONCE, count - seq)):
            seq, at = seq + 1, at + timedelta(seconds=20, microseconds=chance.randrange(999_999))
            act, subject, detail = chance.choices(KINDS, [6, 1, 2, 2])[0](chance)
            event = {"seq": seq, "at": at.isoformat(timespec="microseconds"), "actor": chance.choice(WHO), "act": act}
            event |= {"subject": subject, "detail": detail, "previous_hash": previous}
            previous = content.digest(event)
            rows.append(
                (seq, at, event["actor"], act, subject, content.canonical(detail), event["previous_hash"], previous)
            )
        names = ("seq", "happened_at", "actor", "act", "subject", "detail", "previous_hash", "hash")
        with database.offered(conn, pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))):
            conn.execute("insert into audit_events from incoming")


def _id(kind: str, chance: random.Random) -> str:
    return f"{kind}-{chance.getrandbits(64):016x}"


WHO = ["mina", "wei", "anna", "worker"]
KINDS: list[Callable[[random.Random], tuple[str, str, dict[str, Any]]]] = [
    lambda c: ("answer.rated", _id("answer", c), {"queue": _id("queue", c), "said": f"{c.getrandbits(256):064x}"}),
    lambda c: ("sign_in.succeeded", "mina", {"how": "password"}),
    lambda c: ("answers.stored", _id("job", c), {"answers": 16, "note": "客户问的是 “fee”"}),
    lambda c: ("answers.claimed", _id("queue", c), {"answers": [_id("answer", c) for _ in range(3)]}),
]


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Do it and print how long it took."""
    began = time.perf_counter()
    found = work()
    print(f"{what}: {time.perf_counter() - began:.2f} s", flush=True)
    return found


def draw() -> Any:
    """The page as somebody opens it, in this process."""
    app = AppTest.from_file("../pages/_ui/main.py", default_timeout=60).run()
    timed("the page", lambda: app.switch_page("../release/audit.py").run())
    assert not app.exception, app.exception
    assert "intact" in app.success[0].value
    return app


def main() -> None:
    """Print what each takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    count = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COUNTERSIGN_DATA"] = folder
        settings = Settings(data=Path(folder))
        conn = database.connect(settings)
        mina = people.create_first(conn.cursor(), name="Mina", password="four plain words here")
        demo_task.create(conn.cursor(), by=mina)
        fill(conn.cursor(), count)
        anchors.follow(conn.cursor(), settings.anchor)
        conn.close()

        conn = timed(f"start with {count:,} entries, every one hashed", state.conn)
        token = sessions.start(conn, mina)
        session._token = lambda: token
        app = draw()
        timed("one act", lambda: app.selectbox(key="audit.act").set_value("sign_in.succeeded").run())
        timed(
            "an act that hardly ever happened", lambda: app.selectbox(key="audit.act").set_value("task.created").run()
        )
        timed("everything by one person", lambda: app.selectbox(key="audit.act").set_value(None).run())
        timed("the next page", lambda: app.button(key="audit.older").click().run())
        timed("every entry again, by the button", lambda: app.button(key="audit.check").click().run())
        assert checks.newest(conn).whole >= count
        timed("the export's first part", lambda: next(trail.lines(conn)))
        export = Path(folder) / "audit.jsonl"
        timed("the whole export", lambda: export.write_text("".join(trail.lines(conn)), "utf-8"))
        print(f"{export.stat().st_size / 1e6:.0f} MB")
        with export.open(encoding="utf-8") as lines:
            assert timed("verify.py on it", lambda: verify.verify(lines))[2] == ""
        timed("100 further acts", lambda: [_act(conn) for _ in range(100)])
        state.close()


def _act(conn: duckdb.DuckDBPyConnection) -> None:
    with audit.change(conn, actor="mina", act="test.written", subject="benchmark"):
        pass


if __name__ == "__main__":
    main()
