"""The company's own sign-in, from our sign-in page through a real provider and back, over the routes and the gate."""

import time
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from core.access import accounts, identities, people, providers, sessions
from core.access.identities import Identity
from core.errors import Refusal
from core.release import signatures
from core.release.signatures import Signing
from core.settings import Settings
from core.store import audit, database
from pages._ui import company, entrance, gate, state
from tests import oidc_provider

OURS = "http://127.0.0.1:8501"
HTML = {"Accept": "text/html,*/*"}
ROLES = '[oidc.roles]\nexpert = ["raters"]\napprover = "leads"\nmanager = ["leads", "heads"]\nadmin = "it"\n'


@pytest.fixture(scope="module")
def provider():
    with oidc_provider.running() as found:
        yield found


@pytest.fixture
def offered(provider, conn, mina, tmp_path, monkeypatch):
    """The provider as the operator set it up, honest and with two people."""
    provider.users = {
        "u-1": {"name": "Ann Wu", "groups": ["leads", "golf"]},
        "u-2": {"name": "Eve", "groups": "raters"},
    }
    provider.lie, provider.signs_with, provider.asked = {}, None, []
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(provider.settings(OURS + providers.CALLBACK, ROLES))
    monkeypatch.setenv("COUNTERSIGN_SECRETS", str(secrets))
    state.close()
    return secrets


async def hello(_request):
    return PlainTextResponse("inside")


@pytest.fixture
def browser(offered):
    """Makes browsers, each with cookies of its own."""
    routes = [*entrance.routes, *company.routes, Route("/rate", hello), Route("/", hello)]
    streamlits = Middleware(SessionMiddleware, secret_key="as Streamlit has it behind ours")
    app = Starlette(routes=routes, middleware=[*gate.middleware, streamlits])
    return lambda: TestClient(app, base_url=OURS, follow_redirects=False)


def away(client, path):
    """Where our link leads: the address of the provider's page."""
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def back(address, user):
    """What the provider sends the browser back with, once this user has signed in there."""
    page = httpx2.get(address)
    assert page.status_code == 200
    answer = httpx2.get(f"{address}&user={user}")
    return answer.headers["location"].removeprefix(OURS)


def sign_in(client, user="u-1", path="/sign-in/company?next=/rate"):
    return client.get(back(away(client, path), user), headers=HTML)


def events(conn, *acts):
    return database.rows(
        conn,
        "select actor, act, subject, detail from audit_events where list_contains(?, act) order by seq",
        [list(acts)],
    )


def test_the_first_sign_in_makes_the_person_in_the_roles_of_their_groups(browser, provider):
    client = browser()
    page = client.get("/sign-in?next=/rate").text
    assert 'href="/sign-in/company?next=%2Frate">Sign in with Acme SSO</a>' in page
    answer = sign_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/rate")
    assert client.get("/rate", headers=HTML).text == "inside"
    ann = sessions.person_of(state.conn(), client.cookies[sessions.COOKIE])
    assert (ann.person_id, ann.name, ann.roles) == ("ann wu", "Ann Wu", {"approver", "manager"})
    asked = provider.asked[0]
    assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == (
        "code",
        "S256",
        "openid profile",
    )
    assert len(asked["state"]) > 20
    assert len(asked["nonce"]) > 15
    assert [one["act"] for one in events(state.conn(), "person.created", "sign_in.succeeded")[1:]] == [
        "person.created", "sign_in.succeeded",
    ]  # fmt: skip
    assert audit.first_bad_entry(state.conn()) is None


def test_the_same_subject_is_the_same_person_and_their_groups_count_at_each_sign_in(browser, provider):
    sign_in(browser())
    provider.users["u-1"] = {"name": "Ann Li-Wu", "groups": ["heads"]}  # married, promoted
    client = browser()
    sign_in(client)
    ann = sessions.person_of(state.conn(), client.cookies[sessions.COOKIE])
    assert (ann.person_id, ann.name, ann.roles) == ("ann wu", "Ann Wu", {"manager"})
    (changed,) = events(state.conn(), "person.roles_changed")
    assert changed["actor"] == "system"
    provider.users["u-1"]["groups"] = []
    assert "None of your groups has a role here" in sign_in(browser()).text


def test_nobody_becomes_somebody_by_bearing_their_name_or_address(browser, provider):
    provider.users["u-2"] = {"name": "Mina", "email": "mina@acme.example", "groups": ["raters"]}
    client = browser()
    sign_in(client, "u-2")
    newcomer = sessions.person_of(state.conn(), client.cookies[sessions.COOKIE])
    assert (newcomer.person_id, newcomer.name, newcomer.roles) == ("mina 2", "Mina 2", {"expert"})
    with pytest.raises(Refusal, match="do not belong together"):
        people.verify(state.conn(), "Mina 2", "")


def test_who_is_deactivated_stays_out_and_their_open_session_is_over(browser, mina):
    client = browser()
    sign_in(client)
    accounts.deactivate(state.conn(), "ann wu", by=mina)
    assert client.get("/rate").status_code == 401
    answer = sign_in(browser())
    assert (answer.status_code, sessions.COOKIE in answer.cookies) == (403, False)
    assert "Your account here has ended" in answer.text
    assert events(state.conn(), "sign_in.failed")[-1]["subject"] == "ann wu"


def test_without_a_mapping_an_admin_gives_the_roles(browser, provider, offered, mina):
    offered.write_text(provider.settings(OURS + providers.CALLBACK))
    assert "have no role yet" in sign_in(browser()).text
    accounts.set_roles(state.conn(), "ann wu", ["expert"], by=mina)
    client = browser()
    assert sign_in(client).status_code == 303
    assert sessions.person_of(state.conn(), client.cookies[sessions.COOKIE]).roles == {"expert"}


LIES = {
    "another audience": {"aud": "another client"},
    "another issuer": {"iss": "https://evil.example"},
    "another nonce": {"nonce": "replayed"},
    "no nonce": {"nonce": None},
    "long expired": {"exp": 1},
    "nobody": {"sub": None},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_was_not_made_for_this_sign_in_is_refused_and_on_record(browser, provider, lie):
    provider.lie = LIES[lie]
    client = browser()
    answer = sign_in(client)
    assert (answer.status_code, sessions.COOKIE in client.cookies) == (403, False)
    assert "did not succeed" in answer.text
    assert events(state.conn(), "sign_in.failed")[0]["subject"] == "unknown name"
    assert len(people.everyone(state.conn())) == 1


def test_a_token_signed_with_another_key_is_refused(browser, provider):
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "first"})
    assert "did not succeed" in sign_in(browser()).text


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(browser):
    client, other = browser(), browser()
    path = back(away(client, "/sign-in/company"), "u-1")
    assert "begun in another browser" in other.get(path, headers=HTML).text
    away(other, "/sign-in/company")
    assert "did not succeed" in other.get(path, headers=HTML).text  # another state than this browser's
    assert client.get(path, headers=HTML).status_code == 303
    assert "begun in another browser" in client.get(path, headers=HTML).text
    stale = back(away(client, "/sign-in/company"), "u-1")
    next(iter(company._flows.values())).began -= company.LASTS + 1
    assert "too old" in client.get(stale, headers=HTML).text


def test_who_says_no_at_the_provider_is_told_so_and_nobody_is_sent_elsewhere(browser):
    client = browser()
    query = dict(parse_qsl(urlsplit(away(client, "/sign-in/company?next=//evil.example")).query))
    refused = client.get(f"{providers.CALLBACK}?error=access_denied&state={query['state']}", headers=HTML)
    assert "did not succeed" in refused.text
    assert '"why":"access_denied"' in events(state.conn(), "sign_in.failed")[0]["detail"].replace(" ", "")
    assert sign_in(browser(), path="/sign-in/company?next=//evil.example").headers["location"] == "/"


def test_a_provider_that_is_down_is_a_sentence_and_passwords_still_work(browser, provider, offered):
    offered.write_text(provider.settings(OURS + providers.CALLBACK).replace(provider.issuer, "http://127.0.0.1:9"))
    client = browser()
    assert "cannot be reached now" in client.get("/sign-in/company").text
    answer = client.post(
        "/sign-in", data={"name": "Mina", "password": "four plain words here"}, headers={"Origin": OURS}
    )
    assert answer.status_code == 303


def test_failures_from_outside_cannot_fill_the_audit_trail(conn, offered):
    for _ in range(identities.WRITTEN_A_MINUTE + 5):
        identities.failed(state.conn(), "made up")
    assert len(events(state.conn(), "sign_in.failed")) == identities.WRITTEN_A_MINUTE


def asked_for(client, what="plan"):
    """A form somebody is about to sign; its name, and the signing that will be sent."""
    conn = state.conn()
    person = sessions.person_of(conn, client.cookies[sessions.COOKIE])
    token = signatures.challenge(conn, by=person, subject=what, digest="d")
    signing = Signing(password="", challenge=token, reason="As agreed.")
    return person, signing, f"{company.CONFIRM}?for={signatures.form_name(token)}"


def prove(person, signing):
    return signatures.authenticate(state.conn(), signing, "sign_off.sign", by=person, subject="plan", digest="d")


def test_who_has_no_password_signs_after_a_new_sign_in_for_this_one_form(browser, provider):
    client = browser()
    sign_in(client)
    person, signing, path = asked_for(client)
    with pytest.raises(Refusal, match="Show first that it is you"):
        prove(person, signing)
    answer = sign_in(client, path=path)
    assert "You have shown that it is you" in answer.text
    assert (provider.asked[-1]["prompt"], provider.asked[-1]["max_age"]) == ("login", "0")
    _, other, _ = asked_for(client)
    with pytest.raises(Refusal, match="Show first"):
        prove(person, other)  # the confirmation was for the first form
    assert prove(person, signing) == person
    with pytest.raises(Refusal, match="Show first"):
        prove(person, signing)  # and is used up


def test_a_confirmation_is_good_for_five_minutes(browser):
    client = browser()
    sign_in(client)
    person, signing, path = asked_for(client)
    sign_in(client, path=path)
    state.conn().execute("update confirmations set confirmed_at = confirmed_at - interval 5 minute")
    with pytest.raises(Refusal, match="Show first"):
        prove(person, signing)


def test_an_old_sign_in_at_the_provider_or_somebody_elses_confirms_nothing(browser, provider):
    client = browser()
    sign_in(client)
    person, signing, path = asked_for(client)
    for auth_time in (int(time.time()) - 3600, None):
        provider.lie = {"auth_time": auth_time}
        assert "did not" in sign_in(client, path=path).text
    provider.lie = {}
    assert "signed in as somebody else" in sign_in(client, "u-2", path).text
    assert len(events(state.conn(), "confirmation.failed")) == 3
    with pytest.raises(Refusal, match="Show first"):
        prove(person, signing)
    assert "begun in another browser" in client.get(f"{company.CONFIRM}?for=guess", headers=HTML).text
    assert browser().get(path, headers=HTML).headers["location"].startswith("/sign-in?")


def test_a_password_is_never_given_to_an_account_of_the_company(conn, offered, mina):
    identity = Identity(issuer="https://acme.example", subject="u-9", names=["Zoe"], groups=["g"])
    zoe = identities.admit(state.conn(), identity, mapping={"g": ["expert"]})
    with pytest.raises(Refusal, match="is the company's"):
        accounts.give_password(state.conn(), zoe.person_id, "four plain words here", by=mina)
    with pytest.raises(Refusal, match="is the company's"):
        accounts.change_password(state.conn(), by=zoe, old="", new="four plain words here")


@pytest.mark.parametrize(
    ("named", "more", "label", "scope", "prompt"),
    [
        ("", "", "SSO", "openid email profile", "select_account"),
        ("", 'client_kwargs = { scope = "openid", prompt = "consent" }\n', "SSO", "openid", "consent"),
        ("acme", "", "acme", "openid email profile", "select_account"),
        ("acme", 'client_kwargs = { scope = "openid groups" }\n[oidc]\nlabel = "Acme SSO"\n', "Acme SSO",
         "openid groups", "select_account"),
    ],
)  # fmt: skip
def test_the_sections_that_streamlit_documents_for_its_own_sign_in_work_as_they_are(
    browser, provider, offered, named, more, label, scope, prompt
):
    roles = ROLES if "[oidc]" in more else "[oidc]\n" + ROLES
    offered.write_text(provider.streamlit_settings(OURS + providers.CALLBACK, named, more + roles))
    client = browser()
    assert f"Sign in with {label}</a>" in client.get("/sign-in").text
    assert sign_in(client).status_code == 303
    ann = sessions.person_of(state.conn(), client.cookies[sessions.COOKIE])
    assert (ann.name, ann.roles) == ("Ann Wu", {"approver", "manager"})
    assert (provider.asked[-1]["scope"], provider.asked[-1]["prompt"]) == (scope, prompt)
    assert provider.asked[-1]["code_challenge_method"] == "S256"
    assert not [name for name in client.cookies if name.startswith("_streamlit")]  # no identity for thirty days
    person, signing, path = asked_for(client)
    sign_in(client, path=path)
    assert (provider.asked[-1]["prompt"], provider.asked[-1]["max_age"]) == ("login", "0")
    assert prove(person, signing) == person


def test_without_roles_in_the_file_an_admin_gives_them_whatever_the_sections_are_called(browser, provider, offered):
    offered.write_text(provider.streamlit_settings(OURS + providers.CALLBACK))
    assert "have no role yet" in sign_in(browser()).text


def test_one_of_several_providers_is_named_and_the_port_is_filled_in(tmp_path):
    secrets = tmp_path / "s.toml"
    there = "client_id='x'\nserver_metadata_url='https://idp/x'\n"
    both = f"[auth]\nredirect_uri='http://localhost:{{port}}/oauth2callback'\n[auth.a]\n{there}[auth.b]\n{there}"
    secrets.write_text(both)
    settings = Settings(data=tmp_path, secrets=secrets)
    with pytest.raises(Refusal, match=r"several providers \(a, b\)"):
        providers.read(settings)
    secrets.write_text(both + "[oidc]\nprovider='b'\n")
    found = providers.read(settings, port=9000)
    assert (found.label, found.redirect_uri) == ("b", "http://localhost:9000/oauth2callback")
    secrets.write_text(both + "[oidc]\nprovider='c'\n")
    with pytest.raises(Refusal, match=r"no \[auth.c\]"):
        providers.read(settings)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("[auth]\nclient_id='x'\nredirect_uri='https://us/oauth2callback'", r"\[auth\] in .* lacks server_metadata"),
        ("[auth]\nserver_metadata_url='https://idp/x'\nclient_id='x'\nredirect_uri='https://us/oauth2callback'\n"
         "client_kwargs={verify=false}", "client_kwargs in the secrets file has verify"),
        ("[auth]\nserver_metadata_url='https://idp/x'\nclient_id='x'\nredirect_uri='https://us/oauth2callback'\n"
         "client_kwargs={code_challenge_method='plain'}", "has code_challenge_method"),
        ("[oidc]\nclient_id = 'x'", "lacks server_metadata_url, redirect_uri"),
        ("[oidc]\nserver_metadata_url='http://idp.example/x'\nclient_id='x'\nredirect_uri='https://us/oauth2callback'",
         "has to begin with https"),
        ("[oidc]\nserver_metadata_url='https://idp/x'\nclient_id='x'\nredirect_uri='https://us/elsewhere'",
         "has to end in /oauth2callback"),
        ("[oidc]\nserver_metadata_url='https://idp/x'\nclient_id='x'\nredirect_uri='https://us/oauth2callback'\n"
         "[oidc.roles]\nowner='g'", "no role owner"),
        ("[oidc", "cannot be read"),
    ],
)  # fmt: skip
def test_a_section_that_cannot_work_is_a_sentence_at_the_start(tmp_path, written, sentence):
    (tmp_path / "s.toml").write_text(written)
    with pytest.raises(Refusal, match=sentence):
        providers.read(Settings(data=tmp_path, secrets=tmp_path / "s.toml"))


def test_without_a_section_there_is_no_company_sign_in(tmp_path):
    assert providers.read(Settings(data=tmp_path, secrets=tmp_path / "none.toml")) is None
