"""Calls go where the allow-list says, and never to the machine's own secrets, whatever a name pretends."""

import pytest

from core.errors import Refusal
from core.generation import addresses, remote
from core.generation.base import Decoding, Request


@pytest.mark.parametrize(
    "address",
    ["https://api.example.com/v1", "http://localhost:8000/v1", "http://127.0.0.1:11434/v1", "http://[::1]:8000/v1"],
)
def test_public_https_and_this_machine_are_allowed_without_a_setting(address):
    assert addresses.check(f" {address} ") == address


@pytest.mark.parametrize(
    "address",
    [
        "http://api.example.com/v1",
        "https://api.example.com:8443/v1",
        "http://gpu1:8000/v1",
        "http://localhost.evil.example:80/v1",
        "https://169.254.169.254/latest",
        "https://[fe80::1]/v1",
        "https://[::ffff:169.254.169.254]/v1",
        "https://0.0.0.0/v1",
        "https://[fd00:ec2::254]/v1",
        "https://2852039166/v1",
        "https://0251.0376.0251.0376/v1",
    ],
)
def test_all_else_is_refused_with_what_is_allowed(address):
    with pytest.raises(Refusal, match="not allowed here"):
        addresses.check(address)


def test_the_setting_replaces_the_list_and_a_star_stays_in_its_part(monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_ENDPOINTS", "http://gpu*:8000, https://*.example.com")
    assert addresses.check("http://gpu1:8000/v1")
    assert addresses.check("https://api.example.com/v1")
    for address in ("http://gpu1:8001/v1", "https://gpu1:8000/v1", "https://example.org/v1", "http://127.0.0.1:1/v1"):
        with pytest.raises(Refusal, match="not allowed here"):
            addresses.check(address)
    monkeypatch.setenv("COUNTERSIGN_ENDPOINTS", "http://*:*")
    with pytest.raises(Refusal, match="not allowed here"):
        addresses.check("http://169.254.169.254/v1")


@pytest.mark.parametrize(
    ("ip", "never"),
    [
        ("169.254.169.254", True), ("100.100.100.200", True), ("168.63.129.16", True), ("::ffff:169.254.0.1", True),
        ("64:ff9b::a9fe:a9fe", True), ("2002:a9fe:a9fe::1", True), ("fe80::1%eth0", True), ("0.0.0.0", True),
        ("224.0.0.1", True), ("127.0.0.1", False), ("10.0.0.7", False), ("8.8.8.8", False), ("::1", False),
    ],
)  # fmt: skip
def test_an_ip_address_is_judged_by_where_it_leads(ip, never):
    assert addresses.forbidden(ip) is never


def ask(address):
    """One call through the real client."""
    generator = remote.load(base_url=address, model="m", key_env=None, deadline_s=2)
    question = Request(key="k", messages=({"role": "user", "content": "hi"},))
    return [answer for batch in generator.generate([question], Decoding()) for answer in batch]


def test_a_name_that_leads_to_the_metadata_service_is_never_called(monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_ENDPOINTS", "http://*:*")
    with pytest.raises(Refusal, match=r"leads to 169\.254\.169\.254"):
        ask("http://0xa9fea9fe/v1")  # the same address in hexadecimal, which the system's resolver understands


def test_a_name_that_does_not_exist_is_said_to_be_unknown(monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_ENDPOINTS", "http://*:*")
    with pytest.raises(Refusal, match=r"nowhere\.invalid.* is not known \(DNS\)"):
        ask("http://nowhere.invalid:1/v1")
