"""One model: where it is, how it is reached, its prices and limits, and whether it answers."""

import streamlit as st

from core.access import roles
from core.evaluation import models, terms
from core.evaluation.models import Model
from core.evaluation.terms import LONGEST_S, MOST_AT_ONCE, Terms
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _connection, _model_reach, _retired

WAYS = {
    "json_schema": N_("holds answers to a JSON schema"),
    "json_object": N_("can be held to JSON, to no schema"),
    "text": N_("gives text only"),
}


def show(model: Model) -> None:
    """What is known of the model, and for an endpoint what can be changed."""
    if model.kind == "api":
        parts.text(f"{model.base_url}\n{model.api_model}" + (f"\n{model.key_env}" if model.key_env else ""))
        way = terms.structured(session.conn(), model.model_id)
        if way:
            st.caption(_("This server %(way)s.", way=plain(WAYS[way])))
        _test(model)
        _terms(model)
        if roles.may(session.person(), "model.manage"):
            _model_reach.show(model)
        _retired.offer(model)
        return
    parts.text(model.path)
    if model.kind == "adapter":
        base = models.find(session.conn(), model.base_model_id or "")
        st.caption(_("An adapter on %(base)s: the base is loaded once for all its adapters.",
                     base=base.name if base else model.base_model_id or ""))  # fmt: skip
    st.dataframe(
        [{plain("File"): name, "SHA-256": digest} for name, digest in sorted(model.file_hashes.items())],
        hide_index=True,
    )
    _retired.offer(model)


def _test(model: Model) -> None:
    if st.button(_("Test connection"), icon=":material/network_check:", key=f"models.test.{model.model_id}"):
        _connection.check(model.base_url or "", model.api_model or "", model.key_env)


def _terms(model: Model) -> None:
    known = terms.of(session.conn(), model.model_id)
    may = roles.may(session.person(), "model.manage")
    key = f"models.terms.{model.model_id}"
    with st.form(key):
        left, middle, right = st.columns(3)
        with left:
            price_prompt = _number(_("Price of a million prompt tokens"), known.price_prompt, f"{key}.prompt", may)
            requests = _number(_("Requests a minute"), known.requests_per_minute, f"{key}.requests", may)
        with middle:
            price_answer = _number(_("Price of a million answer tokens"), known.price_completion, f"{key}.answer", may)
            tokens = _number(_("Tokens a minute"), known.tokens_per_minute, f"{key}.tokens", may)
        with right:
            currency = st.selectbox(
                _("Currency"), terms.CURRENCIES, index=terms.CURRENCIES.index(known.currency), key=f"{key}.currency",
                disabled=not may,
            )  # fmt: skip
            at_once = st.number_input(
                _("Calls at once"), 1, MOST_AT_ONCE, known.concurrency, key=f"{key}.at_once", disabled=not may
            )
        deadline_s = st.number_input(
            _("Seconds for an answer at most"), 1.0, LONGEST_S, known.deadline_s, key=f"{key}.deadline",
            disabled=not may, help=_("With all tries, apart from pauses that the server asks for. Allow more for "
                                     "models that think long, or for a busy server."),
        )  # fmt: skip
        saved = st.form_submit_button(_("Save prices and limits"), disabled=not may, key=f"{key}.save")
    st.caption(_("Empty is: price not known, no limit. Answers that are in keep the cost they came with."))
    if saved:
        with session.refusing():
            agreed = Terms(
                currency=currency, price_prompt=price_prompt, price_completion=price_answer,
                requests_per_minute=requests, tokens_per_minute=tokens, concurrency=at_once,
                deadline_s=deadline_s,
            )  # fmt: skip
            terms.agree(session.conn(), by=session.person(), model_id=model.model_id, terms=agreed)
            session.keep_message(N_("Prices and limits are saved."))
            st.rerun()


def _number(label: str, value: float | None, key: str, may: bool) -> float | None:
    return st.number_input(label, 0.0, None, value, key=key, disabled=not may)
