"""One batch of a teacher's answers: coming in, the best chosen, a share checked, and the decision."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.access import roles
from core.diagnosis import verdicts
from core.judging import judges, judgings
from core.locale.mark import N_
from core.training import batches, distillations
from core.training.batches import SpotCheck
from pages._ui import parts, persons, session
from pages._ui.session import _, plain


def show(batch: Mapping[str, Any]) -> None:
    """What is known of it, and the one thing to do next."""
    st.markdown(f"**{session.escape(batch['teacher'])}** · {session.escape(batch['licence'])}")
    values = {"name": persons.name(batch["created_by"]), "when": parts.moment(batch["created_at"])}
    st.caption(_("Asked by %(name)s on %(when)s", **values))
    if batch["decision"]:
        _show_decided(batch)
        return
    parts.job(batch["job_id"], f"distil.job.{batch['distillation_id']}")
    if batch["failed"]:
        st.warning(_("%(count)s calls failed. They are counted apart and not as wrong answers.", count=batch["failed"]))
    check = batches.spot_check(session.conn(), batch["distillation_id"])
    if check is not None:
        _decide(batch, check)
    elif batch["answered"] >= batch["planned"] and not parts.is_open(batch["job_id"]):
        _draw(batch)


def _draw(batch: Mapping[str, Any]) -> None:
    conn, key = session.conn(), batch["distillation_id"]
    if not roles.may(session.person(), "train.start"):
        st.info(_("An operator chooses the best answers and draws a share to be judged."))
        return
    known = {None: plain("by the scorer of the eval set")}
    judged = {}
    for judge in judges.of_task(conn, batch["task_id"]):
        known[judge.judge_id] = plain("by the judge “%(name)s”", name=judge.name)
        asked = [one for one in judgings.of_judge(conn, judge.judge_id) if one["run_id"] == batch["run_id"]]
        judged[judge.judge_id] = (judge, asked[0] if asked else None)
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    with left:
        rule = parts.select(
            _("Choose the best candidate"),
            list(known),
            format_func=known.__getitem__,
            key=f"distil.rule.{key}",
            help=_("Of equally good candidates the one that was said most often is kept."),
        )
    share = right.slider(_("Share to be judged by people, in %"), 5, 100, 20, 5, key=f"distil.share.{key}")
    st.caption(_("At least %(fewest)s answers are drawn, or all.", fewest=distillations.FEWEST_CHECKED))
    judge, judging = judged.get(rule, (None, None))
    if judge is not None and (judging is None or parts.is_open(judging["job_id"])):
        if judging is not None:
            parts.job(judging["job_id"], f"distil.judging.{key}")
        elif st.button(_("Ask the judge about all candidates"), icon=":material/gavel:", key=f"distil.judge.{key}"):
            with session.refusing():
                judgings.start(conn, by=session.person(), judge=judge, run_id=batch["run_id"])
                st.rerun()
        return
    if st.button(_("Keep the best and draw the share"), type="primary", key=f"distil.draw.{key}"):
        with session.refusing():
            distillations.draw(
                conn,
                by=session.person(),
                distillation_id=key,
                share=share / 100,
                judging_id=judging["judging_id"] if judging else None,
                name=plain("Spot check"),
            )
            session.keep_message(N_("The drawn answers wait to be judged under Review, Rate."))
            st.rerun()


def _decide(batch: Mapping[str, Any], check: SpotCheck) -> None:
    _show_kept(batch)
    if check.left:
        total = check.left + check.skipped + check.rate.n
        done = {"done": check.rate.n, "total": total}
        st.progress(check.rate.n / total, text=_("%(done)s of %(total)s drawn answers are judged", **done))
        st.caption(_("The pass rate is shown when all are judged, so that nobody stops at a lucky moment."))
        parts.link("review/rate.py", _("Judge them under Review, Rate: “%(name)s”", name=plain("Spot check")),
                   "rate_review")  # fmt: skip
        return
    st.markdown(_rate(check))
    if not roles.may(session.person(), "approve"):
        st.info(_("An approver decides about the batch."))
        return
    key = batch["distillation_id"]
    st.caption(_("Answers that failed the check are left out, and so are samples that people have decided about."))
    reason = st.text_input(_("Reason, needed to reject"), key=f"distil.reason.{key}")
    with st.container(horizontal=True):
        yes = st.button(_("Approve the batch"), type="primary", icon=":material/check:", key=f"distil.yes.{key}")
        no = st.button(_("Reject the batch"), icon=":material/close:", key=f"distil.no.{key}")
    if yes or no:
        with session.refusing():
            count = batches.decide(
                session.conn(), by=session.person(), distillation_id=key, approved=yes, reason=reason
            )
            if yes:
                session.keep_message(
                    N_("%(count)s samples are approved, with the teacher's name on each."), count=count
                )
            st.rerun()


def _show_kept(batch: Mapping[str, Any]) -> None:
    counts = {"kept": batch["kept"], "asked": batch["asked"], "left_out": batch["asked"] - batch["kept"]}
    st.markdown(_("Best answers kept: **%(kept)s of %(asked)s** samples; to %(left_out)s no candidate was right.",
                  **counts))  # fmt: skip


def _rate(check: SpotCheck) -> str:
    rate, values = check.rate, {"n": check.rate.n, "skipped": check.skipped}
    if rate.value is None:
        return _("Nobody has judged any of the drawn answers: all were skipped.")
    values |= {name: verdicts.percent(share) for name, share in
               (("share", rate.value), ("low", rate.low), ("high", rate.high))}  # fmt: skip
    words = _("Of the drawn answers **%(share)s pass**, 95%% interval %(low)s to %(high)s, n=%(n)s.", **values)
    return words + (" " + _("%(skipped)s were skipped.", **values) if check.skipped else "")


def _show_decided(batch: Mapping[str, Any]) -> None:
    _show_kept(batch)
    values = {name: batch[name] for name in ("passed", "checked", "approved")}
    values |= {"name": persons.name(batch["decided_by"]), "when": parts.moment(batch["decided_at"])}
    if batch["decision"] == "approved":
        st.success(_("Approved by %(name)s on %(when)s: %(approved)s samples. Of %(checked)s judged answers %(passed)s "
                     "passed.", **values))  # fmt: skip
    else:
        st.warning(_("Rejected by %(name)s on %(when)s. Of %(checked)s judged answers %(passed)s passed.", **values))
        parts.text(batch["reason"])
