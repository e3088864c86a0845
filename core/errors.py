"""The one error that people are meant to read."""


class Refusal(Exception):
    """A rule of the product, or the world outside, forbids this; the message is shown to the user as it is.

    The sentence says what is so, what was needed, and what to do. It is an English gettext message id with
    `%(name)s` fields, so that a page can show it in the reader's language.
    """

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message % values if values else message)
        self.message = message
        self.values = values
