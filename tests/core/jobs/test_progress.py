"""What is told of a job while it runs: how much is done, and how long the rest will take."""

import json

from core.jobs import progress


def told(folder, *events):
    lines = [json.dumps({"at": f"2026-01-01T00:00:{second:02}+00:00"} | event) for second, event in events]
    (folder / "events.jsonl").write_text("\n".join(lines) + "\n")
    return progress.read(folder)


def counted(done, total=50):
    return {"event": "progress", "done": done, "total": total}


def test_the_time_left_goes_by_the_pace_since_the_first_count(tmp_path):
    now = told(tmp_path, (0, {"event": "started"}), (1, counted(10)), (3, counted(20)), (5, counted(30)))
    assert (now.done, now.total, now.share) == (30, 50, 0.6)
    assert now.left_s == 4.0  # 20 of them in 4 seconds, and 20 are left


def test_without_a_pace_no_time_is_named(tmp_path):
    assert told(tmp_path, (0, {"event": "started"})).left_s is None
    assert told(tmp_path, (0, {"event": "started"}), (1, counted(10))).left_s is None
    assert told(tmp_path, (1, counted(10)), (9, counted(10))).left_s is None


def test_after_a_resume_the_pace_is_the_new_workers(tmp_path):
    now = told(
        tmp_path, (0, counted(0)), (40, counted(10)), (50, {"event": "started"}), (51, counted(10)), (53, counted(30))
    )
    assert now.left_s == 2.0
