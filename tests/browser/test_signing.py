"""A manager and an approver decide in a browser: password at the moment of signing, or the company's sign-in anew."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.access import providers
from core.release import releases, sign_offs, signatures
from core.settings import Settings
from core.store import audit, database
from tests import chain, oidc_provider
from tests.browser.conftest import running
from tests.core.release.conftest import PASSES, PASSWORD, entered, prepare


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An open sign-off whose gate is passed, waiting for two people who were not involved."""
    settings = Settings(data=tmp_path / "data")
    prepare(settings)
    with entered(settings) as house:
        chain.train(house.world, PASSES)
        house.put_up(house.trial_id)
    return settings.data


def sign_in(page: Page, url: str, path: str) -> None:
    page.goto(f"{url}/sign-in?next=/{path}")
    page.locator("input[name=name]").fill("Max")
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in"))


def choose_approve(page: Page) -> None:
    page.get_by_test_id("stMain").get_by_text("Approve", exact=True).click()
    reason(page).wait_for()


def reason(page: Page):
    return page.get_by_role("textbox", name="Reason").first


def password(page: Page):
    return page.get_by_test_id("stMain").locator("input[type=password]").first


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile(f"{name}$")).last.click()


def test_a_manager_and_an_approver_sign_and_the_release_moves(page: Page, data: Path, tmp_path, monkeypatch) -> None:
    secrets = tmp_path / "secrets.toml"
    monkeypatch.setenv("COUNTERSIGN_SECRETS", str(secrets))
    page.set_default_timeout(180_000)
    with oidc_provider.running() as acme, running(data) as link:
        url = link.rstrip("/")
        acme.users = {"zoe-1": {"name": "Zoe Park", "groups": ["leads"]}, "eve-2": {"name": "Eve", "groups": []}}
        secrets.write_text(acme.settings(url + providers.CALLBACK, '[oidc.roles]\napprover = ["leads"]\n'))

        # the manager: a wrong password signs nothing, and what was typed is not lost
        sign_in(page, url, "sign_off")
        choose_approve(page)
        reason(page).fill("The desk has waited for this.")
        password(page).fill("not my password")
        press(page, "Sign")
        page.get_by_text("This is not your password. Type it again.").wait_for()
        expect(reason(page)).to_have_value("The desk has waited for this.")
        password(page).fill(PASSWORD)
        press(page, "Sign")
        page.get_by_text("Signed. A second signature is needed before it counts.").wait_for()
        sign_out(page)

        # the approver: the company's account, and a new sign-in there for this one form
        page.get_by_role("link", name="Sign in with Acme SSO").click()
        page.get_by_role("link", name="zoe-1").click()
        page.get_by_test_id("stSidebar").get_by_text("Signed in as Zoe Park").wait_for()
        page.goto(f"{url}/sign_off")
        choose_approve(page)
        reason(page).fill("Better, and nothing broke.")
        press(page, "Sign")
        page.get_by_text("Show first that it is you").wait_for()
        with page.context.expect_page() as opening:
            page.get_by_role("link", name="Show that it is me").click()
        opening.value.get_by_role("link", name="zoe-1").click()
        opening.value.get_by_text("You have shown that it is you").wait_for()
        opening.value.close()
        press(page, "Sign")
        page.get_by_text("Sign-off 1: approved").wait_for()
        assert acme.asked[-1]["prompt"] == "login"

        # the certificate says who decided and why
        with page.expect_download() as downloading:
            page.get_by_role("button", name="Certificate (HTML)").click()
        certificate = Path(downloading.value.path()).read_text("utf-8")
        for said in ("Zoe Park", "Better, and nothing broke.", "Max", "The desk has waited for this."):
            assert said in certificate
        sign_out(page)

        # and the manager releases it
        sign_in(page, url, "releases")
        reason(page).fill("From Monday on.")
        password(page).fill(PASSWORD)
        page.get_by_role("button", name=re.compile("Release$")).first.click()
        page.get_by_text(re.compile("Release 1, since")).first.wait_for()

    connection = database.connect(Settings(data=data))
    conn = connection.cursor()
    case = sign_offs.of_trial(conn, conn.execute("select trial_id from trials").fetchone()[0])[0]
    signed = signatures.of(conn, "sign_off", case.sign_off_id)
    assert [(one["printed_name"], one["meaning"]) for one in signed] == [("Max", "approved"), ("Zoe Park", "approved")]
    assert releases.current(conn, case.task_id, "production")["number"] == 1
    assert audit.first_bad_entry(conn) is None
    connection.close()
