"""The process dies by `kill -9` between a signature and its release: what is left is legal, and one can go on."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.release import publishing, releases, sign_offs, signatures
from core.settings import REPOSITORY, Settings
from core.store import audit
from tests.core.release.conftest import House, _opened, entered
from tests.core.release.test_releases import another, back, move

CHILD = """
import os, signal, sys
from pathlib import Path
from core import content
from core.release import evidence, publishing, releases, sign_offs, signatures
from core.settings import Settings
from core.store import anchors
from tests.core.release.conftest import _opened
from tests.core.release.test_releases import move

source, target, point = sys.argv[1:]
die = lambda *given, **how: os.kill(os.getpid(), signal.SIGKILL)
with _opened(Path(source), Settings(data=Path(target))) as house:
    case = sign_offs.of_trial(house.conn, house.trial_id)[0]
    if point == "in the signature":
        signatures.insert = die
    house.sign(case.sign_off_id, house.ann)
    print("signed", flush=True)
    if point == "before the release":
        die()
    if point == "in the bundle":
        content.file_digest, evidence.damaged = die, lambda *given: []
    elif point == "between bundle and record":
        releases._move = die
    elif point == "between record and anchor":
        record = releases._move
        def recorded(*given, **how):
            anchors.write = die
            record(*given, **how)
        releases._move = recorded
    elif point == "before the server is told":
        publishing.publish = die
    move(house, case.sign_off_id, house.max)
"""
POINTS = {
    "in the signature": ([], "open", False),
    "before the release": (["signed"], "approved", False),
    "in the bundle": (["signed"], "approved", False),
    "between bundle and record": (["signed"], "approved", False),
    "between record and anchor": (["signed"], "approved", True),
    "before the server is told": (["signed"], "approved", True),
}
"""Where it dies -> what had been acknowledged, the sign-off's state after it, and whether something is released."""


@pytest.fixture(scope="module")
def put_up(built, tmp_path_factory) -> Path:
    """A data folder with an open sign-off whose gate is passed."""
    settings = Settings(data=tmp_path_factory.mktemp("put_up") / "data")
    with _opened(built("passes"), settings) as house:
        house.put_up(house.trial_id)
    return settings.data


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_a_legal_state_and_one_can_go_on(put_up, tmp_path, point):
    target, (acknowledged, state, released) = tmp_path / "data", POINTS[point]
    died = subprocess.run(
        [sys.executable, "-c", CHILD, str(put_up), str(target), point],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert died.stdout.split() == acknowledged
    with entered(Settings(data=target)) as house:
        assert audit.first_bad_entry(house.conn) is None
        case = sign_offs.of_trial(house.conn, house.trial_id)[0]
        assert sign_offs.state(house.conn, case) == state
        assert len(signatures.of(house.conn, "sign_off", case.sign_off_id)) == (state == "approved")
        now = releases.current(house.conn, case.task_id, "production")
        assert (now is not None) is released
        events = house.conn.execute("select count(*) from audit_events where act = 'release.released'").fetchone()
        moves = house.conn.execute("select count(*) from alias_moves").fetchone()
        assert (events, moves) == ((released,), (released,))
        go_on(house, case, released)


def go_on(house: House, case: sign_offs.SignOff, released: bool) -> None:
    """What was interrupted can be done again, and the server is told at the next start."""
    if sign_offs.state(house.conn, case) == "open":
        assert house.sign(case.sign_off_id, house.ann) == "approved"
    if not released:
        move(house, case.sign_off_id, house.max)
    settings = house.world.settings
    publishing.publish(house.conn, settings)
    now = releases.current(house.conn, case.task_id, "production")
    told = json.loads((publishing.folder_of(settings) / "aliases.json").read_text())
    assert now is not None
    assert [task["aliases"]["production"]["release_id"] for task in told.values()] == [now["release_id"]]
    assert not list(publishing.folder_of(settings).glob("*.partial"))


ON_THE_WAY_BACK = """
import os, signal, sys
from pathlib import Path
from core.release import bundles, publishing, releases, signatures
from core.settings import Settings
from core.store import anchors
from tests.core.release.conftest import _opened
from tests.core.release.test_releases import back, pointer

source, target, point, first = sys.argv[1:]
die = lambda *given, **how: os.kill(os.getpid(), signal.SIGKILL)
with _opened(Path(source), Settings(data=Path(target))) as house:
    places = {
        "in the signature": (signatures, "insert"),
        "between record and anchor": (anchors, "write"),
        "before the server is told": (publishing, "publish"),
        "while the server is told": (bundles.os, "chmod"),
    }
    record = releases._move
    def recorded(*given, **how):
        setattr(*places[point], die)
        record(*given, **how)
    releases._move = recorded
    back(house, first, house.ann, expected=pointer(house))
"""
GONE_BACK = {
    "in the signature": False,
    "between record and anchor": True,
    "before the server is told": True,
    "while the server is told": True,
}
"""Where it dies -> whether production points at the first release again."""


@pytest.fixture(scope="module")
def released_twice(built, tmp_path_factory) -> tuple[Path, str, str]:
    """A data folder with two releases, and the ids of both; production points at the second."""
    settings = Settings(data=tmp_path_factory.mktemp("twice") / "data")
    with _opened(built("signed"), settings) as house:
        first = move(house, sign_offs.of_trial(house.conn, house.trial_id)[0].sign_off_id, house.max)
        second = move(house, another(house), house.max, expected=first)
    return settings.data, first, second


@pytest.mark.parametrize("point", GONE_BACK)
def test_a_kill_on_the_way_back_leaves_the_old_or_the_new_and_never_a_half(released_twice, tmp_path, point):
    source, first, second = released_twice
    target = tmp_path / "data"
    died = subprocess.run(
        [sys.executable, "-c", ON_THE_WAY_BACK, str(source), str(target), point, first],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    aliases = target / "releases" / "aliases.json"

    def told() -> str:
        (task,) = json.loads(aliases.read_text()).values()
        return str(task["aliases"]["production"]["release_id"])

    assert told() == second  # what the server reads is whole, and no answer changes before it is told
    with entered(Settings(data=target)) as house:
        assert audit.first_bad_entry(house.conn) is None
        task_id = house.world.task.task_id
        now = releases.current(house.conn, task_id, "production")
        assert now is not None
        assert now["release_id"] == (first if GONE_BACK[point] else second)
        assert len(releases.moves(house.conn, task_id)) == 2 + GONE_BACK[point]
        publishing.publish(house.conn, house.world.settings)  # as every start does
        assert told() == now["release_id"]
        if not GONE_BACK[point]:
            back(house, first, house.ann, expected=second)
        assert told() == first
