"""`python -m core demo --data FILE --json FILE`: the whole chain on a file of one's own, with a tiny model."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core import __main__, content, demo_steps
from core.generation import local
from core.jobs import worker
from core.settings import REPOSITORY, Settings
from core.store import database
from core.training import lora
from tests import tiny
from tests.mortal import Host

LABELS = ("late", "lost", "here")
LOADED = (local, lora)
"""What workers import, there before the first of them is forked."""
ROWS = 40


def work(folder: str) -> None:
    """What a worker does."""
    worker.main(Path(folder))


class Forked:
    """A launcher whose workers come from a process that has loaded torch already, and are done before it returns."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def launch(self, folder: Path) -> None:
        assert self._host.run("work", str(folder)) == 0

    def kill(self, folder: Path) -> None:
        raise AssertionError(f"{folder} has no worker to kill")


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, dict[str, Any]]:
    """The exit code, what was said, and what was written as JSON."""
    place = tmp_path_factory.mktemp("demo")
    drawn = random.Random(0)
    lines = [f"Where is {content.digest(str(number))}?,{drawn.choice(LABELS)}" for number in range(ROWS)]
    (place / "parcels.csv").write_text("\n".join(["text,category", *lines, "Where is what nobody wants?,other"]))
    model = tiny.model(place / "tiny")
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch, Host(__name__) as host:
        patch.setenv("COUNTERSIGN_DATA", str(place / "data"))
        patch.setattr(demo_steps, "LocalLauncher", lambda: Forked(host))
        patch.setattr(__main__, "_say", said.append)
        asked = ["demo", "--data", str(place / "parcels.csv"), "--input", "text", "--reference", "category"]
        more = ["--labels", ",".join(LABELS), "--model", str(model), "--seed", "7", "--json", str(place / "out.json")]
        code = __main__.main(asked + more)
    return code, "\n".join(said), json.loads((place / "out.json").read_text())


def test_it_ends_well_and_says_ladder_training_and_verdict(walked):
    code, said, made = walked
    assert code == 0
    for part in ("Ladder on the dev samples", "Rated ", "Training: ", "gate samples nobody has seen", "Wall time"):
        assert part in said
    assert made["verdict"]["sentence"] in said
    assert made["ladder"]["sentence"] in said


def test_the_ladder_has_four_rungs_each_with_interval_and_n(walked):
    _, _, made = walked
    rates = [row for row in made["ladder"]["table"] if row["metric"] == "correct"]
    assert [row["rung"] for row in rates] == ["A", "B", "C", "D"]
    assert {row["n"] for row in rates} == {made["splits"]["dev"]}
    assert all(row["low"] - 1e-9 <= row["value"] <= row["high"] + 1e-9 for row in rates)
    assert all(row["high"] - row["low"] > 0.2 for row in rates)  # so few samples leave much open
    assert made["ladder"]["best"] in "ABCD"


def test_every_sample_of_the_file_is_in_one_split_and_wrong_answers_were_corrected(walked):
    _, _, made = walked
    assert sum(made["splits"].values()) == ROWS  # the label that was not asked for is left out
    rated = made["approved"]
    assert rated["passed"] + rated["corrected"] == made["splits"]["train"]
    assert 0 < made["training"]["rows"] <= rated["approved"] <= made["splits"]["train"]
    assert made["training"]["seed"] == 7


def test_before_and_after_are_paired_on_the_gate_and_on_the_general_questions(walked):
    _, _, made = walked
    assert made["gate"]["n"] == made["splits"]["gate"] == sum(made["gate"]["flips"].values())
    assert made["retain"]["n"] == 100 == sum(made["retain"]["flips"].values())  # those that are shipped
    for compared in (made["gate"], made["retain"]):
        assert compared["low"] <= compared["gain"] <= compared["high"]
        assert abs(compared["after"] - compared["before"] - compared["gain"]) < 1e-9
    assert made["audit_intact"] is True
    assert made["audit_entries"] > made["splits"]["train"]  # every rating is one
    assert made["seconds"]["all"] >= made["seconds"]["ladder"] > 0


def test_a_spelling_that_no_row_has_is_a_sentence_and_writes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_DATA", str(tmp_path / "data"))
    (tmp_path / "a.csv").write_text("text,category\nWhere is it?,late\n")
    out = tmp_path / "out.json"
    asked = ["demo", "--data", str(tmp_path / "a.csv"), "--input", "text", "--reference", "category"]
    assert __main__.main([*asked, "--labels", "lates", "--json", str(out)]) == 1
    assert "No row of a.csv has one of the references lates." in capsys.readouterr().err
    assert not out.exists()


def test_numbers_that_could_not_be_written_at_the_end_are_refused_at_the_beginning(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_DATA", str(tmp_path / "data"))
    assert __main__.main(["demo", "--json", str(tmp_path / "nowhere" / "out.json")]) == 1
    assert f"There is no folder {tmp_path / 'nowhere'}." in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_second_demo_leaves_the_one_at_work_alone(tmp_path):
    settings = Settings(data=tmp_path / "demo")
    at_work = database.connect(settings)
    command = [sys.executable, "-m", "core", "demo"]
    environment = {**os.environ, "COUNTERSIGN_DATA": str(tmp_path)}
    second = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.startswith("Another Countersign already uses the data folder")
    assert settings.database.exists()
    at_work.close()
