import re

from core.evaluation import models, questions
from core.jobs import jobs
from core.knowledge import indexes
from pages._ui import session
from tests import inline
from tests.core.knowledge.test_hostile import DOCUMENTS, QUESTION
from tests.openai_server import serve

FEES = b"# Late payment\nA late payment costs 15. **bold** ![x](http://evil.example/x.png)"


def test_files_are_added_with_a_result_for_each_and_a_question_finds_them(page, task, conn):
    app = page("evaluation/knowledge.py")
    app.file_uploader[0].set_value([("fees.md", FEES, "text/markdown"), ("bad.pdf", b"x", "application/pdf")]).run()
    before = indexes.newest(conn, task)
    app.button(key="knowledge.upload.0.look").click().run()
    assert any("fees" in one.value and "not kept yet" in one.value for one in app.info)
    assert "damaged" in app.error[0].value
    assert app.code[0].value == "A late payment costs 15. **bold** ![x](http://evil.example/x.png)"
    assert indexes.newest(conn, task) == before, "looking keeps nothing"
    app.button(key="knowledge.upload.0.add").click().run()
    assert not app.exception
    assert any("fees" in one.value and "1 passages" in one.value for one in app.success)
    assert "damaged" in app.error[0].value
    app.text_input(key="knowledge.question").set_value("evil example").run()
    assert "![x](http://evil.example/x.png)" in app.code[0].value
    assert not any("evil" in one.value for one in app.markdown)


def test_a_document_is_taken_out_and_the_version_brought_back(page, task, conn, mina):
    files = [("fees.md", FEES), ("more.txt", b"More words.")]
    indexes.add(conn, by=mina, task_id=task, files=files)
    full = indexes.newest(conn, task)
    app = page("evaluation/knowledge.py")
    app.button_group(key="knowledge.view").set_value("documents").run()
    next(button for button in app.button if button.key.startswith("knowledge.remove.")).click().run()
    assert len(indexes.newest(conn, task).documents) == len(full.documents) - 1
    app.button_group(key="knowledge.view").set_value("versions").run()
    app.selectbox(key=f"knowledge.earlier.{full.number + 1}").set_value(full.number).run()
    app.button(key="knowledge.bring_back").click().run()
    assert indexes.newest(conn, task).index_id == full.index_id


def test_no_hostile_document_is_more_than_text_on_the_page(page, task, conn, mina):
    files = [(f"{name}.txt", text.encode()) for name, text in DOCUMENTS.items()]
    files += [("<img src=x onerror=alert(1)>![a](http://evil.example/a.png).txt", b"late payment")]
    indexes.add(conn, by=mina, task_id=task, files=files)
    app = page("evaluation/knowledge.py")
    app.number_input(key="knowledge.k").set_value(indexes.MOST_SHOWN).run()
    app.text_input(key="knowledge.question").set_value(QUESTION).run()
    found = indexes.search(conn, session.settings(), indexes.newest(conn, task), QUESTION, indexes.MOST_SHOWN)
    assert len(found) >= 20
    assert [one.value for one in app.code] == [passage.text for passage, _ in found]
    assert all(one.language in (None, "plaintext") for one in app.code)
    for view in ("documents", "versions", "search"):
        app.button_group(key="knowledge.view").set_value(view).run()
        assert not app.exception
        said = " ".join(one.value for kind in ("markdown", "caption", "info") for one in app.get(kind))
        assert not re.search(r"(?<!\\)<(img|script|iframe|svg|a )|(?<!\\)!\[", said)
        assert not any("evil" in str(one.proto) or "alert" in str(one.proto) for one in app.get("html"))
        assert not app.get("iframe")


def test_another_way_of_searching_is_a_version_once_its_job_is_done_and_a_silent_endpoint_a_sentence(
    page, task, conn, mina
):
    before = indexes.newest(conn, task)
    app = page("evaluation/knowledge.py")
    app.button_group(key="knowledge.view").set_value("search").run()
    app.selectbox(key=f"knowledge.method.{before.number}").set_value("hybrid").run()
    app.text_input(key=f"knowledge.way.model.{before.number}").set_value("tiny")
    app.text_input(key=f"knowledge.way.url.{before.number}").set_value("http://127.0.0.1:9/v1")
    app.button(key="knowledge.way.make").click().run()
    assert any("Vectors of" in one.value and "waiting" in one.value for one in app.markdown)
    inline.drain(session.settings(), conn)
    app.run()
    assert "cannot be reached" in app.warning[0].value
    assert app.button(key="knowledge.job.resume")
    assert indexes.newest(conn, task) == before
    with serve() as server:
        app.text_input(key=f"knowledge.way.url.{before.number}").set_value(server.base_url)
        app.button(key="knowledge.way.make").click().run()
        assert "until then the one before is searched" in " ".join(one.value for one in app.caption)
        inline.drain(session.settings(), conn)
        app.run()
        assert not app.error
        assert not app.warning
        assert indexes.newest(conn, task).method == "hybrid"
        assert any("hybrid" in one.value for one in app.caption)
        app.button_group(key="knowledge.view").set_value("try").run()
        app.text_input(key="knowledge.question").set_value("How long does a new card take?").run()
        assert "points for its places" in " ".join(one.value for one in app.caption)
        assert len(app.code) == 4
    app.text_input(key="knowledge.question").set_value("Asked when the server is gone").run()
    assert "cannot be reached" in app.error[0].value
    app.button_group(key="knowledge.view").set_value("versions").run()
    assert "by words and meaning (hybrid)" in set(app.dataframe[0].value["Search"])


def test_an_expert_checks_a_question_beside_its_passage_and_it_goes_into_a_draft(page, task, conn, mina):
    model = models.register_api(conn, by=mina, name="Writer", base_url="http://127.0.0.1:9/v1", api_model="t")
    app = page("evaluation/knowledge.py")
    app.button_group(key="knowledge.view").set_value("questions").run()
    app.number_input(key=f"questions.passages.{indexes.newest(conn, task).number}").set_value(2).run()
    app.button(key="questions.ask").click().run()
    (job,) = (one for one in jobs.everything(conn) if one.spec.get("questions"))
    assert job.spec["questions"]["model"] == model.model_id
    said = '{"questions": [{"question": "**How** much?", "answer": "15"}]}'
    rows = [{"sample_id": one, "text": said, "failure": None} for one in job.spec["questions"]["passages"]]
    questions.keep(conn, job, rows)
    app.run()
    first, second = questions.waiting(conn, task, 2)
    assert app.code[0].value == first.passage.text
    app.text_area(key=f"questions.question.{first.question_id}").set_value("How much is it?")
    app.button(key=f"questions.approve.{first.question_id}").click().run()
    app.button(key=f"questions.reject.{second.question_id}").click().run()
    app.button(key="questions.take").click().run()
    assert not app.exception
    assert any("1 questions are in your draft" in one.value for one in app.success)
    assert questions.counts(conn, task) == {"taken": 1, "rejected": 1}
