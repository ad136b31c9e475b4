"""What is wrong with the cells of one row: told as one text, and taken apart again. Pure."""

import re
from collections.abc import Sequence


def joined(faults: Sequence[tuple[str, str]]) -> str:
    """One text of (header, reason) pairs; the first header is left out, its row names it."""
    (_, first), *others = faults
    return "; ".join(
        [first, *(f"{header}: {reason}" if header else reason for header, reason in others)]
    )


def by_header(headers: Sequence[str], column: str | None, told: str) -> dict[str, str]:
    """Header -> reason, out of what `joined` told of `column`; empty for the row as a whole."""
    if column is None:
        return {}
    longest_first = sorted(filter(None, headers), key=len, reverse=True)
    named = "|".join(map(re.escape, longest_first)) or "(?!)"
    first, *others = re.split(rf"; ({named}): ", told)
    found = {column: first}
    for header, reason in zip(others[::2], others[1::2], strict=True):
        found[header] = f"{found[header]}; {reason}" if header in found else reason
    return found
