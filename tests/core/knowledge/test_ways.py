"""Knowledge bases that are searched by meaning or by both: what they find, ask for, keep, and do not leave behind."""

import os
import signal
import threading

import numpy as np
import pytest

from core.errors import Refusal
from core.generation import embedding
from core.jobs import folder as job_folder
from core.jobs import jobs, supervisor
from core.jobs.launchers import LocalLauncher
from core.knowledge import dense, embedders, indexes, searching, vectors, ways, work
from core.knowledge.embedders import Embedder
from core.store import database
from tests import inline
from tests.openai_server import bag, embeddings, error, returns, serve

FILES = [
    ("fees.md", b"# Late payment\nPaying late costs 15.\n\n# Cancelling\nPlans can be cancelled within 7 days."),
    ("规则.md", "# 挂失\n卡片遗失后应立即挂失，补卡需要五个工作日。".encode()),
]


@pytest.fixture(scope="module")
def running():
    with serve() as server:
        yield server


@pytest.fixture
def server(running):
    running.embedded.clear()
    running.faults.clear()
    embedders._known.clear()
    return running


@pytest.fixture
def embedder(server):
    return Embedder(base_url=server.base_url, model="tiny")


@pytest.fixture
def base(conn, mina, task):
    indexes.add(conn, by=mina, task_id=task, files=FILES)
    return indexes.newest(conn, task)


def chosen(conn, settings, mina, task, method, embedder):
    """The version once its vectors are there; the one before, where they cannot be had."""
    ways.choose(conn, by=mina, task_id=task, method=method, embedder=embedder)
    inline.drain(settings, conn)
    return indexes.newest(conn, task)


def found(conn, settings, index, question, k=3):
    return [(passage.section, score) for passage, score in indexes.search(conn, settings, index, question, k)]


def test_by_meaning_the_nearest_vector_comes_first_with_its_cosine(conn, settings, mina, task, base, embedder):
    index = chosen(conn, settings, mina, task, "dense", embedder)
    assert (index.method, index.number, index.documents) == ("dense", base.number + 1, base.documents)
    # “payments” shares no word with a passage once stems are taken away from it, but most of its letters
    question = "lateness of payment"
    hits = found(conn, settings, index, question)
    assert hits[0][0] == "Late payment"
    assert len(hits) == 3
    one, other = np.array(bag(question)), np.array(bag("Late payment\nPaying late costs 15."))
    assert hits[0][1] == pytest.approx(one @ other / np.linalg.norm(one) / np.linalg.norm(other), abs=1e-5)
    assert found(conn, settings, index, "卡片遗失怎么办")[0][0] == "挂失"


def test_two_lists_are_joined_by_their_places():
    words, meaning = [(7, 9.0), (3, 5.0)], [(3, 0.9), (5, 0.8), (7, 0.1)]
    joined = dense.fused([words, meaning], 3)
    assert [place for place, _ in joined] == [3, 7, 5]
    assert [score for _, score in joined] == pytest.approx([1 / 62 + 1 / 61, 1 / 61 + 1 / 63, 1 / 62])


def test_by_both_what_either_finds_is_found(conn, settings, mina, task, base, embedder):
    index = chosen(conn, settings, mina, task, "hybrid", embedder)
    hits = found(conn, settings, index, "When can plans be cancelled?")
    assert hits[0] == ("Cancelling", pytest.approx(2 / 61))
    assert len(hits) == 3


def test_only_what_is_new_is_asked_for_and_questions_once(conn, settings, mina, task, base, embedder, server):
    first = chosen(conn, settings, mina, task, "dense", embedder)
    assert [len(texts) for texts in server.embedded] == [3]
    again = chosen(conn, settings, mina, task, "dense", embedder)
    hybrid = chosen(conn, settings, mina, task, "hybrid", embedder)
    assert len(server.embedded) == 1
    assert again.index_id == first.index_id != hybrid.index_id
    assert again.vectors == hybrid.vectors
    indexes.add(conn, by=mina, task_id=task, files=[("fees.md", FILES[0][1] + b"\n\n# New\nMore.")])
    assert indexes.newest(conn, task) == hybrid, "until the vectors are there, the version before is searched"
    inline.drain(settings, conn)
    assert ways.waiting(conn, task) is None
    assert server.embedded[1:] == [["New\nMore."]]
    changed = indexes.newest(conn, task)
    assert (changed.method, changed.embedder) == ("hybrid", embedder)
    assert changed.vectors != hybrid.vectors
    indexes.bring_back(conn, first, by=mina)
    assert indexes.newest(conn, task).index_id == first.index_id
    for _ in range(2):
        indexes.search_all(conn, settings, changed, ["a question", "another", "a question"], 2)
    assert server.embedded[2:] == [["a question", "another"]]
    assert database.count(conn, "vectors") == 4


def test_a_folder_says_itself_how_it_is_searched_and_is_built_anew_alike(conn, settings, mina, task, base, embedder):
    index = chosen(conn, settings, mina, task, "hybrid", embedder)
    before = searching.search(indexes.folder(conn, settings, index), "plans", 3)
    elsewhere = settings.data / "bundle"
    indexes.folder(conn, settings, index).rename(elsewhere)
    assert searching.search(elsewhere, "plans", 3) == before
    assert indexes.folder(conn, settings, index).exists()
    there, anew = (np.load(folder / "vectors.npy") for folder in (elsewhere, indexes.folder(conn, settings, index)))
    assert (there == anew).all()
    assert index.vectors == vectors.digest(anew)


@pytest.mark.parametrize("bad", [error(503, "down"), error(401, "no"), embeddings([[1.0]]), embeddings(["x"] * 3)])
def test_an_endpoint_that_fails_leaves_no_version_half_made_and_is_asked_again_later(
    conn, settings, mina, task, base, embedder, server, bad
):
    server.faults["embeddings"] = [returns(bad)] * embedding.TRIES
    assert chosen(conn, settings, mina, task, "dense", embedder) == base
    (job,) = (one for one in jobs.everything(conn, task) if one.job_id == ways.waiting(conn, task))
    assert (job.state, database.count(conn, "vectors")) == ("failed", 0)
    assert "127.0.0.1" in str(job.message_values)
    server.faults.clear()
    jobs.resume(conn, settings, job.job_id, by=mina)
    inline.drain(settings, conn)
    index = indexes.newest(conn, task)
    assert (index.method, ways.waiting(conn, task)) == ("dense", None)
    server.faults["embeddings"] = [returns(bad)] * embedding.TRIES
    indexes.add(conn, by=mina, task_id=task, files=[(f"{name}.txt", name.encode()) for name in ("one", "two", "three")])
    inline.drain(settings, conn)
    assert indexes.newest(conn, task) == index
    server.faults.clear()
    indexes.add(conn, by=mina, task_id=task, files=[("four.txt", b"four")])
    inline.drain(settings, conn)
    assert len(indexes.newest(conn, task).documents) == 3, "what failed waits to be resumed, and holds nothing else up"


def lots(settings, job_id):
    folder = jobs.folder_of(settings, job_id)
    return [[row["text_id"] for row in job_folder.read_lines(shard)] for shard in job_folder.shards(folder)]


def test_stopped_or_killed_a_job_asks_only_for_what_is_missing(
    conn, settings, mina, task, embedder, server, monkeypatch
):
    monkeypatch.setattr(work, "LOT", 2)
    files = [(f"{number}.md", f"# 第{number}条\n逾期第{number}天的费用。".encode()) for number in range(6)]
    indexes.add(conn, by=mina, task_id=task, files=files)
    base = indexes.newest(conn, task)
    assert indexes.search(conn, settings, base, "逾期费用", 3), "by words it is searched at once"
    job_id = ways.choose(conn, by=mina, task_id=task, method="hybrid", embedder=embedder)
    folder = jobs.folder_of(settings, job_id)

    def stopping(text):
        if len(server.embedded) == 2:
            job_folder.ask_to_stop(folder)
        return bag(text)

    server.embed = stopping
    try:
        inline.drain(settings, conn)
    finally:
        server.embed = bag
    assert (jobs.find(conn, job_id).state, ways.waiting(conn, task)) == ("stopped", job_id)
    assert (database.count(conn, "vectors"), indexes.newest(conn, task)) == (4, base)
    # a real worker now, killed while the endpoint holds its call: nothing of its lot is on file
    held, killed = threading.Event(), threading.Event()

    def dying(text):
        held.set()
        killed.wait(60)
        return bag(text)

    server.embed = dying
    jobs.resume(conn, settings, job_id, by=mina)
    launcher = LocalLauncher()
    supervisor.step(settings, conn, launcher)
    try:
        assert held.wait(120)
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
        while job_folder.alive(folder):
            pass
    finally:
        server.embed = bag
        killed.set()
    before = [text for texts in server.embedded[:2] for text in texts]
    inline.drain(settings, conn)
    asked = [text for texts in server.embedded for text in texts]
    assert len(set(before)) == 4
    assert set(asked[-2:]).isdisjoint(before)
    assert {len(one) for one in lots(settings, job_id)} == {2}
    index = indexes.newest(conn, task)
    assert (index.method, index.number) == ("hybrid", base.number + 1)
    assert found(conn, settings, index, "第3条逾期多少钱", 6)[0][0] == "第3条"
    assert database.count(conn, "vectors") == 6


def test_documents_that_come_while_vectors_are_asked_for_are_in_the_version_that_follows(
    conn, settings, mina, task, base, embedder, server
):
    ways.choose(conn, by=mina, task_id=task, method="dense", embedder=embedder)
    indexes.add(conn, by=mina, task_id=task, files=[("more.txt", "年费减免条件".encode())])
    assert indexes.newest(conn, task).method == "bm25", "without vectors a version is there at once"
    inline.drain(settings, conn)
    index = indexes.newest(conn, task)
    assert (index.method, len(index.documents)) == ("dense", 3)
    assert [len(texts) for texts in server.embedded] == [3, 1], "a second job asks for what came meanwhile"


def test_another_model_under_the_same_name_is_noticed(conn, settings, mina, task, base, embedder, server):
    index = chosen(conn, settings, mina, task, "dense", embedder)
    server.embed = lambda text: bag(text, 64)
    try:
        indexes.add(conn, by=mina, task_id=task, files=[("more.txt", b"More words.")])
        inline.drain(settings, conn)
        job = jobs.find(conn, ways.waiting(conn, task))
        assert (job.message_values["now"], job.message_values["before"]) == ("64", "256")
        assert indexes.newest(conn, task) == index
        with pytest.raises(Refusal, match="64 numbers, those of the index have 256"):
            indexes.search(conn, settings, index, "never asked before", 1)
    finally:
        server.embed = bag


def test_without_documents_or_a_model_there_is_nothing_to_search(conn, mina, task, base):
    with pytest.raises(Refusal, match="no documents"):
        ways.choose(conn, by=mina, task_id="other", method="bm25")
    with pytest.raises(Refusal, match="needs a model for embeddings"):
        ways.choose(conn, by=mina, task_id=task, method="dense")
    with pytest.raises(Refusal, match="not the key itself"):
        embedders.endpoint("http://127.0.0.1:9/v1", "tiny", "sk-123")
    ways.choose(conn, by=mina, task_id=task, method="bm25")
    assert indexes.newest(conn, task).index_id == base.index_id
