"""An answer gets the room that a right one needs."""

import json

from core.evaluation import decodings, demo_task, eval_sets, tasks
from core.intake.importing import Row
from core.settings import SAMPLES


def test_every_shipped_reference_fits_in_the_room_of_its_set(conn, mina):
    task = demo_task.create(conn, by=mina)
    sets = {one.name: one for one in eval_sets.of_task(conn, task.task_id)}
    triage = decodings.of_sets(conn, [sets[demo_task.TRIAGE]]).max_new_tokens
    longest = max(
        len(json.dumps(json.loads(line)["reference"]))
        for line in (SAMPLES / "card_triage.en.jsonl").read_text("utf-8").splitlines()
    )
    assert longest / 2.5 <= triage <= 45  # the longest note has 77 letters and about 28 tokens
    assert decodings.of_sets(conn, [sets[demo_task.GENERAL]]).max_new_tokens >= 32
    assert decodings.of_sets(conn, list(sets.values())).max_new_tokens == max(
        decodings.of_sets(conn, [one]).max_new_tokens for one in sets.values()
    )


def test_where_no_reference_tells_how_long_a_right_answer_is_it_is_not_cut_at_a_sentence(conn, mina):
    task = tasks.create(conn, by=mina, name={"en": "Replies"}, description={"en": ""})
    rows = [
        Row(key=text, input=text, context="", reference="", kind="practice", pair="", group_id=text, split="dev",
            critical=False, tags=(), line=number)
        for number, text in enumerate(("Where is it?", "Who pays?"))
    ]  # fmt: skip
    replies = eval_sets.save(conn, by=mina, task_id=task.task_id, name="Replies", rows=rows, scorer="chrf")
    assert decodings.of_sets(conn, [replies]).max_new_tokens == decodings.UNTOLD == 512


def test_chinese_takes_a_token_a_byte_at_worst():
    assert decodings.tokens("会签") == 6
    assert decodings.tokens("abcde") == 2
