import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.evaluation import models, terms
from core.evaluation.terms import Terms
from core.jobs import jobs
from tests import openai_server


def model_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_text(json.dumps({"name": name}))
    return folder


def choose(app, way):
    return app.button_group(key="models.way").set_value(way).run()


def test_fetching_the_starter_model_queues_one_job(page, task, conn):
    app = page("evaluation/models.py")
    app.button(key="models.fetch").click().run()
    assert [(job.kind, job.state) for job in jobs.everything(conn)] == [("fetch", "queued")]
    assert "models.fetch" not in {button.key for button in app.button}


@pytest.mark.parametrize(("path", "says"), [("", "Say which folder"), ("/nowhere/at/all", "no config")])
def test_a_bad_folder_gives_a_sentence_and_registers_nothing(page, task, conn, path, says):
    app = choose(page("evaluation/models.py"), "folder")
    app.text_input(key="models.folder.0.path").set_value(path)
    app.button(key="models.folder.0.add").click().run()
    assert says in app.error[0].value
    assert models.everything(conn) == []


def test_a_folder_without_a_tokenizer_gives_a_sentence(page, task, conn, tmp_path):
    folder = model_folder(tmp_path / "mine")
    (folder / "tokenizer.json").unlink()
    app = choose(page("evaluation/models.py"), "folder")
    app.text_input(key="models.folder.0.path").set_value(str(folder))
    app.button(key="models.folder.0.add").click().run()
    assert "has no tokenizer" in app.error[0].value


def test_a_folder_among_the_models_is_offered_and_added_with_one_click(page, task, conn, tmp_path):
    model_folder(tmp_path / "data" / "models" / "mine")
    app = choose(page("evaluation/models.py"), "folder")
    app.button(key="models.found.mine").click().run()
    assert [one.name for one in models.everything(conn)] == ["mine"]
    assert "models.found.mine" not in {button.key for button in app.button}


def test_an_endpoint_is_kept_with_the_name_of_its_key_and_never_a_key(page, task, conn):
    app = choose(page("evaluation/models.py"), "api")
    app.text_input(key="models.api.0.url").set_value("http://127.0.0.1:9/v1")
    app.text_input(key="models.api.0.model").set_value("some-model")
    app.text_input(key="models.api.0.key_env").set_value("sk-not-a-name")
    app.button(key="models.api.0.add").click().run()
    assert "not the key itself" in app.error[0].value
    app.text_input(key="models.api.0.key_env").set_value("SOME_KEY")
    app.button(key="models.api.0.add").click().run()
    assert [(one.kind, one.key_env) for one in models.everything(conn)] == [("api", "SOME_KEY")]


def test_the_connection_test_says_why_an_address_cannot_be_used(page, task, conn):
    app = choose(page("evaluation/models.py"), "api")
    app.text_input(key="models.api.0.url").set_value("ftp://example")
    app.button(key="models.api.0.test").click().run()
    assert "has to start with http" in app.error[0].value.replace("\\", "")
    assert models.everything(conn) == []


def test_prices_and_limits_of_an_endpoint_are_kept_and_its_connection_is_tested(page, task, conn, mina):
    with openai_server.serve() as server:
        model = models.register_api(conn, by=mina, name="Echo", base_url=server.base_url, api_model="tiny")
        app = AppTest.from_function(card, kwargs={"model_id": model.model_id}, default_timeout=30).run()
        key = f"models.terms.{model.model_id}"
        app.number_input(key=f"{key}.prompt").set_value(0.5)
        app.number_input(key=f"{key}.answer").set_value(1.5)
        app.number_input(key=f"{key}.at_once").set_value(4)
        app.number_input(key=f"{key}.deadline").set_value(300.0)
        app.button(key=f"{key}.save").click().run()
        agreed = Terms(price_prompt=0.5, price_completion=1.5, concurrency=4, deadline_s=300.0)
        assert terms.of(conn, model.model_id) == agreed
        app.button(key=f"models.test.{model.model_id}").click().run()
        assert app.success[0].value == "The server answers."
        reach = f"models.reach.{model.model_id}"
        app.text_input(key=f"{reach}.key_env").set_value("SOME_KEY")
        app.button(key=f"{reach}.save").click().run()
        assert models.find(conn, model.model_id).key_env == "SOME_KEY"
        app.text_input(key=f"{reach}.key_env").set_value("")
        app.button(key=f"{reach}.save").click().run()
        assert models.find(conn, model.model_id).key_env is None
        app.text_input(key=f"{reach}.model").set_value("larger")
        app.button(key=f"{reach}.save").click().run()
        assert [(one.api_model, terms.of(conn, one.model_id)) for one in models.everything(conn)] == [
            ("tiny", agreed), ("larger", agreed)
        ]  # fmt: skip
        server.models = ("other",)
        app.button(key=f"models.test.{model.model_id}").click().run()
        assert "It has: other" in app.error[0].value


def card(model_id):
    """A table's row cannot be ticked in a test, so the card is shown alone."""
    from core.evaluation import models
    from pages._ui import session
    from pages.evaluation import _model_card

    _model_card.show(models.find(session.conn(), model_id))


def test_a_name_on_a_hub_queues_its_fetching_with_its_place_in_the_queue(page, task, conn):
    app = choose(page("evaluation/models.py"), "hub")
    app.text_input(key="models.hub.0.repo").set_value("no name")
    app.button(key="models.hub.0.fetch").click().run()
    assert "no name on a hub" in app.error[0].value
    app.text_input(key="models.hub.0.repo").set_value("team/small")
    app.button(key="models.hub.0.fetch").click().run()
    [job] = jobs.everything(conn)
    assert (job.kind, job.state, job.spec["repo"]) == ("fetch", "queued", "team/small")
    assert not app.exception
    assert app.get("progress")[0].proto.text == "next in the queue"


def test_a_model_is_retired_on_its_card_and_brought_back_below_the_list(page, task, conn, mina):
    model = models.register_api(conn, by=mina, name="Mine", base_url="http://127.0.0.1:9/v1", api_model="m")
    app = AppTest.from_function(card, kwargs={"model_id": model.model_id}, default_timeout=30).run()
    app.button(key=f"models.retire.{model.model_id}").click().run()
    assert models.offered(conn) == []
    app = page("evaluation/models.py")
    assert "There is no model yet" in app.info[0].value
    app.button(key=f"models.restore.{model.model_id}").click().run()
    assert [one.model_id for one in models.offered(conn)] == [model.model_id]
    assert "is offered again" in app.success[0].value
