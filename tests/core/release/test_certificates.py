"""What leaves the house: one file that says the same as the screen, in either language, and runs nothing."""

import codecs
import csv
import hashlib
import io
import json
from html import escape

import openpyxl
import pypdf
import pytest

from core.release import agreed, breakages, certificates, gates, plans, records, sign_offs, signatures, trail
from core.store import database

NASTY = "=cmd|' /C calc'!A0 <script>alert(1)</script>"


@pytest.fixture
def house(enter):
    """With an approved sign-off, whose reason tries to be more than text."""
    house = enter("signed")
    house.conn.execute("update signatures set reason = ? where kind = 'sign_off'", [NASTY])
    return house


@pytest.fixture
def signed(house):
    return sign_offs.of_trial(house.conn, house.trial_id)[0].sign_off_id


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_five_things_of_a_signature_are_the_same_in_every_export(house, signed, language):
    shown = signatures.shown(signatures.of(house.conn, "sign_off", signed)[0])
    record = records.collect(house.conn, signed)
    assert json.loads(json.dumps(record, default=str))["signatures"] == [shown]
    page = certificates.html(record, language)
    for name in ("name", "utc", "local", "reason"):
        assert escape(shown[name]) in page
    assert {"en": "approved", "zh": "已批准"}[language] in page
    book = openpyxl.load_workbook(io.BytesIO(records.workbook(record)))
    head, row = book["signatures"].iter_rows(values_only=True)
    assert dict(zip(head, row, strict=True)) == {**shown, "reason": "'" + shown["reason"]}
    text = records.signatures_csv(record)
    assert text.startswith(codecs.BOM_UTF8)  # a spreadsheet shows Chinese then
    plan, decision = csv.DictReader(io.StringIO(text.decode("utf-8-sig")))
    assert decision == {"signed": "sign-off 1", **shown, "reason": "'" + shown["reason"]}
    assert plan == {"signed": "plan, version 1", **record["plan"][0]["signature"]}
    assert all(cell.data_type == "s" for sheet in book for line in sheet.iter_rows() for cell in line if cell.value)


def test_the_page_is_one_file_that_runs_and_fetches_nothing(house, signed):
    page = certificates.html(records.collect(house.conn, signed), "en")
    assert "<script" not in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")
    assert "<svg" in page
    assert "default-src 'none'" in page
    case = sign_offs.find(house.conn, signed)
    assert case.digest in page
    assert all(hashed in page for hashed in case.evidence.values())
    assert trail.head(house.conn)["hash"] in page
    assert "40" in page
    for line in ("<td>Eval set</td><td>Parcels, version 1 (", "<td>Measure of success</td><td>correct</td>",
                 "<td>Use of a judge model</td><td>none</td>", "<td>Judges that read the answers</td><td>none</td>",
                 "<td>Decoding (gate, after)</td><td>at most 10 tokens, temperature 0.0, 1 per sample</td>",
                 "<td>Put up by</td><td>Mina</td>", "<td>Trained by</td><td>Mina</td>"):  # fmt: skip
        assert line in page
    assert "95% interval" in page


def test_an_override_is_red_and_every_broken_sample_stands_there_with_its_reason(enter):
    house = enter("breaks")
    sign_off_id = house.put_up(house.trial_id)
    house.sign(sign_off_id, house.ann, "overridden", reason="The old one is switched off tonight.")
    house.sign(sign_off_id, house.max, "overridden")
    page = certificates.html(records.collect(house.conn, sign_off_id), "en")
    assert 'class="banner overridden"' in page
    assert "Approved although the gate was not passed" in page
    assert page.count("A rare case.") == len(breakages.broken(plans.report(house.conn, house.trial_id))) == 4


def test_an_amendment_after_the_results_is_on_the_certificate(enter):
    house = enter("passes")
    trial_id = house.trial_id
    house.plan(trial_id)
    house.plan(trial_id, margin=0.3)
    sign_off_id = house.request(trial_id)
    page = certificates.html(records.collect(house.conn, sign_off_id), "en")
    assert "Amended after the results could be seen." in page


def test_the_same_numbers_come_out_of_the_stored_answers_again(house, signed):
    case = sign_offs.find(house.conn, signed)
    again = sign_offs.findings(gates.judge(house.conn, case.trial_id))
    assert json.loads(json.dumps(again)) == case.findings
    assert database.rows(house.conn, "select 1 as one from jobs where state = 'queued'") == []  # nothing was asked anew


def test_a_sign_off_that_lapsed_says_so_on_its_certificate(house, signed):
    house.conn.execute("update prompts set system = system || '.'")
    page = certificates.html(records.collect(house.conn, signed), "en")
    assert "This does not hold any more. Changed or ended since it was signed: Prompts." in page
    for language, titles in {"en": ["Numbers", "Gate"], "zh": ["数据", "门禁", "签名", "计划", "哈希"]}.items():
        page = certificates.html(records.collect(house.conn, signed), language)
        assert [title for title in titles if f"<h2>{title}</h2>" in page] == titles


def test_a_judge_stands_there_with_how_it_stands_beside_people():
    rate = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 60}
    judges = [{"name": "<b>", "model": "Big", "calibration": {"samples": 60, "agreement": rate}}]
    judges += [{"name": "New", "model": "Big", "calibration": None}]
    found = {"metric": "correct", "sets": [], "use": "triage", "judges": judges, "runs": []}
    said = [text for _, text in agreed.lines(found, lambda message, **values: message % values if values else message)]
    assert said[1:] == [
        "only sorts what people read first",
        "<b> (Big), agrees with people on 90% of 60 samples, 95% interval 80% to 95%",
        "New (Big), never held against people",
    ]


def test_the_plan_is_a_sheet_and_the_record_one_text_that_anybody_can_check(house, signed):
    record = records.collect(house.conn, signed)
    rows = list(openpyxl.load_workbook(io.BytesIO(records.workbook(record)))["plan"].iter_rows(values_only=True))
    assert ("1", "metric", "correct") in rows
    assert ("1", "signature name", "Mina") in rows
    assert any(item == "Eval set" and value.startswith("Parcels, version 1") for _, item, value in rows)
    said = json.loads(records.exported(record))
    written = said.pop("hash")

    def hashed(value):
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    assert hashed(said) == written
    assert hashed(said["evidence"]) == said["digest"] == sign_offs.find(house.conn, signed).digest
    assert said["signatures"][0]["reason"] == NASTY
    said["signatures"][0]["reason"] = "Another."
    assert hashed(said) != written


def test_a_browser_prints_it(house, signed):
    printed = certificates.pdf(certificates.html(records.collect(house.conn, signed), "zh"))
    assert printed is not None
    pages = pypdf.PdfReader(io.BytesIO(printed)).pages
    said = "".join("".join(page.extract_text().split()) for page in pages)
    shown = signatures.shown(signatures.of(house.conn, "sign_off", signed)[0])
    for value in (shown["name"], shown["utc"], shown["local"], shown["reason"], "已批准"):
        assert "".join(value.split()) in said
