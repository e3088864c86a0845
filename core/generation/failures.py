"""Why a call gave no answer: a short code that can be counted, and values for the sentence in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import Refusal
from core.locale.mark import N_

MESSAGES = {
    "timeout": N_(
        "%(host)s did not answer within %(seconds)s seconds. Try again when it is less busy, or allow more "
        "seconds for an answer on its card under Evaluation, Models."
    ),
    "rate_limit": N_(
        "%(host)s turned the call away because of too many calls (429). Run fewer at once or wait; what is finished "
        "is kept."
    ),
    "dns": N_("The name %(host)s is not known (DNS). Check how the address is spelt, and the network."),
    "unreachable": N_("%(host)s cannot be reached. Check the address and that the server is running."),
    "untrusted": N_(
        "%(host)s shows a certificate that is not trusted here. Check the address, or install its authority."
    ),
    "no_tls": N_("%(host)s does not speak TLS as https needs it. Check the port, or whether http:// is meant."),
    "broken": N_("%(host)s cut the connection before the answer was complete. Try again."),
    "wrong_key": N_("%(host)s does not accept the key in %(key_env)s (%(status)s). Check the key and what it may do."),
    "key_wanted": N_("%(host)s asks for a key (%(status)s). Name the environment variable that holds it."),
    "not_found": N_(
        "%(host)s has no model %(model)s, or no chat completions at this address (404). Check both; most addresses "
        "end in /v1."
    ),
    "no_embeddings": N_(
        "%(host)s has no model %(model)s, or no embeddings at this address (404). Check both; most addresses end "
        "in /v1."
    ),
    "no_vectors": N_(
        "%(host)s did not send one vector of numbers for each of the %(texts)s texts. Check that the model is one for "
        "embeddings."
    ),
    "redirect": N_("%(host)s points to another address (%(status)s), which is not followed. Enter the final address."),
    "server_error": N_("%(host)s failed (%(status)s). Look into the server's log, or try again later."),
    "rejected": N_("%(host)s rejected the call (%(status)s): %(detail)s"),
    "incompatible": N_(
        "%(host)s did not answer as an OpenAI-compatible server does. Check the address; most addresses end in /v1."
    ),
    "no_choice": N_("%(host)s returned no choice, so there is no answer. Try again, or look into the server's log."),
    "no_text": N_("%(host)s returned no text (%(finish)s)."),
    "only_thought": N_(
        "The model used all %(tokens)s tokens before it began to answer. Allow a longer answer, or turn its thinking "
        "off."
    ),
    "too_large": N_("%(host)s sent an answer that is compressed or larger than %(megabytes)s MB; neither is read."),
    "unsendable": N_(
        "The prompt holds broken characters (half of a surrogate pair), which cannot be sent. Correct it."
    ),
    "address": N_(
        "%(host)s leads to %(ip)s, an address inside the network's own machinery (link-local or metadata), which is "
        "never called. Check the name."
    ),
    "too_long": N_(
        "The prompt has %(prompt)s tokens and %(answer)s are kept for the answer, but the model takes %(context)s in "
        "all. Shorten the prompt, the examples or the context."
    ),
    "template": N_("The model's chat template does not take these messages: %(detail)s."),
    "echo": N_(
        "The model gave back what it was shown instead of a corrected answer. Choose a stronger model for corrections."
    ),
    "no_json": N_(
        "The task's answers are JSON, and the model gave a corrected answer without any. Choose a stronger model for "
        "corrections."
    ),
    "memory": N_("The machine ran out of memory on this prompt alone. Use a smaller model or a shorter prompt."),
}
"""Every code's sentence, a gettext id."""

PASSING = {"timeout", "rate_limit", "unreachable", "broken", "server_error"}
"""Those which another try may help."""

WHOLE = {
    "dns", "unreachable", "untrusted", "no_tls", "wrong_key", "key_wanted", "not_found", "redirect", "address",
    "no_embeddings",
}  # fmt: skip
"""Those which every call to the same endpoint would meet."""

PERHAPS_PAID = {"timeout", "broken", "no_choice", "no_text", "only_thought", "too_large", "incompatible"}
"""Those after which the server may have done the work all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One call's failure. `str()` is the English sentence."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.refusal)

    @property
    def refusal(self) -> Refusal:
        """The same as an error for people."""
        return Refusal(MESSAGES[self.code], **self.values)
