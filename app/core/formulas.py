"""Text that no spreadsheet runs as a formula. Pure."""

import re

# What a spreadsheet takes for the start of a formula, also after blanks and in full width.
_GUARDED = re.compile(r"'*[\s\x00-\x1f]*?[\t\r\n=+\-@|%＝＋－＠]")


def guarded(text: str) -> str:
    """Return text that no spreadsheet runs: an apostrophe before what could begin a formula."""
    return f"'{text}" if _GUARDED.match(text) else text


def unguarded(text: str) -> str:
    """Take back exactly what `guarded` added, so that an export reads in again as it was."""
    return text[1:] if text.startswith("'") and _GUARDED.match(text) else text
