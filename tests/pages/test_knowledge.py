from core.knowledge import indexes

FEES = b"# Late payment\nA late payment costs 15. **bold** ![x](http://evil.example/x.png)"


def test_files_are_added_with_a_result_for_each_and_a_question_finds_them(page, task, conn):
    app = page("evaluation/knowledge.py")
    app.file_uploader[0].set_value([("fees.md", FEES, "text/markdown"), ("bad.pdf", b"x", "application/pdf")]).run()
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
