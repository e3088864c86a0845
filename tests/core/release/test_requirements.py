"""What a decision that can be relied on needs, and the tests that prove each part of it; the table is kept whole here.

Anchors: 21 CFR 11.10, 11.50, 11.70 and 11.200, PRA SS1/23, OWASP ASVS 5.0, EU AI Act Art. 12 and 19. Countersign
supports these; whether an installation complies is for those who run it to say.
"""

import ast
import json
import re
import subprocess
import sys

import pytest

from core.release import sign_offs
from core.settings import REPOSITORY
from tests.core.release.conftest import _opened

RELEASE, ACCESS, STORE = "core/release/test_", "core/access/test_", "core/store/test_"
PROVED = {
    "D1 a signature shows name, time in UTC and on the signer's clock, meaning and reason, the same everywhere": [
        RELEASE + "certificates::test_the_five_things_of_a_signature_are_the_same_in_every_export",
        RELEASE + "sign_offs::test_an_independent_approver_alone_is_enough_for_an_approval",
        "browser/test_signing::test_a_manager_and_an_approver_sign_and_the_release_moves",
    ],
    "D2 it is bound to everything the decision rests on": [
        RELEASE + "sign_offs::test_any_one_thing_altered_is_named_and_the_signature_no_longer_matches",
        RELEASE + "sign_offs::test_every_item_is_covered_by_that_test_or_by_the_next",
        RELEASE + "sign_offs::test_a_signature_of_an_earlier_version_is_checked_as_it_was_made",
        RELEASE + "certificates::test_the_plan_is_a_sheet_and_the_record_one_text_that_anybody_can_check",
        RELEASE + "sign_offs::test_another_version_of_the_statistics_makes_the_sign_off_stale",
        RELEASE + "sign_offs::test_a_byte_changed_in_a_model_file_is_found",
    ],
    "D3 who signs shows at that moment who they are, and a form counts once": [
        RELEASE + "sign_offs::test_without_the_password_or_with_a_used_or_foreign_form_nobody_signs",
        "pages/test_company::test_who_has_no_password_signs_after_a_new_sign_in_for_this_one_form",
        "pages/test_company::test_an_old_sign_in_at_the_provider_or_somebody_elses_confirms_nothing",
        "pages/test_company::test_a_confirmation_is_good_for_five_minutes",
    ],
    "D4 four eyes, and no role goes around them": [
        RELEASE + "sign_offs::test_requester_and_trainer_cannot_be_the_only_approver_whatever_their_roles",
        RELEASE + "sign_offs::test_a_main_rater_cannot_be_the_only_approver",
        RELEASE + "sign_offs::test_every_role_is_checked_by_the_function_itself",
        ACCESS + "every_function::test_a_function_is_closed_to_every_role_but_its_own",
        ACCESS + "every_function::test_every_function_that_changes_something_says_whose_it_is",
    ],
    "D5 the plan is signed before anybody sees a result; a change of it is signed and stays visible": [
        RELEASE + "sign_offs::test_results_are_hidden_until_a_plan_is_signed",
        RELEASE + "sign_offs::test_who_looks_without_a_plan_may_but_nothing_can_be_signed_off_any_more",
        RELEASE + "sign_offs::test_an_amendment_after_the_results_is_signed_and_marked_on_every_report",
        RELEASE + "proofs::test_nobody_peeks_before_every_answer_is_in",
        "pages/test_sign_off::test_results_are_hidden_on_every_page_until_a_plan_is_signed",
    ],
    "D6 the order of the steps holds whatever people try": [
        RELEASE + "any_order::test_no_order_of_acts_leads_where_the_rules_do_not",
        RELEASE + "sign_offs::test_the_order_of_the_steps_cannot_be_changed",
        RELEASE + "kills::test_a_kill_leaves_a_legal_state_and_one_can_go_on",
    ],
    "D7 history is appended to; what was said first stays readable": [
        RELEASE + "sign_offs::test_three_edits_of_a_rating_leave_three_entries_and_the_original_readable",
        RELEASE + "sign_offs::test_a_blocker_fails_the_gate_and_every_answer_stays_readable",
        RELEASE + "requirements::test_nothing_that_was_judged_signed_or_recorded_is_ever_changed_or_deleted",
    ],
    "D8 every act is chained by hash, and the first bad entry is named": [
        STORE + "audit::test_the_first_altered_entry_is_named",
        STORE + "audit::test_fifty_threads_leave_one_unbroken_chain",
        RELEASE + "verify::test_the_first_bad_entry_is_named",
    ],
    "D9 the head is anchored outside the database, so a cut tail shows": [
        STORE + "audit::test_a_cut_tail_is_noticed_at_the_next_start",
        STORE + "audit::test_an_older_database_swapped_in_is_noticed",
        "browser/test_recovery::test_missing_entries_are_shown_in_both_languages_and_accepted_by_signature",
    ],
    "D10 an export is verified alone, elsewhere": [
        RELEASE + "verify::test_a_whole_trail_is_said_to_be_whole_by_the_file_alone",
        RELEASE + "verify::test_a_cut_tail_shows_beside_the_anchor_or_a_noted_head",
    ],
    "D11 no and not enough are decisions; an override takes two and stays red": [
        RELEASE + "sign_offs::test_no_is_a_decision_too_and_it_stands",
        RELEASE + "sign_offs::test_what_did_not_pass_the_gate_is_overridden_by_two_or_not_at_all",
        RELEASE + "certificates::test_an_override_is_red_and_every_broken_sample_stands_there_with_its_reason",
        "pages/test_sign_off::test_broken_samples_are_answered_on_the_page_and_an_override_stays_red_everywhere",
    ],
    "D12 an alias moves by a signed release only, and of two moves one wins": [
        RELEASE + "releases::test_only_what_was_approved_is_released",
        RELEASE + "releases::test_of_two_moves_at_once_exactly_one_wins",
    ],
    "D13 the way back is one signed move, served without a restart, and not to what is damaged": [
        RELEASE + "releases::test_the_way_back_is_one_signed_move_and_leaves_both_in_the_history",
        RELEASE + "releases::test_there_is_no_way_back_to_a_damaged_bundle_or_to_one_that_never_answered",
        RELEASE + "serving::test_a_release_answers_moves_without_a_restart_streams_and_refuses_what_is_damaged",
    ],
    "D14 a sign-off has a scope and a day on which it ends, and goes stale with what it rests on": [
        RELEASE + "sign_offs::test_a_sign_off_ends_on_its_day",
        RELEASE + "sign_offs::test_another_prompt_on_its_rung_or_other_bytes_on_the_disk_make_it_stale",
        RELEASE + "releases::test_a_stale_sign_off_or_an_altered_model_file_is_not_released",
        RELEASE + "certificates::test_a_sign_off_that_lapsed_says_so_on_its_certificate",
    ],
    "D15 the same digits come out of the record again": [
        RELEASE + "certificates::test_the_same_numbers_come_out_of_the_stored_answers_again",
        RELEASE + "requirements::test_another_process_finds_the_same_digits_and_asks_no_model",
    ],
    "D16 everything in use is listed with owner, purpose, last sign-off and next review": [
        RELEASE + "releases::test_the_inventory_names_everything_in_use_with_owner_and_next_review",
    ],
    "D17 people are named, ended and never deleted; what fails is on record, and nothing is thrown away": [
        ACCESS + "accounts::test_who_is_deactivated_is_out_at_once_and_can_come_back",
        ACCESS + "people::test_every_attempt_is_audited_but_a_name_nobody_has_is_never_written_down",
        ACCESS + "people::test_after_three_failures_each_further_try_waits_twice_as_long",
        ACCESS + "people::test_ten_wrong_in_a_row_lock_the_name_for_a_quarter_of_an_hour",
        ACCESS + "accounts::test_an_admin_opens_a_locked_account_and_it_is_on_record",
        ACCESS + "sessions::test_a_session_ends_when_nobody_used_it_for_a_working_day_and_goes_on_when_somebody_did",
        "pages/test_session_ends::test_what_ends_a_session_ends_it_in_the_page_that_is_open",
        "pages/test_company::test_who_is_deactivated_stays_out_and_their_open_session_is_over",
        "pages/test_people::test_an_admin_sees_failed_attempts_and_who_has_to_wait",
    ],
    "D18 raters see no version, in an order of their own, and nobody judges an answer in their own words": [
        "pages/test_rate::test_nothing_tells_the_version",
        "pages/test_rate::test_the_card_is_told_nothing_of_the_version",
        "core/review/test_comparisons::test_sides_are_shuffled_with_a_seed_that_is_kept",
        "core/review/test_ratings::test_each_rater_has_an_order_of_their_own_that_can_be_drawn_again",
        "core/review/test_ratings::test_nobody_rates_what_they_wrote_themselves",
        "core/review/test_comparisons::test_each_rater_has_an_order_of_their_own_that_stays",
        "core/review/test_comparisons::test_nobody_compares_their_own_words",
    ],
}
"""A requirement -> the tests that prove it."""


@pytest.mark.parametrize("requirement", PROVED, ids=lambda name: name.split()[0])
def test_a_requirement_has_its_tests(requirement):
    for place in PROVED[requirement]:
        path, _, name = place.partition("::")
        tree = ast.parse((REPOSITORY / "tests" / f"{path}.py").read_text("utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, place


FOR_EVER = (
    "audit_events", "signatures", "release_plans", "sign_offs", "breakages", "openings", "releases", "alias_moves",
    "ratings", "approvals", "people", "sign_in_attempts", "unlocks",
)  # fmt: skip
MAY_CHANGE = {("update", "people")}
"""Password, roles, language and whether somebody is still active; the audit trail keeps each change."""


def test_nothing_that_was_judged_signed_or_recorded_is_ever_changed_or_deleted():
    found = set()
    for path in (REPOSITORY / "core").rglob("*.py"):
        for act, table in re.findall(r"\b(update|delete from|truncate) (\w+)\b", path.read_text("utf-8")):
            found.add((act, table))
    assert {(act, table) for act, table in found if table in FOR_EVER} == MAY_CHANGE


AGAIN = """
import json, sys
from pathlib import Path
from core.release import gates, sign_offs
from core.settings import Settings
from core.store import database
conn = database.connect(Settings(data=Path(sys.argv[1]))).cursor()
found = sign_offs.findings(gates.judge(conn, sys.argv[2]))
print(json.dumps([found, conn.execute("select count(*) from jobs where state <> 'done'").fetchone()[0]]))
"""


def test_another_process_finds_the_same_digits_and_asks_no_model(built, settings):
    with _opened(built("signed"), settings) as house:
        case = sign_offs.of_trial(house.conn, house.trial_id)[0]
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, str(settings.data), case.trial_id],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert json.loads(done.stdout) == [case.findings, 0], done.stderr
