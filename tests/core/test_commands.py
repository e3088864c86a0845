"""The commands do what the pages do, and their exit code can be relied on."""

import csv
import json

import pytest

from core import __main__
from core.commands import running
from core.evaluation import tasks
from core.knowledge import indexes
from tests import openai_server


@pytest.fixture
def here(tmp_path):
    lines = [
        json.dumps({"id": f"k{n}", "input": f"question {n}", "reference": f"echo: question {n}"}) for n in range(6)
    ]
    (tmp_path / "set.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "plain.txt").write_text("{input}")
    return tmp_path


def run(here, server, *more):
    asked = ["run", "--set", str(here / "set.jsonl"), "--prompt", str(here / "plain.txt"), "--model", "tiny"]
    where = ["--base-url", server.base_url, "--data", str(here / "data"), "--out", str(here / "out.jsonl")]
    return __main__.main([*asked, *where, *more])


def test_a_run_answers_and_scores_everything_and_the_file_can_be_scored_again(here, capsys):
    with openai_server.serve() as server:
        assert run(here, server, "--repeats", "2", "--concurrency", "3") == 0
        assert server.most_at_once <= 3
    rows = [json.loads(line) for line in (here / "out.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == [f"echo: question {n}" for n in range(6) for _ in range(2)]
    assert {row["scores"]["correct"] for row in rows} == {1.0}
    assert __main__.main(["score", "--answers", str(here / "out.jsonl"), "--at-least", "0.9"]) == 0
    said = capsys.readouterr().out
    assert "12 of 12 answers are in, 0 calls failed" in said
    assert "plain on tiny: exact 100.0%" in said
    assert "n=6" in said


def test_a_failed_call_makes_the_exit_code_say_so_and_the_next_run_asks_only_what_is_missing(here, capsys):
    with openai_server.serve() as server:
        server.faults["question 3"] = [openai_server.returns(openai_server.error(400, "no"))]
        server.faults["question 4"] = [openai_server.returns(openai_server.completion("echo", finish="length"))]
        assert run(here, server, "--max-new-tokens", "5") == 3
        said = capsys.readouterr().out
        assert "5 of 6 answers are in, 1 calls failed" in said
        assert "1 of them ended at the limit of tokens and are cut off" in said
        assert {body["max_tokens"] for body in server.seen} == {5}
        assert run(here, server, "--max-new-tokens", "5") == 0
        assert len(server.seen) == 7
    job = capsys.readouterr().out.partition("job ")[2].partition(":")[0]
    exported = ["export", "--job", job, "--out", str(here / "out.csv"), "--data", str(here / "data")]
    assert __main__.main(exported) == 0
    assert (here / "out.csv").read_bytes().startswith(b"\xef\xbb\xbfset,version,key")
    with (here / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        cut = {row["key"]: row["cut"] for row in csv.DictReader(file)}
    assert cut == {f"k{n}": str(n == 4) for n in range(6)}, "a copy is cut where the answer was"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"--set": "nowhere.csv"}, "neither a file nor an eval set"),
        ({"--prompt": "nowhere.txt"}, "There is no file"),
        ({"--base-url": "ftp://x"}, "cannot be used"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_exit_code_1(here, capsys, change, says):
    named = {"--set": str(here / "set.jsonl"), "--prompt": str(here / "plain.txt"), "--model": "m",
             "--base-url": "http://127.0.0.1:9/v1", "--data": str(here / "data")} | change  # fmt: skip
    assert __main__.main(["run", *(word for pair in named.items() for word in pair)]) == 1
    assert says in capsys.readouterr().err


def test_a_run_says_before_what_it_will_cost_keeps_to_its_cap_and_holds_answers_to_a_schema(here, capsys):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    (here / "schema.json").write_text(json.dumps(schema))
    prices = ["--price-prompt", "0", "--price-answer", "500000", "--max-new-tokens", "4"]
    with openai_server.serve() as server:
        # An answer costs 2 at most and 1.5 in fact: after two of them, a third could go above 4.5.
        assert (
            run(here, server, *prices, "--schema", str(here / "schema.json"), "--cap", "4.5", "--concurrency", "1") == 3
        )
        said = capsys.readouterr().out
        assert "6 answers wanted; about 12, at most 12 USD; time not known before tiny has answered once" in said
        assert "2 of 6 answers are in" in said
        assert "spending cap of 4.5 is reached" in said
        assert [body["response_format"]["json_schema"]["schema"] for body in server.seen] == [schema] * 2
        assert run(here, server, "--schema", str(here / "schema.json"), "--max-new-tokens", "4") == 0
        assert "2 of them known and copied; about 6, at most 8 USD; about " in capsys.readouterr().out
    assert run(here, server, "--schema", str(here / "nowhere.json")) == 1


def test_a_run_looks_passages_up_in_the_version_that_is_named(here, capsys):
    (here / "plain.txt").write_text("{passages} {input}")
    with openai_server.serve() as server:
        assert run(here, server) == 0
        _, opened = running.opened(here / "data")
        conn = opened.cursor()
        (task,) = tasks.everything(conn)
        indexes.add(conn, by=running.OPERATOR, task_id=task.task_id, files=[("q.md", b"A question has an answer.")])
        opened.close()
        assert run(here, server, "--index", "newest", "--k", "1") == 0
        assert run(here, server, "--index", "7") == 1
    rows = [json.loads(line) for line in (here / "out.jsonl").read_text().splitlines()]
    assert all("[1] q.md" in row["text"] and "A question has an answer." in row["text"] for row in rows)
    assert "has no version 7" in capsys.readouterr().err
