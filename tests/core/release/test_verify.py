"""The verifier: alone, on another machine, with nothing but the export."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core import content, verify
from core.release import trail
from core.settings import REPOSITORY
from core.store import audit, database


@pytest.fixture
def export(settings, tmp_path) -> Path:
    """Nine entries, some with texts that tempt an encoder."""
    connection = database.connect(settings)
    conn = connection.cursor()
    for number in range(9):
        detail = {"n": number, "text": "会签 é \u2028", "share": 0.1}
        with audit.change(conn, actor="mina", act="test.written", subject=f"s{number}", detail=detail):
            pass
    path = tmp_path / "audit.jsonl"
    path.write_bytes("".join(trail.lines(conn)).encode("utf-8", "surrogatepass"))
    connection.close()
    return path


def alone(tmp_path: Path, *arguments: object) -> tuple[int, str]:
    """The verifier's file copied elsewhere and run by a Python without any of our packages."""
    copied = tmp_path / "elsewhere" / "verify.py"
    copied.parent.mkdir(exist_ok=True)
    shutil.copy(REPOSITORY / "core" / "verify.py", copied)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(copied), *map(str, arguments)], capture_output=True, text=True, cwd=tmp_path
    )
    return done.returncode, done.stdout


def test_a_whole_trail_is_said_to_be_whole_by_the_file_alone(export, tmp_path, settings):
    code, said = alone(tmp_path, export, "--anchor", settings.anchor)
    assert (code, said.startswith("The trail is whole: 9 entries")) == (0, True)


def test_the_export_is_the_canonical_text_of_every_entry_however_it_is_read(export, settings, monkeypatch):
    conn = database.connect(settings).cursor()
    with audit.change(conn, actor="wei", act="test.written", subject='a "b" \\ \n c', detail={"z": None, "a": [1.5]}):
        pass
    whole = "".join(trail.lines(conn))
    assert [content.canonical(json.loads(line)) for line in whole.split("\n")[:-1]] == whole.split("\n")[:-1]
    assert whole.startswith(export.read_text("utf-8"))
    monkeypatch.setattr(trail, "AT_ONCE", 3)
    assert "".join(trail.lines(conn)) == whole
    conn.execute("delete from audit_events where seq between 3 and 8")  # what is there is exported, whatever is missing
    kept = "".join(trail.lines(conn)).split("\n")[:-1]
    assert [json.loads(line)["seq"] for line in kept] == [1, 2, 9, 10]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda lines: [*lines[:3], lines[3].replace('"n":3', '"n":4'), *lines[4:]], "Entry 4 is not as it was"),
        (lambda lines: [*lines[:3], *lines[4:]], "Entry 4 is missing or out of place"),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], "Entry 4 is missing or out of place"),
        (lambda lines: [*lines[:4], lines[3], *lines[4:]], "Entry 5 is missing or out of place"),
        (lambda lines: [*lines[:3], lines[3][:40] + "\n", *lines[4:]], "Entry 4 cannot be read"),
    ],
    ids=["flipped", "deleted", "reordered", "inserted", "cut"],
)
def test_the_first_bad_entry_is_named(export, damage, sentence, capsys):
    lines = export.read_bytes().decode("utf-8", "surrogatepass").split("\n")[:-1]
    damaged = "".join(damage([line + "\n" for line in lines]))
    export.write_bytes(damaged.encode("utf-8", "surrogatepass"))
    assert verify.main([str(export)]) == 1
    assert sentence in capsys.readouterr().out


def test_a_rewritten_entry_with_a_new_hash_breaks_the_next(export, capsys):
    lines = export.read_bytes().decode("utf-8", "surrogatepass").split("\n")[:-1]
    entry = json.loads(lines[3])
    entry["actor"] = "somebody else"
    entry.pop("hash")
    entry["hash"] = audit.content.digest(entry)
    lines[3] = audit.content.canonical(entry)
    export.write_bytes("\n".join([*lines, ""]).encode("utf-8", "surrogatepass"))
    assert verify.main([str(export)]) == 1
    assert "Entry 5 does not follow entry 4" in capsys.readouterr().out


def test_a_cut_tail_shows_beside_the_anchor_or_a_noted_head(export, settings, capsys):
    lines = export.read_bytes().split(b"\n")[:-1]
    head = json.loads(lines[-1].decode("utf-8", "surrogatepass"))["hash"]
    export.write_bytes(b"\n".join([*lines[:7], b""]))
    assert verify.main([str(export)]) == 0  # a chain alone cannot see it
    assert verify.main([str(export), "--anchor", str(settings.anchor)]) == 1
    assert "2 entries are missing at the end" in capsys.readouterr().out
    assert verify.main([str(export), "--head", head]) == 1
