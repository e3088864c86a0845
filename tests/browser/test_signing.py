"""The release station in a browser, by those whose work it is: planned, rated, decided, released, served, taken back.

Each signs with what shows that it is them: a password, or the company's sign-in anew.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core import verify
from core.access import people, providers, sessions
from core.evaluation import models
from core.release import candidates, plans, production, publishing, releases, sign_offs, signatures
from core.settings import Settings
from core.store import audit, database
from tests import chain, oidc_provider, openai_server
from tests.browser import room
from tests.browser.conftest import running
from tests.core.release.conftest import OTHERS, PASSWORD, House
from tests.core.release.test_releases import move
from tests.core.release.test_serving import ask, served

PROVES = chain.shares(A=0.25, B=0.25, before=1.0, after=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A release that answers in production, and a better prompt whose answers are in and whose plan nobody signed."""

    settings: Settings
    model: str
    key: str
    mina: str
    """Mina's session. She holds every role, and asks for the sign-off."""

    def answer(self, url: str) -> str:
        """What production says to a business system."""
        status, text = ask(url, key=self.key, model=self.model)
        assert status == 200, text
        return str(json.loads(text)["choices"][0]["message"]["content"])


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """Max has typed nine wrong passwords two minutes ago."""
    settings = Settings(data=tmp_path / "data")
    with openai_server.serve(answer=lambda body: f"by “{body['messages'][0]['content']}”") as endpoint:
        connection = database.connect(settings)
        conn = connection.cursor()
        mina = people.create_first(conn, name="Mina", password=PASSWORD)
        others = {
            name: people.create(conn, name=name.title(), password=PASSWORD, roles_held=[role], by=mina)
            for name, role in OTHERS.items()
        }
        world = chain.small(conn, settings, mina, dev=2, train=2, gate=40, retain=40)
        far = models.register_api(conn, by=mina, name="Far", base_url=endpoint.base_url, api_model="tiny")
        house, rungs = House(world=world, mina=mina, **others), dict(world.ladder.rungs)

        def put_up(rung: str, before: models.Model, after: str) -> str:
            sides = {"before": (rungs[rung], before), "after": (rungs[after], far)}
            trial_id = candidates.propose(conn, by=mina, eval_set=world.eval_set, rung=rung, **sides)
            chain.work(world, PROVES)
            return trial_id

        sign_off_id = house.put_up(put_up("A", world.base, after="B"))
        house.sign(sign_off_id, house.ann)
        move(house, sign_off_id, house.ann)
        put_up("B", far, after="A")
        wrong = {"person_id": "max", "tried_at": database.now() - timedelta(minutes=2), "succeeded": False}
        database.insert(conn, "sign_in_attempts", [wrong] * 9)
        model = f"{publishing.slug(world.task.name, world.task.task_id)}@production"
        key = production.make_key(conn, settings, "Till", by=mina)
        token = sessions.start(conn, mina)
        connection.close()
        yield Station(settings=settings, model=model, key=key, mina=token)


def sign_in(page: Page, password: str) -> None:
    page.locator("input[name=name]").fill("Max")
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in"))


def window(page: Page, url: str, token: str) -> Page:
    """Another person's browser, signed in."""
    context = page.context.browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.add_cookies([{"name": sessions.COOKIE, "value": token, "url": url}])
    opened = context.new_page()
    opened.set_default_timeout(180_000)
    return opened


def choose_approve(page: Page) -> None:
    page.get_by_test_id("stMain").get_by_text("Approve", exact=True).click()
    reason(page).wait_for()


def reason(within: Page | Locator) -> Locator:
    return within.get_by_role("textbox", name="Reason").first


def password(within: Page | Locator) -> Locator:
    return within.locator("input[type=password]").first


def press(within: Page | Locator, name: str) -> None:
    within.get_by_role("button", name=re.compile(f"{name}$")).last.click()


def folded(page: Page, title: str) -> Locator:
    """The first part of the page that unfolds under that title, unfolded."""
    part = page.get_by_test_id("stExpander").filter(has_text=title).first
    part.get_by_text(title).first.click()
    reason(part).wait_for()
    return part


def test_plan_decision_release_and_way_back_by_those_whose_work_it_is(page, station, tmp_path, monkeypatch) -> None:
    secrets = tmp_path / "secrets.toml"
    monkeypatch.setenv("COUNTERSIGN_SECRETS", str(secrets))
    monkeypatch.setenv("STREAMLIT_SECRETS_FILES", str(secrets))  # so that Streamlit's own sign-in is set up, too
    page.set_default_timeout(180_000)
    with oidc_provider.running() as acme, running(station.settings.data) as link, served(station.settings) as till:
        url = link.rstrip("/")
        acme.users = {"zoe-1": {"name": "Zoe Park", "groups": ["leads"]}, "eve-2": {"name": "Eve", "groups": []}}
        ours = '[oidc]\nlabel = "Acme SSO"\n[oidc.roles]\napprover = ["leads"]\n'
        secrets.write_text(acme.streamlit_settings(url + providers.CALLBACK, "acme", ours))

        # the tenth wrong password locks the manager's account, for the right one too, until an admin unlocks it
        page.goto(f"{url}/sign-in?next=/sign_off")
        sign_in(page, "not my password")
        page.get_by_text("do not belong together").wait_for()
        sign_in(page, PASSWORD)
        page.get_by_text("this name is locked for another").wait_for()
        mina = window(page, url, station.mina)
        mina.goto(f"{url}/people")
        mina.get_by_text("Locked after 10 wrong passwords in a row").wait_for()
        mina.get_by_role("button", name="Unlock Max").click()
        mina.get_by_text("The account is unlocked").wait_for()
        sign_in(page, PASSWORD)

        # the manager agrees on what has to be shown; nothing of the result is there before
        page.get_by_text("The results stay hidden until somebody has signed this").wait_for()
        hidden = page.get_by_test_id("stMain").inner_text()
        assert not [word for word in ("95% interval", "points,") if word in hidden]
        labels = page.get_by_role("spinbutton", name="Samples judged by people on both versions")
        labels.fill("2")
        labels.press("Enter")
        reason(page).fill("Agreed with the desk.")
        password(page).fill(PASSWORD)
        press(page, "Sign the plan")
        page.get_by_text("The plan is signed.").wait_for()

        # the operator has both versions judged blind, and puts it up
        mina.goto(f"{url}/sign_off")
        mina.get_by_role("button", name="Put 2 samples of both versions up for blind rating").click()
        mina.get_by_text("Experts find them under Review, Rate.").wait_for()
        mina.get_by_text("answers to judge blind").wait_for()
        mina.goto(f"{url}/rate")
        mina.locator(".output").wait_for()
        for count in range(1, 5):
            room.press(mina, "p")
            room.rated(mina, count)
        room.saved(mina)
        mina.goto(f"{url}/sign_off")
        mina.get_by_text("The gate is passed").wait_for()
        mina.get_by_role("textbox", name="What it may be used for").fill("Sorting parcels")
        press(mina, "Put it up for sign-off")
        mina.get_by_text("An approver who was not involved can sign now.").wait_for()

        # the manager: a wrong password signs nothing, and what was typed is not lost
        page.goto(f"{url}/sign_off")
        choose_approve(page)
        reason(page).fill("The desk has waited for this.")
        password(page).fill("not my password")
        press(page, "Sign")
        page.get_by_text("This is not your password. Type it again.").wait_for()
        expect(reason(page)).to_have_value("The desk has waited for this.")
        password(page).fill(PASSWORD)
        press(page, "Sign")
        page.get_by_text("Signed. A second signature is needed before it counts.").wait_for()

        # the approver, at the operator's desk: the company's account, and a new sign-in there for this one form
        sign_out(mina)
        zoe = mina
        zoe.goto(f"{url}/sign-in?next=/sign_off")
        zoe.get_by_role("link", name="Sign in with Acme SSO").click()
        zoe.get_by_role("link", name="zoe-1").click()
        zoe.get_by_test_id("stSidebar").get_by_text("Signed in as Zoe Park").wait_for()
        choose_approve(zoe)
        reason(zoe).fill("Better, and nothing broke.")
        press(zoe, "Sign")
        zoe.get_by_text("Show first that it is you").wait_for()
        with zoe.context.expect_page() as opening:
            zoe.get_by_role("link", name="Show that it is me").click()
        opening.value.get_by_role("link", name="zoe-1").click()
        opening.value.get_by_text("You have shown that it is you").wait_for()
        opening.value.close()
        press(zoe, "Sign")
        zoe.get_by_text("Sign-off 2: approved").wait_for()
        assert acme.asked[-1]["prompt"] == "login"
        assert not [one["name"] for one in zoe.context.cookies() if one["name"].startswith("_streamlit_user")]

        # the certificate says who decided and why
        with zoe.expect_download() as downloading:
            zoe.get_by_role("button", name="Certificate (HTML)").click()
        certificate = Path(downloading.value.path()).read_text("utf-8")
        for said in ("Zoe Park", "Better, and nothing broke.", "Max", "The desk has waited for this."):
            assert said in certificate

        # the manager releases it, and what business systems are told changes with the next question
        assert station.answer(till) == "by “Sort.”"
        page.goto(f"{url}/releases")
        form = folded(page, "Release an approved sign-off")
        reason(form).fill("From Monday on.")
        password(form).fill(PASSWORD)
        press(form, "Release")
        page.get_by_text(re.compile("Release 2, since")).first.wait_for()
        assert station.answer(till) == "by “Answer.”"

        # and takes it back
        form = folded(page, "Roll back")
        reason(form).fill("Wrong amounts since noon.")
        password(form).fill(PASSWORD)
        press(form, "Roll back")
        page.get_by_text("Rolled back. The served answers change with the next question.").wait_for()
        page.get_by_text(re.compile("Release 1, since")).first.wait_for()
        assert station.answer(till) == "by “Sort.”"

        # the trail says so in words, and goes along as a file that anybody can verify
        page.goto(f"{url}/audit")
        page.get_by_text("The chain is intact").wait_for()
        with page.expect_download() as downloading:
            page.get_by_role("link", name="Download all as JSONL").click()
        with Path(downloading.value.path()).open(encoding="utf-8") as lines:
            assert verify.verify(lines)[2] == ""

    connection = database.connect(station.settings)
    conn = connection.cursor()
    (task_id,) = conn.execute("select task_id from releases").fetchone()
    case = sign_offs.of_task(conn, task_id)[0]
    assert plans.current(conn, case.trial_id)["terms"].labels == 2
    signed = signatures.of(conn, "sign_off", case.sign_off_id)
    assert [(one["printed_name"], one["meaning"]) for one in signed] == [("Max", "approved"), ("Zoe Park", "approved")]
    moves = [(one["kind"], one["number"], one["reason"]) for one in releases.moves(conn, task_id)]
    assert moves[:2] == [("rolled_back", 1, "Wrong amounts since noon."), ("released", 2, "From Monday on.")]
    acts = [act for (act,) in conn.execute("select act from audit_events order by seq").fetchall()]
    assert [act for act in acts if act.endswith("locked")] == ["person.locked", "person.unlocked"]
    assert audit.first_bad_entry(conn) is None
    connection.close()
