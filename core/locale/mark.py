"""Marks a message for the catalogues where it is written, to be translated where it is shown."""


def N_(message: str) -> str:
    """The message itself; the extractor finds it by this name."""
    return message
