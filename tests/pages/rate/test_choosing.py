"""Which of several queues the rating page opens."""

from datetime import date

from streamlit.testing.v1 import AppTest

from core.evaluation import runs
from core.review import queues
from core.review.queues import Terms
from tests.pages.rate.conftest import RATE


def test_the_overview_opens_the_very_queue_it_names_and_the_page_alone_the_one_that_is_due_first(
    page, world, queue_id, mina
):
    run = runs.latest(world.conn, world.task.task_id, "collect")
    made = {}
    for name, due in (("Later", date(2099, 2, 1)), ("Sooner", date(2099, 1, 1)), ("Whenever", None)):
        made[name] = queues.create(
            world.conn,
            by=mina,
            task_id=world.task.task_id,
            run_ids=[run["run_id"]],
            terms=Terms(name=name, deadline=due),
        )
    assert page(RATE).selectbox(key="rate.queue").value == made["Sooner"]
    links = {link.proto.label: link.proto.query_string for link in page("home/overview.py").get("page_link")}
    named = {name: said for label, said in links.items() for name in made if name in label}
    assert named == {name: f"queue={one}" for name, one in made.items()}
    app = AppTest.from_file("../../../pages/_ui/main.py", default_timeout=30).run()
    app.query_params["queue"] = made["Whenever"]
    app.switch_page(f"../{RATE}").run()
    assert app.selectbox(key="rate.queue").value == made["Whenever"]
